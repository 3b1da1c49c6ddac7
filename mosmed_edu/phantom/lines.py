"""Fine lines outside the ground glass: reticulation, and lines that follow the pleura.

Their labels follow the lines themselves, so a label is as thin as what the eye sees.
"""

from __future__ import annotations

import numpy as np

from mosmed_edu.phantom.fields import Cells, OctaveNoise, SmoothNoise, smoothstep
from mosmed_edu.phantom.voxels import LungVoxels

#: Largest share of the lungs over which reticulation spreads.
_WIDEST = 0.08

#: A subpleural line runs about this far from the pleura, and is this thick, in mm.
_LINE_DEPTH_MM, _LINE_MM = 6.0, 1.5

#: A voxel is labelled where the line fills at least this share of it.
_SEEN = 0.4


def reticulation(amount: float, voxels: LungVoxels, rng: np.random.Generator) -> np.ndarray:
    """A net of thickened septa and finer lines under the pleura, at the back and the base.

    Parameters
    ----------
    amount : float
        0 to 1.
    voxels : LungVoxels
    rng : numpy.random.Generator

    Returns
    -------
    strength : float32 array (n,)
        0 to 1 on each lung voxel.
    """
    strength = np.zeros(len(voxels), np.float32)
    septa, net, warp = Cells(rng, 8, empty=0.3), Cells(rng, 3.8, empty=0.25), SmoothNoise(rng, 6)
    wish = voxels.noise(SmoothNoise(rng, (26, 26, 22)))
    wish -= voxels.pleura / 7 + (voxels.y - voxels.y.mean()) / 55 + (voxels.z - voxels.z.mean()) / 70
    wish += 2.0 * _outward(voxels)
    edge = np.quantile(wish, 1 - _WIDEST * amount)
    here = np.flatnonzero(wish > edge)
    if not len(here):
        return strength
    points = voxels.points[here]
    shift = warp.at(points)
    points = points + np.stack([shift, -shift, 0.7 * shift], axis=1)
    lines = np.maximum(_line(septa.at(points)[0], 0.6), 0.7 * _line(net.at(points)[0], 0.45))
    strength[here] = lines * smoothstep(wish[here] - edge, 0, 0.4)
    return strength


def subpleural_lines(amount: float, voxels: LungVoxels, rng: np.random.Generator) -> np.ndarray:
    """Thin curved lines that keep a few mm from the pleura, mostly at the back.

    Parameters and result as for `reticulation`.
    """
    depth = _LINE_DEPTH_MM + 1.6 * voxels.noise(SmoothNoise(rng, 20))
    patchy = voxels.noise(OctaveNoise(rng, (18, 18, 14), (0.6, 0.45)))
    patchy -= (voxels.y - voxels.y.mean()) / 60 + np.abs(voxels.z - np.quantile(voxels.z, 0.3)) / 60
    patchy += 3.0 * _outward(voxels)
    shown = smoothstep(patchy - np.quantile(patchy, 1 - 0.25 * amount), 0, 0.9)
    return (_line(np.abs(voxels.pleura - depth), _LINE_MM / 2) * shown).astype(np.float32)


def _outward(voxels: LungVoxels) -> np.ndarray:
    """Grows towards the chest wall, so that lines lie there rather than on the diaphragm."""
    return np.hypot(voxels.x / 120, (voxels.y - voxels.y.mean()) / 80)


def seen(strength: np.ndarray) -> np.ndarray:
    """Which voxels a reader would call part of a line."""
    return strength > _SEEN


def _line(distance: np.ndarray, half_width: float) -> np.ndarray:
    """Profile of a blurred line, 1 in its middle."""
    return np.exp(-((distance / np.float32(half_width)) ** 2))
