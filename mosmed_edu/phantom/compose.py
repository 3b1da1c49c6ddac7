"""Lungs put together: tissue with its lesions, vessels seen through them, bronchi with walls, air bronchograms."""

from __future__ import annotations

import numpy as np

from mosmed_edu.phantom.airways import WALL
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lesions import Lesions
from mosmed_edu.phantom.tubes import Tubes, render_tubes
from mosmed_edu.phantom.vessels import Trees
from mosmed_edu.phantom.voxels import ravel

#: Hounsfield units of blood, of a bronchus' wall and of the air in it.
BLOOD, WALL_HU, AIR = 42.0, 10.0, -970.0

#: Vessels within a lesion are wider by this share of their radius, and by so many mm at most.
_THICKENED, _THICKENED_MM = 0.3, 0.3

#: Bronchi from this many end points show their wall in aerated lung; smaller ones only as air bronchograms.
_SEEN_FROM = 40
_BRONCHOGRAM_MM = 0.75

#: Emptier than any lung: the air in the trachea and the main bronchi, where no wall is drawn.
_OPEN_AIR = -940.0


def fill_lungs(anatomy, trees: Trees, lesions: Lesions, frame: Frame) -> None:
    """Write the lungs into `anatomy.hu`, in place.

    Parameters
    ----------
    anatomy : Anatomy
        Its `hu` receives the lesions' tissue, then the vessels and bronchi (also those in the hilar fat).
    trees : Trees
    lesions : Lesions
    frame : Frame
    """
    hu = anatomy.hu
    open_air = ravel(hu) < _OPEN_AIR
    ravel(hu)[lesions.voxels.flat] = lesions.hu
    _close_gap(ravel(hu), lesions, open_air)
    vessels = Tubes.join(trees.arteries, trees.veins)
    haze = _at(lesions, lesions.haze, vessels.middle)
    radius = np.maximum((vessels.r_start + vessels.r_end) / 2, 0.1)
    vessels = vessels.scaled(1 + haze * np.minimum(_THICKENED, _THICKENED_MM / radius))
    _raise(hu, render_tubes(vessels, frame), BLOOD)
    walls = trees.bronchi.pick(trees.bronchi.leaves >= _SEEN_FROM)
    wall = render_tubes(walls, frame)
    ravel(wall)[open_air] = 0
    _raise(hu, wall, WALL_HU)
    lumen = render_tubes(walls.scaled(1 - WALL), frame)
    solid = _at(lesions, lesions.solid, trees.bronchi.middle)
    open_here = trees.bronchi.pick((solid > 0.7) & (trees.bronchi.leaves < _SEEN_FROM))
    wide = np.maximum(open_here.r_end * (1 - WALL), _BRONCHOGRAM_MM) / np.maximum(open_here.r_end, 1e-3)
    lumen = render_tubes(open_here.scaled(wide), frame, lumen)
    _lower(hu, lumen, AIR)


def _close_gap(hu: np.ndarray, lesions: Lesions, open_air: np.ndarray) -> None:
    """Solid lung leaves no rim of air at the pleura: also fill the voxels there that lung and wall share."""
    voxels = lesions.voxels
    solid = np.flatnonzero(lesions.solid > 0.3)
    rows = voxels.frame.shape[0]
    for step in (1, -1, rows, -rows, rows + 1, rows - 1, 1 - rows, -1 - rows):
        there = np.clip(voxels.flat[solid] + step, 0, len(hu) - 1)
        outside = ~voxels.inside[there] & (hu[there] < 0) & ~open_air[there]
        target, dose = lesions.hu[solid[outside]], lesions.solid[solid[outside]]
        hu[there[outside]] += dose * np.maximum(target - hu[there[outside]], 0)


def _at(lesions: Lesions, values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A value of the lung voxels at the nearest voxel to each point, 0 outside the lungs."""
    frame = lesions.voxels.frame
    whole = np.zeros(frame.shape, np.float16, order="F")
    ravel(whole)[lesions.voxels.flat] = values
    origin = np.array([frame.x_mm[0], frame.y_mm[0], frame.z_mm[0]], np.float32)
    index = np.rint((points - origin) / np.array(frame.spacing_mm, np.float32)).astype(np.int64)
    inside = ((index >= 0) & (index < frame.shape)).all(axis=1)
    out = np.zeros(len(points), np.float32)
    out[inside] = whole[tuple(index[inside].T)]
    return out


def _raise(hu: np.ndarray, coverage: np.ndarray, target: float) -> None:
    """Mix in something denser; what is denser already stays."""
    amount, flat = ravel(coverage), ravel(hu)
    where = np.flatnonzero(amount > 0)  # of booleans: several times as fast
    below = np.maximum(target - flat[where], 0)
    flat[where] += below * (amount[where] * np.float32(1 / 255))


def _lower(hu: np.ndarray, coverage: np.ndarray, target: float) -> None:
    """Mix in air."""
    amount, flat = ravel(coverage), ravel(hu)
    where = np.flatnonzero(amount > 0)  # of booleans: several times as fast
    flat[where] += (target - flat[where]) * (amount[where] * np.float32(1 / 255))
