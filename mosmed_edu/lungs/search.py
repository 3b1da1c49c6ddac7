"""Where there is air in the body, and which of it is lung."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import measure
from skimage.morphology import convex_hull_image

from mosmed_edu.boxes import box_round
from mosmed_edu.errors import LungsNotFound
from mosmed_edu.lungs import discs
from mosmed_edu.lungs.turned import AIR_HU, Scan

#: Below this a voxel is free gas: windpipe, stomach, bowel.
_GAS_HU = -930

#: The least that one piece of lung holds, in mL.
_SMALLEST_ML = 150

#: Free gas after smoothing. Lung keeps some tissue: even where it is hyperlucent it seldom lies below.
_POCKET_HU = -970

#: A pocket of such gas is stomach or bowel if it is larger than this, in mm2, and at least so much of the ring between
#: these distances round it, in mm, is tissue. Round emphysema and trapped air lies lung.
_POCKET_MM2, _RING_MM, _RING_TISSUE = 50, (2.0, 6.0), 0.4

#: A piece with more bowel gas than this on a slice is stomach or bowel with its blurred rim.
_POCKET_SHARE = 0.35

#: So far round an airway a piece may be its rim, in mm.
_RIM_MM = 8.0

#: The smallest piece of lung that is kept, in mL; and on one slice, where larger lung hides it, in mm2.
_CRUMB_ML, _BUBBLE_MM2 = 0.2, 250

#: A windpipe's cross-section, in mm2, and how far it may wander between slices that lie 8 mm apart, in mm.
_WINDPIPE_MM2, _BRONCHUS_MM2, _WANDER_MM = (60, 700), 12, 7.0

#: What touches within a slice: sides alone, or corners too.
SIDES_JOIN, CORNERS_JOIN = ndimage.generate_binary_structure(2, 1), np.ones((3, 3), bool)


def grow(mask: np.ndarray, radius_mm: float, mm: tuple[float, float, float]) -> np.ndarray:
    """Dilate within the slices. Only the part round the mask is looked at: mostly it is small, and a scan is not."""
    grown = np.zeros_like(mask, bool)
    if mask.any():
        around = box_round(mask, discs.reach(radius_mm, mm) + [0] * (mask.ndim - 2))
        grown[around] = discs.dilate(mask[around], radius_mm, mm)
    return grown


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected pieces of a volume, in the order in which a slice lies in one piece in memory.

    As `ndimage.label` does, in less than half its time.
    """
    labels, count = measure.label(np.moveaxis(mask, 2, 0), connectivity=1, return_num=True)
    return np.moveaxis(labels, 0, 2), count


def fill_holes(plane: np.ndarray) -> np.ndarray:
    """As `ndimage.binary_fill_holes` does for one slice, in half its time: what no border reaches is a hole.

    The border of the box round the mask will do: from there the way out is free.
    """
    box = box_round(plane, (0, 0))
    labels, count = ndimage.label(~plane[box], SIDES_JOIN)
    outside = np.zeros(count + 1, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        outside[border] = True
    outside[0] = False
    filled = np.zeros_like(plane)
    np.logical_not(outside.take(labels), out=filled[box])
    return filled


def find_body(hu: np.ndarray, mm: tuple[float, float, float]) -> np.ndarray:
    """The patient with all that is inside, without table and clothes."""
    dense = discs.opening(hu > -400, 2.5, mm)
    labels, count = label(dense)
    if not count:
        raise LungsNotFound("volume", "holds no body", "give Hounsfield units of a chest CT")
    body = labels == np.bincount(labels.ravel("K"))[1:].argmax() + 1
    inside = body[box_round(body, (0, 0, 0))]
    for k in range(inside.shape[2]):
        inside[..., k] = fill_holes(inside[..., k])
    return body


def find_airways(scan: Scan, air: np.ndarray) -> np.ndarray:
    """Windpipe and main bronchi: a round spot of gas near the head end, followed downwards from slice to slice."""
    found = np.zeros_like(air, bool)
    if air.any():
        middle = np.average(np.arange(air.shape[0]), weights=1 + air.sum(axis=(1, 2)))
        around = box_round(air, (0, 0, 0))
        found[around] = _find_airways(scan.part(around), air[around], middle - around[0].start)
    return found


def _find_airways(scan: Scan, air: np.ndarray, middle: float) -> np.ndarray:
    """`find_airways` in the part of the scan that holds air."""
    found = np.zeros_like(air, bool)
    low, high = _WINDPIPE_MM2
    here = np.zeros(air.shape[:2], bool)
    for k in range(air.shape[2] - 1, -1, -1):
        labels, _ = ndimage.label((scan.hu[..., k] < _GAS_HU) & air[..., k], SIDES_JOIN)
        near = grow(here, _WANDER_MM, scan.mm)
        following = np.zeros_like(here)
        for n, box in enumerate(ndimage.find_objects(labels), 1):
            spot = labels[box] == n
            area = np.count_nonzero(spot) * scan.pixel_mm2
            if not (_BRONCHUS_MM2 if here.any() else low) <= area <= high:
                continue
            if here.any():
                chosen = (near[box] & spot).any()
            else:  # the first one: round, and near the middle
                away = abs((box[0].start + box[0].stop) / 2 - middle) * scan.mm[0]
                chosen = spot.mean() > 0.6 and away < 40 and not found.any()
            if chosen:
                following[box] |= spot
        if here.any() and not following.any():
            break
        here = following
        found[..., k] = here
    return found


def without_gas(air: np.ndarray, scan: Scan) -> np.ndarray:
    """Drop gas in stomach and bowel, and pieces that lie beside the lungs."""
    ring = [n + 3 for n in discs.reach(_RING_MM[1], scan.mm)]
    around = box_round(air, (*ring, 0))
    kept = np.zeros_like(air, bool)
    kept[around] = _without_gas(air[around], scan.part(around))
    return kept


def _without_gas(air: np.ndarray, scan: Scan) -> np.ndarray:
    """`without_gas` in the part of the scan that holds air."""
    bowel = _find_bowel_gas(air, scan)
    kept = air & ~grow(bowel, 3.0, scan.mm)
    for k in np.flatnonzero(bowel.any(axis=(0, 1))):
        pieces, count = ndimage.label(air[..., k], CORNERS_JOIN)
        filled = np.bincount(pieces[bowel[..., k]], minlength=count + 1)
        hollow = filled > _POCKET_SHARE * np.bincount(pieces.ravel("K"), minlength=count + 1)
        hollow[0] = False
        kept[..., k] &= ~hollow[pieces]
    return _main_pieces(kept, scan)


def _find_bowel_gas(air: np.ndarray, scan: Scan) -> np.ndarray:
    """Pockets of free gas with a wall of tissue round them, slice by slice."""
    gas = (_sum_of_nine(scan.hu) < 9 * _POCKET_HU) & air
    found = np.zeros_like(gas)
    begins = max(_RING_MM[0], *scan.mm[:2])  # smoothing took a pixel off the pocket: the ring lies outside that
    ends = begins + _RING_MM[1] - _RING_MM[0]
    margin = [n + 1 for n in discs.reach(ends, scan.mm)]
    for k in np.flatnonzero(gas.any(axis=(0, 1))):
        pockets, _ = ndimage.label(gas[..., k], CORNERS_JOIN)
        large = np.bincount(pockets.ravel("K")) * scan.pixel_mm2 > _POCKET_MM2
        for n in np.flatnonzero(large[1:]) + 1:
            pocket = pockets == n
            around = box_round(pocket, margin)
            pocket = pocket[around]
            inner, outer = (grow(pocket, radius, scan.mm) for radius in (begins, ends))
            if np.mean(scan.hu[..., k][around][outer & ~inner] > AIR_HU) >= _RING_TISSUE:
                found[..., k][around] |= pocket
    return found


def _sum_of_nine(hu: np.ndarray) -> np.ndarray:
    """Sum of each voxel and its eight neighbours on its slice. Beyond an edge lies what lies at the edge.

    Whole numbers come out exactly. `ndimage.uniform_filter` takes five times as long.
    """
    total = hu.astype(np.float32)
    for axis in (0, 1):
        one = np.moveaxis(total, axis, 0)
        three = one.copy("K")
        three[1:] += one[:-1]
        three[:-1] += one[1:]
        three[0] += one[0]
        three[-1] += one[-1]
        total = np.moveaxis(three, 0, axis)
    return total


def find_bubbles(whole: np.ndarray, airways: np.ndarray, scan: Scan) -> np.ndarray:
    """Small pieces of a slice that larger lung hides from the chest wall: gas in the stomach, rims of bronchi.

    To be asked of mended lungs: islands of air within consolidation look alike until they are joined to the rest.
    """
    found = np.zeros_like(whole, bool)
    around = box_round(whole > 0, [*(n + 1 for n in discs.reach(_RIM_MM, scan.mm)), 0])
    found[around] = _find_bubbles(whole[around], airways[around], scan.part(around))
    return found


def _find_bubbles(whole: np.ndarray, airways: np.ndarray, scan: Scan) -> np.ndarray:
    """`find_bubbles` in the part of the scan that holds the lungs."""
    found = np.zeros_like(whole, bool)
    middle = round(midline(whole > 0))
    for k in np.flatnonzero(whole.any(axis=(0, 1))):
        labels, count = ndimage.label(whole[..., k], SIDES_JOIN)
        size = np.bincount(labels.ravel("K"), minlength=count + 1)
        small = size * scan.pixel_mm2 < _BUBBLE_MM2
        small[0] = False
        if not small.any():
            continue
        large = (labels > 0) & ~small[labels]
        beside = np.concatenate(
            [np.maximum.accumulate(large[:middle]), np.maximum.accumulate(large[middle:][::-1])[::-1]]
        )
        behind = np.maximum.accumulate(large, axis=1) | grow(airways[..., k], _RIM_MM, scan.mm)
        hidden = np.bincount(labels[beside & behind], minlength=count + 1) > 0.5 * size
        found[..., k] = (small & hidden)[labels]
    return found


def midline(air: np.ndarray) -> float:
    """Column between the lungs: the emptiest near their middle."""
    columns = air.sum(axis=(1, 2)).astype(float)
    inside = np.flatnonzero(columns)
    quarter = (inside[-1] - inside[0]) // 4
    strip = slice(inside[0] + quarter, inside[-1] - quarter + 1)
    return float(strip.start + ndimage.uniform_filter1d(columns, 9)[strip].argmin())


def _main_pieces(air: np.ndarray, scan: Scan) -> np.ndarray:
    """The large pieces of lung, and those small ones that lie in a dent of a large one on their slice."""
    labels, count = label(air)
    ml = np.bincount(labels.ravel("K"), minlength=count + 1) * scan.voxel_ml
    ml[0] = 0
    if ml.max() < _SMALLEST_ML:
        raise LungsNotFound(
            "volume", f"holds at most {ml.max():.0f} mL of air in one piece", "give a CT that covers the chest"
        )
    kept = np.zeros_like(air, bool)
    for n in np.flatnonzero(ml > 0.1 * ml.max()):
        kept |= labels == n
    crumbs = (ml > _CRUMB_ML) & (ml <= 0.1 * ml.max())
    if not crumbs.any():
        return kept
    crumbs = crumbs[labels]
    for k in np.flatnonzero(crumbs.any(axis=(0, 1)) & kept.any(axis=(0, 1))):
        large, _ = ndimage.label(kept[..., k], SIDES_JOIN)
        for n, box in enumerate(ndimage.find_objects(large), 1):
            if crumbs[..., k][box].any():
                kept[..., k][box] |= crumbs[..., k][box] & convex_hull_image(large[box] == n)
    return kept
