"""The cases of an assignment: scans that nobody has seen, questions asked about them, and for the grader the key.

What is drawn for an assignment::

    a1/cases/cases.json      what the notebook may know: which study, which voxel ...
    a1/cases/dataset/        studies in MosMedData's layout, where the assignment has some
    a1/cases/case_a.nii.gz   a scan to be read: no number, no category
    a1/cases/table.csv       a table, where the assignment has one
    a1/key.json              the answers that only a drawing program can know: the grader has it, and who practises
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pandas as pd

from mosmed_edu.classroom.objects import read_object
from mosmed_edu.classroom.seeds import EVERYONE
from mosmed_edu.dataset import Dataset, Study
from mosmed_edu.errors import ClassroomError
from mosmed_edu.nifti import read_nifti
from mosmed_edu.volume import Volume

#: The environment variable that names a class's folder. Set while its submissions are graded, and only there.
CLASS_VARIABLE = "MOSMED_CLASS"

#: Where a student's cases lie beside the notebook.
BESIDE = "cases"

CASES_FILE, KEY_FILE = "cases.json", "key.json"

_AGAIN = "take the handed-out folder again"

#: The assignments, in the order of the course.
ASSIGNMENTS = ("a1", "a2", "a3", "a4")


@dataclass(frozen=True)
class Case:
    """A scan without a number or a category: what the figures and the viewer need of a study, and no more.

    Attributes
    ----------
    title : str
        Such as ``"case A"``.
    study_path : Path
    """

    title: str
    study_path: Path
    id: str = ""
    category: str = ""
    mask_path: None = None
    is_synthetic: bool = True

    def ct(self) -> Volume:
        """Read the scan: int16 Hounsfield units."""
        return read_nifti(self.study_path)

    def mask(self) -> None:
        """A scan to be read has no mask."""


@dataclass(frozen=True)
class Cases:
    """One set of cases.

    Attributes
    ----------
    folder : Path
    assignment : str
        Such as ``"a1"``.
    """

    folder: Path
    assignment: str

    def __repr__(self) -> str:
        kind = "for practice" if self["practice"] else "of your class"
        return f"Cases of assignment {self.assignment.upper()}, {kind}. Synthetic: they show no patient."

    @cached_property
    def _said(self) -> dict:
        return read_object(self.folder / CASES_FILE, _AGAIN)

    def __getitem__(self, name: str):
        """What an assignment's text speaks of: a voxel, a window, a range."""
        if name in self._said:
            return self._said[name]
        known = ", ".join(self._said)
        raise ClassroomError(f"cases[{name!r}]", f"is not there; assignment {self.assignment} has {known}", "check it")

    @cached_property
    def dataset(self) -> Dataset:
        """The studies of the assignment."""
        return Dataset(self.folder / "dataset")

    @property
    def study(self) -> Study:
        """The study that the questions are about."""
        return self.dataset[self["study"]]

    def case(self, letter: str) -> Case:
        """A scan to be read, by its letter."""
        path = self.folder / f"case_{letter.lower()}.nii.gz"
        if path.is_file():
            return Case(f"case {letter.upper()}", path)
        letters = ", ".join(sorted(found.name[5].upper() for found in self.folder.glob("case_?.nii.gz")))
        raise ClassroomError(f"case {letter!r}", f"is not in {self.folder}", f"take one of {letters or 'none'}")

    def table(self, name: str = "table") -> pd.DataFrame:
        """A table of the assignment."""
        return pd.read_csv(self.folder / f"{name}.csv")


def open_cases(assignment: str) -> Cases:
    """Open the cases of an assignment.

    Parameters
    ----------
    assignment : str
        One of `ASSIGNMENTS`.

    Returns
    -------
    cases : Cases
        While a class is graded, those in the class's folder. Otherwise those in the folder ``cases`` beside the
        notebook, as a teacher has handed them out; and where there are none, public ones to practise on, which are
        drawn into the user's cache folder on first use.

    Raises
    ------
    ClassroomError
        If there is no such assignment, or its cases are not whole.
    CacheError
        If the cases to practise on cannot be written.

    Examples
    --------
    >>> from mosmed_edu.classroom import open_cases
    >>> open_cases("a1")                              # doctest: +SKIP
    Cases of assignment A1, for practice. Synthetic: they show no patient.
    """
    return _open(find_cases(assignment), assignment)


@lru_cache
def _open(folder: Path, assignment: str) -> Cases:
    """One object for one folder, so that a scan's parameters are read once."""
    return Cases(folder, assignment)


def find_cases(assignment: str) -> Path:
    """The folder that `open_cases` opens."""
    require_assignment(assignment)
    class_folder = os.environ.get(CLASS_VARIABLE)
    if class_folder:
        return _graders_cases(Path(class_folder), assignment)
    beside = Path(BESIDE).resolve()
    if (beside / CASES_FILE).is_file():
        found = read_object(beside / CASES_FILE, _AGAIN).get("assignment")
        if found != assignment:
            fault = f"holds the cases of assignment {found}, not of {assignment}"
            raise ClassroomError(beside, fault, "put the handed-out folder beside its own notebook")
        return beside
    from mosmed_edu.classroom.hand_out import practice_cases  # here, because a class's notebook draws nothing

    return practice_cases(assignment) / BESIDE


def read_key(cases: Cases) -> dict | None:
    """The answers that were drawn; None where only the grader has them."""
    path = cases.folder.parent / KEY_FILE
    return read_object(path, _AGAIN) if path.is_file() else None


def require_assignment(assignment: str) -> None:
    """Refuse what is no assignment."""
    if assignment not in ASSIGNMENTS:
        raise ClassroomError(f"assignment {assignment!r}", "is not known", f"take one of {', '.join(ASSIGNMENTS)}")


def key_folder(class_folder: Path, assignment: str, student: str = EVERYONE) -> Path:
    """Where the grader has a set of cases and its key."""
    return class_folder / "key" / student / assignment


def _graders_cases(class_folder: Path, assignment: str) -> Path:
    """The cases of whoever's notebook runs here: nbgrader runs it in a folder ``STUDENT/ASSIGNMENT``."""
    student = Path.cwd().parent.name
    for who in (student, EVERYONE):
        folder = key_folder(class_folder, assignment, who)
        if (folder / KEY_FILE).is_file():
            return folder / BESIDE
    raise ClassroomError(
        class_folder, f"has no key of {assignment} for {student!r}", "draw the cases first: mosmed-edu assignment"
    )
