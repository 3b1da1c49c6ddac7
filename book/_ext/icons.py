"""Sphinx extension: only the icons that the site shows.

The theme sends Font Awesome twice, as a script of every icon there is and as fonts of every icon: 0.8 MB on each page,
compressed. Style sheet and fonts suffice, and of the fonts only the signs that occur on our pages.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from fontTools import subset

_SCRIPT = re.compile(r"[ \t]*<script[^>]*scripts/fontawesome\.js[^>]*></script>\n?")
_CLASS = re.compile(r"fa-[a-z0-9-]+")
_RULE = re.compile(r'((?:[.]fa-[\w-]+:{1,2}before,?)+)\{content:"\\([0-9a-f]+)"')
_SIGN_IN_STYLE = re.compile(r':\s*"\\(f[0-9a-f]{3})"')


def setup(app):
    app.connect("build-finished", slim_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def slim_icons(app, error):
    """Take the icon script off the pages, and from the fonts the icons that no page shows."""
    if error or app.builder.format != "html":
        return
    root = Path(app.outdir)
    shown = set()
    for page in root.rglob("*.html"):
        text = page.read_text("utf-8")
        shown.update(_CLASS.findall(text))
        without = _SCRIPT.sub("", text)
        if without != text:
            page.write_text(without, "utf-8")
    static = root / "_static"
    for script in static.rglob("*.js"):
        if script.name != "fontawesome.js":
            shown.update(_CLASS.findall(script.read_text("utf-8")))
    signs = _signs(static, shown)
    for font in static.glob("vendor/fontawesome/webfonts/*.woff2"):
        _keep(font, signs)
    for unused in (*static.glob("scripts/fontawesome.js*"), *static.glob("vendor/fontawesome/webfonts/*.ttf")):
        unused.unlink()


def _signs(static: Path, shown: set[str]) -> set[int]:
    """Code points of the icons with these class names, and of those that style sheets set themselves."""
    signs = set()
    for sheet in static.rglob("*.css"):
        text = sheet.read_text("utf-8")
        for names, code in _RULE.findall(text):
            if shown.intersection(_CLASS.findall(names)):
                signs.add(int(code, 16))
        signs.update(int(code, 16) for code in _SIGN_IN_STYLE.findall(_RULE.sub("", text)))
    return signs


def _keep(path: Path, signs: set[int]) -> None:
    """Write the font again with these signs alone."""
    options = subset.Options(flavor="woff2")
    font = subset.load_font(str(path), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=signs)
    subsetter.subset(font)
    written = io.BytesIO()
    subset.save_font(font, written, options)
    path.write_bytes(written.getvalue())
