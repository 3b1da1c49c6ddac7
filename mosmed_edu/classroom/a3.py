"""Assignment A3, masks and involvement: what is drawn for it, and what is asked."""

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
    is_number,
    near,
    read_number,
    read_word,
)
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.masks import lesion_table
from mosmed_edu.phantom.reading import category_of

#: Involved shares of the lungs well within each category, so that an eye can tell.
_CLEAR = {"CT-1": (0.07, 0.16), "CT-2": (0.34, 0.42), "CT-3": (0.58, 0.67), "CT-4": (0.83, 0.88)}

#: A component of a mask is a lesion from this volume up, in mL.
SMALLEST_ML = 0.5

#: How far a percentage may be off: computed with found lungs, and judged by eye.
_COMPUTED_POINTS, _EYE_POINTS = 2.5, 12


def draw(pencil: Pencil) -> None:
    """A study with a mask, and two scans whose extent is to be read."""
    number = int(pencil.rng.integers(255, 939))
    drawing = pencil.draw("CT-1", pencil.rng.uniform(0.06, 0.2))
    pencil.write_dataset({number: "CT-1"}, {number: drawing})
    pencil.said["study"] = number
    shares = {"right": drawing.right_fraction, "left": drawing.left_fraction}
    pencil.key["q4"] = {name: 100 * share for name, share in shares.items()}
    first, second = pencil.rng.permutation(list(_CLEAR))[:2]
    for letter, category in (("A", str(first)), ("B", str(second))):
        case = pencil.draw(category, pencil.rng.uniform(*_CLEAR[category]))
        pencil.write_case(letter, case)
        if letter == "A":
            pencil.key["q5"] = category_of(case.fraction)
        else:
            pencil.key["q6"] = 100 * case.fraction


def _lesion_ml(answer: float, cases: Cases, key: dict) -> str:
    mask = cases.study.mask()
    truth = float(mask.data.sum() * mask.voxel_ml)
    if near(answer, 1000 * truth, 10 * truth, "no") == RIGHT:
        return "that is in cubic millimetres; 1 mL has 1000 of them"
    if answer == mask.data.sum():
        return "that is the number of voxels; what does one voxel stand for?"
    return near(answer, truth, 0.005 * truth, "count the voxels of the mask and multiply by the volume of one")


def _lesions(answer: float, cases: Cases, key: dict) -> str:
    volumes = lesion_table(cases.study.mask())["volume_ml"]
    if answer == (volumes >= SMALLEST_ML).sum():
        return RIGHT
    if answer == len(volumes):
        return f"that counts the specks too; leave out what is smaller than {SMALLEST_ML} mL"
    return "join voxels through faces, edges and corners (26 neighbours), then leave out the specks"


def _pairs(*pairs) -> list[tuple]:
    found = []
    for a, b in pairs:
        both = a.astype(bool), b.astype(bool)
        total = both[0].sum() + both[1].sum()
        found.append(((a, b), 2 * (both[0] & both[1]).sum() / total if total else float("nan")))
    return found


def _dice(answer, cases: Cases, key: dict) -> str:
    a = np.array([[0, 1, 1, 0], [0, 1, 1, 0]], bool)
    hint = "twice what both have, divided by the sum of both; of two empty masks it is float('nan'), not 1"
    return examples(answer, _pairs((a, a), (a, np.roll(a, 1, axis=1)), (a, ~a), (a & False, a & False)), hint)


def _dice_hidden(answer, cases: Cases, key: dict) -> str:
    mask = cases.study.mask().data
    moved = np.roll(mask, 2, axis=0)
    hint = "it is right on the small examples and not on whole masks, masks of 0 and 1 as int16, or one empty mask"
    pairs = _pairs((mask, moved), (mask.astype(np.int16), moved.astype(np.int16)), (mask, mask & False))
    return examples(answer, pairs, hint)


def _involved(answer: dict, cases: Cases, key: dict) -> str:
    truth = key["q4"]
    if all(abs(answer[side] - truth[side]) <= _COMPUTED_POINTS for side in truth):
        return RIGHT
    if all(abs(100 * answer[side] - truth[side]) <= _COMPUTED_POINTS for side in truth):
        return "that is a share from 0 to 1; give percent"
    if all(
        abs(answer[side] - truth[other]) <= _COMPUTED_POINTS for side, other in zip(truth, [*truth][::-1], strict=True)
    ):
        return "right and left are changed over: the patient's right is what counts"
    return "divide the lesion within each lung by the volume of that lung, not of both"


QUESTIONS = MappingProxyType(
    {
        "q1": Question(is_number(0, 1e7, "mL"), _lesion_ml),
        "q2": Question(is_number(0, 1e5, "lesions"), _lesions),
        "q3": Question(is_function, _dice, _dice_hidden),
        "q4": Question(is_mapping(("right", "left")), _involved, needs_key=True),
        "q5": read_word(
            "q5", CATEGORIES, "judge slice by slice from the base up, then add up; slices with much lung weigh more"
        ),
        "q6": read_number(
            "q6", (0, 100), "percent", _EYE_POINTS, "estimate each lung on its own, base, middle and top; then average"
        ),
    }
)
