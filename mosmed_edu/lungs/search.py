"""Where there is air in the body, and which of it is lung."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from skimage import measure
from skimage.morphology import convex_hull_image

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


def grow(mask: np.ndarray, radius_mm: float, mm: tuple[float, float, float]) -> np.ndarray:
    """Dilate within the slices. Only the part round the mask is looked at: mostly it is small, and a scan is not."""
    grown = np.zeros_like(mask, bool)
    if mask.any():
        around = box_round(mask, discs.reach(radius_mm, mm) + [0] * (mask.ndim - 2))
        grown[around] = discs.dilate(mask[around], radius_mm, mm)
    return grown


def box_round(mask: np.ndarray, margin: Sequence[int]) -> tuple[slice, ...]:
    """The box round a mask and a margin, as far as the array goes; the whole array where the mask is empty."""
    box = []
    for axis in range(mask.ndim):
        inside = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not inside.size:
            return (slice(None),) * mask.ndim
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return widen(tuple(box), margin)


def widen(box: tuple[slice, ...], margin: Sequence[int]) -> tuple[slice, ...]:
    """A box with a margin along each axis, as far as the array goes."""
    return tuple(slice(max(part.start - more, 0), part.stop + more) for part, more in zip(box, margin, strict=True))


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the connected pieces of a volume, in the order in which a slice lies in one piece in memory.

    As `ndimage.label` does, in less than half its time.
    """
    labels, count = measure.label(np.moveaxis(mask, 2, 0), connectivity=1, return_num=True)
    return np.moveaxis(labels, 0, 2), count


def label_slices(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the pieces of each slice by itself; corners join, as they do not in `label`."""
    planes = np.moveaxis(mask, 2, 0)
    count, rows, columns = planes.shape
    apart = np.zeros((count, rows + 1, columns), bool)  # one long picture, with an empty row below each slice
    apart[:, :rows] = planes
    labels, pieces = measure.label(apart.reshape(-1, columns), connectivity=2, return_num=True)
    return np.moveaxis(labels.reshape(apart.shape)[:, :rows], 0, 2), pieces


def fill_holes(plane: np.ndarray) -> np.ndarray:
    """As `ndimage.binary_fill_holes` does for one slice, in half its time: what no border reaches is a hole."""
    labels, count = ndimage.label(~plane)
    outside = np.zeros(count + 1, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        outside[border] = True
    outside[0] = False
    return ~outside[labels]


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
    low, high = _WINDPIPE_MM2
    middle = np.average(np.arange(air.shape[0]), weights=1 + air.sum(axis=(1, 2)))
    here = np.zeros(air.shape[:2], bool)
    for k in range(air.shape[2] - 1, -1, -1):
        labels, _ = ndimage.label((scan.hu[..., k] < _GAS_HU) & air[..., k])
        near = grow(here, _WANDER_MM, scan.mm)
        following = np.zeros_like(here)
        for n, box in enumerate(ndimage.find_objects(labels), 1):
            spot = labels[box] == n
            area = spot.sum() * scan.pixel_mm2
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
    pieces, count = label_slices(air)
    filled = np.bincount(pieces[bowel], minlength=count + 1)
    hollow = filled > _POCKET_SHARE * np.bincount(pieces.ravel("K"), minlength=count + 1)
    hollow[0] = False
    return _main_pieces(air & ~hollow[pieces] & ~grow(bowel, 3.0, scan.mm), scan)


def _find_bowel_gas(air: np.ndarray, scan: Scan) -> np.ndarray:
    """Pockets of free gas with a wall of tissue round them, slice by slice."""
    gas = (ndimage.uniform_filter(scan.hu.astype(np.float32), (3, 3, 1)) < _POCKET_HU) & air
    pockets, count = label_slices(gas)
    large = np.bincount(pockets.ravel("K"), minlength=count + 1) * scan.pixel_mm2 > _POCKET_MM2
    found = np.zeros_like(gas)
    begins = max(_RING_MM[0], *scan.mm[:2])  # smoothing took a pixel off the pocket: the ring lies outside that
    ends = begins + _RING_MM[1] - _RING_MM[0]
    margin = [*(n + 1 for n in discs.reach(ends, scan.mm)), 0]
    for n, box in enumerate(ndimage.find_objects(pockets), 1):
        if not large[n]:
            continue
        around = widen(box, margin)
        pocket = pockets[around] == n
        inner, outer = (grow(pocket, radius, scan.mm) for radius in (begins, ends))
        if np.mean(scan.hu[around][outer & ~inner] > AIR_HU) >= _RING_TISSUE:
            found[around] |= pocket
    return found


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
        labels, count = ndimage.label(whole[..., k])
        size = np.bincount(labels.ravel(), minlength=count + 1)
        small = size * scan.pixel_mm2 < _BUBBLE_MM2
        large = (labels > 0) & ~small[labels]
        beside = np.concatenate(
            [np.maximum.accumulate(large[:middle]), np.maximum.accumulate(large[middle:][::-1])[::-1]]
        )
        behind = np.maximum.accumulate(large, axis=1) | grow(airways[..., k], _RIM_MM, scan.mm)
        hidden = np.bincount(labels.ravel(), (beside & behind).ravel(), count + 1) > 0.5 * size
        found[..., k] = (small & hidden)[labels] & (labels > 0)
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
    crumbs = ((ml > _CRUMB_ML) & (ml <= 0.1 * ml.max()))[labels]
    for n in np.flatnonzero(ml > 0.1 * ml.max()):
        kept |= labels == n
    for k in np.flatnonzero(crumbs.any(axis=(0, 1)) & kept.any(axis=(0, 1))):
        large, _ = ndimage.label(kept[..., k])
        for n, box in enumerate(ndimage.find_objects(large), 1):
            if crumbs[..., k][box].any():
                kept[..., k][box] |= crumbs[..., k][box] & convex_hull_image(large[box] == n)
    return kept
