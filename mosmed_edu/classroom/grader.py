"""Grade a class: run what came back, note what happened to each, and write tables that a gradebook reads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from warnings import catch_warnings, simplefilter

import pandas as pd
from tqdm.auto import tqdm

from mosmed_edu.classroom.cases import ASSIGNMENTS, CLASS_VARIABLE, KEY_FILE, key_folder
from mosmed_edu.classroom.class_file import read_class
from mosmed_edu.classroom.export import write_tables
from mosmed_edu.classroom.nbgrading import open_nbgrader
from mosmed_edu.classroom.objects import read_object
from mosmed_edu.classroom.refusals import refusals
from mosmed_edu.classroom.seeds import EVERYONE
from mosmed_edu.classroom.submission import FAILED, GRADED, MANUAL, MISSING, Look, look_at, overlong_cells
from mosmed_edu.errors import ClassroomError
from mosmed_edu.paths import user_path

#: Where a class's grades go, and what is remembered of each run.
GRADES = "grades"
_RUNS_FILE = "runs.json"

_FROM_ELSEWHERE = re.compile(r'<script[^>]+src="https?://[^>]*>\s*</script>')


def grade_class(
    course: str | Path,
    assignments: Iterable[str] | None = None,
    timeout: int | None = None,
    export_only: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Grade everything that was handed in.

    The code of every submission is run on this machine, with the rights of whoever calls this: do it in a container
    without network.

    Parameters
    ----------
    course : str or Path
        A class's folder, made by `mosmed_edu.classroom.hand_out.draw_class`. Submissions lie at
        ``submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``.
    assignments : iterable of str, optional
        All that the class has, if not given.
    timeout : int, optional
        Seconds for one cell; 60 by the settings.
    export_only : bool
        Run nothing; write tables and feedback anew, as after free texts were graded by hand.
    progress : bool
        Show a progress bar.

    Returns
    -------
    grades : DataFrame
        A row for each student and assignment: ``status`` (graded, needs manual, failed, missing), ``score`` (missing
        where there is none to give), ``max_score``, ``remark``. Also written to ``grades/grades.csv``, beside tables
        for Canvas and Moodle; feedback goes to ``feedback/STUDENT/ASSIGNMENT``.

    Raises
    ------
    ClassroomError
        If it is no class's folder, an assignment is not part of it, nbgrader is not installed, or the folder cannot be
        written.

    Examples
    --------
    >>> from mosmed_edu.classroom.grader import grade_class
    >>> grades = grade_class("../spring")                                                        # doctest: +SKIP
    >>> grades[grades.status != "graded"]                                                        # doctest: +SKIP
    """
    course = user_path(course)
    said = read_class(course)
    with refusals(course):
        return _grade_all(course.resolve(), said, assignments, timeout, export_only, progress)


def _grade_all(
    course: Path, said: dict, assignments: Iterable[str] | None, timeout: int | None, export_only: bool, progress: bool
) -> pd.DataFrame:
    chosen = _chosen(course, assignments)
    api = open_nbgrader(course, timeout=timeout)
    for assignment in chosen:
        _register(api, course, assignment)
    pairs = [(assignment, student) for assignment in chosen for student in _students(course, said)]
    if not pairs:
        raise ClassroomError(course / "submitted", "holds no submission", "put one at submitted/STUDENT/a1/a1.ipynb")
    if not export_only:
        runs = _Runs(course)
        with _class_of(course):
            for assignment, student in tqdm(pairs, "Grading", unit="submission", disable=not progress):
                runs.note(assignment, student, _grade_one(api, course, assignment, student))
    grades = _collect(api, course, pairs)
    for assignment, student in pairs:
        if grades.loc[(student, assignment), "status"] in (GRADED, MANUAL):
            api.generate_feedback(assignment, student, force=True)
            _keep_to_itself(course / "feedback" / student / assignment / f"{assignment}.html")
    write_tables(grades, course / GRADES)
    return grades


def _keep_to_itself(page: Path) -> None:
    """Feedback asks no other host for anything: nbgrader's pages load a script for formulas, and ours have none."""
    page.write_text(_FROM_ELSEWHERE.sub("", page.read_text(encoding="utf-8")), encoding="utf-8")


def _chosen(course: Path, assignments: Iterable[str] | None) -> list[str]:
    there = [name for name in ASSIGNMENTS if (course / "source" / name / f"{name}.ipynb").is_file()]
    for name in assignments or ():
        if name not in there:
            raise ClassroomError(course, f"has no assignment {name!r}", f"take one of {', '.join(there) or 'none'}")
    return list(assignments or there)


def _students(course: Path, said: dict) -> list[str]:
    """Everybody who is in the class or has handed in something."""
    handed_in = (path.name for path in (course / "submitted").glob("[!.]*") if path.is_dir())
    return sorted({*said["students"], *handed_in})


def _register(api, course: Path, assignment: str) -> None:
    """Make sure that nbgrader knows the assignment, its tests and its points."""
    if _release(course, assignment).is_file() and (course / "gradebook.db").is_file():
        return
    result = api.generate_assignment(assignment, force=True)
    if not result["success"]:
        raise ClassroomError(course / "source" / assignment, "is refused by nbgrader", _last_line(result["log"]))


def _release(course: Path, assignment: str) -> Path:
    return course / "release" / assignment / f"{assignment}.ipynb"


def _grade_one(api, course: Path, assignment: str, student: str) -> dict:
    """Run one submission; what became of it."""
    path = course / "submitted" / student / assignment / f"{assignment}.ipynb"
    if not path.is_file():
        return _run(MISSING, "nothing was handed in")
    look = look_at(path, _release(course, assignment))
    if look.stop:
        return _run(FAILED, look.stop)
    if not any((key_folder(course, assignment, who) / KEY_FILE).is_file() for who in (student, EVERYONE)):
        return _run(FAILED, "no cases were drawn for this student: mosmed-edu assignment ... --student")
    result = api.autograde(assignment, student, force=True, create=True)
    graded = course / "autograded" / student / assignment / f"{assignment}.ipynb"
    if not result["success"] or not graded.is_file():
        return _run(FAILED, _why(result.get("log") or result.get("error") or ""), *look.remarks)
    return _run(MANUAL if look.suspicious else GRADED, *_remarks(look, graded))


def _remarks(look: Look, graded: Path) -> list[str]:
    overlong = overlong_cells(graded)
    return [*look.remarks, *([f"{overlong} cell(s) took too long and were stopped"] if overlong else [])]


def _run(status: str, *remarks: str) -> dict:
    return {"status": status, "remark": "; ".join(remarks)}


def _why(log: str) -> str:
    """One line for a submission that could not be run to its end."""
    if "DeadKernelError" in log or "Kernel died" in log:
        return "crashed: its code ended the kernel, perhaps for want of memory"
    if "unresponsive" in log:
        return "looping: its code could not be interrupted"
    return f"crashed: {_last_line(log)}"


def _last_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if "Error" in line and "There was an error" not in line]
    return lines[-1][:160] if lines else "nbgrader gave no reason"


class _Runs:
    """What became of each submission, kept so that tables can be written again without running anything."""

    def __init__(self, course: Path):
        self._path = course / GRADES / _RUNS_FILE
        self._path.parent.mkdir(exist_ok=True)
        self.rows = _read_runs(course)

    def note(self, assignment: str, student: str, run: dict) -> None:
        """Keep it at once: a grading that is stopped loses nothing."""
        self.rows.setdefault(student, {})[assignment] = run
        partial = self._path.with_suffix(".part")
        partial.write_text(json.dumps(self.rows, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(self._path)


def _read_runs(course: Path) -> dict:
    path = course / GRADES / _RUNS_FILE
    return read_object(path, "remove it and grade again: every submission is run anew") if path.is_file() else {}


def _collect(api, course: Path, pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """One row for each student and assignment: what became of it, and what nbgrader counted."""
    runs, rows = _read_runs(course), []
    with api.gradebook as gradebook:
        for assignment, student in pairs:
            run = runs.get(student, {}).get(assignment) or _run(MISSING, "not graded yet")
            row = {"student": student, "assignment": assignment, **run}
            row["max_score"] = float(gradebook.find_assignment(assignment).max_score)
            if run["status"] in (GRADED, MANUAL):
                submission = gradebook.find_submission(assignment, student)
                row["score"] = float(submission.score)
                if submission.needs_manual_grade:
                    row["status"] = MANUAL
            rows.append(row)
    columns = ["student", "assignment", "status", "score", "max_score", "remark"]
    table = pd.DataFrame(rows, columns=columns).sort_values(["student", "assignment"])
    return table.set_index(["student", "assignment"])


@contextmanager
def _class_of(course: Path) -> Iterator[None]:
    """Let the notebooks that are run now find the class's cases and its key."""
    before = os.environ.get(CLASS_VARIABLE)
    os.environ[CLASS_VARIABLE] = str(course)
    try:
        with catch_warnings():
            simplefilter("ignore")  # nbgrader's database warns of its own making at every submission
            yield
    finally:
        os.environ.pop(CLASS_VARIABLE) if before is None else os.environ.update({CLASS_VARIABLE: before})
