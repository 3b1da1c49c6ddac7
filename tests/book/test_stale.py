"""Only those notebooks run again whose code, data or quiz has changed; and those always do."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat.v4 import new_code_cell, new_notebook

import mosmed_edu

#: A package like ours: names gathered in `__init__`, one of them when it is asked for, and imports inside functions.
MODULES = {
    "__init__": "from mosmed_edu.data import open_data\n"
    "def __getattr__(name):\n    if name == 'view':\n        from mosmed_edu.screen import view\n        return view\n",
    "data": "def open_data():\n    from mosmed_edu.drawing import draw\n    return draw()\n",
    "drawing/__init__": "from .pen import draw\nfrom .ink import colour as paint\n",
    "drawing/pen": "from . import paper\ndef draw():\n    return paper\n",
    "drawing/paper": "SIZE = 1\n",
    "drawing/ink": "from mosmed_edu.base import DARK as colour\n",
    "screen": "import mosmed_edu.base\nview = print\n",
    "base": "DARK = 0\n",
    "alone": "X = 1\n",
}
NOTEBOOKS = {
    "opens": "from mosmed_edu import open_data\nopen_data()",
    "views": "if True:\n    from mosmed_edu import view",
    "paints": "%time 1 + 1\nfrom mosmed_edu.drawing import paint as p",
    "asks": "quiz('quizzes/asks.json')",
    "broken": "this is no Python",
}
PAGE = "---\nfile_format: mystnb\n---\n# Status\n\n```{code-cell} ipython3\nread('bench.json')\n```\n"
#: Who must run again when a module changes. `broken` may do anything. `import mosmed_edu.base` binds the whole package.
RUN_AGAIN = {
    "data": {"opens", "views"},
    "drawing/pen": {"opens", "views"},
    "drawing/paper": {"opens", "views"},
    "drawing/ink": {"paints"},
    "screen": {"views"},
    "base": {"views", "paints"},
    "alone": set(),
}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course with outputs and pages as a build leaves them: `course.stale()` is what the next one drops."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "book"))
    from stale import forget_stale

    root, build, data = tmp_path / "course", tmp_path / "build", tmp_path / "data"
    texts = {f"mosmed_edu/{name}.py": text for name, text in MODULES.items()}
    texts |= {
        "book/status.md": PAGE,
        "book/bench.json": "1",
    }
    texts |= {f"book/{name}": "" for name in ("_ext/one.py", "_static/one.css", "_templates/a.html", "glossary.md")}
    texts |= {"notebooks/quizzes/asks.json": "[]", "_config.yml": "", "book/plain.md": "Words"}
    texts |= {"requirements.txt": "numpy==1", "requirements-book.txt": "sphinx==1"}
    for name, text in texts.items():
        write(root / name, text)
    for name, code in NOTEBOOKS.items():
        write_notebook(root / f"notebooks/{name}.ipynb", code)
    write(data / "dataset_registry.csv", "study_id")
    write(data / "studies/one.nii.gz", "voxels")

    def run() -> set[str]:
        """Drop what is stale; keep new outputs and pages, as the build then does."""
        stale = forget_stale(root, build, [data])
        cache = get_cache(build / ".jupyter_cache")
        kept = {Path(record.uri).stem for record in cache.list_cache_records()}
        assert not kept & {Path(name).name for name in stale}
        for path in (root / "notebooks").glob("*.ipynb"):
            cache.cache_notebook_bundle(
                CacheBundleIn(nbformat.read(path, 4), str(path)), check_validity=False, overwrite=True
            )
        for name in [*(f"notebooks/{name}" for name in NOTEBOOKS), "book/status", "book/intro"]:
            write(build / f".doctrees/{name}.doctree", "")
            write(build / f"html/{name}.html", "")
        return {Path(name).name for name in stale}

    assert run() == {*NOTEBOOKS, "status"}
    return SimpleNamespace(root=root, build=build, data=data, run=run, forget=lambda: forget_stale(root, build, [data]))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_notebook(path: Path, code: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=[new_code_cell(code, id="0")], metadata=kernel), path)


def test_nothing_is_dropped_when_nothing_has_changed(course):
    assert course.run() == set()


@pytest.mark.parametrize("module", RUN_AGAIN)
def test_a_change_reaches_those_that_come_to_run_it_and_no_others(course, module):
    path = course.root / f"mosmed_edu/{module}.py"
    write(path, path.read_text() + "# changed\n")
    assert course.run() == RUN_AGAIN[module] | {"broken"}
    assert course.run() == set()


def test_a_name_that_moves_to_another_module_counts_as_changed(course):
    write(course.root / "mosmed_edu/drawing/__init__.py", "from .pen import draw\nfrom .paper import SIZE as paint\n")
    assert course.run() == {"paints", "broken"}


def test_what_a_notebook_reads_beside_it_counts(course):
    write(course.root / "notebooks/quizzes/asks.json", "[1]")
    assert course.run() == {"asks"}
    write(course.root / "book/bench.json", "2")
    assert course.run() == {"status"}


def test_outputs_do_not_outlive_their_code_where_the_clone_was_moved(course, tmp_path):
    """What is kept names the notebooks by where they lay."""
    from stale import forget_stale

    moved = course.root.rename(tmp_path / "moved")
    path = moved / "mosmed_edu/drawing/pen.py"
    path.write_text(path.read_text() + "# changed\n")
    dropped = {Path(name).name for name in forget_stale(moved, course.build, [course.data])}
    left = {Path(record.uri).stem for record in get_cache(course.build / ".jupyter_cache").list_cache_records()}
    assert "opens" in dropped and left.isdisjoint(dropped)


@pytest.mark.parametrize("change", ["requirements", "registry", "scan"])
def test_libraries_and_data_reach_all(course, change):
    paths = {
        "requirements": course.root / "requirements.txt",
        "registry": course.data / "dataset_registry.csv",
        "scan": course.data / "studies/two.nii.gz",
    }
    write(paths[change], "12345678")
    assert course.run() == {*NOTEBOOKS, "status"}


def test_pages_of_other_data_are_gone_whenever_the_build_was_killed(course, monkeypatch):
    """Pictures of one dataset on the pages of another would be wrong, and might be a patient's."""
    import stale

    def killed(folder, **_):
        if Path(folder).name in stale.PAGE_FOLDERS:
            raise KeyboardInterrupt
        rmtree(folder)

    rmtree = stale.shutil.rmtree
    page, scan = course.build / "html/book/intro.html", course.data / "studies/one.nii.gz"
    write(scan, "other voxels")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stale.shutil, "rmtree", killed)
        course.forget()
    assert page.is_file()
    write(scan, "voxels")  # back to the data that the pages were made from: nobody knows how much of them is left
    course.forget()
    assert not page.exists()


def test_pages_are_written_again_where_outputs_are_new_and_all_where_the_style_is(course):
    write(course.root / "mosmed_edu/data.py", "open_data = print\n")
    course.forget()
    left = {path.stem for path in (course.build / ".doctrees").rglob("*.doctree")}
    assert left == {"intro", "status", "paints", "asks"}
    course.run()
    write(course.root / "book/_static/one.css", "a {}")
    assert course.forget() == []
    assert not (course.build / ".doctrees").exists() and not (course.build / "html").exists()


def test_an_earlier_text_that_comes_back_does_not_find_outputs_of_earlier_code(course):
    path, before = course.root / "notebooks/opens.ipynb", NOTEBOOKS["opens"]
    write_notebook(path, before + "  # other text")
    write(course.root / "mosmed_edu/data.py", "open_data = print\n")
    course.run()
    write_notebook(path, before)
    with pytest.raises(KeyError):
        get_cache(course.build / ".jupyter_cache").match_cache_notebook(nbformat.read(path, 4))


def test_a_build_that_was_killed_while_it_kept_outputs_begins_anew(course):
    for kept in (course.build / ".jupyter_cache" / "executed").iterdir():
        (kept / "base.ipynb").unlink()
    write(course.root / "mosmed_edu/data.py", "open_data = print\n")
    course.run()
    (course.build / ".outputs-made-from.json").write_text('{"half')
    assert course.run() == {*NOTEBOOKS, "status"}


def test_our_chapters_depend_on_what_they_show(monkeypatch):
    """The atlas is in one chapter, words are in all; the command line is in none."""
    root = Path(__file__).resolve().parents[2]
    monkeypatch.syspath_prepend(str(root / "book"))
    from depends import Package, digest_of

    package, chapters = Package(root / "mosmed_edu"), sorted((root / "notebooks").glob("*.ipynb"))
    before = {path.stem: digest_of(path, package, "") for path in chapters}
    changed, read = {}, Path.read_bytes
    for name in ("plotting/atlas.py", "plotting/words.py", "cli/__init__.py"):
        path = package.root / "mosmed_edu" / name
        # As if this file had other contents.
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda this, path=path: read(this) + b"#" * (this == path))
            changed[name] = {one.stem for one in chapters if digest_of(one, package, "") != before[one.stem]}
    assert changed["plotting/atlas.py"] == {"04-normal-chest"}
    assert changed["plotting/words.py"] == set(before)
    assert changed["cli/__init__.py"] == set()


def test_modules_only_define_things_when_they_are_imported():
    """Or a change of a module could reach a notebook that takes nothing from it, because its neighbour is imported."""
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef, ast.Try)
    for path in Path(mosmed_edu.__file__).parent.rglob("*.py"):
        if path.name == "__main__.py":
            continue
        for node in ast.parse(path.read_bytes()).body:
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            never = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
            assert text or never or isinstance(node, kinds), f"{path.name}:{node.lineno} {ast.unparse(node)[:60]}"
