"""What is handed out: made from the sources byte for byte, without a solution, worth twenty points, and running."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mosmed_edu.classroom import ASSIGNMENTS
from mosmed_edu.classroom.assignment import questions_of
from mosmed_edu.classroom.model import CHECKED, READING

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks" / "assignments"

each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)


def read(kind: str, assignment: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / kind / assignment / f"{assignment}.ipynb", 4)


def marked(notebook) -> list:
    return [cell for cell in notebook.cells if "nbgrader" in cell.metadata]


def regions(source: str, kind: str) -> list[str]:
    return re.findall(rf"### BEGIN {kind}\n(.*?)\n\s*### END {kind}", source, re.DOTALL)


def test_the_release_is_what_nbgrader_makes_of_the_sources(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    from assignments import write_release

    made = write_release(tmp_path)
    assert [path.stem for path in made] == list(ASSIGNMENTS)
    for path in made:
        committed = NOTEBOOKS / "release" / path.relative_to(tmp_path)
        assert path.read_bytes() == committed.read_bytes(), "out of date. Next: make release"


@each_assignment
def test_no_solution_and_no_hidden_test_is_handed_out(assignment):
    handed_out = json.dumps(read("release", assignment))
    assert not re.search(r"BEGIN|END|grade\(", handed_out)
    lines = []
    for cell in read("source", assignment).cells:
        for region in [*regions(cell.source, "SOLUTION"), *regions(cell.source, "HIDDEN TESTS")]:
            lines += [line.strip() for line in region.splitlines() if len(line.strip()) > 12]
    assert len(lines) > 10
    assert [line for line in lines if line in handed_out] == []


@each_assignment
def test_points_sum_to_twenty_and_are_said_to_the_student(assignment):
    notebook = read("release", assignment)
    points = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.get("points") for cell in marked(notebook)}
    assert sum(filter(None, points.values())) == 20
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    said = [int(number) for number in re.findall(r"^## .*\((\d+) points\)$", text, re.MULTILINE)]
    assert said == [number for number in points.values() if number]
    assert "**Points:** 20" in text and "45 to 60 minutes" in text and "Not for diagnosis" in text


@each_assignment
def test_every_question_is_asked_judged_and_tested_in_secret(assignment):
    notebook = read("source", assignment)
    checked = [found[1].split(".")[1] for cell in notebook.cells if (found := CHECKED.search(cell.source))]
    assert checked == list(questions_of(assignment))
    for cell in notebook.cells:
        if CHECKED.search(cell.source):
            assert cell.metadata.nbgrader.locked and cell.metadata.nbgrader.grade
            (hidden,) = regions(cell.source, "HIDDEN TESTS")
            assert CHECKED.search(cell.source)[0].removeprefix("check") in hidden
    readings = [cell for cell in notebook.cells if READING in cell.metadata.get("tags", ())]
    texts = [cell for cell in marked(notebook) if cell.cell_type == "markdown" and cell.metadata.nbgrader.grade]
    assert len(readings) == 2 and len(texts) == 1


@each_assignment
def test_sources_are_clean(assignment):
    notebook = read("source", assignment)
    nbformat.validate(notebook)
    assert all(cell.outputs == [] for cell in notebook.cells if cell.cell_type == "code")
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


#: Runs before everything in a kernel: as if nothing were installed but what requirements.txt lists.
ONLY_REQUIREMENTS = """
import re, sys
from importlib.metadata import packages_distributions
from pathlib import Path

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

lines = Path(%r).read_text().splitlines()
listed = {"mosmed-edu", *(plain(line.split("==")[0]) for line in lines if "==" in line)}
extra = {name for name, found in packages_distributions().items() if not set(map(plain, found)) & listed}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in extra:
            raise ModuleNotFoundError(f"No module named {name!r}: requirements.txt does not list it", name=name)

sys.meta_path.insert(0, Refuse())
"""

RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
notebook.cells.insert(0, nbformat.v4.new_code_cell(open(sys.argv[2]).read()))
nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": sys.argv[3]}}).execute()
nbformat.write(notebook, sys.argv[4])
"""


@each_assignment
def test_a_lone_reader_opens_it_with_requirements_txt_alone(assignment, tmp_path):
    (tmp_path / "first.py").write_text(ONLY_REQUIREMENTS % str(ROOT / "requirements.txt"))
    where = tmp_path / "somewhere else"
    where.mkdir()
    path = NOTEBOOKS / "release" / assignment / f"{assignment}.ipynb"
    ran = tmp_path / "ran.ipynb"
    subprocess.run([sys.executable, "-c", RUN, path, tmp_path / "first.py", where, ran], check=True)
    cells = nbformat.read(ran, 4).cells
    lines = ["".join(o.get("text", "") for o in cell.outputs) for cell in cells if CHECKED.search(cell.source)]
    assert lines == [f"{assignment}.{name}: not answered yet.\n" for name in questions_of(assignment)]
    figures = "".join(str(o.get("data", {}).get("text/html", "")) for cell in cells for o in cell.get("outputs", ()))
    assert "mosmed-figure" in figures and 'alt="' in figures
