"""Contact sheets: many drawn slices on one picture, to judge the drawings at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter
from tqdm.auto import tqdm

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES, SLICE_SPACING_MM
from mosmed_edu.phantom.draw import Drawing, draw
from mosmed_edu.phantom.people import Disease, Findings, Patient, Shares
from mosmed_edu.phantom.signs import SIGN
from mosmed_edu.windowing import apply_window

#: The sheets that can be drawn, and what each shows.
SHEETS = {
    "categories": "eight axial slices of one study of each category, in the lung window",
    "mediastinum": "the same studies in the mediastinal window",
    "coronal": "three coronal slices of each of these studies",
    "signs": "zooms on each sign",
    "patients": "one slice of twelve patients",
    "findings": "what makes grading hard: one slice for each finding",
}

#: Side of a tile, in pixels of the sheet, and the grey line between tiles.
TILE, _LINE, _GREY = 384, 3, 90

#: Where the slices lie between the lungs' base and apex.
_HEIGHTS = (1.04, 0.9, 0.76, 0.64, 0.5, 0.36, 0.2, 0.04)

_COLUMNS = {"categories": 8, "mediastinum": 8, "coronal": 3, "signs": 4, "patients": 4, "findings": 5}
_SLICE_WINDOWS = {"categories": "lung", "mediastinum": "mediastinum"}

#: How much of each sign to ask for, so that it can be shown.
SHOWN_SIGNS = {
    "ground-glass opacity": Shares(0.03, 0.0),
    "consolidation": Shares(0.75, 0.0),
    "crazy paving": Shares(0.02, 0.75),
    "reticulation": Shares(0.05, 0.0, reticulation=1.0),
    "subpleural line": Shares(0.02, 0.0, subpleural_lines=1.0),
    "reversed halo": Shares(0.3, 0.0, reversed_halos=3),
    "halo": Shares(0.3, 0.0, halos=3),
}

#: Share of the lungs to involve, and less of it for lines that ground glass would hide.
_INVOLVED, _SPARE = 0.3, {"reticulation": 0.12, "subpleural line": 0.04}

#: Slices that are drawn to find a good place for a sign: the middle of the chest is enough to choose from. Fewer are
#: drawn sooner; how many show a sign best was chosen by eye.
_CHOICE, _SPECIAL = 7, {"reticulation": 13, "reversed halo": 9, "halo": 9}

#: Distance between slices of which only one is shown: every second slice of a study is enough to choose it from.
_SPARSE_MM = 2 * SLICE_SPACING_MM

#: Name, the finding at full strength, the height at which it is seen best, and the window that shows it.
SHOWN_FINDINGS = (
    ("dependent_atelectasis", Findings(dependent_atelectasis=1.0), 0.2, "lung"),
    ("expiration", Findings(expiration=0.8), 0.5, "lung"),
    ("emphysema", Findings(emphysema=1.0), 0.71, "lung"),
    ("apical_scars", Findings(apical_scars=1.0), 0.93, "lung"),
    ("nodules", Findings(nodules=12), 0.5, "lung"),
    ("effusion", Findings(effusion_left_ml=250, effusion_right_ml=180), 0.14, "mediastinum"),
    ("motion", Findings(motion=1.0), 0.35, "lung"),
    ("metal", Findings(metal=True), 0.85, "lung"),
    ("calcification", Findings(aortic_calcification=1.0, coronary_calcification=1.0), 0.62, "mediastinum"),
    ("lobar_pneumonia", Findings(lobar_pneumonia=3), 0.3, "lung"),
)


class Tile(NamedTuple):
    """One slice of a sheet: grey values (rows, columns), what it shows, its width in mm, the name of its window."""

    grey: np.ndarray
    name: str
    width_mm: float
    window: str = "lung"


def contact_sheet(kind: str = "categories", seed: int = 1, matrix: int = 512, progress: bool = True) -> np.ndarray:
    """Draw studies and put slices of them on one picture. Synthetic: they show no patient.

    Parameters
    ----------
    kind : str
        One of `SHEETS`.
    seed : int
        Of the first study.
    matrix : int
        Pixels along each side of a drawn slice.
    progress : bool
        Show a progress bar.

    Returns
    -------
    picture : uint8 array (rows, columns)
        Radiological display: the patient's right on the viewer's left.

    Raises
    ------
    DrawingError
        If there is no sheet of this name.
    """
    return arrange([tile.grey for tile in sheet_tiles(kind, seed, matrix, progress)], _COLUMNS[kind])


def sheet_tiles(kind: str, seed: int = 1, matrix: int = 512, progress: bool = True) -> list[Tile]:
    """Draw the slices of a contact sheet, to be put together with `arrange`.

    Parameters
    ----------
    kind : str
        One of `SHEETS`.
    seed : int
        Another one draws other patients.
    matrix : int
        Pixels along each side of a slice.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    tiles : list of Tile
        In reading order: for "categories" and "mediastinum" eight of CT-0, eight of CT-1, ...

    Raises
    ------
    DrawingError
        If there is no sheet of this kind.

    Examples
    --------
    >>> from mosmed_edu.phantom.sheet import sheet_tiles
    >>> len(sheet_tiles("coronal", matrix=64, progress=False))
    15
    """
    if kind not in SHEETS:
        raise DrawingError(f"sheet {kind!r}", "is not known", f"take one of {', '.join(SHEETS)}")
    if kind == "patients":
        names = [CATEGORIES[n % 5] for n in range(12)]
        return [_slice(_study(name, seed + n, matrix), 0.5, name) for n, name in enumerate(_bar(names, progress))]
    if kind == "signs":
        return [_zoom(name, shares, seed, matrix) for name, shares in _bar(SHOWN_SIGNS.items(), progress)]
    if kind == "findings":
        return [_finding(n, seed, matrix) for n in _bar(range(len(SHOWN_FINDINGS)), progress)]
    tiles = []
    for n, category in enumerate(_bar(CATEGORIES, progress)):
        study = _study(category, seed + n, matrix)
        if kind == "coronal":
            tiles += [_coronal(study, share, category) for share in (0.3, 0.5, 0.68)]
        else:
            tiles += [_slice(study, height, category, _SLICE_WINDOWS[kind]) for height in _HEIGHTS]
    return tiles


def arrange(tiles: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Put grey tiles (rows, columns) of any size on a sheet, scaled to `TILE`, row by row."""
    fitted = [_fit(tile) for tile in tiles]
    height = max(tile.shape[0] for tile in fitted)
    count = -(-len(fitted) // columns)
    sheet = np.full((count * (height + _LINE) - _LINE, columns * (TILE + _LINE) - _LINE), _GREY, np.uint8)
    for n, tile in enumerate(fitted):
        top, left = (n // columns) * (height + _LINE), (n % columns) * (TILE + _LINE)
        sheet[top : top + tile.shape[0], left : left + TILE] = tile
    return sheet


def _fit(tile: np.ndarray) -> np.ndarray:
    """Scale to the width of a tile."""
    from skimage.transform import resize

    height = max(round(TILE * tile.shape[0] / tile.shape[1]), 1)
    return np.rint(resize(tile, (height, TILE), order=1, anti_aliasing=True, preserve_range=True)).astype(np.uint8)


def _bar(items, progress: bool):
    items = list(items)
    return tqdm(items, "Drawing the sheet", unit="study", disable=not progress)


@lru_cache(maxsize=len(CATEGORIES))
def _study(category: str, seed: int, matrix: int) -> Drawing:
    """Kept, because three sheets show the same five studies and a fourth begins with them."""
    return draw(Patient.sample(seed), Disease.sample(category, seed), matrix=matrix)


def _slice(study: Drawing, height: float, name: str, window: str = "lung") -> Tile:
    """The axial slice at this share of the lungs' height."""
    with_lung = np.flatnonzero(study.lungs.data.any((0, 1)))
    k = round(with_lung[0] + height * (with_lung[-1] - with_lung[0]))
    hu = study.ct.axial(int(np.clip(k, 0, study.ct.shape[2] - 1)))
    return Tile(apply_window(hu, window), name, hu.shape[1] * study.ct.pixel_mm("axial")[1], window)


def _coronal(study: Drawing, share: float, name: str) -> Tile:
    """A coronal slice at this share of the lungs' depth from the back, with square pixels."""
    with_lung = np.flatnonzero(study.lungs.data.any((0, 2)))
    hu = study.ct.coronal(int(with_lung[0] + share * (with_lung[-1] - with_lung[0])))
    high, wide = study.ct.pixel_mm("coronal")
    return Tile(np.repeat(apply_window(hu, "lung"), max(round(high / wide), 1), axis=0), name, hu.shape[1] * wide)


def _finding(n: int, seed: int, matrix: int) -> Tile:
    """A patient without disease who has the n-th finding."""
    name, findings, height, window = SHOWN_FINDINGS[n]
    patient = Patient(age=66, sex="FM"[n % 2], bmi=26, seed=seed + n)
    return _slice(draw(patient, Disease(), findings, matrix, spacing_mm=_SPARSE_MM), height, name, window)


def _zoom(name: str, shares: Shares, seed: int, matrix: int) -> Tile:
    """The place where most of a sign is seen, 90 mm wide."""
    disease = Disease("CT-2", _SPARE.get(name, _INVOLVED), shares, seed=seed)
    study = draw(Patient(seed=seed), disease, matrix=matrix, slices=_SPECIAL.get(name, _CHOICE))
    i, j, k = _place(study, name)
    half = max(round(45 / study.ct.spacing[0]), 8)
    i, j = (int(np.clip(at, half, matrix - half)) for at in (i, j))
    cut = study.ct.with_data(study.ct.data[i - half : i + half, j - half : j + half, k : k + 1])
    return Tile(apply_window(cut.axial(0), "lung"), name, 2 * half * study.ct.spacing[0])


def _place(study: Drawing, name: str) -> tuple[int, int, int]:
    """Voxel at the middle of a sign: a round lesion's centre, or where most of its label lies in open lung."""
    marks = [mark for mark in study.record["marks"] if mark["sign"] == name]
    if marks:
        x, y, z = marks[0]["center_mm"]
        return tuple(int(n) for n in np.rint(study.ct.to_index((-x, y, z))))
    found = study.labels.data == SIGN.get(name, SIGN["ground-glass opacity"])
    area = round(60 / study.ct.spacing[0])
    shown, lung = (uniform_filter(values.astype(np.float32), (area, area, 1)) for values in (found, study.lungs.data))
    i, j, k = np.unravel_index((shown * lung**2).argmax(), found.shape)
    return int(i), int(j), int(k)
