"""The built book, served and opened in a real browser."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse

import pytest
from browsing import as_new, open_page, overflow, serving
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = [f"{name}.html" for name in parse_toc_yaml(ROOT / "_toc.yml")]


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built site."""
    assert (HTML / "index.html").is_file(), f"{HTML} has no book. Next: make book"
    return HTML


@pytest.fixture(scope="session")
def site(html: Path):
    """Address of a web server that serves the built site."""
    with serving(html) as address:
        yield address


@pytest.fixture(scope="session", params=PAGES)
def page_name(request) -> str:
    """Each page of _toc.yml, in turn: all that is asked of one, then all that is asked of the next."""
    return request.param


@pytest.fixture(scope="session")
def _shared_tab(browser):
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def tab(_shared_tab):
    """A tab that many tests use one after the other, each as if it were new.

    A browser needs three times the time for a page in a new tab, which it gives a process of its own.
    """
    as_new(_shared_tab)
    return _shared_tab


@pytest.fixture(scope="session")
def first_visit(browser, site, page_name) -> SimpleNamespace:
    """What happens when a page is the first that somebody opens, with nothing of the site in their browser.

    `faults`: errors, failed requests, requests that leave the site; `sent`: the bytes of each path; `has_heading`;
    `undrawn`: icons without a sign in their font; `overflow`: pixels by which the page is wider than the window.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    faults, responses = [], []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda r: faults.append(f"failed: {r.url}") if r.url.startswith(site) else None)
    page.on("response", lambda response: responses.append(response))
    page.on("request", lambda r: faults.append(f"leaves the site: {r.url}") if _leaves(r.url, site) else None)
    open_page(page, site + page_name)
    faults += [f"{response.status}: {response.url}" for response in responses if response.status >= 400]
    seen = SimpleNamespace(
        faults=faults,
        sent={urlparse(response.url).path: response.body() for response in responses},
        has_heading=page.locator("article h1").first.is_visible(),
        undrawn=page.evaluate(_UNDRAWN_ICONS),
        overflow=overflow(page),
    )
    page.close()
    return seen


def _leaves(url: str, site: str) -> bool:
    return not url.startswith((site, "data:", "blob:"))


_UNDRAWN_ICONS = """() => [...document.querySelectorAll("i[class*='fa-']")].filter((icon) => {
    const style = getComputedStyle(icon, "::before");
    const sign = style.content.replaceAll('"', "");
    const font = `${style.fontWeight} 20px ${style.fontFamily.split(",")[0]}`;
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = font;
    const drawn = pen.measureText(sign).width;
    return icon.offsetParent && (sign.length !== 1 || !document.fonts.check(font, sign) || !drawn);
}).map((icon) => icon.className)"""
