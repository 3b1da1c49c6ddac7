"""Measure one scan: its lungs, how dense they are, where they are dense, how their texture is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

from mosmed_edu.boxes import bounding_box
from mosmed_edu.features.blur import gaussian, gaussian_exactly, gaussian_mirrored
from mosmed_edu.features.names import BANDS_HU, FEATURES
from mosmed_edu.lungs import Lungs, segment_lungs
from mosmed_edu.masks import involvement
from mosmed_edu.volume import Volume

#: A voxel of the lungs counts as involved from this density up, after smoothing within its slice. A convention of this
#: course: higher, and thin ground glass is lost; lower, and dependent or breathed-out lung is counted.
INVOLVED_HU = -600.0

#: Standard deviation in mm of the smoothing before that threshold, so that a thin vessel alone does not count.
BLUR_MM = 3.0

#: So near to the threshold the last digits of a blur may decide, which are not the same on every machine, in HU.
_DOUBTFUL_HU = 0.002

#: Blurs between which texture is measured, in mm.
_FINE_MM, _COARSE_MM = 2.0, 8.0

#: Between bins of the histogram whose entropy is measured, in HU.
_ENTROPY_EDGES = range(-1025, 100, 25)

#: Soft tissue after a blur, in HU: where the grain of the picture is measured.
_SOFT_HU = (10, 80)


def measure_study(ct: Volume, lungs: Lungs | None = None) -> dict[str, float]:
    """Measure one scan.

    Parameters
    ----------
    ct : Volume
        Hounsfield units, in any orientation.
    lungs : Lungs, optional
        Those of this scan, where they have been found already.

    Returns
    -------
    row : dict of str to float
        One number for every name of `FEATURES`, in their order. NaN where there is nothing to measure, for example the
        involvement of a lung that was not found.

    Raises
    ------
    LungsNotFound, MaskError
        If the scan shows no lungs, or is no scan.

    Notes
    -----
    Weight and gas follow from the density of a mixture of gas and water. Its normal limits, and what else is dense in a
    healthy lung, are in M. Cressoni et al., Limits of normality of quantitative thoracic CT analysis, Critical Care
    (2013), doi 10.1186/cc12738.

    Examples
    --------
    >>> from mosmed_edu.features import measure_study
    >>> from mosmed_edu.phantom import Disease, Patient, draw
    >>> healthy, sick = (
    ...     measure_study(draw(Patient(seed=1), disease, matrix=96).ct)
    ...     for disease in (Disease("CT-0"), Disease("CT-2", 0.3, seed=1))
    ... )
    >>> healthy["involved"] < sick["involved"], healthy["hu_mean"] < sick["hu_mean"]
    (True, True)
    """
    lungs = lungs or segment_lungs(ct)
    # Sorted, for what asks how many voxels lie below a density; turned over, as scans from files lie in memory.
    hu = np.sort(ct.data.T[lungs.labels.data.T > 0].astype(np.float32))
    row = _of_lungs(ct, lungs, hu) | _of_density(hu) | _of_involvement(ct, lungs) | _of_texture(ct, lungs, hu)
    row |= _of_scan(ct)
    return {name: float(row[name]) for name in FEATURES}


def involved_voxels(ct: Volume, lungs: Lungs) -> Volume:
    """Lung that is dense over more than a vessel's width: a rough stand-in for a mask, where there is none.

    The scan is smoothed within each slice over the lungs' own voxels, by a Gaussian of `BLUR_MM`, and cut at
    `INVOLVED_HU`. It takes large vessels, dependent and breathed-out lung for disease, and misses thin ground glass.

    Parameters
    ----------
    ct : Volume
        Hounsfield units.
    lungs : Lungs
        Of this scan.

    Returns
    -------
    mask : Volume of bool, on the same grid

    Examples
    --------
    >>> from mosmed_edu.features import involved_voxels
    >>> from mosmed_edu.lungs import segment_lungs
    >>> from mosmed_edu.phantom import Disease, Patient, draw
    >>> study = draw(Patient(seed=1), Disease("CT-2", 0.3, seed=1), matrix=96)
    >>> found = involved_voxels(study.ct, segment_lungs(study.ct))
    >>> bool((found.data & study.mask.data).sum() > 0.5 * study.mask.data.sum())
    True
    """
    found = np.zeros_like(ct.data, bool)
    slices = np.moveaxis(found, ct.axis("S"), 0)
    for k, box, hu, inside, mm in _lung_slices(ct, lungs):
        smooth = _blur(hu, inside, BLUR_MM, mm)
        if (inside & (np.abs(smooth - INVOLVED_HU) < _DOUBTFUL_HU)).any():
            smooth = _blur(hu, inside, BLUR_MM, mm, exactly=True)
        slices[k][box] = (smooth >= INVOLVED_HU) & inside
    return ct.with_data(found)


def _lung_slices(ct: Volume, lungs: Lungs) -> Iterator[tuple[int, tuple, np.ndarray, np.ndarray, tuple[float, float]]]:
    """Of every axial slice with lung: its number, the box round the lung, HU and lung in it, and its spacing in mm."""
    axis = ct.axis("S")
    mm = tuple(size for n, size in enumerate(ct.spacing) if n != axis)
    planes = zip(np.moveaxis(ct.data, axis, 0), np.moveaxis(lungs.labels.data, axis, 0), strict=True)
    for k, (hu, labels) in enumerate(planes):
        inside = labels > 0
        if (box := bounding_box(inside)) is not None:
            yield k, box, hu[box].astype(np.float32, order="C"), np.ascontiguousarray(inside[box]), mm


def _blur(
    hu: np.ndarray, inside: np.ndarray, sigma_mm: float, mm: tuple[float, float], exactly: bool = False
) -> np.ndarray:
    """Smooth over the lungs' own voxels alone: a weighted mean in which chest wall and heart have no weight.

    Beyond the array there is no lung either, so a slice may be cut to the box round its lungs.
    """
    sigma = tuple(sigma_mm / size for size in mm)
    summed, weight = (gaussian_exactly if exactly else gaussian)(np.stack([hu * inside, inside]), sigma)
    return summed / np.maximum(weight, 1e-3)


def _of_lungs(ct: Volume, lungs: Lungs, hu: np.ndarray) -> dict[str, float]:
    axis = ct.axis("S")
    held = np.flatnonzero([labels.any() for labels in np.moveaxis(lungs.labels.data, axis, 0)])
    return {
        "lung_ml": lungs.ml["both"],
        "right_share": lungs.ml["right"] / lungs.ml["both"],
        "lung_height_mm": (held[-1] - held[0] + 1) * ct.spacing[axis],
        "tissue_g": np.clip(1 + hu / 1000, 0, None).sum(dtype=float) * ct.voxel_ml,
    }


def _of_density(hu: np.ndarray) -> dict[str, float]:
    mean, sd = hu.mean(dtype=float), hu.std(dtype=float)
    away = (hu - mean) / sd if sd > 0 else np.nan
    percentiles = [int(name[-2:]) for name in FEATURES if name.startswith("hu_p")]
    bands = [name for name, one in FEATURES.items() if one.group == "bands"]
    return {
        "hu_mean": mean,
        "hu_sd": sd,
        "hu_skewness": np.mean(away * away * away),
        **{f"hu_p{n:02}": value for n, value in zip(percentiles, np.percentile(hu, percentiles), strict=True)},
        **dict(zip(bands, _shares(hu, BANDS_HU), strict=True)),
    }


def _shares(hu: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Share of sorted voxels below the first edge, from each edge to the next, and from the last one up."""
    below = np.searchsorted(hu, np.asarray(edges, hu.dtype))
    return np.diff(below, prepend=0, append=hu.size) / hu.size


def _of_involvement(ct: Volume, lungs: Lungs) -> dict[str, float]:
    share = involvement(involved_voxels(ct, lungs), lungs.labels)["share"]
    return {"involved": share.pop("both"), **{f"involved_{part}": value for part, value in share.items()}}


def _of_texture(ct: Volume, lungs: Lungs, hu: np.ndarray) -> dict[str, float]:
    """Sums over slices, so that no second volume is held."""
    fine = coarse = steep = 0.0
    for _, _, plane, lung, mm in _lung_slices(ct, lungs):
        soft = _blur(plane, lung, _FINE_MM, mm)
        fine += np.square((plane - soft)[lung], dtype=float).sum()
        coarse += np.square((soft - _blur(plane, lung, _COARSE_MM, mm))[lung], dtype=float).sum()
        inner = ndimage.binary_erosion(lung)  # beyond the lungs' edge the weighted mean means nothing
        if inner.any():
            slope = (along[inner] for along in np.gradient(soft, *mm))
            steep += np.hypot(*slope).mean(dtype=float) * np.count_nonzero(lung)
    share = _shares(hu, _ENTROPY_EDGES)
    return {
        "fine_hu": np.sqrt(fine / hu.size),
        "coarse_hu": np.sqrt(coarse / hu.size),
        "gradient_hu_mm": steep / hu.size,
        "entropy_bits": -np.sum(share[share > 0] * np.log2(share[share > 0])),
    }


def _of_scan(ct: Volume) -> dict[str, float]:
    axis = ct.axis("S")
    mm = [size for n, size in enumerate(ct.spacing) if n != axis]
    return {"pixel_mm": np.mean(mm), "slices": ct.shape[axis], "noise_hu": _noise(np.moveaxis(ct.data, axis, 0), mm)}


def _noise(slices: np.ndarray, mm: list[float]) -> float:
    """Grain in HU, from steps between neighbours in soft tissue.

    By the median, so that edges weigh little. Air outside the body would not do: some scanners fill it with a constant.
    """
    steps = []
    for plane in slices[2::4].astype(np.float32, order="C"):
        smooth = gaussian_mirrored(plane, tuple(3 / size for size in mm))
        soft = (smooth > _SOFT_HU[0]) & (smooth < _SOFT_HU[1])
        steps.append(np.diff(plane, axis=0)[soft[1:] & soft[:-1]])
    found = np.concatenate(steps) if steps else np.empty(0)
    # 1.4826 turns a median deviation into a standard deviation; a difference of two has twice the variance of one.
    return 1.4826 * np.median(np.abs(found)) / np.sqrt(2) if found.size else np.nan
