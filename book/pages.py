"""The pages whose cells are run, and how they are read: as Jupyter Book does, so that it finds the outputs kept."""

from __future__ import annotations

from pathlib import Path

import nbformat
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook


def pages_with_code(root: Path) -> list[Path]:
    """Pages of Markdown with cells, and the notebooks: the last ones take longest."""
    markdown = (page for page in (root / "book").glob("*.md") if is_myst_markdown_notebook(page.read_text("utf-8")))
    return [*sorted(markdown), *sorted((root / "notebooks").glob("*.ipynb"))]


def read_page(path: Path) -> nbformat.NotebookNode:
    """Read a notebook, or a page of MyST Markdown as one."""
    text = path.read_text("utf-8")
    return read_myst_markdown_notebook(text) if path.suffix == ".md" else nbformat.reads(text, 4)
