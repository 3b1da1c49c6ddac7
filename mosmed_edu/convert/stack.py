"""Where the slices of a series lie, whether they make a straight and even stack, and which of them are kept.

Slices are sorted by where they lie in the patient, never by file name or number. Places follow DICOM PS3.3
C.7.6.2.1.1: x grows to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mosmed_edu.convert.headers import Header
from mosmed_edu.errors import ConversionError

#: The dataset kept the slices whose InstanceNumber is a multiple of this.
KEEP_EVERY = 10

#: How far an axis may lean and still be called straight, in degrees.
_STRAIGHT_DEGREES = 1.0

#: How far a slice may lie off the even grid, in mm. Scanners round positions to a tenth or a hundredth.
_EVEN_MM = 0.1

#: Slices closer than this lie at the same place.
_SAME_MM = 0.01

#: The finest pixel of a zoomed ear and the coarsest of a low-dose PET's CT are well inside, in mm. What lies outside is
#: damage, or another unit, and would turn every volume in mL into nonsense.
_PIXEL_MM = 0.05, 10.0

#: NIfTI counts the voxels along an axis in 16 bits.
_MOST_PIXELS = 2**15 - 1

#: No table is a tenth as long as this, in mm. Farther out, NIfTI's 32 bits would round places noticeably.
_FARTHEST_MM = 1e5

_AGAIN = "export the series again, whole and by itself"


@dataclass(frozen=True, eq=False)
class Stack:
    """The slices that are kept.

    Attributes
    ----------
    slices : list of list of Header
        From foot to head. More than one where the same slice is there several times.
    affine : array (4, 4)
        From (column, row, slice) to mm in NIfTI's world, whose x grows to the right and y to the front.
    thin_mm, kept_mm : float
        Distance between the slices of the series, and between those that are kept.
    thin_count : int
        Slices of the series.
    notes : list of str
        What is unusual and harmless. Names no patient.
    """

    slices: list[list[Header]]
    affine: np.ndarray
    thin_mm: float
    kept_mm: float
    thin_count: int
    notes: list[str]


def stack_slices(series: list[Header], keep_every: int = KEEP_EVERY, name: str = "the study") -> Stack:
    """Keep the slices whose InstanceNumber is a multiple of a number, and find where they lie.

    Parameters
    ----------
    series : list of Header
        In any order.
    keep_every : int
        10 as in the dataset; 1 keeps all.
    name : str
        What to call the study in an error.

    Returns
    -------
    stack : Stack

    Raises
    ------
    ConversionError
        If it is not one straight axial stack of CT slices, or what is kept is not evenly spaced.

    Examples
    --------
    >>> import tempfile
    >>> from mosmed_edu.convert import choose_series, read_headers, stack_slices
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin, write_study
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_study(thin.ct, folder)
    ...     stack = stack_slices(choose_series(read_headers(folder, progress=False).headers))
    >>> len(stack.slices)
    2
    """

    def refuse(fault: str, todo: str = _AGAIN) -> None:
        raise ConversionError(name, fault, todo)

    _require_same_frame(series, refuse)
    places = np.array([one.position for one in series])
    row, column = np.reshape(series[0].orientation, (2, 3))
    normal = np.cross(row, column)
    normal *= 1 if normal[2] > 0 else -1
    _require_axial(row, normal, places, refuse)
    heights = places @ normal
    _require_straight(places - np.outer(heights, normal), normal, places, min(series[0].spacing), refuse)
    levels = _levels(heights)
    thin_mm, missing = _thin(heights, levels)
    numbers, notes = _numbers(series, levels, refuse)
    kept = _keep(series, numbers, levels, keep_every, refuse)
    kept_heights = np.array([heights[group[0]] for group in kept])
    _require_even(kept_heights, [numbers[group[0]] for group in kept], refuse)
    if missing:
        notes.append(f"{missing} of {levels.max() + 1 + missing} slices are missing, none of them one that is kept")
    copies = len(series) - (levels.max() + 1)
    if copies:
        notes.append(f"{copies} image{'s are' if copies > 1 else ' is'} there more than once")
    first, last = places[kept[0][0]], places[kept[-1][0]]
    affine = _affine(series[0], first, (last - first) / (len(kept) - 1))
    return Stack(
        slices=[[series[n] for n in group] for group in kept],
        affine=affine,
        thin_mm=thin_mm,
        kept_mm=float(np.linalg.norm(affine[:3, 2])),
        thin_count=int(levels.max() + 1),
        notes=notes,
    )


def _affine(one: Header, first: np.ndarray, step: np.ndarray) -> np.ndarray:
    """DICOM's equation of the place of a pixel, its x and y turned to NIfTI's."""
    row, column = np.reshape(one.orientation, (2, 3))
    between_rows, between_columns = one.spacing
    affine = np.eye(4)
    affine[:3] = np.stack([row * between_columns, column * between_rows, step, first], axis=1)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _require_same_frame(series: list[Header], refuse: Callable) -> None:
    """Every slice says where it lies, and all have the same matrix, pixel size and orientation."""
    for one in series:
        for word, value in (
            ("ImagePositionPatient", one.position),
            ("ImageOrientationPatient", one.orientation),
            ("PixelSpacing", one.spacing),
            ("Rows", one.rows),
            ("Columns", one.columns),
            ("RescaleSlope", one.slope),
            ("RescaleIntercept", one.intercept),
        ):
            if value is None or not np.isfinite(value).all():
                refuse(f"has an image without {word}, {one.path.name}", "export the original series again")
    first = series[0]
    for one in series:
        same = np.allclose(one.orientation, first.orientation, atol=1e-4)
        same &= np.allclose(one.spacing, first.spacing, rtol=1e-4, atol=0)
        if not same or (one.rows, one.columns) != (first.rows, first.columns):
            fault = f"mixes images of different size or orientation in one series, {first.path.name} and "
            refuse(fault + one.path.name, "export the axial series by itself, without the scout")
    row, column = np.reshape(first.orientation, (2, 3))
    if not np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-3):
        refuse("has an orientation that makes no image", "export the original series again")
    _require_sane(series, refuse)


def _require_sane(series: list[Header], refuse: Callable) -> None:
    """A damaged number may be anything, and be the same in every slice."""
    one, again = series[0], "export the original series again"
    if not 1 <= min(one.rows, one.columns) <= max(one.rows, one.columns) <= _MOST_PIXELS:
        refuse(f"has images of {one.rows} x {one.columns} pixels, as no scanner makes them", again)
    if not _PIXEL_MM[0] <= min(one.spacing) <= max(one.spacing) <= _PIXEL_MM[1]:
        sides = " x ".join(f"{mm:.3g}" for mm in one.spacing)
        refuse(f"has a pixel size that no CT has, {sides} mm", again)
    farthest = np.abs([image.position for image in series]).max()
    if farthest > _FARTHEST_MM:
        refuse(f"lies {farthest:.3g} mm from the place that its scanner counts from", again)


def _require_axial(row: np.ndarray, normal: np.ndarray, places: np.ndarray, refuse: Callable) -> None:
    """Slices cut across the long axis of the body, rows along its sides."""
    across = int(np.abs(normal).argmax())
    if across != 2:
        refuse(f"is {('sagittal', 'coronal')[across]}, not axial", "choose the axial series with --series")
    leans, turned = _degrees(normal[2]), _degrees(np.abs(row).max())
    if leans > _STRAIGHT_DEGREES:
        travel = places[places[:, 2].argmax()] - places[places[:, 2].argmin()]
        length = np.linalg.norm(travel)
        if length and _degrees(abs(travel @ normal) / length) > _STRAIGHT_DEGREES:
            _refuse_tilt(leans, refuse)
        refuse(f"is oblique: its slices lean by {leans:.1f} degrees", "choose the axial series with --series")
    if turned > _STRAIGHT_DEGREES:
        refuse(f"is turned in its plane by {turned:.1f} degrees", "reconstruct it again without rotation")


def _require_straight(
    aside: np.ndarray, normal: np.ndarray, places: np.ndarray, pixel_mm: float, refuse: Callable
) -> None:
    """Slices lie above each other: none is half a pixel to the side."""
    aside = aside - aside[places[:, 2].argmin()]
    shift = float(np.linalg.norm(aside, axis=1).max())
    if shift > pixel_mm / 2:
        refuse(f"has slices that are shifted sideways by up to {shift:.1f} mm", "reconstruct it again around one axis")


def _refuse_tilt(degrees: float, refuse: Callable) -> None:
    refuse(
        f"was taken with the gantry tilted by {degrees:.1f} degrees, so its slices do not lie above each other",
        "have it reconstructed without tilt, or leave it out",
    )


def _degrees(cosine: float) -> float:
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def _levels(heights: np.ndarray) -> np.ndarray:
    """Number of the place, from the foot, at which each image lies; images of the same place share it."""
    order = np.argsort(heights, kind="stable")
    levels = np.empty(len(heights), int)
    levels[order] = np.concatenate([[0], np.cumsum(np.diff(heights[order]) > _SAME_MM)])
    return levels


def _thin(heights: np.ndarray, levels: np.ndarray) -> tuple[float, int]:
    """Distance between slices of the series, and how many are missing between its first and last."""
    gaps = np.diff([heights[levels == level].mean() for level in range(levels.max() + 1)])
    if not len(gaps):
        return 0.0, 0
    step = float(np.median(gaps))
    return step, int(np.maximum(np.rint(gaps / step) - 1, 0).sum())


def _numbers(series: list[Header], levels: np.ndarray, refuse: Callable) -> tuple[list[int], list[str]]:
    """InstanceNumbers; where the scanner gave none, places counted from the head."""
    numbers = [one.number for one in series]
    without = numbers.count(None)
    if not without:
        return numbers, []
    if without < len(numbers):
        refuse(f"has {without} of {len(numbers)} images without an InstanceNumber")
    counted = [int(levels.max() + 1 - level) for level in levels]
    return counted, ["its images have no InstanceNumber; slices were counted from the head"]


def _keep(series, numbers: list[int], levels: np.ndarray, every: int, refuse: Callable) -> list[list[int]]:
    """Indices of the images that are kept, grouped by place, from foot to head."""
    groups: dict[int, list[int]] = {}
    for n, number in enumerate(numbers):
        if number % every == 0:
            groups.setdefault(number, []).append(n)
    for number, group in groups.items():
        if len({levels[n] for n in group}) > 1:
            refuse(f"has several images with the InstanceNumber {number} at different places")
    places = [levels[group[0]] for group in groups.values()]
    if len(set(places)) < len(places):
        refuse("has several images with different InstanceNumbers at the same place")
    if len(groups) < 2:
        fault = f"has {len(groups)} of {len(series)} slices left when every {every}th is kept; 2 are needed"
        refuse(fault.replace("every 1th", "every one"), "give a smaller --keep-every")
    return sorted(groups.values(), key=lambda group: levels[group[0]])


def _require_even(heights: np.ndarray, numbers: list[int], refuse: Callable) -> None:
    """All kept slices are as far from the next, or a volume in mL would be wrong."""
    even = np.linspace(heights[0], heights[-1], len(heights))
    if np.abs(heights - even).max() <= _EVEN_MM:
        return
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    odd = int(np.abs(gaps - usual).argmax())
    refuse(
        f"is uneven: slices are {usual:.2f} mm apart, but {gaps[odd]:.2f} mm between InstanceNumber {numbers[odd]} "
        f"and {numbers[odd + 1]}; some are missing, or two scans are mixed"
    )
