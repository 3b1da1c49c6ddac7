"""A good place to see each sign, in a study drawn for it. Synthetic: they show no patient.

The real dataset says nowhere which sign lies where, so a page on signs needs pictures whose answer is known. Each
recipe draws the middle of one chest with much of one sign; the place shown is where most of its label lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from tqdm.auto import tqdm

from mosmed_edu.book import building_book
from mosmed_edu.errors import DrawingError
from mosmed_edu.phantom import Disease, Drawing, Patient, Shares, draw
from mosmed_edu.phantom.signs import SIGN
from mosmed_edu.volume import Volume

#: Slices that are drawn of each chest: enough to choose one from.
_SLICES = 9

#: A thin bronchus is blurred with the consolidation round it: it reads below this, in HU, and consolidation far above.
_AIR_HU = -200

#: The edge of a consolidation is blurred with air as well, over about this many mm.
_EDGE_MM = 1.5


#: Seed and width in mm of the chest that is drawn without and with disease, and what reads as a vessel there, in HU.
_PAIR_SEED, _PAIR_MM, _VESSEL_HU = 6, 50, -450


@dataclass(frozen=True, eq=False)
class Example:
    """One sign in a drawn study, and where to look.

    Attributes
    ----------
    name : str
        One of `EXAMPLES`.
    ct : Volume, int16
        Hounsfield units.
    outline : Volume of bool
        The sign, or what to look at in it.
    labels : Volume of uint8
        All signs, numbered as in `mosmed_edu.phantom.SIGNS`.
    at : tuple of 3 int
        Voxel (i, j, k) at the middle of the picture.
    width_mm : float
        Width of the picture.
    is_synthetic : bool
        Always True.
    """

    name: str
    ct: Volume
    outline: Volume
    labels: Volume
    at: tuple[int, int, int]
    width_mm: float
    is_synthetic: bool = True


@dataclass(frozen=True)
class _Recipe:
    """Which study to draw for a sign: the seed of patient and disease, the involved share, the signs' shares."""

    seed: int
    fraction: float
    shares: Shares
    width_mm: float = 80


#: The signs, in the order in which a page shows them. Seeds were chosen by eye, as one chooses a case for a lecture.
EXAMPLES = {
    "ground-glass opacity": _Recipe(3, 0.3, Shares(0.0, 0.0)),
    "consolidation": _Recipe(2, 0.35, Shares(0.7, 0.0)),
    "air bronchogram": _Recipe(7, 0.35, Shares(0.7, 0.0), 50),
    "crazy paving": _Recipe(4, 0.3, Shares(0.02, 0.75), 70),
    "reticulation": _Recipe(5, 0.02, Shares(0.05, 0.0, reticulation=0.7), 55),
    "subpleural line": _Recipe(1, 0.02, Shares(0.02, 0.0, subpleural_lines=1.0), 70),
    "reversed halo": _Recipe(1, 0.25, Shares(0.3, 0.0, reversed_halos=3), 70),
    "halo": _Recipe(1, 0.2, Shares(0.3, 0.0, halos=3), 70),
}


def draw_examples(
    names: Iterable[str] = tuple(EXAMPLES), matrix: int = 512, progress: bool | None = None
) -> dict[str, Example]:
    """Draw an example of each sign.

    Parameters
    ----------
    names : iterable of str
        Keys of `EXAMPLES`; all of them by default.
    matrix : int
        Pixels along each side of a slice.
    progress : bool, optional
        Show a progress bar; by default everywhere but on the pages of the book.

    Returns
    -------
    examples : dict of str to Example

    Raises
    ------
    DrawingError
        If there is no example of this name.

    Examples
    --------
    >>> from mosmed_edu.examples import draw_examples
    >>> example = draw_examples(["consolidation"], matrix=128, progress=False)["consolidation"]
    >>> bool(example.outline.data[..., example.at[2]].any())
    True
    """
    names = list(names)
    for name in names:
        if name not in EXAMPLES:
            raise DrawingError(f"example {name!r}", "is not known", f"take one of {', '.join(EXAMPLES)}")
    if progress is None:
        progress = not building_book()
    drawings: dict[_Recipe, Drawing] = {}
    found = {}
    for name in tqdm(names, "Drawing the signs", unit="sign", disable=not progress):
        recipe = EXAMPLES[name]
        same = _Recipe(recipe.seed, recipe.fraction, recipe.shares)  # two names may look at one study
        if same not in drawings:
            disease = Disease("CT-2", recipe.fraction, recipe.shares, seed=recipe.seed)
            drawings[same] = draw(Patient(seed=recipe.seed), disease, matrix=matrix, slices=_SLICES)
        found[name] = _example(name, drawings[same], recipe.width_mm)
    return found


def _example(name: str, drawing: Drawing, width_mm: float) -> Example:
    """Find the sign in its study."""
    if name in ("halo", "reversed halo"):
        outline, at = _round_lesion(name, drawing)
    else:
        outline = bronchograms(drawing.ct, drawing.labels) if name == "air bronchogram" else None
        outline = drawing.labels.with_data(drawing.labels.data == SIGN[name]) if outline is None else outline
        # a thin tube belongs into the middle of the picture, a large patch may fill it
        at = fullest_place(outline, width_mm / 2 if name == "air bronchogram" else width_mm)
    return Example(name, drawing.ct, outline, drawing.labels, at, width_mm)


def draw_with_and_without(matrix: int = 512) -> tuple[Example, Example]:
    """Draw one chest without disease and with ground glass, and look at its vessels at the same place.

    Parameters
    ----------
    matrix : int
        Pixels along each side of a slice.

    Returns
    -------
    without, with_disease : Example
        Both outline what the second one's ground glass covers.

    Examples
    --------
    >>> from mosmed_edu.examples import draw_with_and_without
    >>> without, with_disease = draw_with_and_without(matrix=96)
    >>> without.at == with_disease.at
    True
    """
    diseases = Disease(), Disease("CT-2", 0.3, Shares(0.0, 0.0), seed=_PAIR_SEED)
    healthy, ill = (draw(Patient(seed=_PAIR_SEED), disease, matrix=matrix, slices=_SLICES) for disease in diseases)
    haze = ill.labels.with_data(ill.labels.data == SIGN["ground-glass opacity"])
    at = fullest_place(haze.with_data(haze.data & (healthy.ct.data > _VESSEL_HU)), _PAIR_MM - 10)
    name = "vascular thickening"
    return tuple(Example(name, drawing.ct, haze, drawing.labels, at, _PAIR_MM) for drawing in (healthy, ill))


def fullest_place(outline: Volume, width_mm: float) -> tuple[int, int, int]:
    """Where a square holds most of a sign.

    Parameters
    ----------
    outline : Volume of bool
    width_mm : float
        Of the square, within an axial slice.

    Returns
    -------
    at : tuple of 3 int
        The voxel (i, j, k) in its middle.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu import Volume
    >>> from mosmed_edu.examples import fullest_place
    >>> sign = np.zeros((20, 20, 5), bool)
    >>> sign[4:9, 10:15, 3] = True
    >>> fullest_place(Volume(sign, np.diag([1.0, 1, 8, 1])), width_mm=5)
    (6, 12, 3)
    """
    size = [max(round(width_mm / mm), 1) for mm in outline.spacing[:2]]
    held = ndimage.uniform_filter(outline.data.astype(np.float32), (*size, 1), mode="constant")
    return tuple(int(n) for n in np.unravel_index(held.argmax(), held.shape))


def bronchograms(ct: Volume, labels: Volume) -> Volume:
    """Air-filled bronchi within consolidation: what is labelled as airless lung, well inside it, and reads as air.

    Parameters
    ----------
    ct : Volume
        Hounsfield units.
    labels : Volume of uint8
        Signs, by the numbers of `SIGNS`.

    Returns
    -------
    found : Volume of bool
        On the same grid.

    Examples
    --------
    >>> from mosmed_edu.examples import bronchograms
    >>> from mosmed_edu.phantom import Disease, Patient, draw
    >>> healthy = draw(Patient(seed=1), Disease("CT-0"), matrix=64)
    >>> bool(bronchograms(healthy.ct, healthy.labels).data.any())
    False
    """
    solid = labels.data == SIGN["consolidation"]
    reach = max(round(_EDGE_MM / ct.spacing[0]), 1)
    disk = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= reach
    return ct.with_data(ndimage.binary_erosion(solid, disk[..., None]) & (ct.data < _AIR_HU))


def _round_lesion(name: str, drawing: Drawing) -> tuple[Volume, tuple[int, int, int]]:
    """The consolidation of a reversed halo, or the whole of a halo, and its middle."""
    marks = [mark for mark in drawing.record["marks"] if mark["sign"] == name]
    if not marks:
        raise DrawingError(f"example {name!r}", "found no room in this chest", "draw it with a larger matrix")
    mark = max(marks, key=lambda mark: mark["radius_mm"])
    labels, (right, front, up) = drawing.labels, mark["center_mm"]
    at = tuple(int(n) for n in np.rint(labels.to_index((-right, front, up))))
    places = zip(np.ogrid[tuple(map(slice, labels.shape))], at, labels.spacing, strict=True)
    distance = np.sqrt(sum(((n - middle) * mm) ** 2 for n, middle, mm in places))
    wanted = ["consolidation"] if name == "reversed halo" else ["consolidation", "ground-glass opacity"]
    of_sign = np.isin(labels.data, [SIGN[part] for part in wanted])
    return labels.with_data(of_sign & (distance < 1.2 * mark["radius_mm"])), at
