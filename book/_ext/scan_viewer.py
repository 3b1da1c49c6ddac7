"""Sphinx extension: what `mosmed_edu.view` has put on a page becomes a viewer that needs no kernel.

A cell's output says which study of which dataset it shows (`data-view`). Here its scan is exported, once for the whole
book, and the output says where it lies (`data-viewer`), as an address relative to the page. The script and its style
are loaded on these pages only; the script fetches the rest when a viewer nears the screen.

Only drawn studies are exported. A scan of somebody's own stays where it is: its page has the still pictures, and the
site holds nothing from which the scan could be restored.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from functools import cache
from html import escape, unescape
from pathlib import Path

from sphinx.util import logging

from mosmed_edu.book import BOOK_VARIABLE
from mosmed_edu.dataset import open_dataset
from mosmed_edu.errors import MosMedError
from mosmed_edu.viewer import BLOCK, export_scan
from mosmed_edu.viewer.export import grid_words

SCANS = "_static/scans"
SCRIPT = "_static/viewer"

_WANTED = re.compile(
    rf'<div class="{BLOCK}" data-view="(?P<wanted>[^"]*)">(?P<still>.*?)<p class="{BLOCK}-about">(?P<about>[^<]*)</p>',
    re.DOTALL,
)
_SHOWN = re.compile(r'data-viewer="([^"]*)"')

_open = cache(open_dataset)
_log = logging.getLogger(__name__)


def setup(app):
    # However the book is built, its notebooks know that no kernel stands behind their pages.
    os.environ.setdefault(BOOK_VARIABLE, "1")
    app.connect("html-page-context", place_viewers)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def place_viewers(app, pagename, templatename, context, doctree):
    """Point each viewer of a page to its exported scan, and load the script there."""
    body, address = context.get("body") or "", context.get("pathto")

    def placed(found: re.Match) -> str:
        wanted = json.loads(unescape(found["wanted"]))
        if not wanted["synthetic"]:
            return f'<div class="{BLOCK}">{found["still"]}<p class="{BLOCK}-about">{found["about"]}</p>'
        about = _exported(app, pagename, wanted)
        if about is None:  # the still pictures stay
            return found[0]
        shown = wanted | about | {key: about[key] and address(f"{SCANS}/{about[key]}", 1) for key in ("scan", "mask")}
        return (
            f'<div class="{BLOCK}" data-viewer="{escape(json.dumps(shown))}">{found["still"]}'
            f'<p class="{BLOCK}-about">{found["about"]} {escape(grid_words(about))}</p>'
        )

    context["body"], count = _WANTED.subn(placed, body)
    if count:
        style, script = (f"{address(f'{SCRIPT}/viewer.{kind}', 1)}?v={_version(app)}" for kind in ("css", "js"))
        tags = f'\n<link rel="stylesheet" href="{style}">'
        if "data-viewer=" in context["body"]:
            tags += f'\n<script type="module" src="{script}"></script>'
        context["metatags"] = context.get("metatags", "") + tags


def finish(app, error):
    """Lay the script beside the pages, and drop scans that no page shows any more."""
    if error or app.builder.format != "html":
        return
    root, dist = Path(app.outdir), _dist(app)
    shown = {
        Path(json.loads(unescape(found))[key] or "").name
        for page in root.rglob("*.html")
        for found in _SHOWN.findall(page.read_text("utf-8"))
        for key in ("scan", "mask")
    }
    for half in (root / SCANS).glob("*.part"):  # of a build that was killed
        half.unlink()
    for scan in (root / SCANS).glob("*.nii.gz"):
        if scan.name not in shown:
            scan.unlink()
            scan.with_name(scan.name.removesuffix(".nii.gz") + ".json").unlink(missing_ok=True)
    if dist.is_dir():
        shutil.rmtree(root / SCRIPT, ignore_errors=True)
        shutil.copytree(dist, root / SCRIPT)


def _exported(app, pagename: str, wanted: dict) -> dict | None:
    """Export the scan that a viewer shows; None, with a warning, where that cannot be done."""
    if not (_dist(app) / "viewer.js").is_file():
        _log.warning("the viewer's script is not there. Next: build with make book", location=pagename)
        return None
    if wanted["dataset"] is None:
        _log.warning("view() shows a study of a folder that is not the book's", location=pagename)
        return None
    try:
        study = _open(wanted["dataset"])[wanted["study"]]
        about = export_scan(study, Path(app.outdir) / SCANS)
    except MosMedError as error:
        _log.warning("%s", error, location=pagename)
        return None
    return about if wanted["mask"] else about | {"mask": None}


def _dist(app) -> Path:
    """Where `book/build.py` has bundled the script."""
    return Path(app.srcdir) / "_build" / "viewer" / "dist"


def _version(app) -> str:
    """Changes with the script, so that no browser mixes an old one with a new page."""
    digest = hashlib.sha256()
    for path in sorted(_dist(app).glob("viewer.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
