"""Lung findings that are not COVID-19: what gravity, smoke, old disease and bacteria leave in a lung.

None of them is in the binary mask. Each has a label of its own in the sign labels, so a lesson can show where it lies.
"""

from __future__ import annotations

import numpy as np

from mosmed_edu.phantom.fields import Cells, OctaveNoise, SmoothNoise, smoothstep
from mosmed_edu.phantom.lesions import Lesions
from mosmed_edu.phantom.signs import SIGN
from mosmed_edu.phantom.voxels import LungVoxels, ravel

#: Stage number in the seed sequence; each finding has a stream of its own, so one does not move another.
_STAGE = 31


def add_findings(findings, lesions: Lesions, seed: int) -> None:
    """Draw a study's lung findings over its lesions, in place.

    Parameters
    ----------
    findings : Findings
        Dependent atelectasis, emphysema, apical scars, nodules and lobar pneumonia are drawn here.
    lesions : Lesions
        Its `hu`, `solid` and `labels` change; labels 1 to 3, the mask, stay.
    seed : int
        The patient's seed.
    """
    painters = (
        (_emphysema, findings.emphysema),
        (_lobar_pneumonia, findings.lobar_pneumonia),
        (_dependent_atelectasis, findings.dependent_atelectasis),
        (_apical_scars, findings.apical_scars),
        (_nodules, findings.nodules),
    )
    if not len(lesions.voxels):
        return
    for number, (paint, amount) in enumerate(painters):
        if amount:
            paint(lesions, amount, np.random.default_rng(np.random.SeedSequence([seed, _STAGE, number])))


def _mark(lesions: Lesions, where: np.ndarray, name: str) -> None:
    """Label voxels that bear no sign of the disease yet."""
    labels = ravel(lesions.labels)
    flat = lesions.voxels.flat[where]
    labels[flat[labels[flat] == 0]] = SIGN[name]


def _toward(lesions: Lesions, amount: np.ndarray, target: np.ndarray | float) -> None:
    """Move tissue towards a denser target; what is denser stays."""
    lesions.hu += amount * np.maximum(target - lesions.hu, 0)


def _above_the_back(voxels: LungVoxels) -> np.ndarray:
    """Height of every voxel above the dependent edge of its lung, in mm (the patient lies supine).

    The edge is the lowest voxel of the same sagittal line. Lines that begin well in front of the lung's lowest voxel on
    the slice begin at the side or the mediastinum, not at the back; there the height is made larger.
    """
    rows, slices = voxels.frame.shape[0], voxels.frame.shape[2]
    line, lung = np.full((rows, slices), np.inf, np.float32), np.full((2, slices), np.inf, np.float32)
    side = voxels.left.astype(np.int64)
    np.minimum.at(line, (voxels.i, voxels.k), voxels.y)
    np.minimum.at(lung, (side, voxels.k), voxels.y)
    edge = line[voxels.i, voxels.k]
    return voxels.y - edge + np.maximum(edge - lung[side, voxels.k] - 20, 0) / 2


def _height(voxels: LungVoxels) -> np.ndarray:
    """0 at the lungs' base, 1 at the apex."""
    low, high = voxels.z.min(), voxels.z.max()
    return (voxels.z - low) / max(float(high - low), 1.0)


def _dependent_atelectasis(lesions: Lesions, amount: float, rng: np.random.Generator) -> None:
    """A hazy band along the back that fades within a centimetre or two, stronger at the base."""
    voxels = lesions.voxels
    uneven = voxels.noise(OctaveNoise(rng, (20, 12, 20), (0.6, 0.4)))
    depth = (3 + 9 * amount) * np.clip(1 + 0.45 * uneven, 0.2, 2.2) * (1.25 - 0.75 * _height(voxels))
    dose = np.exp(-((_above_the_back(voxels) / depth) ** 2))
    _toward(lesions, dose * (0.35 + 0.4 * amount), -180.0)
    _mark(lesions, dose > 0.5, "dependent atelectasis")


def _emphysema(lesions: Lesions, amount: float, rng: np.random.Generator) -> None:
    """Holes without walls in the middle of lobules, most in the upper lobes; all of the lung a little emptier."""
    voxels = lesions.voxels
    lesions.hu -= np.float32(30 * amount) * (lesions.hu < -700)
    wish = voxels.noise(SmoothNoise(rng, 22)) + 2.2 * (_height(voxels) - 0.55)
    here = np.flatnonzero(wish > 1.3 - 1.9 * amount)
    cells = Cells(rng, 8.5, empty=0.4)
    edge, cell = cells.at(voxels.points[here])
    open_cells = rng.random(len(cells)) < 0.35 + 0.5 * amount
    grow = smoothstep(wish[here], 1.3 - 1.9 * amount, 2.1 - 1.9 * amount)
    hole = smoothstep(edge, 1.1, 2.6) * open_cells[cell] * grow * (1 - lesions.haze[here])
    lesions.hu[here] += hole * np.minimum(-975 - lesions.hu[here], 0)
    _mark(lesions, here[hole > 0.5], "emphysema")


def _apical_scars(lesions: Lesions, amount: float, rng: np.random.Generator) -> None:
    """Irregular bands and a cap of pleural thickening at the apices, with a few specks of lime."""
    voxels = lesions.voxels
    top = np.zeros(len(voxels), np.float32)
    for side in (voxels.left, ~voxels.left):
        if side.any():
            below = voxels.z[side].max() - voxels.z[side]
            top[side] = smoothstep(-below, -32, -6) * rng.uniform(0.5, 1)
    reach = voxels.noise(SmoothNoise(rng, 9))
    cap = top * smoothstep(1.5 * amount + 1.2 * reach - voxels.pleura, -1.0, 1.0)
    strands = np.zeros(len(voxels), np.float32)
    here = np.flatnonzero(top > 0.15)
    under_pleura = here[(voxels.pleura[here] > 4) & (voxels.pleura[here] < 18)]
    for focus in rng.choice(under_pleura, 1 + int(4 * amount)) if len(under_pleura) else ():
        for _ in range(rng.integers(4, 8)):
            _strand(strands, voxels, here, voxels.points[focus], rng)
    dose = np.maximum(strands * np.clip(0.9 + 0.3 * reach, 0.4, 1), cap)
    _toward(lesions, dose, 20.0)
    lesions.solid = np.maximum(lesions.solid, np.float32(0.6) * cap)  # solid at the pleura, but no air bronchograms
    specks = (strands > 0.7) & (voxels.noise(SmoothNoise(rng, 3)) > 2.1)
    lesions.hu[specks] = 420
    _mark(lesions, dose > 0.4, "scar")


def _strand(
    strands: np.ndarray, voxels: LungVoxels, here: np.ndarray, start: np.ndarray, rng: np.random.Generator
) -> None:
    """One bent fibrous band that leaves a scar's focus near the axial plane and thins out, drawn into `strands`."""
    step = rng.normal(0, 1, 3) * [1, 1, 0.25]
    step *= rng.uniform(2, 7) / np.linalg.norm(step)
    points, width = voxels.points[here], rng.uniform(0.9, 2.2)
    best = np.full(len(here), np.inf, np.float32)
    for _ in range(3):
        end = start + step + rng.normal(0, 1.4, 3)
        axis = end - start
        t = np.clip((points - start) @ axis / (axis @ axis), 0, 1)[:, None]
        np.minimum(best, np.linalg.norm(points - start - t * axis, axis=1) / width, out=best)
        start, width = end, width * 0.7
    strands[here] = np.maximum(strands[here], smoothstep(-best, -1.5, -0.6))


def _nodules(lesions: Lesions, amount: int, rng: np.random.Generator) -> None:
    """Small round solid nodules; one in four is calcified. Each is centred near a slice, or it would not be seen."""
    voxels = lesions.voxels
    step = voxels.frame.slice_mm
    for _ in range(int(amount)):
        radius = float(np.clip(rng.lognormal(np.log(2.6), 0.35), 1.5, 6))
        candidates = rng.integers(len(voxels), size=20)
        roomy = candidates[voxels.pleura[candidates] > radius]
        center = voxels.points[roomy[0] if len(roomy) else candidates[0]].astype(np.float64)
        center += rng.uniform(-0.5, 0.5, 3) * [0, 0, min(radius, step)]
        density = 380.0 if rng.random() < 0.25 else rng.uniform(0, 45)
        lumps = rng.uniform(0.85, 1.15, 3)
        near = np.flatnonzero(np.abs(voxels.z - center[2]) < radius + 2)
        distance = np.linalg.norm((voxels.points[near] - center) / lumps, axis=1)
        dose = smoothstep(radius - distance, -0.7, 0.7).astype(np.float32)
        lesions.hu[near] += dose * np.maximum(density - lesions.hu[near], 0)
        _mark(lesions, near[dose > 0.5], "nodule")


def _lobar_pneumonia(lesions: Lesions, lobe: int, rng: np.random.Generator) -> None:
    """One lobe filled from the pleura inwards, sharp at the fissure, with air bronchograms: not COVID-19."""
    voxels = lesions.voxels
    here = np.flatnonzero(voxels.lobe == lobe)
    if not len(here):
        return
    clouds = voxels.noise(OctaveNoise(rng, 30, (0.6, 0.45, 0.3, 0.2)))[here]
    y, z = voxels.y[here], voxels.z[here]
    lean = rng.normal(0, 0.8, 2)
    wish = (
        0.55 * clouds
        + lean[0] * (y - y.mean()) / max(float(y.std()), 1)
        + lean[1] * (z - z.mean()) / max(float(z.std()), 1)
    )
    wish -= voxels.pleura[here] / 60
    cut = np.quantile(wish, 1 - rng.uniform(0.55, 0.9))
    solid = smoothstep(wish - cut, -0.12, 0.35)
    haze = smoothstep(wish - cut, -0.75, -0.1)
    grain = voxels.noise(OctaveNoise(rng, (9, 9, 10), (0.6, 0.4)))[here]
    dense = lesions.hu[here] + haze * np.maximum(-560 + 40 * grain - lesions.hu[here], 0)
    dense += solid * np.maximum(28 + 16 * grain - dense, 0)
    lesions.hu[here] = dense
    lesions.solid[here] = np.maximum(lesions.solid[here], solid)
    lesions.haze[here] = np.maximum(lesions.haze[here], haze)
    _mark(lesions, here[haze > 0.5], "lobar pneumonia")
