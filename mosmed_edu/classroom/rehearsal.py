"""A rehearsal before the real class: five invented submissions, graded from end to end."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat

from mosmed_edu.classroom.cases import ASSIGNMENTS, key_folder
from mosmed_edu.classroom.grader import GRADES, grade_class
from mosmed_edu.classroom.hand_out import draw_class
from mosmed_edu.classroom.seeds import EVERYONE
from mosmed_edu.errors import MosMedError

#: Seconds for one cell: enough for every honest one, and a short wait for the endless loop.
_TIMEOUT = 30


def _cell(notebook, name: str):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def _wrong(notebook, name: str) -> None:
    """An answer that is one and is right in no class: a function that says 77, a number that is 77."""
    cell = _cell(notebook, name)
    lines = cell.source.splitlines()
    header = next((line for line in lines if line.startswith("def ")), None)
    cell.source = f"{header}\n    return 77" if header else f"{lines[0].split('=')[0].strip()} = 77"


def _partly(notebook, a: str) -> None:
    """Two answers are wrong; none that another answer builds on."""
    _wrong(notebook, f"{a}-q2")
    _wrong(notebook, f"{a}-q4")


def _looping(notebook, a: str) -> None:
    """The second answer never ends."""
    _cell(notebook, f"{a}-q2").source = "while True:\n    pass"


def _tampered(notebook, a: str) -> None:
    """A wrong answer, and a test that finds it right and worth more."""
    _wrong(notebook, f"{a}-q2")
    test = _cell(notebook, f"{a}-q2-test")
    test.source = "print('right.')"
    test.metadata.nbgrader.points = 100


#: Who hands in what: pseudonyms, and what is done to the model answer.
SUBMISSIONS: dict[str, Callable | None] = {
    "model": lambda notebook, a: None,
    "empty": None,  # as it was handed out
    "partly": _partly,
    "looping": _looping,
    "tampered": _tampered,
}


def hand_in(course: Path, assignment: str) -> None:
    """Write the five submissions of an assignment into a class's folder.

    Parameters
    ----------
    course : Path
        Made by `draw_class`, with one set of cases for everyone.
    assignment : str
    """
    model = key_folder(course, assignment, EVERYONE) / "model.ipynb"
    handed_out = course / "handout" / EVERYONE / assignment / f"{assignment}.ipynb"
    for student, change in SUBMISSIONS.items():
        notebook = nbformat.read(handed_out if change is None else model, 4)
        if change is not None:
            change(notebook, assignment)
        path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)


def mark_texts(course: Path, assignment: str, share: float = 1.0) -> None:
    """Give every free text that waits for a reader this share of its points, as a teacher does in the formgrader."""
    from mosmed_edu.classroom.nbgrading import open_nbgrader

    with open_nbgrader(course).gradebook as gradebook:
        for submission in gradebook.assignment_submissions(assignment):
            for grade in (grade for notebook in submission.notebooks for grade in notebook.grades):
                if grade.needs_manual_grade:
                    grade.manual_score, grade.needs_manual_grade = share * grade.max_score, False
        gradebook.db.commit()


def main(arguments: list[str] | None = None) -> int:
    """Draw a class, hand in five submissions, grade them, and say where the tables are."""
    parser = argparse.ArgumentParser(prog="make grade-demo", description=__doc__)
    parser.add_argument("course", type=Path, help="folder to rehearse in; what is in it is deleted")
    parser.add_argument("--only", nargs="+", default=list(ASSIGNMENTS), metavar="A")
    options = parser.parse_args(arguments)
    try:
        shutil.rmtree(options.course, ignore_errors=True)
        draw_class(options.course, "rehearsal", assignments=options.only, progress=sys.stderr.isatty())
        for assignment in options.only:
            hand_in(options.course, assignment)
        grade_class(options.course, timeout=_TIMEOUT, progress=sys.stderr.isatty())
        print("Run and graded by code. The free texts are given full points here, as if somebody had read them.")
        for assignment in options.only:
            mark_texts(options.course, assignment)
        grades = grade_class(options.course, export_only=True, progress=False)
    except MosMedError as error:
        print(error, file=sys.stderr)
        return 1
    print(grades.reset_index().to_string(index=False, na_rep=""))
    print(f"\ntables: {options.course / GRADES}\nfeedback: {options.course / 'feedback'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
