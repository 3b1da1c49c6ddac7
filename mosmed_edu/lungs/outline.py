"""Right from left, and what is dense within a lung."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from mosmed_edu.boxes import box_round
from mosmed_edu.lungs import discs
from mosmed_edu.lungs.labels import LEFT, RIGHT
from mosmed_edu.lungs.search import SIDES_JOIN, fill_holes, grow, midline
from mosmed_edu.lungs.turned import Scan

#: Gaps at the outline, as consolidation leaves them, are closed with a disc of this radius, in mm. Tried on drawn
#: studies: more mends CT-4 by half a percent, and adds chest wall everywhere else.
CLOSING_MM = 20.0

#: Lungs that touch make a piece larger than this, in mm2; how far from the midline they are cut apart, in mm.
_TOUCHING_MM2, _STRIP_MM = 3000, 25.0

#: Gaps towards the mediastinum are closed only where they are up to twice as wide, in mm; bone is never lung.
_CLOSING_MEDIAL_MM, _BONE_HU = 3.0, 250

#: The least that the top of the diaphragm measures on a slice, in mm2.
_DOME_MM2 = 300


def tell_sides(air: np.ndarray, scan: Scan) -> np.ndarray:
    """Label each piece of lung `RIGHT` or `LEFT`; cut lungs that touch apart where it is densest."""
    sides = np.zeros_like(air, np.uint8)
    middle = midline(air)
    for k in np.flatnonzero(air.any(axis=(0, 1))):
        around = box_round(air[..., k], (0, 0))
        labels, _ = ndimage.label(air[..., k][around], SIDES_JOIN)
        for n, box in enumerate(ndimage.find_objects(labels), 1):
            piece = labels[box] == n
            hu, side = scan.hu[..., k][around][box], sides[..., k][around][box]
            np.maximum(side, _side_of(piece, middle - around[0].start - box[0].start, hu, scan), out=side)
    return sides


def _side_of(piece: np.ndarray, column: float, hu: np.ndarray, scan: Scan) -> np.ndarray:
    """A piece of a slice as `RIGHT`, as `LEFT`, or cut apart near the column of the midline."""
    size = np.count_nonzero(piece)
    share = np.count_nonzero(piece[max(int(column), 0) :]) / size
    if 0.1 < share < 0.9 and size * scan.pixel_mm2 > _TOUCHING_MM2:
        return _cut_apart(hu, piece, column, scan.mm)
    return piece * np.uint8(RIGHT if share > 0.5 else LEFT)


def _cut_apart(hu: np.ndarray, piece: np.ndarray, column: float, mm: tuple[float, float, float]) -> np.ndarray:
    """Cut a piece from front to back along the densest way near the midline (dynamic programming over columns)."""
    reach = int(_STRIP_MM / mm[0])
    first, last = max(int(column) - reach, 0), min(int(column) + reach + 1, hu.shape[0])
    price = np.exp(-np.clip(hu[first:last].astype(np.float32), -1000, 100) / 150)
    total, came = np.empty_like(price), np.zeros(price.shape, np.int64)
    total[:, 0] = price[:, 0]
    for j in range(1, price.shape[1]):
        before = np.pad(total[:, j - 1], 1, constant_values=np.inf)
        options = np.stack([before[:-2], before[1:-1], before[2:]])
        came[:, j] = options.argmin(axis=0) - 1
        total[:, j] = price[:, j] + options.min(axis=0)
    border = np.empty(price.shape[1], np.int64)
    border[-1] = total[:, -1].argmin()
    for j in range(price.shape[1] - 1, 0, -1):
        border[j - 1] = border[j] + came[border[j], j]
    right = np.arange(hu.shape[0])[:, None] > (border + first)[None]
    return np.where(piece, np.where(right, RIGHT, LEFT), 0).astype(np.uint8)


def mend(sides: np.ndarray, scan: Scan, airways: np.ndarray) -> np.ndarray:
    """Close gaps in each lung's outline, then fill its holes: vessels, nodules, consolidation."""
    whole = np.zeros_like(sides, np.uint8)
    around = (*box_round(sides > 0, (*_reach(scan.mm), 0))[:2], slice(None))
    whole[around] = _mend(sides[around], scan.part(around), airways[around])
    return whole


def _reach(mm: tuple[float, float, float]) -> list[int]:
    """How many pixels closing looks beyond a lung."""
    return [n + 2 for n in discs.reach(CLOSING_MM, mm)]


def _mend(sides: np.ndarray, scan: Scan, airways: np.ndarray) -> np.ndarray:
    """`mend` in the part of the scan that holds the lungs."""
    whole = np.zeros_like(sides, np.uint8)
    blocked = grow(airways, 2.0, scan.mm)
    slices = np.flatnonzero(sides.any(axis=(0, 1)))
    lower = (slices[0] + slices[-1]) // 2
    for side in (RIGHT, LEFT):
        lung = sides == side
        for k in np.flatnonzero(lung.any(axis=(0, 1))):
            at = (*box_round(lung[..., k], _reach(scan.mm)), k)
            unused = whole[at] == 0
            free = (sides[at] == 0) & unused & ~blocked[at] & (scan.hu[at] < _BONE_HU)
            closed = _close(lung[at], free, side, scan.mm)
            holes = fill_holes(closed) & ~closed
            if 0 < k <= lower:
                holes &= ~_domes(holes, whole[(*at[:2], k - 1)] == side, scan)
            whole[at][(closed | holes) & unused] = side
    return whole


def _domes(holes: np.ndarray, lung_below: np.ndarray, scan: Scan) -> np.ndarray:
    """Large holes under which no lung lies: the top of the diaphragm, with lung all round it on this slice."""
    labels, count = ndimage.label(holes, SIDES_JOIN)
    size = np.bincount(labels[holes], minlength=count + 1)
    over_lung = np.bincount(labels[holes & lung_below], minlength=count + 1)
    dome = (size * scan.pixel_mm2 > _DOME_MM2) & (over_lung < 0.3 * size)
    return dome[labels]


def _close(lung: np.ndarray, free: np.ndarray, side: int, mm: tuple[float, float, float]) -> np.ndarray:
    """Close a lung's outline on a slice: widely at the chest wall, narrowly at the mediastinum, where vessels enter."""
    wide, narrow = (
        discs.erode(discs.dilate(lung, radius, mm), radius, mm) for radius in (CLOSING_MM, _CLOSING_MEDIAL_MM)
    )
    at_wall = _at_wall(lung, side)
    gap = wide & ~narrow & free
    gaps, count = ndimage.label(gap, SIDES_JOIN)
    size = np.bincount(gaps[gap], minlength=count + 1)
    mended = np.bincount(gaps[gap & at_wall], minlength=count + 1) > 0.6 * size
    return lung | (narrow & free) | mended[gaps]


def _at_wall(lung: np.ndarray, side: int) -> np.ndarray:
    """Where a gap is one towards the chest wall: beside a lung's outer half, and beside the third of it at the back."""
    middle, back = _quantile(lung.sum(axis=1), 0.5), _quantile(lung.sum(axis=0), 0.35)
    outward = (np.arange(lung.shape[0]) - middle) * (1 if side == RIGHT else -1) > 0
    return outward[:, None] | (np.arange(lung.shape[1]) < back)[None]


def _quantile(counts: np.ndarray, share: float) -> float:
    """`np.quantile` of numbers that are given by how many are 0, how many 1, and so on."""
    up_to = np.cumsum(counts)
    position = share * (up_to[-1] - 1)
    low, high = np.searchsorted(up_to, [int(position), int(np.ceil(position))], side="right")
    return low + (position - int(position)) * (high - low)
