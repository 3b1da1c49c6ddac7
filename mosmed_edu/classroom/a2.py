"""Assignment A2, windows and signs: what is drawn for it, and what is asked."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mosmed_edu.classroom.cases import Cases
from mosmed_edu.classroom.pencil import Pencil
from mosmed_edu.classroom.questions import (
    RIGHT,
    Question,
    examples,
    is_function,
    is_mapping,
    is_one_of,
    is_vector,
    read_word,
    same_word,
)
from mosmed_edu.examples import fullest_place
from mosmed_edu.phantom import Shares
from mosmed_edu.phantom.signs import SIGN
from mosmed_edu.windowing import WINDOWS, Window, apply_window

#: The signs that a reader tells apart, and how much of each is drawn: involved share of the lungs, shares of the signs.
SIGNS = MappingProxyType(
    {
        "ground-glass opacity": (0.3, Shares(0.0, 0.0)),
        "consolidation": (0.35, Shares(0.7, 0.0)),
        "crazy paving": (0.3, Shares(0.02, 0.75)),
    }
)

#: Width of the picture of a sign, in mm, and the slices that are drawn of its chest.
_WIDTH_MM, _SLICES = 70, 9

#: Pairs of tissues in HU that only one of the course's windows tells apart well, and that window.
_PAIRS = {
    "lung": ((-870, -840), (-560, -480)),
    "mediastinum": ((-110, -85), (40, 60)),
    "bone": ((320, 480), (900, 1300)),
}


def draw(pencil: Pencil) -> None:
    """A study with a mask, two tissues to tell apart, and two signs to be read."""
    number = int(pencil.rng.integers(255, 939))
    drawing = pencil.draw("CT-1", pencil.rng.uniform(0.08, 0.2), Shares(float(pencil.rng.uniform(0.1, 0.4)), 0.0))
    pencil.write_dataset({number: "CT-1"}, {number: drawing})
    low = int(pencil.rng.integers(-50, 10)) * 20
    best = pencil.choose(_PAIRS)
    pencil.said |= {
        "study": number,
        "black": low,
        "white": low + int(pencil.rng.integers(10, 60)) * 20,
        "tissues": [int(pencil.rng.integers(*ends)) for ends in _PAIRS[best]],
    }
    first, second = pencil.rng.permutation(list(SIGNS))[:2]
    for letter, question, sign in (("A", "q5", str(first)), ("B", "q6", str(second))):
        _draw_sign(pencil, letter, sign)
        pencil.key[question] = sign


def _draw_sign(pencil: Pencil, letter: str, sign: str) -> None:
    """The middle of a chest, and the place where most of a sign is."""
    fraction, shares = SIGNS[sign]
    while True:
        drawing = pencil.draw("CT-2", fraction, shares, matrix=512, slices=_SLICES)
        outline = drawing.labels.with_data(drawing.labels.data == SIGN[sign])
        at = fullest_place(outline, _WIDTH_MM / 2)
        if outline.data[at]:  # the middle of a ring-shaped patch would point at something else
            break
    pencil.write_case(letter, drawing)
    pencil.said[f"place_{letter.lower()}"] = list(at)


def best_window(tissues: tuple[float, float]) -> str:
    """The window of the course in which two values differ by most grey values."""
    grey = {name: apply_window(np.array(tissues), window).astype(int) for name, window in WINDOWS.items()}
    return max(grey, key=lambda name: abs(int(np.diff(grey[name])[0])))


def _windows(arrays, windows) -> list[tuple]:
    return [((hu, w.level, w.width), apply_window(hu, w)) for hu in arrays for w in windows]


def _grey(answer, cases: Cases, key: dict) -> str:
    hu = np.array([-2000, -1350, -600, 0, 150, 1000], np.int16)
    hint = "clip to the window's ends, stretch to 0..255, round with np.rint, and return an array of dtype uint8"
    return examples(answer, _windows([hu, hu.reshape(2, 3)], [WINDOWS["lung"]]), hint)


def _grey_hidden(answer, cases: Cases, key: dict) -> str:
    hu = cases.study.ct().data[::3, ::3, ::4]
    own = Window((cases["black"] + cases["white"]) / 2, cases["white"] - cases["black"])
    hint = "it is right on the small example and not on a whole scan in every window; int16 may have overflowed"
    return examples(answer, _windows([hu, hu.astype(np.float32)], [*WINDOWS.values(), own]), hint)


def _level_and_width(answer, cases: Cases, key: dict) -> str:
    low, high = cases["black"], cases["white"]
    level, width = np.asarray(answer, float)
    if np.allclose([level, width], [(low + high) / 2, high - low], atol=0.5):
        return RIGHT
    return "the level is the middle of the range shown, the width all of it: give (level, width)"


def _best(answer: str, cases: Cases, key: dict) -> str:
    hint = "work out the grey values of both tissues in each window; the further apart, the better"
    return same_word(answer, best_window(cases["tissues"]), hint)


def _black(answer: dict, cases: Cases, key: dict) -> str:
    ct, mask = cases.study.ct(), cases.study.mask()
    hu = ct.data[mask.data]
    if all(abs(answer[name] - np.mean(hu <= WINDOWS[name].low)) < 0.005 for name in answer):
        return RIGHT
    if all(abs(answer[name] - np.mean(ct.data <= WINDOWS[name].low)) < 0.005 for name in answer):
        return "that is the share of the whole scan; take the voxels of the mask alone"
    return "of the voxels in the mask, count those at or below the window's lower end, and divide by all of them"


_HINT = "do the vessels show through it, are they hidden, or is there a net of lines on the haze?"

QUESTIONS = MappingProxyType(
    {
        "q1": Question(is_function, _grey, _grey_hidden),
        "q2": Question(is_vector(2, "HU"), _level_and_width),
        "q3": Question(is_one_of(list(WINDOWS)), _best),
        "q4": Question(is_mapping(("lung", "mediastinum")), _black),
        "q5": read_word("q5", list(SIGNS), _HINT),
        "q6": read_word("q6", list(SIGNS), _HINT),
    }
)
