"""Sphinx extension: what cells and the theme have put on a page, made fit for it.

Pictures in a cell's output become files, fetched when they near the screen. A notebook carries its pictures within
itself, so that it can be handed on; a page that did the same would send all of them before the first line can be read.
The theme would send the whole index of the search before that line too.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

#: Smaller pictures stay: a request costs more than they do.
_SMALL = 4096

#: In the page itself, and in the questions of a quiz, which are JavaScript: there the quotation marks are escaped.
_EMBEDDED = re.compile(r'src=(\\?")data:image/(png|webp|jpeg);base64,([A-Za-z0-9+/=\s]+)\\?"')

#: jupyterquiz takes MathJax's settings, which are there before MathJax is, for MathJax itself, and fails.
_HASTY = "if (typeof MathJax != 'undefined') {"
_PATIENT = "if (typeof MathJax != 'undefined' && MathJax.version) {"

#: For pages that search as one types; here only the page of results does.
_SEARCH_SCRIPT = re.compile(
    r'\s*<script src="[^"]*(?:_static/searchtools|_static/language_data|searchindex)\.js"></script>'
)


def setup(app):
    app.connect("build-finished", mend_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mend_pages(app, error):
    """Write each embedded picture to a file named by its content, and mend what scripts cost or break."""
    if error or app.builder.format != "html":
        return
    root = Path(app.outdir)
    folder = root / "_images"
    for page in root.rglob("*.html"):
        if "_static" in page.relative_to(root).parts:
            continue
        up = "../" * (len(page.relative_to(root).parts) - 1)
        text = page.read_text("utf-8")
        moved = _EMBEDDED.sub(lambda found, up=up: _moved(found, folder, up), text)
        moved = moved.replace(_HASTY, _PATIENT)
        if page.name != "search.html":
            moved = _SEARCH_SCRIPT.sub("", moved)
        if moved != text:
            page.write_text(moved, "utf-8")


def _moved(found: re.Match, folder: Path, up: str) -> str:
    quote, kind, data = found[1], found[2], base64.b64decode(found[3])
    if len(data) < _SMALL:
        return found[0]
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:20]}.{kind}"
    path.write_bytes(data)
    return f"loading={quote}lazy{quote} decoding={quote}async{quote} src={quote}{up}_images/{path.name}{quote}"
