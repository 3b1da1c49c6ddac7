"""Classes drawn once for these tests, and the answers that stand in a model notebook."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from mosmed_edu.classroom.cases import CLASS_VARIABLE, key_folder
from mosmed_edu.classroom.hand_out import NOTEBOOKS, draw_class
from mosmed_edu.classroom.model import CHECKED
from mosmed_edu.classroom.seeds import EVERYONE


@pytest.fixture(scope="session")
def classes(made_once):
    """`classes("spring", "a1")`: the folder of a class with one assignment, drawn on first use."""

    def draw(seed: str, assignment: str) -> Path:
        def make(folder: Path) -> Path:
            return draw_class(folder, seed, assignments=[assignment], workers=1, progress=False)

        return Path(made_once(f"{seed}-{assignment}", make))

    return draw


@contextmanager
def graded_by(course: Path, assignment: str, folder: Path):
    """As a submission is run while a class is graded: from a folder STUDENT/ASSIGNMENT, with the class's key."""
    here, before = Path.cwd(), os.environ.get(CLASS_VARIABLE)
    run = folder / "somebody" / assignment
    run.mkdir(parents=True, exist_ok=True)
    os.chdir(run)
    os.environ[CLASS_VARIABLE] = str(course)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.pop(CLASS_VARIABLE) if before is None else os.environ.update({CLASS_VARIABLE: before})


def answers_in(path: Path) -> dict:
    """The answer to each question, by running a notebook's code without its figures and checks."""
    names, answers = {}, {}
    for cell in nbformat.read(path, 4).cells:
        checked = CHECKED.search(cell.source)
        if checked:
            answers[checked[1]] = names[checked[2]]
        elif cell.cell_type == "code" and "show_" not in cell.source:
            exec(compile(cell.source, str(path), "exec"), names)
    return answers


def model_of(course: Path, assignment: str) -> Path:
    return key_folder(course, assignment, EVERYONE) / "model.ipynb"


def source_of(assignment: str) -> Path:
    return NOTEBOOKS / "source" / assignment / f"{assignment}.ipynb"


def release_of(assignment: str) -> Path:
    return NOTEBOOKS / "release" / assignment / f"{assignment}.ipynb"


@pytest.fixture(scope="session")
def aids():
    """What the tests of the classroom share: `aids.answers_in(path)`, `aids.graded_by(course, "a1", folder)` ..."""
    return SimpleNamespace(
        answers_in=answers_in, graded_by=graded_by, model_of=model_of, source_of=source_of, release_of=release_of
    )
