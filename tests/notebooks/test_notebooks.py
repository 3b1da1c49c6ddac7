"""Every chapter: clean in git, whole as a page, and running on a folder like the real one."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHAPTERS = sorted(NOTEBOOKS.glob("*.ipynb"))
QUIZZES = sorted((NOTEBOOKS / "quizzes").glob("*.json"))

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
each_quiz = pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)

#: A study chosen by a number that somebody typed: it may not exist on the reader's disk.
TYPED_NUMBER = re.compile(r"\bds\[\s*\d|study_\d{4}|\.loc\[\s*\d")


@cache
def read(path):
    return nbformat.read(path, as_version=4)


def text_of(path):
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def code_of(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_there_are_chapters():
    assert [path.stem for path in CHAPTERS][:3] == ["01-the-dataset", "02-hounsfield-units", "03-windowing"]


@each_chapter
def test_source_is_clean(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    for cell in code_of(path):
        assert cell.outputs == []
        assert cell.execution_count is None


def _lines(source: str) -> int:
    """Lines of a cell without its imports, whose lists of names the formatter sets one below the other."""
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return len(source.splitlines()) - sum(node.end_lineno - node.lineno + 1 for node in imports)


@each_chapter
def test_cells_are_short_and_choose_studies_through_the_registry(path):
    for cell in code_of(path):
        assert _lines(cell.source) <= 12, f"{cell.id} is long: move its work into mosmed_edu"
        assert not TYPED_NUMBER.search(cell.source), f"{cell.id} names a study by its number"


@each_chapter
def test_page_has_every_part(path):
    text, code = text_of(path), "\n".join(cell.source for cell in code_of(path))
    opening = read(path).cells[0].source
    for part in ("# ", "You will be able to", "**Time:**", "minutes", "**You need first:**"):
        assert part in opening, part
    for part in ("## Exercises", "## Quiz", "## Key points", "## Further reading"):
        assert part in text, part
    assert re.search(r"\{cite\}`", text.split("## Further reading")[1])
    assert f'display_quiz("quizzes/{path.stem}.json"' in code


@each_chapter
def test_at_least_two_exercises_have_folded_solutions_that_run(path):
    cells = read(path).cells
    asked = re.findall(r"\{exercise-start\}.*\n:label: (\S+)", text_of(path))
    assert len(asked) >= 2
    for label in asked:
        start = next(n for n, cell in enumerate(cells) if f"{{solution-start}} {label}\n" in cell.source)
        end = next(n for n, cell in enumerate(cells) if n > start and "{solution-end}" in cell.source)
        assert ":class: dropdown" in cells[start].source
        assert any(cell.cell_type == "code" for cell in cells[start:end]), f"{label} has no code to run"


def test_exercise_labels_are_used_once():
    labels = [label for path in CHAPTERS for label in re.findall(r":label: (\S+)", text_of(path))]
    assert len(labels) == len(set(labels))


def test_every_citation_is_in_the_bibliography():
    book = NOTEBOOKS.parent / "book"
    known = set(re.findall(r"^@\w+\{(\S+),", (book / "references.bib").read_text("utf-8"), re.MULTILINE))
    texts = [text_of(path) for path in CHAPTERS] + [path.read_text("utf-8") for path in book.rglob("*.md")]
    cited = {
        key.strip() for text in texts for keys in re.findall(r"\{cite\}`([^`]+)`", text) for key in keys.split(",")
    }
    assert cited == known


def test_each_chapter_has_its_quiz():
    assert [path.stem for path in QUIZZES] == [path.stem for path in CHAPTERS]


@each_quiz
def test_quiz_explains_every_answer(path):
    questions = json.loads(path.read_text("utf-8"))
    assert len(questions) >= 4
    assert len({question["question"] for question in questions}) == len(questions)
    for question in questions:
        answers = question["answers"]
        assert question["type"] == "multiple_choice"
        assert len(answers) >= 3
        assert sum(answer["correct"] for answer in answers) == 1, question["question"]
        for answer in answers:
            assert len(answer["feedback"]) > 15, f"{question['question']}: no feedback on {answer['answer']}"


#: A page that opens no dataset shows the same with any folder, and the build has run it already.
WITH_DATA = [path for path in CHAPTERS if any("open_dataset(" in cell.source for cell in code_of(path))]


def run(path, root, monkeypatch):
    """Execute a chapter on a folder, as a reader does, and return its outputs."""
    monkeypatch.setenv("MOSMED_ROOT", str(root))
    monkeypatch.delenv("MOSMED_BOOK", raising=False)
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.parametrize("name", ["01-the-dataset", "03-windowing"])
def test_runs_on_own_scans_converted_from_dicom(name, own_scans, monkeypatch):
    outputs = run(NOTEBOOKS / f"{name}.ipynb", own_scans, monkeypatch)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert any("mosmed-figure" in output.get("data", {}).get("text/html", "") for output in outputs)


@pytest.mark.parametrize("path", WITH_DATA, ids=lambda path: path.stem)
def test_runs_on_a_part_of_the_real_dataset(path, real_like, monkeypatch):
    """As a reader runs it; without `extras/`, with most of the registry not downloaded.

    How the build runs it, tests/book/test_real_data.py shows.
    """
    outputs = run(path, real_like, monkeypatch)
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    html = "".join(output.data.get("text/html", "") for output in outputs if "data" in output)
    figures = re.findall(r'<figure class="mosmed-figure".*?</figure>', html, re.DOTALL)
    assert figures
    for figure in figures:  # what a chapter draws itself is called synthetic; nobody's scans must be
        of_a_study = re.search(r"study \d+, CT-\d", figure, re.IGNORECASE)
        assert not (of_a_study and "synthetic" in figure.lower())
    assert not re.search(r'<img(?![^>]*alt="[^"]{40,}")', html)  # every picture is described
