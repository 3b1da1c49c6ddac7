"""What came back: told apart before anything of it is run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from mosmed_edu.errors import ClassroomError

#: The status of a submission in the table of grades.
GRADED, MANUAL, FAILED, MISSING = "graded", "needs manual", "failed", "missing"

#: Words that no answer needs. Code that holds one may be after the key: somebody should read it.
_AFTER_THE_KEY = re.compile(r"MOSMED_CLASS|key\.json|read_key|class\.json|model\.ipynb|gradebook\.db")


@dataclass(frozen=True)
class Look:
    """What is seen in a submission without running it.

    Attributes
    ----------
    stop : str
        Why it cannot be graded by code, one line; '' where it can.
    remarks : tuple of str
        What a teacher should know of it.
    suspicious : bool
        Whether somebody should read its code before the grade counts.
    """

    stop: str = ""
    remarks: tuple[str, ...] = ()
    suspicious: bool = False


def look_at(path: Path, release: Path) -> Look:
    """Compare a submission with what was handed out.

    Parameters
    ----------
    path : Path
        The notebook that came back.
    release : Path
        The notebook that was handed out.

    Returns
    -------
    look : Look
    """
    try:
        notebook = _read(path)
    except ClassroomError as error:
        return Look(stop=error.fault)
    given, found = _by_grade_id(_read(release)), _by_grade_id(notebook)
    if not set(given) & set(found):
        return Look(stop="metadata stripped: it passed through a program that does not keep nbgrader's marks")
    missing = sorted(set(given) - set(found))
    changed = [name for name in found if _is_locked(given.get(name)) and found[name].source != given[name].source]
    remarks = []
    if missing:
        remarks.append(f"cells deleted, their tests put back: {', '.join(missing)}")
    if changed:
        remarks.append(f"locked cells changed, put back: {', '.join(changed)}")
    answers = [name for name in given if given[name].metadata.nbgrader.solution]
    if all(name in missing or found[name].source.strip() == given[name].source.strip() for name in answers):
        remarks.append("empty: as it was handed out")
    suspicious = bool(_AFTER_THE_KEY.search("\n".join(cell.source for cell in notebook.cells)))
    if suspicious:
        remarks.append("its text names the grader's files: read it")
    return Look(remarks=tuple(remarks), suspicious=suspicious)


def overlong_cells(path: Path) -> int:
    """How many cells of a notebook that was run were stopped because they took too long."""
    outputs = (output for cell in _read(path).cells for output in cell.get("outputs", ()))
    return sum(output.output_type == "error" and output.ename == "CellTimeoutError" for output in outputs)


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise ClassroomError(path, f"cannot be read ({error.strerror})", "ask for the file again") from None
    except Exception as error:  # nbformat raises many kinds on a file that is no notebook
        why = type(error).__name__
        raise ClassroomError(path, f"unreadable: it is no notebook ({why})", "ask for the file again") from None
    return notebook


def _by_grade_id(notebook: nbformat.NotebookNode) -> dict:
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def _is_locked(cell) -> bool:
    return cell is not None and cell.metadata.nbgrader.locked
