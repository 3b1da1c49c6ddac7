"""Where there is air in the body, and which of it is lung."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.morphology import convex_hull_image

from mosmed_edu.errors import LungsNotFound
from mosmed_edu.lungs.turned import Scan

#: Below this a voxel is free gas: windpipe, stomach, bowel.
_GAS_HU = -930

#: The least that one piece of lung holds, in mL.
_SMALLEST_ML = 150

#: A pocket of gas in a slice that is no lung, in mm2; the smallest piece of lung that is kept, in mL.
_POCKET_MM2, _CRUMB_ML = 100, 0.2

#: A piece with more free gas than this on a slice is stomach or bowel with its blurred rim.
_POCKET_SHARE = 0.35

#: In-plane neighbours alone.
FLAT = np.zeros((3, 3, 3), bool)
FLAT[..., 1] = True

#: A windpipe's cross-section, in mm2, and how far it may wander between slices that lie 8 mm apart, in mm.
_WINDPIPE_MM2, _BRONCHUS_MM2, _WANDER_MM = (60, 700), 12, 7.0


def disc(radius_mm: float, mm: tuple[float, float, float]) -> np.ndarray:
    """A flat disc within the slice, as a footprint of three axes."""
    reach = [int(radius_mm / step) for step in mm[:2]]
    i, j = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return ((np.hypot(i * mm[0], j * mm[1]) <= radius_mm) | ((i == 0) & (j == 0)))[..., None]


def grow(mask: np.ndarray, radius_mm: float, mm: tuple[float, float, float]) -> np.ndarray:
    """Dilate within the slices."""
    return ndimage.binary_dilation(mask, disc(radius_mm, mm))


def find_body(hu: np.ndarray, mm: tuple[float, float, float]) -> np.ndarray:
    """The patient with all that is inside, without table and clothes."""
    dense = ndimage.binary_opening(hu > -400, disc(2.5, mm))
    labels, count = ndimage.label(dense)
    if not count:
        raise LungsNotFound("volume", "holds no body", "give Hounsfield units of a chest CT")
    body = labels == np.bincount(labels.ravel(order="K"))[1:].argmax() + 1
    for k in range(hu.shape[2]):
        body[..., k] = ndimage.binary_fill_holes(body[..., k])
    return body


def find_airways(scan: Scan, air: np.ndarray) -> np.ndarray:
    """Windpipe and main bronchi: a round spot of gas near the head end, followed downwards from slice to slice."""
    found = np.zeros(air.shape, bool)
    low, high = _WINDPIPE_MM2
    middle = np.average(np.arange(air.shape[0]), weights=1 + air.sum(axis=(1, 2)))
    here = np.zeros(air.shape[:2], bool)
    for k in range(air.shape[2] - 1, -1, -1):
        labels, _ = ndimage.label((scan.hu[..., k] < _GAS_HU) & air[..., k])
        near = grow(here[..., None], _WANDER_MM, scan.mm)[..., 0]
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
    """Drop pockets of free gas, as in stomach and bowel, and pieces that lie beside the lungs."""
    gas = (ndimage.uniform_filter(scan.hu.astype(np.float32), (3, 3, 1)) < -950) & air
    pockets, count = ndimage.label(gas, FLAT)
    large = np.bincount(pockets.ravel(order="K"), minlength=count + 1) * scan.pixel_mm2 > _POCKET_MM2
    large[0] = False
    pieces, count = ndimage.label(air, FLAT)
    filled = np.bincount(pieces.ravel(order="K"), gas.ravel(order="K"), count + 1)
    hollow = filled > _POCKET_SHARE * np.bincount(pieces.ravel(order="K"), minlength=count + 1)
    hollow[0] = False
    return _main_pieces(air & ~hollow[pieces] & ~grow(large[pockets], 3.0, scan.mm), scan)


def _main_pieces(air: np.ndarray, scan: Scan) -> np.ndarray:
    """The large pieces of lung, and those small ones that lie in a dent of a large one on their slice."""
    labels, count = ndimage.label(air)
    ml = np.bincount(labels.ravel(order="K"), minlength=count + 1) * scan.voxel_ml
    ml[0] = 0
    if ml.max() < _SMALLEST_ML:
        raise LungsNotFound(
            "volume", f"holds at most {ml.max():.0f} mL of air in one piece", "give a CT that covers the chest"
        )
    kept = np.zeros(air.shape, bool)
    crumbs = ((ml > _CRUMB_ML) & (ml <= 0.1 * ml.max()))[labels]
    for n in np.flatnonzero(ml > 0.1 * ml.max()):
        kept |= labels == n
    for k in np.flatnonzero(crumbs.any(axis=(0, 1)) & kept.any(axis=(0, 1))):
        large, count = ndimage.label(kept[..., k])
        for n in range(1, count + 1):
            kept[..., k] |= crumbs[..., k] & convex_hull_image(large == n)
    return kept
