"""The notebooks that the pages offer for download work alone, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def download(request, html):
    """Each notebook as the download button hands it out."""
    page = (html / "notebooks" / f"{request.param.stem}.html").read_text("utf-8")
    link = f"../_sources/notebooks/{request.param.name}"
    assert f'href="{link}"' in page
    return nbformat.read(html / "notebooks" / link, 4)


def test_it_has_no_mark_that_only_the_book_understands(download):
    text = "\n".join(cell.source for cell in download.cells if cell.cell_type == "markdown")
    assert re.findall(r"^:::.*|\{\w+\}`.*|\{\{.*", text, re.MULTILINE) == []
    assert "**You will be able to**" in text


def test_it_installs_the_library_first_and_needs_no_file_beside_it(download):
    nbformat.validate(download)
    code = [cell.source for cell in download.cells if cell.cell_type == "code"]
    assert yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"] in code[0]
    assert "quizzes/" not in "\n".join(code)


def test_it_runs_in_an_empty_folder(html, tmp_path):
    notebook = nbformat.read(html / "_sources" / "notebooks" / "03-windowing.ipynb", 4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    quiz = next(cell for cell in notebook.cells if "display_quiz" in cell.source)
    assert quiz.outputs
