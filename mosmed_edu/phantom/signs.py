"""What the signs look like: Hounsfield units of ground glass, consolidation, crazy paving and reticulation."""

from __future__ import annotations

import numpy as np

from mosmed_edu.phantom.fields import Cells, OctaveNoise, SmoothNoise, smoothstep

#: Numbers in the sign labels. The dataset's binary mask is 1 + 2 + 3.
SIGNS = {
    1: "ground-glass opacity",
    2: "consolidation",
    3: "crazy paving",
    4: "reticulation",
    5: "subpleural line",
    6: "lobar pneumonia",
    7: "dependent atelectasis",
    8: "emphysema",
    9: "scar",
    10: "nodule",
}
SIGN = {name: number for number, name in SIGNS.items()}

#: Labels that the dataset's binary mask holds.
IN_MASK = (1, 2, 3)


def paint_signs(lesions, excess: np.ndarray, sign, rng: np.random.Generator) -> None:
    """Turn extents into Hounsfield units, in place: `hu`, `solid` and `haze` of the lesions."""
    voxels = lesions.voxels
    haze = smoothstep(excess, -0.15, 0.18)
    mottle = voxels.noise(OctaveNoise(rng, (9, 9, 10), (0.6, 0.45, 0.35)))
    glass = rng.uniform(-650, -560) + 150 * np.clip(excess, 0, 0.8) + 45 * mottle
    hu = lesions.hu + haze * (glass - lesions.hu)
    solid = smoothstep(sign.solid, -0.10, 0.12) * smoothstep(excess, -0.12, 0.05)
    airless = 18 + 22 * mottle - 260 * np.clip(0.25 - sign.solid, 0, 0.25)
    hu += solid * (airless - hu)
    _pave(hu, sign.paving, haze * (1 - solid), voxels, rng)
    lesions.hu = hu.astype(np.float32)
    lesions.solid = solid.astype(np.float32)
    lesions.haze = haze.astype(np.float32)


def _pave(hu: np.ndarray, paving: np.ndarray, strength: np.ndarray, voxels, rng: np.random.Generator) -> None:
    """Thickened septa round the lobules, and finer lines within them."""
    lobules, lines = Cells(rng, 11, empty=0.35), Cells(rng, 4.6, empty=0.3)
    warp = SmoothNoise(rng, 7)
    here = np.flatnonzero(paving > -0.1)
    if not len(here):
        return
    shift = warp.at(voxels.points[here])
    points = voxels.points[here] + np.stack([shift, -shift, 0.7 * shift], axis=1)
    septa = np.exp(-((lobules.at(points)[0] / 0.62) ** 2))
    fine = np.exp(-((lines.at(points)[0] / 0.5) ** 2))
    fade = smoothstep(paving[here], -0.1, 0.1) * strength[here]
    hu[here] += fade * np.maximum(290 * septa, 190 * fine)
