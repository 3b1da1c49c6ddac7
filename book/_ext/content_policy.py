"""Sphinx extension: each page says which scripts may run on it, and the browser refuses all others.

What an author has planted into data that a page shows (the name of a study, a cell of a registry) must not run in a
reader's browser. Everything is escaped where it is written; this is the second lock. The policy lets a page load what
lies on its own site, and run those scripts within the page that the build has put there, known by their SHA-256.

Styles may stand within the page: MathJax, the theme and every table of pandas write some. A style runs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from pathlib import Path

_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_TYPE = re.compile(r"""\btype\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_RUNS = {"", "text/javascript", "application/javascript", "module"}

#: What is set on an element itself, as onclick="..."; the browser wants its hash too.
_HANDLER = re.compile(r"""<[a-z][^<>]*?\son[a-z]+\s*=\s*"([^"]*)["]""", re.IGNORECASE)

_HEAD = re.compile(r"<head\b[^>]*>\s*(<meta charset[^>]*>)?", re.IGNORECASE)


def setup(app):
    # After everything that changes pages: a hash is of the script as it is served.
    app.connect("build-finished", write_policies, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_policies(app, error):
    """Put its policy at the head of every page."""
    if error or app.builder.format != "html":
        return
    root = Path(app.outdir)
    pages = [page for page in root.rglob("*.html") if "_static" not in page.relative_to(root).parts]
    # The search page reads the others to show where a word stands, and the browser holds it to their handlers too.
    handlers = set().union(*(handlers_of(page.read_text("utf-8")) for page in pages))
    for page in pages:
        page.write_text(with_policy(page.read_text("utf-8"), handlers), "utf-8")


def with_policy(text: str, handlers: set[str]) -> str:
    """The page with the policy that fits it, in place of one that it may have already."""
    text = re.sub(r'\s*<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    tag = f'\n<meta http-equiv="Content-Security-Policy" content="{policy(text, handlers)}">'
    return _HEAD.sub(lambda found: found[0] + tag, text, count=1)


def handlers_of(text: str) -> set[str]:
    """Hashes of what a page sets on its elements themselves: the theme does so for two buttons."""
    return {_hash(unescape(code)) for code in _HANDLER.findall(_SCRIPT.sub("", text))}


def policy(text: str, handlers: set[str]) -> str:
    """What a page may load and run."""
    scripts = sorted({_hash(code) for attributes, code in _SCRIPT.findall(text) if code and _runs(attributes)})
    rules = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *scripts, *(["'unsafe-hashes'", *sorted(handlers)] if handlers else [])],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    return "; ".join(" ".join([name, *sources]) for name, sources in rules.items())


def _runs(attributes: str) -> bool:
    """Whether a script tag is a program, and not a block of data."""
    kind = _TYPE.search(attributes)
    return (kind[1].lower() if kind else "") in _RUNS


def _hash(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
