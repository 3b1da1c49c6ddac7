"""The reference is whole: what a function takes and returns is said, and most show an example that runs."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import nbformat
import pytest
from numpydoc.validate import validate

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "api.md").read_text("utf-8")
MODULES = re.findall(r"automodule:: (\S+)", PAGE)
#: Named one by one: functions and classes, and values such as `WINDOWS`.
SINGLE = re.findall(r"auto(?:function|class):: (\S+)", PAGE)
VALUES = re.findall(r"(?:autodata|py:data):: (\S+)", PAGE)

#: numpydoc's own numbers: there is a text with a summary; parameters are those of the signature, in its order; what is
#: returned; an example.
SAID = {"GL08", "SS01", "PR01", "PR02", "PR03", "RT01", "YD01"}
EXAMPLE = "EX01"
#: They make pictures or widgets: the chapters are their examples.
SHOWN_IN_CHAPTERS = {"mosmed_edu.plotting", "mosmed_edu.grading"}


def named_in(module: str) -> list:
    """Functions and classes that the page lists for a module, as Sphinx finds them."""
    found = importlib.import_module(module)
    own = [name for name, value in vars(found).items() if getattr(value, "__module__", None) == module]
    names = getattr(found, "__all__", None) or [name for name in own if not name.startswith("_")]
    values = [getattr(found, name) for name in names]
    return [value for value in values if inspect.isfunction(value) or inspect.isclass(value)]


def found_at(name: str):
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


@pytest.mark.parametrize("module", [*MODULES, "named one by one"])
def test_every_public_name_is_explained(module):
    faults = {}
    for value in named_in(module) if module in MODULES else map(found_at, SINGLE):
        found = {code for code, _ in validate(f"{value.__module__}.{value.__qualname__}")["errors"]}
        wanted = SAID if inspect.isfunction(value) else SAID - {"PR01"}  # of a class, attributes may be said instead
        if inspect.isfunction(value) and module not in SHOWN_IN_CHAPTERS:
            wanted = wanted | {EXAMPLE}
        if found & wanted:
            faults[value.__qualname__] = sorted(found & wanted)
    assert faults == {}


def imported_by_chapters() -> set[str]:
    """Names of the package that the chapters import: ``mosmed_edu.plotting.show_slices``."""
    names = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("mosmed_edu"):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_page_lists_what_the_package_offers_and_what_a_chapter_imports():
    import mosmed_edu

    assert all(found_at(name) is not None for name in VALUES)
    listed = {value.__name__ for module in MODULES for value in named_in(module)}
    listed |= {name.rpartition(".")[2] for name in (*SINGLE, *VALUES)}
    used = imported_by_chapters()
    assert len(used) > 50
    assert [name for name in sorted(used) if name.rpartition(".")[2] not in listed] == []
    assert set(mosmed_edu.__all__) <= listed
    assert {"mosmed_edu", "mosmed_edu.masks", "mosmed_edu.lungs", "mosmed_edu.features"} <= set(MODULES)
