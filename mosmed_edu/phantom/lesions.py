"""Where a viral pneumonia lies: which lung voxels show ground glass, consolidation or crazy paving.

A field F over the lungs is high where disease is likely: patches of random size and place (mostly peripheral, posterior
and basal) with ragged noise. The involved voxels are those with the highest F, exactly as many as the disease asks for,
counted for each lung. Within them a second field chooses the consolidation, a third the crazy paving.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mosmed_edu.phantom.fields import OctaveNoise, SmoothNoise, smoothstep
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lines import reticulation, seen, subpleural_lines
from mosmed_edu.phantom.rings import Rings, place_rings
from mosmed_edu.phantom.signs import SIGN, paint_signs
from mosmed_edu.phantom.voxels import LungVoxels, ravel

#: Stage number in the seed sequence.
_STAGE = 21

#: A lung is never asked to be fuller than this; the rest goes to the other lung.
_FULL = 0.98


@dataclass
class Lesions:
    """What the disease does to the lungs.

    Attributes
    ----------
    voxels : LungVoxels
    labels : uint8 array of the frame's shape
        A number of `SIGNS` per voxel, 0 where nothing is.
    hu : float32 array (n,)
        Lung tissue without vessels and bronchi, diseased or not, one value per lung voxel.
    solid : float32 array (n,)
        How airless a lung voxel is, 0 to 1: bronchi show as air bronchograms where it is high.
    haze : float32 array (n,)
        How strong the lesion is, 0 to 1: vessels are thickened where it is high.
    marks : list of dict
        Signs made of several labels, with their place: reversed halo, halo.
    """

    voxels: LungVoxels
    labels: np.ndarray
    hu: np.ndarray
    solid: np.ndarray
    haze: np.ndarray
    marks: list[dict] = field(default_factory=list)


def place_disease(disease, anatomy, trees, frame: Frame, seed: int) -> Lesions:
    """Lay a disease over the lungs.

    Parameters
    ----------
    disease : Disease
        Fraction, shares and distribution.
    anatomy : Anatomy
    trees : Trees
        Not needed for the place; bronchi and vessels are drawn into the lesions by `fill_lungs`.
    frame : Frame
    seed : int
        The patient's seed: the same disease looks different in another patient.

    Returns
    -------
    Lesions
    """
    voxels = LungVoxels(anatomy, frame)
    rng = np.random.default_rng(np.random.SeedSequence([seed, disease.seed, _STAGE]))
    bare = ravel(anatomy.hu)[voxels.flat]
    labels = np.zeros(frame.shape, np.uint8, order="F")
    lesions = Lesions(voxels, labels, bare, np.zeros(len(voxels), np.float32), np.zeros(len(voxels), np.float32))
    if not len(voxels):
        return lesions
    if round(disease.fraction * len(voxels)) > 0:
        rings = place_rings(disease, voxels, rng)
        excess, soft = _extent(disease, voxels, rings, rng)
        sign = _signs(disease, excess, voxels, rings, rng)
        paint_signs(lesions, soft, sign, rng)
        _draw_lines(disease, lesions, sign.label, rng)
        ravel(labels)[voxels.flat] = sign.label
        lesions.marks = rings.marks(sign.label)
    return lesions


def _draw_lines(disease, lesions: Lesions, label: np.ndarray, rng: np.random.Generator) -> None:
    """Add reticulation and subpleural lines to the tissue, and label them where no other sign is."""
    for name, amount, draw in (
        ("reticulation", disease.shares.reticulation, reticulation),
        ("subpleural line", disease.shares.subpleural_lines, subpleural_lines),
    ):
        stream = rng.spawn(1)[0]
        if amount:
            strength = draw(amount, lesions.voxels, stream) * (1 - lesions.haze)
            lesions.hu += strength * np.maximum(-300 - lesions.hu, 0)
            label[seen(strength) & (label == 0)] = SIGN[name]


def _extent(disease, voxels: LungVoxels, rings: Rings, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How far each voxel lies above (> 0, involved) or below the threshold: exactly the asked share is above.

    Returned twice: as the labels have it, and without a quarter of the finest raggedness, as the tissue shows it.
    Outlines drawn half automatically are more ragged than what they follow.
    """
    value = voxels.gather(_patches(_draw_blobs(disease, voxels, rng), voxels))
    near = smoothstep(value, -1.1, -0.2)  # raggedness and crumbs stay round the patches
    ragged = 0.36 * voxels.noise(OctaveNoise(rng, (22, 22, 26), (0.5, 0.4)))
    fine = 0.42 * near * voxels.noise(OctaveNoise(rng, (5.5, 5.5, 7), (0.6, 0.6, 0.3)))
    value += near * ragged + fine
    value -= np.float32(0.3 * disease.distribution.peripheral) * np.minimum(voxels.pleura / 30, 1)
    if disease.fraction > 0.4:
        value += (disease.fraction - 0.4) * _gradient(disease, voxels)
    counts = _counts(disease, voxels)
    rings.involve(value, counts)
    excess = np.empty_like(value)
    for side, count in counts:
        excess[side] = _above(value[side], count)
    return excess, excess - fine / 4


def _counts(disease, voxels: LungVoxels) -> list[tuple[np.ndarray, int]]:
    """Voxels of the left and of the right lung, and how many of them to involve.

    The whole is exact; what a lung cannot hold goes to the other one.
    """
    total = round(disease.fraction * len(voxels))
    left, right = np.flatnonzero(voxels.left), np.flatnonzero(~voxels.left)
    share = round(disease.distribution.left * total)
    full = max(_FULL, disease.fraction)
    share = min(max(share, total - round(full * len(right))), round(full * len(left)))
    return [(left, share), (right, total - share)]


def _above(value: np.ndarray, count: int) -> np.ndarray:
    """Value minus a threshold that exactly `count` entries exceed; ties are broken by their order."""
    if count <= 0:
        return np.full(len(value), -9, np.float32)
    if count >= len(value):
        return value - value.min() + np.float32(1e-3)
    order = np.argpartition(value, len(value) - count)
    top, rest = order[len(value) - count :], order[: len(value) - count]
    threshold = (value[top].min() + value[rest].max()) / 2
    excess = value - threshold
    excess[top] = np.maximum(excess[top], 1e-6)
    excess[rest] = np.minimum(excess[rest], -1e-6)
    return excess


@dataclass(frozen=True)
class _Blobs:
    """Patches: centre, radius in mm, and the direction outwards in the axial plane."""

    center: np.ndarray
    radius: np.ndarray
    outward: np.ndarray
    stretch: np.ndarray


def _draw_blobs(disease, voxels: LungVoxels, rng: np.random.Generator) -> _Blobs:
    """Choose places and sizes of the patches, for each lung as many as its share of the disease asks for."""
    count = int(np.clip(rng.poisson(4 + 100 * disease.fraction), 3, 60))
    parts = []
    for side, involved in _counts(disease, voxels):
        if involved:
            share = involved / round(disease.fraction * len(voxels))
            parts.append(_draw_in_lung(disease, voxels, side, involved, max(round(count * share), 2), rng))
    return _Blobs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _draw_in_lung(disease, voxels: LungVoxels, side, involved: int, count: int, rng: np.random.Generator):
    """Centre, radius, direction outwards and stretch of the patches of one lung."""
    where = disease.distribution
    some = side[rng.integers(len(side), size=3000)]
    x, y, z = voxels.x[some], voxels.y[some], voxels.z[some]
    middle_x, middle_y = np.median(x), np.median(y)
    low, high = np.quantile(z, [0.02, 0.98])
    height = (z - low) / max(high - low, 1)
    level = rng.normal(0.36, 0.1)
    level = level if where.basal >= 0 else 1 - level
    spread = (0.16 + 0.35 * disease.fraction) / max(abs(where.basal), 0.15)
    weight = np.exp(
        -where.peripheral * voxels.pleura[some] / 9
        + where.posterior * 2.8 * smoothstep(middle_y - y, -70, 70)
        - ((height - level) / spread) ** 2 / 2
    )
    total = np.cumsum(weight.astype(np.float64))
    chosen = np.searchsorted(total, rng.random(count) * total[-1]).clip(0, len(some) - 1)
    volume = rng.lognormal(0, 1.8, count)
    volume *= involved * voxels.frame.voxel_ml * 1e3 / volume.sum()
    radius = np.clip((volume * 3 / (4 * np.pi)) ** (1 / 3) * 1.15, 3.5, 75)
    center = voxels.points[some[chosen]]
    outward = center[:, :2] - np.array([middle_x, middle_y], np.float32)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-3)
    stretch = rng.uniform([0.7, 0.9, 0.75], [1.0, 1.6, 1.25], (count, 3))
    return center, radius.astype(np.float32), outward, stretch.astype(np.float32)


def _patches(blobs: _Blobs, voxels: LungVoxels) -> Iterator[np.ndarray]:
    """The highest patch at every place of the box, slice by slice: 1 inside a large one, 0 at its edge, then below."""
    x, y, z = voxels.axes
    for height in z:
        plane = np.full((len(x), len(y)), -1.0, np.float32)
        for center, radius, outward, stretch in zip(
            blobs.center, blobs.radius, blobs.outward, blobs.stretch, strict=True
        ):
            up = (height - center[2]) / stretch[2]
            reach = 2.2 * radius * 1.6
            if abs(up) > 2.2 * radius:
                continue
            window = _window(x, center[0], reach), _window(y, center[1], reach)
            dx, dy = x[window[0], None] - center[0], y[None, window[1]] - center[1]
            out = (dx * outward[0] + dy * outward[1]) / stretch[0]
            side = (dy * outward[0] - dx * outward[1]) / stretch[1]
            value = 1 - np.sqrt(out * out + side * side + up * up) / radius
            value *= np.float32(min(1, radius / 14))
            part = plane[window]
            np.maximum(part, value, out=part)
        yield plane


def _window(axis: np.ndarray, center: float, reach: float) -> slice:
    return slice(*np.searchsorted(axis, [center - reach, center + reach]))


def _gradient(disease, voxels: LungVoxels) -> np.ndarray:
    """In severe disease: fuller at the back and the base, in standard deviations."""
    where = disease.distribution
    y = (voxels.y - voxels.y.mean()) / max(float(voxels.y.std()), 1e-3)
    z = (voxels.z - voxels.z.mean()) / max(float(voxels.z.std()), 1e-3)
    return (-0.7 * where.posterior * y - 0.5 * where.basal * z).astype(np.float32)


@dataclass(frozen=True)
class SignField:
    """Label of every lung voxel, and how far it is inside the consolidation (> 0) or the crazy paving (> 0)."""

    label: np.ndarray
    solid: np.ndarray
    paving: np.ndarray


def _signs(disease, excess: np.ndarray, voxels: LungVoxels, rings: Rings, rng: np.random.Generator) -> SignField:
    """Share the involved voxels out between the signs, exactly."""
    involved = np.flatnonzero(excess > 0)
    label = np.zeros(len(voxels), np.uint8)
    label[involved] = SIGN["ground-glass opacity"]
    clouds = voxels.noise(OctaveNoise(rng, (16, 16, 18), (0.55, 0.4, 0.25)))
    depth = np.clip(excess, -0.3, 0.8)
    # denser deep inside a lesion and under the pleura; a rim of ground glass is usual
    wish = 0.45 * clouds + 0.9 * depth + 0.5 * np.exp(-voxels.pleura / 8) - 0.8 * np.exp(-np.abs(excess) / 0.15)
    rings.harden(wish)
    solid = np.full(len(voxels), -9, np.float32)
    solid[involved] = _above(wish[involved], round(disease.shares.consolidation * len(involved)))
    outside = excess <= 0
    solid[outside] = np.minimum(wish[outside] - np.median(wish[involved] - solid[involved]), -1e-6)
    label[solid > 0] = SIGN["consolidation"]
    slow = voxels.noise(SmoothNoise(rng, 24))
    rest = np.flatnonzero(label == SIGN["ground-glass opacity"])
    paving = np.full(len(voxels), -9, np.float32)
    paving[rest] = _above(
        slow[rest] + 0.5 * depth[rest], min(round(disease.shares.crazy_paving * len(involved)), len(rest))
    )
    label[paving > 0] = SIGN["crazy paving"]
    return SignField(label, solid, paving)
