"""How two masks agree.

Empty masks: where both are empty there is nothing to compare, and every measure is NaN; a mean over studies must then
say what it does with them. Where only one is empty, overlap is 0 and distances are infinite.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from mosmed_edu.boxes import bounding_box
from mosmed_edu.errors import MaskError
from mosmed_edu.masks.checks import binary, require_grid
from mosmed_edu.volume import Volume


def dice(a: Volume, b: Volume) -> float:
    """Dice similarity: twice the overlap over the sum of both (Dice 1945). 0 nothing in common, 1 the same.

    Parameters
    ----------
    a, b : Volume of bool
        On one grid.

    Returns
    -------
    dice : float
        NaN where both are empty.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import dice, iou
    >>> from mosmed_edu.volume import Volume
    >>> a = Volume(np.arange(8).reshape(2, 2, 2) < 4, np.eye(4))
    >>> b = a.with_data(np.arange(8).reshape(2, 2, 2) < 2)
    >>> round(dice(a, b), 3), round(iou(a, b), 3), dice(a, a.with_data(~a.data))
    (0.667, 0.5, 0.0)
    """
    both, either = _counts(a, b)
    return 2 * both / (both + either) if either else float("nan")


def iou(a: Volume, b: Volume) -> float:
    """Intersection over union (Jaccard 1912): dice / (2 - dice).

    Parameters
    ----------
    a, b : Volume of bool
        On one grid.

    Returns
    -------
    iou : float
        Between 0 (apart) and 1 (the same); NaN where both are empty.

    Raises
    ------
    MaskError
        If the grids differ.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu import Volume
    >>> from mosmed_edu.masks import iou
    >>> one, other = (Volume(np.isin(np.arange(8), held).reshape(2, 2, 2), np.eye(4)) for held in ([0, 1], [1, 2]))
    >>> round(iou(one, other), 3)
    0.333
    """
    both, either = _counts(a, b)
    return both / either if either else float("nan")


class VolumeError(NamedTuple):
    """How much more one mask holds than another: in mL, and as a share of the other."""

    ml: float
    relative: float


def volume_error(a: Volume, reference: Volume) -> VolumeError:
    """Volume of a mask less that of the reference.

    Parameters
    ----------
    a, reference : Volume of bool
        On one grid.

    Returns
    -------
    error : VolumeError
        Positive where `a` is larger. `relative` is NaN where both are empty and infinite where the reference is.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import volume_error
    >>> from mosmed_edu.volume import Volume
    >>> whole = Volume(np.ones((10, 10, 10), bool), np.eye(4))
    >>> half = whole.with_data(whole.data & (np.arange(10) < 5))
    >>> volume_error(half, whole)
    VolumeError(ml=-0.5, relative=-0.5)
    """
    one, other = _pair(a, reference)
    count, wanted = int(np.count_nonzero(one)), int(np.count_nonzero(other))
    nothing_to_share = float("inf") if count else float("nan")
    relative = (count - wanted) / wanted if wanted else nothing_to_share
    return VolumeError((count - wanted) * a.voxel_ml, relative)


class SurfaceDistances(NamedTuple):
    """Distances between the surfaces of two masks, in mm."""

    mean: float
    hd95: float
    hausdorff: float


def surface_distances(a: Volume, b: Volume) -> SurfaceDistances:
    """How far the surfaces of two masks lie apart.

    A mask's surface are its voxels that share a face with what lies outside. From each of them the distance to the
    nearest surface voxel of the other mask is taken, in both directions.

    Parameters
    ----------
    a, b : Volume of bool
        On one grid.

    Returns
    -------
    distances : SurfaceDistances
        `mean` of all distances of both directions; `hd95`, the larger of the two 95th percentiles; `hausdorff`, the
        largest distance of all. NaN where both masks are empty, infinite where one is.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import surface_distances
    >>> from mosmed_edu.volume import Volume
    >>> one = np.zeros((9, 9, 9), bool)
    >>> one[4, 4, 2] = True
    >>> a = Volume(one, np.diag([-0.7, 0.7, 8.0, 1.0]))
    >>> surface_distances(a, a.with_data(np.roll(one, 1, axis=2)))      # one slice further up
    SurfaceDistances(mean=8.0, hd95=8.0, hausdorff=8.0)
    """
    there, back = _surface_distances(a, b)
    if not (there.size and back.size):
        value = float("inf") if there.size or back.size else float("nan")
        return SurfaceDistances(value, value, value)
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    return SurfaceDistances(
        float(np.concatenate([there, back]).mean()), float(hd95), float(max(there.max(), back.max()))
    )


def surface_dice(a: Volume, b: Volume, tolerance_mm: float) -> float:
    """Share of both surfaces that lies within a tolerance of the other: the normalised surface Dice.

    Surface voxels are counted, each with the same weight; Nikolov et al. (2021) weigh them by the area they stand for.

    Parameters
    ----------
    a, b : Volume of bool
        On one grid.
    tolerance_mm : float
        What still counts as the same place; about what two readers differ by.

    Returns
    -------
    share : float
        0 to 1; NaN where both masks are empty, 0 where one is.

    Raises
    ------
    MaskError
        If the tolerance is negative or no number, a mask is not binary, or the grids differ.

    References
    ----------
    S. Nikolov et al., Clinically applicable segmentation of head and neck anatomy for radiotherapy: deep learning
    algorithm development and validation study, J Med Internet Res 23 (2021) e26151.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import surface_dice
    >>> from mosmed_edu.volume import Volume
    >>> one = np.zeros((9, 9, 9), bool)
    >>> one[4, 4, 2] = True
    >>> a = Volume(one, np.diag([-0.7, 0.7, 8.0, 1.0]))
    >>> b = a.with_data(np.roll(one, 2, axis=0))                         # 1.4 mm aside
    >>> surface_dice(a, b, tolerance_mm=1), surface_dice(a, b, tolerance_mm=2)
    (0.0, 1.0)
    """
    if not tolerance_mm >= 0:
        raise MaskError(f"tolerance {tolerance_mm!r}", "is not a distance", "give 0 or more millimetres")
    there, back = _surface_distances(a, b)
    total = there.size + back.size
    if not total:
        return float("nan")
    # To within the rounding of square roots, or a tolerance of exactly one pixel would depend on it.
    limit = tolerance_mm * (1 + 1e-9)
    near = np.count_nonzero(there <= limit) + np.count_nonzero(back <= limit)
    return float(near / total)


def _surface_distances(a: Volume, b: Volume) -> tuple[np.ndarray, np.ndarray]:
    """From each surface voxel of either mask to the other's surface, in mm; infinite where the other has none."""
    one, other = _pair(a, b)
    box = bounding_box(one | other)
    if box is None:
        return np.zeros(0), np.zeros(0)
    surfaces = [_surface(np.pad(mask[box], 1)) for mask in (one, other)]
    away = [
        ndimage.distance_transform_edt(~surface, sampling=a.spacing)
        if surface.any()
        else np.full(surface.shape, np.inf)
        for surface in surfaces
    ]
    return away[1][surfaces[0]], away[0][surfaces[1]]


def _surface(mask: np.ndarray) -> np.ndarray:
    """Voxels that share a face with the outside."""
    return mask & ~ndimage.binary_erosion(mask)


def _counts(a: Volume, b: Volume) -> tuple[int, int]:
    """Voxels in both masks, and in either."""
    one, other = _pair(a, b)
    return int(np.count_nonzero(one & other)), int(np.count_nonzero(one | other))


def _pair(a: Volume, b: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Two masks that can be compared."""
    masks = binary(a, "first mask"), binary(b, "second mask")
    require_grid(a, b, "second mask")
    return masks
