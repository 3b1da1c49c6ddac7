"""From handing in to the gradebook: exact scores, and whatever is no score told apart from a zero."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from mosmed_edu.classroom import ASSIGNMENTS, nbgrading
from mosmed_edu.classroom.grader import grade_class
from mosmed_edu.classroom.rehearsal import SUBMISSIONS, hand_in, mark_texts
from mosmed_edu.classroom.seeds import EVERYONE
from mosmed_edu.errors import ClassroomError

#: Seconds for one cell: seven times what the longest honest one takes, and the endless loop's wait.
TIMEOUT = 15


@pytest.fixture
def course(classes, tmp_path):
    """A copy of a class's folder that a test may fill."""
    return lambda assignment: Path(shutil.copytree(classes("spring", assignment), tmp_path / "course"))


def points_of(course: Path, assignment: str) -> dict[str, float]:
    notebook = nbformat.read(course / "source" / assignment / f"{assignment}.ipynb", 4)
    marks = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {mark.grade_id.removesuffix("-test"): mark.points for mark in marks if mark.get("points")}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_five_submissions_from_handing_in_to_the_gradebook(assignment, course):
    course = course(assignment)
    hand_in(course, assignment)
    points = points_of(course, assignment)
    text = next(reversed(points.values()))
    second, fourth = (points[f"{assignment}-q{n}"] for n in (2, 4))
    lost = {"model": 0, "empty": 20, "partly": second + fourth, "looping": second, "tampered": second}

    grades = grade_class(course, timeout=TIMEOUT, progress=False).xs(assignment, level="assignment")
    assert grades["max_score"].eq(20).all()
    assert grades["status"].to_dict() == {name: "graded" if name == "empty" else "needs manual" for name in SUBMISSIONS}
    by_code = {name: 20 - lost[name] - (0 if name == "empty" else text) for name in SUBMISSIONS}
    assert grades["score"].to_dict() == by_code

    mark_texts(course, assignment)
    grades = grade_class(course, export_only=True, progress=False).xs(assignment, level="assignment")
    assert grades["score"].to_dict() == {name: 20 - lost[name] for name in SUBMISSIONS}
    assert grades["status"].eq("graded").all()
    remarks = grades["remark"]
    assert remarks["model"] == remarks["partly"] == ""
    assert remarks["empty"] == "empty: as it was handed out"
    assert remarks["looping"] == "1 cell(s) took too long and were stopped"
    assert remarks["tampered"] == f"locked cells changed, put back: {assignment}-q2-test"
    _check_tables(course, assignment, grades)
    _check_feedback(course, assignment)


def _check_tables(course, assignment, grades):
    canvas = pd.read_csv(course / "grades" / "canvas.csv")
    assert canvas.columns.tolist() == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment.upper()]
    assert canvas.iloc[0]["Student"] == "Points Possible" and canvas.iloc[0][assignment.upper()] == 20
    assert canvas.iloc[1:].set_index("SIS User ID")[assignment.upper()].to_dict() == grades["score"].to_dict()
    moodle = pd.read_csv(course / "grades" / f"moodle-{assignment}.csv")
    assert moodle.set_index("ID number")[assignment.upper()].to_dict() == grades["score"].to_dict()


def _check_feedback(course, assignment):
    for student in SUBMISSIONS:
        html = (course / "feedback" / student / assignment / f"{assignment}.html").read_text(encoding="utf-8")
        assert "HIDDEN TESTS" not in html and "selfcheck.py" not in html  # neither as code nor in a traceback
        assert not re.search(r'src="https?:', html)
    assert "not yet. Hint:" in (course / "feedback" / "partly" / assignment / f"{assignment}.html").read_text()


def test_what_is_no_score_is_told_apart_from_a_zero(course):
    """Crashed, stripped, unreadable, deleted, missing, and after the key."""
    course = course("a1")
    handed_out = course / "handout" / EVERYONE / "a1" / "a1.ipynb"

    def hand(student: str, change) -> None:
        notebook = nbformat.read(handed_out, 4)
        change(notebook)
        path = course / "submitted" / student / "a1" / "a1.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)

    def answer(source):
        return lambda notebook: setattr(notebook.cells[3], "source", source)

    def strip(notebook):
        for cell in notebook.cells:
            cell.metadata.pop("nbgrader", None)

    def delete(notebook):
        notebook.cells = [cell for cell in notebook.cells if "check(" not in cell.source]

    hand("crashed", answer("import os\n\nos._exit(1)"))
    hand("stripped", strip)
    hand("deleted", delete)
    hand("peeking", answer("counts = open('../../../class.json').read()"))
    (course / "submitted" / "absent").mkdir(parents=True)
    for student, content in (("unreadable", b"PK\x03\x04 a Word file"), ("cut", handed_out.read_bytes()[:2000])):
        path = course / "submitted" / student / "a1" / "a1.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)

    grades = grade_class(course, timeout=TIMEOUT, progress=False).xs("a1", level="assignment")
    assert grades["status"].to_dict() == {
        "absent": "missing",
        "crashed": "failed",
        "cut": "failed",
        "deleted": "graded",
        "peeking": "needs manual",
        "stripped": "failed",
        "unreadable": "failed",
    }
    for student, told in {
        "absent": "nothing was handed in",
        "crashed": "crashed: its code ended the kernel",
        "cut": "unreadable: it is no notebook",
        "deleted": "cells deleted, their tests put back: a1-q1-test",
        "peeking": "its text names the grader's files: read it",
        "stripped": "metadata stripped",
        "unreadable": "unreadable: it is no notebook",
    }.items():
        assert told in grades["remark"][student]
    assert grades["score"].dropna().to_dict() == {"deleted": 0, "peeking": 0}
    canvas = pd.read_csv(course / "grades" / "canvas.csv").iloc[1:].set_index("Student")["A1"]
    assert canvas.dropna().to_dict() == {"deleted": 0}  # what is no grade stays blank


def test_every_student_is_graded_on_their_own_cases(tmp_path):
    from mosmed_edu.classroom.hand_out import draw_class

    course = draw_class(tmp_path / "course", "secret", ["s01", "s02"], ["a4"], workers=1, progress=False)
    for student, answers_of in (("s01", "s01"), ("s02", "s01"), ("s03", "s01")):
        path = course / "submitted" / student / "a4" / "a4.ipynb"
        path.parent.mkdir(parents=True)
        shutil.copyfile(course / "key" / answers_of / "a4" / "model.ipynb", path)
    grades = grade_class(course, timeout=TIMEOUT, progress=False).xs("a4", level="assignment")
    assert grades["score"]["s01"] == 17  # all but the free text
    assert grades["score"]["s02"] < 17  # the readings of a neighbour
    assert grades["status"]["s03"] == "failed" and "no cases were drawn for this student" in grades["remark"]["s03"]


def test_what_cannot_be_graded_is_said_in_one_line(course, monkeypatch, tmp_path):
    course = course("a1")
    with pytest.raises(ClassroomError, match="holds no submission"):
        grade_class(course, progress=False)
    with pytest.raises(ClassroomError, match="has no assignment 'a2'"):
        grade_class(course, ["a2"], progress=False)
    with pytest.raises(ClassroomError, match="is no class's folder"):
        grade_class(tmp_path, progress=False)
    (course / nbgrading.CONFIG).unlink()
    with pytest.raises(ClassroomError, match="has no nbgrader_config"):
        grade_class(course, progress=False)
    monkeypatch.setitem(__import__("sys").modules, "nbgrader.apps", None)
    with pytest.raises(ClassroomError, match=r"requirements-grading\.txt"):
        grade_class(course, progress=False)


def test_grades_that_cannot_be_read_or_written_are_said_in_one_line(course):
    course = course("a1")
    (course / "submitted" / "s01").mkdir(parents=True)
    (course / "grades").write_text("a file in the place of a folder")
    with pytest.raises(ClassroomError, match=r"grades: cannot be written \(File exists\)"):
        grade_class(course, progress=False)
    (course / "grades").unlink()
    (course / "grades").mkdir()
    (course / "grades" / "runs.json").write_text("[" * 100_000)
    with pytest.raises(ClassroomError, match=r"runs\.json: is damaged.*grade again"):
        grade_class(course, progress=False)
