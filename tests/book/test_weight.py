"""What a page sends before its first line can be read."""

from __future__ import annotations

import gzip
import re

#: Compressed, for the page and all that it fetches before anybody scrolls. The theme alone would send 1.0 MB.
ALLOWED = 700_000


def test_pictures_are_files_that_wait(html, page_name):
    text = (html / page_name).read_text("utf-8")
    embedded = [len(found[1]) for found in re.finditer(r"data:image/(?:png|webp|jpeg);base64,([A-Za-z0-9+/=]+)", text)]
    assert all(size < 6000 for size in embedded)
    for tag in re.findall(r'<img[^>]*src=\\?"[^"]*_images/[0-9a-f]{20}[^>]*>', text):
        assert re.search(r'loading=\\?"lazy', tag)


def test_a_page_opens_light_and_without_its_later_pictures(first_visit, html, page_name):
    scans = ("/_static/viewer/", "/_static/scans/")  # weighed by themselves
    sent = {path: body for path, body in first_visit.sent.items() if not path.startswith(scans)}
    weight = {path: len(gzip.compress(body, 6)) for path, body in sent.items()}
    pictures = [path for path in weight if "/_images/" in path]
    on_page = len(re.findall(r"_images/[0-9a-f]{20}", (html / page_name).read_text("utf-8")))
    assert on_page < 8 or len(pictures) < on_page, "every picture was fetched at once"
    assert sum(weight.values()) < ALLOWED, sorted(weight.items(), key=lambda item: -item[1])[:8]


def test_the_index_of_the_search_is_fetched_by_the_search_alone(first_visit, html):
    assert "searchindex.js" in (html / "search.html").read_text("utf-8")
    assert [path for path in first_visit.sent if path.endswith(("searchindex.js", "searchtools.js"))] == []


def test_every_icon_on_the_pages_is_drawn(first_visit):
    """The icon fonts hold only the icons in use: none of those may be missing."""
    assert first_visit.undrawn == []
