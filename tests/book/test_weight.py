"""What a page sends before its first line can be read."""

from __future__ import annotations

import gzip
import re
from urllib.parse import urlparse

import pytest

#: Compressed, for the page and all that it fetches before anybody scrolls. A comparable book's page sends 1.2 MB.
ALLOWED = 1_400_000


def test_pictures_are_files_that_wait(html, page_name):
    text = (html / page_name).read_text("utf-8")
    embedded = [len(found[1]) for found in re.finditer(r"data:image/(?:png|webp|jpeg);base64,([A-Za-z0-9+/=]+)", text)]
    assert all(size < 6000 for size in embedded)
    for tag in re.findall(r'<img[^>]*src=\\?"[^"]*_images/[0-9a-f]{20}[^>]*>', text):
        assert re.search(r'loading=\\?"lazy', tag)


@pytest.mark.parametrize("name", ["notebooks/04-normal-chest.html", "notebooks/07-grading-severity.html"])
def test_a_chapter_opens_without_its_later_pictures(browser, site, html, name):
    page, sent = browser.new_page(viewport={"width": 1280, "height": 900}), {}
    page.on("response", lambda response: sent.update({urlparse(response.url).path: response.body()}))
    page.goto(site + name, wait_until="networkidle")
    page.close()
    weight = {path: len(gzip.compress(body, 6)) for path, body in sent.items()}
    pictures = [path for path in weight if "/_images/" in path]
    on_page = len(re.findall(r"_images/[0-9a-f]{20}", (html / name).read_text("utf-8")))
    assert len(pictures) < on_page, "every picture was fetched at once"
    assert sum(weight.values()) < ALLOWED, sorted(weight.items(), key=lambda item: -item[1])[:8]
