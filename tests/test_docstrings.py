"""The reference is whole: what a function takes and returns is said, and most show an example that runs."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.validate import validate

PAGE = (Path(__file__).resolve().parents[1] / "book" / "api.md").read_text("utf-8")
MODULES = re.findall(r"automodule:: (\S+)", PAGE)

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


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_explained(module):
    faults = {}
    for value in named_in(module):
        found = {code for code, _ in validate(f"{value.__module__}.{value.__qualname__}")["errors"]}
        wanted = SAID if inspect.isfunction(value) else SAID - {"PR01"}  # of a class, attributes may be said instead
        if inspect.isfunction(value) and module not in SHOWN_IN_CHAPTERS:
            wanted = wanted | {EXAMPLE}
        if found & wanted:
            faults[value.__qualname__] = sorted(found & wanted)
    assert faults == {}


def test_the_page_lists_what_the_package_offers():
    import mosmed_edu

    listed = {value.__name__ for module in MODULES for value in named_in(module)} | {"WINDOWS"}
    assert set(mosmed_edu.__all__) <= listed
    assert {"mosmed_edu", "mosmed_edu.masks", "mosmed_edu.lungs", "mosmed_edu.features"} <= set(MODULES)
