"""The model answer for one set of cases: the public solutions, and what a reader would have read."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat

#: Tag of a cell whose answer is read from a picture.
READING = "reading"

#: `check("a1.q1", counts)`: the question, and the name of the answer.
CHECKED = re.compile(r'check\("(\w+\.\w+)", (\w+)\)')

_REGION = re.compile(r"^ *### (?:BEGIN|END) SOLUTION\n?", re.MULTILINE)


def model_answer(source: Path, release: Path, key: dict) -> nbformat.NotebookNode:
    """Fill in a handed-out notebook.

    Parameters
    ----------
    source : Path
        The notebook with solutions.
    release : Path
        The same as it is handed out.
    key : dict
        Of the cases, by question.

    Returns
    -------
    notebook : NotebookNode
        Every question answered.
    """
    solved, notebook = nbformat.read(source, 4), nbformat.read(release, 4)
    answer_to = {found[1]: found[2] for cell in solved.cells if (found := CHECKED.search(cell.source))}
    solutions = {cell.metadata.nbgrader.grade_id: cell for cell in solved.cells if _is_answer(cell)}
    for cell in notebook.cells:
        if _is_answer(cell):
            name = cell.metadata.nbgrader.grade_id
            cell.source = _REGION.sub("", solutions[name].source).rstrip("\n")
            if READING in solutions[name].metadata.get("tags", ()):
                assignment, question = name.split("-")
                cell.source += f"\n{answer_to[f'{assignment}.{question}']} = {key[question]!r}  # on these cases"
    return notebook


def _is_answer(cell) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))
