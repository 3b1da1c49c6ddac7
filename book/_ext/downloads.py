"""Sphinx extension: a page's notebook, downloaded, works on its own and reads well outside the book.

The notebooks are written for the book: they point to its pages, and to quizzes that lie beside them. What the download
button hands out gets its library with its first cell, carries its quiz within itself, and has plain Markdown.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

_QUIZ = re.compile(r'display_quiz\("(quizzes/[\w-]+\.json)"')
_BLOCK = re.compile(r"^:::\{([\w-]+)\}[ ]*(.*)\n((?:(?!:::).*\n)*?):::$", re.MULTILINE)
_OPTION = re.compile(r"^:\w+:.*\n", re.MULTILINE)
_DOC = re.compile(r"\{doc\}`([^`<]+)`")
_CITE = re.compile(r"\{cite\}`([^`]+)`")
_LEFT_OUT = ("exercise-end", "solution-end")

_INSTALL = """\
# The course's library, where it is not installed yet. In the course's own folder it is.
from importlib.util import find_spec

if find_spec("mosmed_edu") is None:
    %pip install --quiet "mosmed-edu[course] @ git+{repository}@{branch}\""""


def setup(app):
    app.connect("build-finished", write_downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_downloads(app, error):
    """Write each notebook that the pages offer for download again, fit to be used alone."""
    if error or app.builder.format != "html":
        return
    options = app.config.html_theme_options
    install = _INSTALL.format(repository=options["repository_url"].rstrip("/"), branch=options["repository_branch"])
    for docname in app.env.found_docs:
        source = Path(app.srcdir) / f"{docname}.ipynb"
        target = Path(app.outdir) / "_sources" / f"{docname}.ipynb"
        if source.is_file() and target.is_file():
            book = partial(_address, app, docname)
            nbformat.write(standalone(nbformat.read(source, 4), source.parent, install, book), target)
        elif target.is_file():
            nbformat.write(without_outputs(nbformat.read(target, 4)), target)


def without_outputs(notebook):
    """What MyST makes of a page that is run, without its pictures: they may be of somebody's own scans."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def standalone(notebook, folder: Path, install: str, book):
    """The notebook with its quiz inside, plain Markdown, and a first cell that installs what it needs.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    folder : Path
        Where the notebook lies; quizzes are looked for from here.
    install : str
        Source of the cell that installs the library.
    book : callable
        Gives title and address of a page, named as the notebook names it; for None the bibliography's.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, book)
        quiz = _QUIZ.search(cell.source)
        if quiz:
            questions = json.loads((folder / quiz[1]).read_text("utf-8"))
            cell.source = f"questions = {questions!r}\n{cell.source.replace(quiz[0], 'display_quiz(questions')}"
            cell.metadata["jupyter"] = {"source_hidden": True}
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip() or cell.cell_type == "code"]
    notebook.cells.insert(1, new_code_cell(install, id="install"))
    return notebook


def plain(text: str, book) -> str:
    """Markdown that every reader of notebooks shows, for the few marks that only the book's does."""
    text = _BLOCK.sub(_quote, text)
    text = _DOC.sub(lambda found: "[{}]({})".format(*book(found[1])), text)
    text = _CITE.sub(lambda found: f"([{found[1].replace(',', ', ')}]({book(None)[1]}))", text)
    return text.strip()


def _quote(found: re.Match) -> str:
    """A box as a quotation under a bold title."""
    kind, title, inside = found[1], found[2], _OPTION.sub("", found[3]).strip()
    if kind in _LEFT_OUT:
        return ""
    title = {"exercise-start": f"Exercise: {title}", "solution-start": "Solution"}.get(kind, title or kind.capitalize())
    return "\n".join(
        [f"**{title}**"] if not inside else [f"> **{title}**", ">", *(f"> {line}" for line in inside.split("\n"))]
    )


def _address(app, docname: str, page: str | None) -> tuple[str, str]:
    if page is None:
        return "References", f"{app.config.html_baseurl}book/references.html"
    name, _ = app.env.relfn2path(page, docname)
    return app.env.titles[name].astext(), f"{app.config.html_baseurl}{name}.html"
