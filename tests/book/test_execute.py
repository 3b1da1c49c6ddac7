"""Notebooks are run side by side, once, and a failing one is named."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from myst_nb.core.config import NbParserConfig
from myst_nb.core.read import create_nb_reader
from myst_parser.config.main import MdParserConfig
from nbformat.v4 import new_code_cell, new_notebook


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the notebooks of a folder as the build does; their cells count in a file how often they ran."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "book"))
    from execute import run_notebooks

    return lambda: run_notebooks(
        sorted(path for path in tmp_path.iterdir() if path.suffix in (".ipynb", ".md")), tmp_path / "cache"
    )


def write(folder: Path, name: str, code: str) -> Path:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(code, id="0")], metadata=kernel), path)
    return path


#: A page of Markdown with a cell.
PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{{code-cell}} ipython3
:tags: [remove-input]

{code}
```
"""
COUNT = "open('ran.txt', 'a').write('{name} '); print('{name}')"


def test_each_is_run_once_from_its_folder_and_its_outputs_are_kept(run, tmp_path):
    paths = [write(tmp_path, name, COUNT.format(name=name)) for name in ("one", "two", "three")]
    assert run() is None
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["one", "three", "two"]
    for path in paths:
        kept = get_cache(tmp_path / "cache").match_cache_notebook(nbformat.read(path, 4))
        assert kept.data["execution_seconds"] > 0
        _, whole = get_cache(tmp_path / "cache").merge_match_into_notebook(nbformat.read(path, 4))
        assert whole.cells[0].outputs[0].text.strip() == path.stem
    assert run() is None
    assert len((tmp_path / "ran.txt").read_text().split()) == 3


def test_the_failing_one_is_named_and_only_it_is_run_again(run, tmp_path):
    write(tmp_path, "a_whole", COUNT.format(name="whole"))
    broken = write(tmp_path, "b_broken", "1 / 0")
    failed = run()
    assert failed.startswith("b_broken.ipynb: ") and "ZeroDivisionError" in failed
    write(tmp_path, broken.stem, COUNT.format(name="mended"))
    assert run() is None
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["mended", "whole"]


def test_what_had_begun_when_another_failed_is_finished_and_kept(run, tmp_path):
    write(tmp_path, "a_slow", "import time; time.sleep(4); " + COUNT.format(name="slow"))
    write(tmp_path, "b_broken", "1 / 0")
    assert run().startswith("b_broken.ipynb: ")
    assert run().startswith("b_broken.ipynb: ")
    assert (tmp_path / "ran.txt").read_text().split() == ["slow"]


def test_what_had_not_begun_when_another_failed_is_not_begun(run, tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    write(tmp_path, "a_waiting", COUNT.format(name="waiting"))
    write(tmp_path, "b_next", COUNT.format(name="next"))  # begins while the failure is looked at, or does not
    write(tmp_path, "c_broken", "1 / 0")
    assert run().startswith("c_broken.ipynb: ")
    assert not (tmp_path / "ran.txt").exists() or (tmp_path / "ran.txt").read_text().split() == ["next"]


def test_what_needs_the_machine_for_itself_is_a_notebook_and_left_to_the_book(run, tmp_path):
    import execute

    notebooks = Path(__file__).resolve().parents[2] / "notebooks"
    for name in execute.ALONE:
        assert (notebooks / f"{name}.ipynb").is_file()
        write(tmp_path, name, COUNT.format(name=name))
    assert run() is None
    assert not (tmp_path / "ran.txt").exists()


def test_a_page_of_markdown_is_run_too_and_the_book_finds_its_outputs(run, tmp_path):
    page = tmp_path / "page.md"
    for name in ("before", "after"):
        text = PAGE.format(code=COUNT.format(name=name))
        page.write_text(text)
        assert run() is None and run() is None
        # As the book reads it: another reading would not be found, and the page run a second time.
        whole = create_nb_reader(str(page), MdParserConfig(), NbParserConfig(), text).read(text)
        _, whole = get_cache(tmp_path / "cache").merge_match_into_notebook(whole)
        assert whole.cells[1].outputs[0].text.strip() == name
    assert (tmp_path / "ran.txt").read_text().split() == ["before", "after"]
