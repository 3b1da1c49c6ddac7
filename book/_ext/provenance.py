"""Sphinx extension: the site says what its pictures were made from, in `made-from.json` beside its pages.

A licence guard (tests/book/test_licence.py, and whoever publishes a site) reads it: only a site of drawn studies may be
shown to others. It is written last, so a site without it is not whole.
"""

from __future__ import annotations

import json
from pathlib import Path

from sphinx.errors import ExtensionError

from mosmed_edu.dataset import open_dataset
from mosmed_edu.layout import DRAWN_NAMES

FILE = "made-from.json"


def setup(app):
    app.connect("builder-inited", begin)
    app.connect("build-finished", sign, priority=999)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def made_from() -> dict:
    """Whether all datasets of the book are drawn, and which they are. No path of the machine."""
    datasets = [open_dataset(name) for name in DRAWN_NAMES]
    return {
        "synthetic": all(dataset.is_synthetic for dataset in datasets),
        "datasets": sorted({dataset.root.name for dataset in datasets if dataset.is_synthetic}),
    }


def begin(app):
    """Refuse to write pages of one kind beside those of the other; what is begun is not signed yet."""
    signed = Path(app.outdir) / FILE
    if not signed.is_file():
        return
    if _is_synthetic(signed) != made_from()["synthetic"]:
        raise ExtensionError(f"{app.outdir} holds pages made from other data. Next: build with make book")
    signed.unlink()


def sign(app, error):
    """Write what the site was made from."""
    if not error and app.builder.format == "html":
        part = Path(app.outdir) / f"{FILE}.part"
        part.write_text(json.dumps(made_from(), indent=1) + "\n", "utf-8")
        part.replace(Path(app.outdir) / FILE)


def _is_synthetic(signed: Path) -> bool | None:
    """What a site says of itself; None where that cannot be read."""
    try:
        return json.loads(signed.read_text("utf-8"))["synthetic"]
    except (ValueError, KeyError, TypeError):
        return None
