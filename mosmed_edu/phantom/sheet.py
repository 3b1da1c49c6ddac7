"""Contact sheets: many drawn slices on one picture, to judge the drawings at a glance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm.auto import tqdm

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES
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

#: How much of each sign to ask for, so that it can be shown.
_SHOWN_SIGNS = {
    "ground-glass opacity": Shares(0.03, 0.0),
    "consolidation": Shares(0.75, 0.0),
    "crazy paving": Shares(0.02, 0.75),
    "reticulation": Shares(0.05, 0.0, reticulation=1.0),
}

_SHOWN_FINDINGS = (
    ("dependent_atelectasis", Findings(dependent_atelectasis=1.0), 0.2),
    ("expiration", Findings(expiration=0.8), 0.5),
    ("emphysema", Findings(emphysema=1.0), 0.8),
    ("apical_scars", Findings(apical_scars=1.0), 0.93),
    ("nodules", Findings(nodules=12), 0.5),
    ("effusion", Findings(effusion_left_ml=250, effusion_right_ml=180), 0.14),
    ("motion", Findings(motion=1.0), 0.3),
    ("metal", Findings(metal=True), 0.78),
    ("calcification", Findings(aortic_calcification=1.0, coronary_calcification=1.0), 0.62),
    ("lobar_pneumonia", Findings(lobar_pneumonia=3), 0.3),
)


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
    if kind not in SHEETS:
        raise DrawingError(f"sheet {kind!r}", "is not known", f"take one of {', '.join(SHEETS)}")
    if kind == "patients":
        tiles = [_slice(_study(CATEGORIES[n % 5], seed + n, matrix), 0.5) for n in _bar(range(12), progress)]
        return arrange(tiles, 4)
    if kind == "signs":
        return arrange([_zoom(name, shares, seed, matrix) for name, shares in _bar(_SHOWN_SIGNS.items(), progress)], 4)
    if kind == "findings":
        tiles = []
        for n, (_, findings, height) in enumerate(_bar(_SHOWN_FINDINGS, progress)):
            patient = Patient(age=66, sex="FM"[n % 2], bmi=26, seed=seed + n)
            window = "mediastinum" if "effusion" in _SHOWN_FINDINGS[n][0] or "calc" in _SHOWN_FINDINGS[n][0] else "lung"
            tiles.append(_slice(draw(patient, Disease(), findings, matrix), height, window))
        return arrange(tiles, 5)
    rows = []
    for n, category in enumerate(_bar(CATEGORIES, progress)):
        study = _study(category, seed + n, matrix)
        if kind == "coronal":
            rows += [_coronal(study, share) for share in (0.3, 0.5, 0.68)]
        else:
            window = "lung" if kind == "categories" else "mediastinum"
            rows += [_slice(study, height, window) for height in _HEIGHTS]
    return arrange(rows, 3 if kind == "coronal" else 8)


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


def _study(category: str, seed: int, matrix: int) -> Drawing:
    return draw(Patient.sample(seed), Disease.sample(category, seed), matrix=matrix)


def _slice(study: Drawing, height: float, window: str = "lung") -> np.ndarray:
    """The axial slice at this share of the lungs' height."""
    with_lung = np.flatnonzero(study.lungs.data.any((0, 1)))
    k = round(with_lung[0] + height * (with_lung[-1] - with_lung[0]))
    return apply_window(study.ct.axial(int(np.clip(k, 0, study.ct.shape[2] - 1))), window)


def _coronal(study: Drawing, share: float) -> np.ndarray:
    """A coronal slice at this share of the lungs' depth from the back, with square pixels."""
    with_lung = np.flatnonzero(study.lungs.data.any((0, 2)))
    picture = apply_window(study.ct.coronal(int(with_lung[0] + share * (with_lung[-1] - with_lung[0]))), "lung")
    high, wide = study.ct.pixel_mm("coronal")
    return np.repeat(picture, max(round(high / wide), 1), axis=0)


def _zoom(name: str, shares: Shares, seed: int, matrix: int) -> np.ndarray:
    """The place where most of a sign is seen, 90 mm wide."""
    study = draw(Patient(seed=seed), Disease("CT-3", 0.45, shares, seed=seed), matrix=matrix)
    found = study.labels.data == SIGN[name]
    k = int(found.sum((0, 1)).argmax())
    i, j = (int(np.median(index)) for index in np.nonzero(found[..., k])) if found.any() else (matrix // 2,) * 2
    half = max(round(45 / study.ct.spacing[0]), 8)
    i, j = (int(np.clip(at, half, matrix - half)) for at in (i, j))
    cut = study.ct.with_data(study.ct.data[i - half : i + half, j - half : j + half, k : k + 1])
    return apply_window(cut.axial(0), "lung")
