"""Drop what other code or other data have made: outputs of notebooks, each for itself, and pages.

Jupyter's cache looks at a notebook's own text only; what a cell shows depends on `mosmed_edu`, on the installed
libraries and on the dataset too. And every page depends on extensions, templates and styles, and on the glossary.
"""

from __future__ import annotations

import ast
import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from depends import Package, digest_of, digest_of_files
from jupyter_cache import get_cache
from pages import pages_with_code

from mosmed_edu.layout import REGISTRY_NAMES

#: What the pages leave behind: what Sphinx knows of them, the pictures it has taken from the cells, and themselves.
PAGE_FOLDERS = (".doctrees", "jupyter_execute", "html")


def forget_stale(root: Path, build: Path, data: Iterable[Path]) -> list[str]:
    """Drop outputs and pages that were not made from what is there now.

    Parameters
    ----------
    root : Path
        Of the repository.
    build : Path
        The build's folder.
    data : iterable of Path
        Folders of the datasets that the notebooks open.

    Returns
    -------
    names : list of str
        Notebooks whose outputs were dropped, or that never had any: ``notebooks/01-the-dataset``.
    """
    package = Package(root / "mosmed_edu")
    paths = {path.relative_to(root).with_suffix("").as_posix(): path for path in pages_with_code(root)}
    everywhere = _digest_of_surroundings(root, data)
    now = {name: digest_of(path, package, everywhere) for name, path in paths.items()}
    stamp = build / ".outputs-made-from.json"
    before = _read(stamp)
    stale = [name for name in paths if now[name] != before.get(name)]
    _drop_outputs(build / ".jupyter_cache", {str(path) for name, path in paths.items() if name not in stale})
    # A page is written again where its text has changed; that its outputs have, Sphinx does not see.
    for name in stale:
        (build / ".doctrees" / f"{name}.doctree").unlink(missing_ok=True)
    _forget_pages(root, build, package, everywhere)
    # Last: what was dropped is run again, also by the next build where this one is stopped.
    build.mkdir(exist_ok=True)
    stamp.write_text(json.dumps(now, indent=1))
    return stale


def _digest_of_surroundings(root: Path, data: Iterable[Path]) -> str:
    """Libraries, Python and data. Of scans name and size are taken: to read them would take as long as the chapters."""
    files = [path for folder in sorted(data) for path in sorted(folder.rglob("*")) if path.is_file()]
    listing = "\n".join(f"{path} {path.stat().st_size}" for path in files)
    registries = [path for path in files if path.name in REGISTRY_NAMES]
    return digest_of_files([root / "requirements.txt", *registries], f"{sys.version}\n{listing}")


def _drop_outputs(folder: Path, fresh: set[str]) -> None:
    """All that is kept of other notebooks than these: of earlier texts too, and of the places where they lay before.

    A text that comes back must not find old outputs.
    """
    try:
        cache = get_cache(folder)
        for record in cache.list_cache_records():
            if record.uri not in fresh:
                cache.remove_cache(record.pk)
    except KeyError:  # a build was killed while it wrote there
        shutil.rmtree(folder)


def _forget_pages(root: Path, build: Path, package: Package, everywhere: str) -> None:
    """Drop every page, where what all of them depend on has changed."""
    book = root / "book"
    code = [*(book / "_ext").glob("*.py"), *(book / "viewer").glob("*.py")]
    parts = [file for name in ("_ext", "_static", "_templates", "viewer") for file in (book / name).rglob("*.*")]
    parts = [file for file in parts if file.is_file() and file.suffix != ".pyc"]
    behind = package.files_behind(ast.parse(path.read_bytes()) for path in code)
    files = [*(root / name for name in ("requirements-book.txt", "_config.yml", "book/glossary.md")), *parts, *behind]
    made_from = digest_of_files(files, everywhere)
    stamp = build / ".pages-made-from"
    if not stamp.is_file() or stamp.read_text() != made_from:
        stamp.unlink(missing_ok=True)  # a build that is killed now must not take the rest for its own
        for name in PAGE_FOLDERS:
            shutil.rmtree(build / name, ignore_errors=True)
        build.mkdir(exist_ok=True)
        stamp.write_text(made_from)


def _read(stamp: Path) -> dict[str, str]:
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}
