"""Sphinx extension: the slides of the first lecture, from book/slides/lecture.yml.

They go into a folder of their own beside the pages, with all that they need, so that a lecturer can carry it away
(`slides.zip`) and show it without a network. Under MOSMED_ROOT, too, they show the drawn sample: slides are passed on.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml
from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.util import logging
from teaching import read_opening

from mosmed_edu.dataset import ROOT_VARIABLE, open_dataset
from mosmed_edu.features import process_pool
from mosmed_edu.plotting import Figure

FOLDER, SOURCE = "slides", "book/slides/lecture.yml"

#: A book without this page (a part of it, built to try something) needs no slides.
LINKED_FROM = "book/teaching/guide"

#: What students read after the lecture.
_HOMEWORK = ("01-the-dataset", "02-hounsfield-units", "03-windowing")

_PICTURE = re.compile(r'src="data:image/webp;base64,([^"]+)"')
_SIZE_ON_A_PAGE = re.compile(r' style="width:100%;height:auto[^"]*"')
_STAMP_FILE = ".made-from"
_STAMP = (2026, 1, 1, 0, 0, 0)  # the same slides give the same file

_log = logging.getLogger(__name__)


def setup(app):
    app.mosmed_drawing = None
    # All notebooks have been run by then. One of them measures time: nothing may run beside it.
    app.connect("env-updated", begin_drawing)
    app.connect("build-finished", write_slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@dataclass(frozen=True)
class Drawing:
    """A deck that is being drawn in a process of its own, and the digest of what it is made from."""

    deck: Future
    made_from: str


def begin_drawing(app, env):
    """Draw the deck, if it has changed, while this process writes the pages: that keeps one core busy and no more."""
    if app.builder.format != "html" or LINKED_FROM not in env.found_docs:
        return
    script = Path(app.srcdir) / "_build" / "viewer" / "slides"
    if not (script / "slides.js").is_file():
        _log.warning("the slides' script is not there. Next: build with make book")
        return
    folder, root = Path(app.outdir) / FOLDER, Path(app.srcdir)
    stamp, made_from = folder / _STAMP_FILE, _digest(root, script)
    if stamp.is_file() and stamp.read_text() == made_from:
        return
    _log.info("drawing the slides (half a minute, once) ...")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in script.iterdir():
        shutil.copy(path, folder)
    pool = process_pool(1)
    app.mosmed_drawing = Drawing(pool.submit(read_deck, root, folder), made_from)
    pool.shutdown(wait=False)  # it ends when the deck is drawn


def write_slides(app, error):
    """Write slides, handout, and both in one file to take away."""
    if error or app.mosmed_drawing is None:
        return
    folder, deck = Path(app.outdir) / FOLDER, app.mosmed_drawing.deck.result()
    for page, template in (("index", "slides"), ("handout", "handout")):
        text = app.builder.templates.render(f"{template}.html", {"deck": deck, "project": app.config.html_title})
        (folder / f"{page}.html").write_text(text, "utf-8")
    _pack(folder, folder / "slides.zip")
    (folder / _STAMP_FILE).write_text(app.mosmed_drawing.made_from)  # last: what is not whole is drawn again


def _digest(root: Path, script: Path) -> str:
    """Of all that the slides are made from."""
    digest = hashlib.sha256()
    made_from = [root / SOURCE, *script.iterdir(), *(root / "mosmed_edu").rglob("*.py")]
    made_from += [root / f"book/_templates/{name}.html" for name in ("slides", "handout")]
    made_from += [*Path(__file__).parent.glob("*.py"), *(root / f"notebooks/{name}.ipynb" for name in _HOMEWORK)]
    for path in sorted(made_from):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_deck(root: Path, folder: Path) -> dict:
    """The lecture with its text as HTML and its pictures as files of the folder."""
    from slide_figures import draw_figures, facts  # here, because only the build of HTML draws

    deck = yaml.safe_load((root / SOURCE).read_text("utf-8"))
    with _drawn_data_only():
        sample = open_dataset("sample")
        known = facts(sample) | {"homework": sum(read_opening(root, name).minutes for name in _HOMEWORK)}
        words = Environment(undefined=StrictUndefined)
        figures = {name: _figure_html(figure, name, folder) for name, figure in draw_figures(sample).items()}
        starts = 0
        for slide in deck["slides"]:
            text, notes = (_html(words.from_string(slide[part]).render(known)) for part in ("text", "notes"))
            shown = figures[slide["figure"]] if "figure" in slide else ""
            body = text + _ran(slide.get("code")) + shown
            if slide.get("beside") or shown.count('class="panel"') == 1:
                body = f'<div class="beside">{body}</div>'
            slide |= {"body": body, "notes": notes, "starts": starts}
            starts += slide["minutes"]
    return deck | {"minutes": starts}


@contextmanager
def _drawn_data_only() -> Iterator[None]:
    """Let the names of the drawn datasets mean the drawn datasets, whatever MOSMED_ROOT says."""
    kept = os.environ.pop(ROOT_VARIABLE, None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ[ROOT_VARIABLE] = kept


def _html(text: str) -> str:
    return f'<div class="words">{MarkdownIt().render(text)}</div>' if text.strip() else ""


def _ran(code: str | None) -> str:
    """Code, and below it what it prints now."""
    if not code:
        return ""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    shown = highlight(code, PythonLexer(), HtmlFormatter(noclasses=True, nowrap=True, style="github-dark"))
    return f'<pre tabindex="0"><code>{shown}</code></pre><pre class="output">{escape(said)}</pre>'


def _figure_html(figure: Figure, name: str, folder: Path) -> str:
    """A figure whose pictures lie beside the slides."""
    panels = []
    for number, panel in enumerate(figure.panels):
        file = f"{name}-{number}.webp"

        def to_file(found: re.Match, file: str = file) -> str:
            (folder / file).write_bytes(base64.b64decode(found[1]))
            return f'src="{file}"'

        html = _SIZE_ON_A_PAGE.sub("", _PICTURE.sub(to_file, panel.html))
        title = f"<p>{escape(panel.title)}</p>" if panel.title else ""
        panels.append(f'<div class="panel">{html}{title}</div>')
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    return f'<figure><div class="panels">{"".join(panels)}</div>{caption}</figure>'


def _pack(folder: Path, target: Path) -> None:
    """All that lies in the folder, in one file."""
    paths = sorted(path for path in folder.iterdir() if path != target)
    with ZipFile(target, "w", ZIP_DEFLATED) as packed:
        for path in paths:
            packed.writestr(ZipInfo(f"{FOLDER}/{path.name}", _STAMP), path.read_bytes(), ZIP_DEFLATED)
