"""The package stays a house that is easy to see: imports run one way, and only some modules know about screens."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mosmed_edu

PACKAGE = Path(mosmed_edu.__file__).parent

#: From the floor up. A module may import what stands on a lower line (and `layout` builds on `volume` beside it).
FLOORS = [
    {"errors", "paths", "windowing", "check_report", "scoring", "boxes", "threads", "book"},
    {"volume", "layout"},
    {"nifti", "mirrors", "masks", "lungs", "plotting", "phantom"},
    {"dataset", "convert"},
    {"check", "features", "viewer", "atlas", "agreement"},
    {"grading", "examples"},
    {"classroom"},
    {"selfcheck"},
    {"cli"},
    {"__main__"},
]
#: `paths` and `windowing` say their errors with `errors`, and `check_report` puts its words on one line; `layout`
#: writes a `Volume`.
BESIDE = {(name, "errors") for name in ("paths", "windowing", "volume", "check_report")} | {("layout", "volume")}
#: Imports inside a function, each with its reason there. `dataset` draws the sample only when nobody named a folder.
LAZY = {("dataset", "phantom"), ("cli", "phantom"), ("cli", "check"), ("cli", "viewer"), ("cli", "classroom")}

SCREENS = {"matplotlib", "ipywidgets", "IPython", "ipykernel", "plotly"}
#: `grading` is a widget, as `viewer` is.
KNOW_SCREENS = {"plotting", "viewer", "grading", "cli"}

FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}


def imports_of(path: Path) -> set[tuple[str, bool]]:
    """(dotted name, whether inside a function) of every import, also those inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    package = path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, id(node) in inside) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
            # `from mosmed_edu import dataset` imports a module, `from mosmed_edu.dataset import Study` a name of it.
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "mosmed_edu" else [base]
            found |= {(name, id(node) in inside) for name in names}
    return found


def module_of(path: Path) -> str:
    """`phantom` for every file of the folder phantom."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    module = module_of(path)
    assert module in FLOOR_OF, f"say in FLOORS where {module} stands"
    for name, lazy in imports_of(path):
        if not name.startswith("mosmed_edu."):
            continue
        other = name.split(".")[1]
        if other not in FLOOR_OF:  # a name such as __version__, which the package itself holds
            assert other == "__version__" and module == "cli"
        elif lazy and (module, other) in LAZY:
            continue
        else:
            fine = other == module or FLOOR_OF[other] < FLOOR_OF[module] or (module, other) in BESIDE
            assert fine, f"{module} must not import {other}"


@pytest.mark.parametrize("path", [PACKAGE / "__init__.py", *FILES], ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_a_module_keeps_to_itself_is_its_own(path):
    """What two modules use has a name without an underscore in the one that it belongs to."""
    taken = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "mosmed_edu")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]
    assert taken == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_some_know_about_screens(path):
    if module_of(path) in KNOW_SCREENS:
        return
    seen = {name.split(".")[0] for name, _ in imports_of(path)} & SCREENS
    assert not seen, f"{module_of(path)} imports {seen}"


def test_reading_and_windowing_load_nothing_for_screens():
    """What the rules are for: a cluster job or a worker starts without a plotting library."""
    code = (
        "import sys, mosmed_edu, mosmed_edu.check\n"
        "from mosmed_edu import apply_window, open_dataset, read_nifti\n"
        "print(sorted({'matplotlib', 'ipywidgets', 'IPython', 'mosmed_edu.phantom'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_every_module_can_be_imported_alone():
    names = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
        if path.name != "__main__.py" and path.parent == PACKAGE
    ]
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n    importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code, *names], check=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
