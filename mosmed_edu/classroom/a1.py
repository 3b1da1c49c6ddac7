"""Assignment A1, the dataset and Hounsfield units: what is drawn for it, and what is asked."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from scipy import ndimage

from mosmed_edu.classroom.cases import Cases
from mosmed_edu.classroom.pencil import Pencil
from mosmed_edu.classroom.questions import (
    RIGHT,
    Question,
    examples,
    is_function,
    is_mapping,
    is_number,
    is_vector,
    near,
    read_number,
    read_word,
)
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom import Drawing

#: Studies that the registry lists of each category: at least, and at most.
_LISTED = ((5, 15), (20, 40), (6, 18), (2, 9), (1, 5))

#: What a reader tells apart at the mark: mean HU and the most that it varies, over a disc of `_DISC_MM`.
TISSUES = MappingProxyType(
    {"lung": (-900, -780, 60), "fat": (-120, -85, 35), "soft tissue": (30, 65, 35), "bone": (230, 1500, 500)}
)
_DISC_MM = 5

#: How far a width may be off that is measured by eye, in mm.
_WIDTH_MM = 12


def draw(pencil: Pencil) -> None:
    """A registry of a partial download, two studies of it, and a scan to be read."""
    counts = [int(pencil.rng.integers(low, high + 1)) for low, high in _LISTED]
    categories = dict(enumerate(np.repeat(CATEGORIES, counts).tolist(), start=1))
    first = {name: 1 + sum(counts[:n]) for n, name in enumerate(CATEGORIES)}
    healthy = first["CT-0"] + int(pencil.rng.integers(counts[0]))
    sick = first["CT-1"] + int(pencil.rng.integers(counts[1]))
    drawings = {
        healthy: pencil.draw("CT-0", matrix=160),
        sick: pencil.draw("CT-1", pencil.rng.uniform(0.05, 0.2), matrix=160),
    }
    pencil.write_dataset(categories, drawings)
    shape = drawings[sick].ct.shape
    low = int(pencil.rng.integers(-95, -60)) * 10
    pencil.said |= {
        "study": sick,
        "voxel": [int(pencil.rng.integers(n // 4, 3 * n // 4)) for n in shape],
        "low": low,
        "high": low + int(pencil.rng.integers(20, 40)) * 10,
    }
    _draw_case(pencil)


def _draw_case(pencil: Pencil) -> None:
    """A healthy chest, a mark in one tissue, and the width of its lungs."""
    drawing = pencil.draw("CT-0")
    tissue = pencil.choose(TISSUES)
    pencil.write_case("A", drawing)
    pencil.said["mark"] = _place_in(drawing, tissue, pencil.rng)
    pencil.said["slice"] = k = _widest_slice(drawing)
    pencil.key |= {"q5": tissue, "q6": _width_mm(drawing, k)}


def _place_in(drawing: Drawing, tissue: str, rng: np.random.Generator) -> list[int]:
    """A voxel with a disc of nothing but this tissue round it, on a slice through the lungs."""
    low, high, most = TISSUES[tissue]
    radius = max(round(_DISC_MM / drawing.ct.spacing[0]), 1)
    disc = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1]) <= radius
    with_lung = np.flatnonzero(drawing.lungs.data.any(axis=(0, 1)))
    for k in rng.permutation(with_lung[len(with_lung) // 2 : -len(with_lung) // 5]):  # above the stomach and its fluid
        hu = drawing.ct.data[:, :, k].astype(np.float32)
        mean = ndimage.convolve(hu, disc / disc.sum(), mode="nearest")
        varies = np.sqrt(np.maximum(ndimage.convolve(hu**2, disc / disc.sum(), mode="nearest") - mean**2, 0))
        fits = (mean > low) & (mean < high) & (varies < most)
        fits &= ndimage.binary_erosion(drawing.lungs.data[:, :, k], disc) if tissue == "lung" else True
        places = np.argwhere(fits)
        if len(places):
            return [*map(int, places[rng.integers(len(places))]), int(k)]
    raise ValueError(f"no place for a mark in {tissue}")  # a drawn chest has all of them


def _widest_slice(drawing: Drawing) -> int:
    """The slice on which the lungs reach farthest from side to side."""
    return int(np.argmax([_width_mm(drawing, k) for k in range(drawing.ct.shape[2])]))


def _width_mm(drawing: Drawing, k: int) -> float:
    """From the outer edge of the one lung to that of the other."""
    columns = np.flatnonzero(drawing.lungs.data[:, :, k].any(axis=1))
    return float(np.ptp(columns) + 1) * drawing.ct.spacing[0] if len(columns) else 0.0


def _counts(answer: dict, cases: Cases, key: dict) -> str:
    listed = cases.dataset.registry["category"].value_counts()
    if all(answer[name] == listed[name] for name in CATEGORIES):
        return RIGHT
    on_disk = {name: len(cases.dataset.studies(category=name)) for name in CATEGORIES}
    if all(answer[name] == on_disk[name] for name in CATEGORIES):
        return "these are the studies on disk; count those that the registry lists"
    return "count the rows of ds.registry by their category"


def _voxel_ml(answer: float, cases: Cases, key: dict) -> str:
    truth = cases.study.ct().voxel_ml
    if near(answer, 1000 * truth, 0.01 * 1000 * truth, "no") == RIGHT:
        return "that is in cubic millimetres; 1 mL has 1000 of them"
    return near(answer, truth, 0.005 * truth, "multiply the three spacings of cases.study, then mind the unit")


def _place(answer, cases: Cases, key: dict) -> str:
    ct, answer = cases.study.ct(), np.asarray(answer, float)
    truth = ct.to_mm(cases["voxel"])
    if np.abs(answer - truth).max() < 0.5:
        return RIGHT
    if np.abs(np.abs(answer) - np.abs(truth)).max() < 0.5:
        return "a sign is wrong: in NIfTI x grows to the patient's right, y to the front, z to the head"
    if np.abs(answer - np.multiply(cases["voxel"], ct.spacing)).max() < 0.5:
        return "spacing alone does not know where the zero point lies: use the whole affine"
    return "append 1 to the voxel's index and multiply: affine @ (i, j, k, 1)"


def _shares(*arrays: np.ndarray, low: float, high: float) -> list[tuple]:
    """Arguments and results of the function that is asked for."""
    return [((hu, low, high), float(np.mean((hu >= low) & (hu <= high)))) for hu in arrays]


def _share(answer, cases: Cases, key: dict) -> str:
    hu = np.array([-1000, -900, -500, -499, 0, 40, 40, 1000], np.int16)
    hint = "count the voxels from low to high, both of them included, and divide by the number of all voxels"
    return examples(answer, _shares(hu, hu.reshape(2, 2, 2), low=-900, high=-500), hint)


def _share_hidden(answer, cases: Cases, key: dict) -> str:
    hu = cases.study.ct().data
    hint = "it is right on the small examples and not on a whole scan, on fractions, or where nothing fits"
    hidden = _shares(hu, hu[::2].astype(np.float32) + 0.25, low=cases["low"], high=cases["high"])
    return examples(answer, hidden + _shares(np.full((3, 4), 7.0), low=8, high=9), hint)


QUESTIONS = MappingProxyType(
    {
        "q1": Question(is_mapping(CATEGORIES), _counts),
        "q2": Question(is_number(0, 1000, "mL"), _voxel_ml),
        "q3": Question(is_vector(3, "mm"), _place),
        "q4": Question(is_function, _share, _share_hidden),
        "q5": read_word(
            "q5", list(TISSUES), "look at the mark in two windows: what is black or white in one is grey in another"
        ),
        "q6": read_number(
            "q6",
            (0, 600),
            "mm",
            _WIDTH_MM,
            "measure from the outer edge of one lung to that of the other, not the body",
        ),
    }
)
