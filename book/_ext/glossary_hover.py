"""Sphinx extension: words of the glossary show their meaning where they first occur on a chapter's page.

An author writes plain prose. The first time a page's text uses a term, it becomes a link to the glossary with a note
beside it that opens on hover and on keyboard focus (WCAG 2.2, 1.4.13: it stays while the pointer is on it, and Escape
closes it). Headings, links, code, formulas and quoted terms are left alone.
"""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx import addnodes

GLOSSARY = "book/glossary"

#: Pages whose text is linked: the chapters.
_CHAPTERS = "notebooks/"

#: Text within these is left alone.
_NOT_WITHIN = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.caption,
    nodes.figure,
    nodes.table,
    nodes.raw,
    nodes.citation_reference,
    addnodes.pending_xref,
    nodes.rubric,
)


def setup(app):
    app.add_js_file("glossary.js")
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-resolved", link_terms, priority=900)
    return {"parallel_read_safe": False, "parallel_write_safe": True, "version": "1"}


def collect(app, doctree):
    """Remember each entry of the glossary: its terms with their anchors, and its definition as plain text."""
    if app.env.docname != GLOSSARY:
        return
    entries = []
    for item in doctree.findall(nodes.definition_list_item):
        terms = [(term.astext(), term["ids"][0]) for term in item.findall(nodes.term)]
        definition = next(iter(item.findall(nodes.definition))).astext()
        entries.append((terms, re.sub(r"\s+", " ", definition).strip()))
    app.env.mosmed_glossary = entries


def forget(app, env, docname):
    if docname == GLOSSARY:
        env.mosmed_glossary = []


def link_terms(app, doctree, docname):
    """Turn the first use of each entry into a link with a note."""
    entries = getattr(app.env, "mosmed_glossary", [])
    if not docname.startswith(_CHAPTERS) or not entries:
        return
    uri = app.builder.get_relative_uri(docname, GLOSSARY)
    words = {term.lower(): (n, term, anchor) for n, (terms, _) in enumerate(entries) for term, anchor in terms}
    pattern = _pattern(words)
    used: set[int] = set()
    for text in list(doctree.findall(nodes.Text)):
        if _is_prose(text):
            pieces = list(_split(text.astext(), pattern, words, entries, uri, used))
            if len(pieces) > 1:
                text.parent.replace(text, pieces)


def _pattern(words) -> re.Pattern:
    """Any term, the longest first, in the singular or with an s."""
    ordered = sorted(words, key=len, reverse=True)
    alternatives = "|".join(re.escape(word) for word in ordered)
    return re.compile(rf"(?<![\w-])({alternatives})(?:e?s)?(?![\w-])", re.IGNORECASE)


def _is_prose(text: nodes.Text) -> bool:
    node, in_paragraph = text.parent, False
    while node is not None:
        if isinstance(node, _NOT_WITHIN):
            return False
        in_paragraph |= isinstance(node, nodes.paragraph)
        node = node.parent
    return in_paragraph


def _split(text: str, pattern, words, entries, uri: str, used: set[int]):
    """The text, its terms turned into links."""
    start = 0
    for found in pattern.finditer(text):
        number, term, anchor = words[found[1].lower()]
        if number in used or (term.isupper() and found[1] != term):  # "HU" is a unit, "hu" a variable
            continue
        used.add(number)
        if found.start() > start:
            yield nodes.Text(text[start : found.start()])
        yield from _linked(found[0], f"{uri}#{anchor}", entries[number][1], f"gloss-{number}")
        start = found.end()
    if start < len(text):
        yield nodes.Text(text[start:])


def _linked(shown: str, uri: str, definition: str, name: str):
    """A link, and the note that belongs to it."""
    link = nodes.reference("", shown, refuri=uri, internal=True, classes=["gloss-term"])
    yield nodes.raw("", '<span class="gloss">', format="html")
    yield link
    note = f'<span class="gloss-note" role="tooltip" id="{name}">{escape(definition)}</span></span>'
    yield nodes.raw("", note, format="html")
