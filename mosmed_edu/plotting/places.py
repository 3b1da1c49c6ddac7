"""Where things lie in a scan: the body on a picture, a voxel on it, and which slice is nearer to the head."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from mosmed_edu.volume import Volume

#: What is denser is no air: the body, and the table below it. In HU.
BODY_HU = -300

#: All of a picture.
WHOLE = (slice(None), slice(None))


def body_box(ct: Volume, plane: str, slices: Iterable[int]) -> tuple[slice, slice]:
    """The part of a picture that holds the body in all of these slices, with a margin of 8 mm."""
    body = np.any([largest_part(ct.picture(plane, k) > BODY_HU) for k in slices], axis=0)
    if not body.any():
        return WHOLE
    box = []
    for axis, mm in enumerate(ct.pixel_mm(plane)):
        inside = np.flatnonzero(body.any(axis=1 - axis))
        margin = int(np.ceil(8 / mm))
        box.append(slice(max(inside[0] - margin, 0), inside[-1] + margin + 1))
    return tuple(box)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest part of a mask, of any number of axes, that is connected over faces; an empty mask as it is."""
    labels, count = ndimage.label(mask)
    return labels == np.bincount(labels.ravel())[1:].argmax() + 1 if count else mask


def place_on_picture(ct, index: tuple, box) -> tuple[float, float]:
    """Where a voxel lies on the turned and cropped axial picture: mm from its left and from its upper edge."""
    height_mm, width_mm = ct.pixel_mm("axial")
    top, left = ct.axis("A"), ct.axis("R")
    row = index[top] if ct.orientation[top] == "P" else ct.shape[top] - 1 - index[top]
    column = index[left] if ct.orientation[left] == "L" else ct.shape[left] - 1 - index[left]
    start = [part.start or 0 for part in box]
    return (column - start[1] + 0.5) * width_mm, (row - start[0] + 0.5) * height_mm


def towards_head(ct: Volume) -> np.ndarray:
    """Axial slice numbers from foot to head."""
    numbers = np.arange(ct.slice_count("axial"))
    return numbers if "S" in ct.orientation else numbers[::-1]
