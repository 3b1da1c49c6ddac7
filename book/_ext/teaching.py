"""Sphinx extension: what the pages for teachers take from the notebooks, so that nobody types it twice.

On a page::

    ```{outcomes}
    ```                              all chapters: minutes, outcomes, what is needed first
    {minutes}`03-windowing`          the minutes of one chapter, or of several: {minutes}`01-the-dataset, 03-windowing`
    ```{assignment} a1
    ```                              an assignment: links, its questions and their points
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, SphinxRole

NOTEBOOKS, SOURCES, RELEASES = "notebooks", "notebooks/assignments/source", "notebooks/assignments/release"

_TIME = re.compile(r"\*\*Time:\*\* (\d+)(?: to (\d+))? minutes")
_FIRST = re.compile(r"\*\*You need first:\*\* (.+?)\s*(?:\n:::|$)", re.DOTALL)
_QUESTION = re.compile(r"^## (\d+)\. (.+?) \((\d+) points?\)\s*\n+(.*)", re.MULTILINE | re.DOTALL)
_NEIGHBOUR = re.compile(r"\{doc\}`([\w-]+)`")


def setup(app):
    app.add_directive("outcomes", Outcomes)
    app.add_directive("assignment", Assignment)
    app.add_role("minutes", Minutes())
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}


@dataclass(frozen=True)
class Opening:
    """What a chapter's first cell says.

    Attributes
    ----------
    title : str
    minutes : int
    outcomes : list of str
        What a reader will be able to do. Markdown.
    first : str
        What a reader needs first. Markdown, with `doc` roles that hold on any page.
    """

    title: str
    minutes: int
    outcomes: list[str]
    first: str


def read_opening(root: Path, name: str) -> Opening:
    """Read the first cell of a chapter.

    Parameters
    ----------
    root : Path
        The repository.
    name : str
        Such as ``"03-windowing"``.
    """
    text = nbformat.read(root / NOTEBOOKS / f"{name}.ipynb", 4).cells[0].source
    return Opening(
        title=text.split("\n", 1)[0].removeprefix("# "),
        minutes=int(_TIME.search(text)[1]),
        outcomes=[line.removeprefix("- ").rstrip(";.") for line in text.splitlines() if line.startswith("- ")],
        first=_NEIGHBOUR.sub(rf"{{doc}}`/{NOTEBOOKS}/\1`", _FIRST.search(text)[1]),
    )


def chapters(root: Path) -> list[str]:
    """Names of the chapters in their order."""
    return sorted(path.stem for path in (root / NOTEBOOKS).glob("[0-9]*.ipynb"))


@dataclass(frozen=True)
class Question:
    """A question of an assignment: its number, title, text and points, and how it is marked."""

    number: int
    title: str
    text: str
    points: int
    marked: str


def read_questions(root: Path, name: str) -> tuple[str, list[Question]]:
    """The opening text of an assignment, and its questions.

    Points are those that nbgrader counts. That the text promises the same is tested.
    """
    cells = nbformat.read(root / SOURCES / name / f"{name}.ipynb", 4).cells
    questions, asked, reading = [], None, False
    for cell in cells:
        asked = _QUESTION.search(cell.source) or asked if cell.cell_type == "markdown" else asked
        reading = "reading" in cell.metadata.get("tags", []) or reading
        graded = cell.metadata.get("nbgrader", {})
        if graded.get("grade"):
            kind = "by code, on an image" if reading else "by code"
            marked = "by you" if graded["solution"] else kind
            questions.append(Question(int(asked[1]), asked[2], asked[4].strip(), graded["points"], marked))
            reading = False
    return cells[0].source, questions


class _MarkdownDirective(SphinxDirective):
    """A directive that writes Markdown for the page's own parser."""

    @property
    def root(self) -> Path:
        return Path(self.env.srcdir)

    def depend_on(self, path: str) -> None:
        """Write the page again when this file changes."""
        self.env.note_dependency(str(self.root / path))

    def parsed(self, text: str) -> list[nodes.Node]:
        node = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), self.env.docname), self.content_offset, node)
        return node.children


class Outcomes(_MarkdownDirective):
    """A row for each chapter."""

    def run(self):
        lines = ["````{list-table}", ":header-rows: 1", ":widths: 22 10 45 23", ""]
        lines += _row(["Chapter", "Minutes", "Afterwards students can", "They need first"])
        total = 0
        for number, name in enumerate(chapters(self.root), start=1):
            self.depend_on(f"{NOTEBOOKS}/{name}.ipynb")
            opening = read_opening(self.root, name)
            total += opening.minutes
            outcomes = "\n".join(f"- {outcome}" for outcome in opening.outcomes)
            lines += _row([f"{number}. {{doc}}`/{NOTEBOOKS}/{name}`", str(opening.minutes), outcomes, opening.first])
        lines += [*_row(["All", str(total), "", ""]), "````"]
        return self.parsed("\n".join(lines))


class Assignment(_MarkdownDirective):
    """Links to an assignment, and a table of its questions."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        self.depend_on(f"{SOURCES}/{name}/{name}.ipynb")
        opening, questions = read_questions(self.root, name)
        low, high = _TIME.search(opening).groups()
        first = _FIRST.search(opening)[1].split("\n")[0]
        binder = f"{self.config.myst_substitutions['binder']}/assignments/release/{name}/{name}.ipynb"
        lines = [
            f"{low} to {high} minutes, {sum(question.points for question in questions)} points. They need: {first}",
            "",
            f"[Open {name.upper()} on Binder]({binder}), or "
            f"[download it](path:/{RELEASES}/{name}/{name}.ipynb) into the course's folder.",
            "",
            "| | Question | Points | Marked |",
            "|---|---|---|---|",
            *(f"| {q.number} | {q.title} | {q.points} | {q.marked} |" for q in questions),
        ]
        own_words = questions[-1]
        lines += ["", f"**Question {own_words.number}, as students read it:** {own_words.text}"]
        return self.parsed("\n".join(lines))


class Minutes(SphinxRole):
    """The minutes of chapters, added up."""

    def run(self):
        root = Path(self.env.srcdir)
        names = [name.strip() for name in self.text.split(",")]
        for name in names:
            self.env.note_dependency(str(root / NOTEBOOKS / f"{name}.ipynb"))
        return [nodes.Text(str(sum(read_opening(root, name).minutes for name in names)))], []


def _row(cells: list[str]) -> list[str]:
    """A row of a list-table: the first line of each cell after its mark, the others indented."""
    lines = []
    for number, cell in enumerate(cells):
        start = "* - " if number == 0 else "  - "
        first, *others = cell.split("\n")
        lines += [f"{start}{first}".rstrip(), *(f"    {line}" for line in others)]
    return lines
