"""From the name of an assignment to what it draws and asks."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from mosmed_edu.classroom import a1, a2, a3, a4
from mosmed_edu.classroom.cases import ASSIGNMENTS, require_assignment
from mosmed_edu.classroom.pencil import Pencil
from mosmed_edu.classroom.questions import Question
from mosmed_edu.errors import ClassroomError

_MODULES = MappingProxyType(dict(zip(ASSIGNMENTS, (a1, a2, a3, a4), strict=True)))


def questions_of(assignment: str) -> MappingProxyType[str, Question]:
    """The questions of an assignment that are judged by code, by their short names."""
    require_assignment(assignment)
    return _MODULES[assignment].QUESTIONS


def find_question(name: str) -> Question:
    """A question by its whole name.

    Raises
    ------
    ClassroomError
        If there is none of this name.

    Examples
    --------
    >>> from mosmed_edu.classroom.assignment import find_question
    >>> find_question("a1.q5").needs_key
    True
    """
    assignment, _, short = str(name).partition(".")
    if assignment in _MODULES and short in _MODULES[assignment].QUESTIONS:
        return _MODULES[assignment].QUESTIONS[short]
    first, last = (f"{a}.{list(_MODULES[a].QUESTIONS)[n]}" for a, n in ((ASSIGNMENTS[0], 0), (ASSIGNMENTS[-1], -1)))
    raise ClassroomError(name, "is no question of this course", f"take {first} to {last}")


def draw_cases(assignment: str, seed: int, folder: Path, practice: bool = False) -> None:
    """Draw the cases of an assignment, key included, into a folder that exists and is empty.

    Parameters
    ----------
    assignment : str
    seed : int
        From `mosmed_edu.classroom.seeds.case_seed`.
    folder : Path
    practice : bool
        Whether the answers may be known.
    """
    require_assignment(assignment)
    pencil = Pencil(folder, seed)
    _MODULES[assignment].draw(pencil)
    pencil.finish(assignment, practice)
