"""The pages tell the browser what may run on them, they work with that, and what somebody has planted does not run."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from browsing import as_new, open_page

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')

#: What a theme or an extension may not bring back.
FORBIDDEN = ("'unsafe-eval'", "http:", "https:", "*", "'wasm-unsafe-eval'")


#: Elements that run something by an attribute of their own: the theme's buttons for the whole screen and for paper.
THEME_HANDLERS = 2


def rules_of(text: str) -> dict[str, list[str]]:
    (policy,) = POLICY.findall(text)
    return {rule.split()[0]: rule.split()[1:] for rule in unescape(policy).split(";")}


@pytest.fixture(scope="module")
def pages(html) -> dict[str, str]:
    """Every page, those without an entry in the table of contents included; not the first, which only leads to one."""
    found = {path.relative_to(html).as_posix(): path for path in html.rglob("*.html")}
    assert re.fullmatch(r'<meta http-equiv="Refresh" [^>]*>\s*', found.pop("index.html").read_text("utf-8"))
    return {name: path.read_text("utf-8") for name, path in found.items() if not name.startswith("_static/")}


class _Scripts(HTMLParser):
    """Programs within a page, each as the browser hashes it; and what comes before the policy."""

    def __init__(self, text: str):
        super().__init__()
        self.programs, self.early, self._inside, self._policy = [], [], False, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self._policy |= (found.get("http-equiv") or "").lower() == "content-security-policy"
        if not self._policy and tag not in ("html", "head", "meta"):
            self.early.append(tag)
        runs = (found.get("type") or "text/javascript") in ("text/javascript", "application/javascript", "module")
        self._inside = tag == "script" and runs and not found.get("src")

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.programs.append(data)


def test_every_page_has_a_policy_before_anything_that_it_governs(pages):
    assert {"404.html", "search.html", "genindex.html"} <= set(pages)
    for name, text in pages.items():
        rules = rules_of(text)
        assert rules["default-src"] == ["'none'"] and rules["base-uri"] == ["'none'"], name
        assert _Scripts(text).early == [], name
        for source, words in rules.items():
            assert not set(words) & set(FORBIDDEN), (name, source)
            assert source == "style-src" or "'unsafe-inline'" not in words, (name, source)


def test_the_programs_allowed_within_a_page_are_those_that_are_there(pages):
    for name, text in pages.items():
        words = rules_of(text)["script-src"]
        handlers = words[words.index("'unsafe-hashes'") :]
        assert len(handlers) == 1 + THEME_HANDLERS, name
        allowed = {word for word in words if word.startswith("'sha256-")} - set(handlers)
        digests = [hashlib.sha256(code.encode()).digest() for code in _Scripts(text).programs]
        there = {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}
        assert allowed == there, name


@pytest.fixture(scope="module")
def watching(browser):
    """A tab that tests use one after the other: what it asked for, was refused or complained about since the last."""
    page = browser.new_page()
    seen = SimpleNamespace(page=page, faults=[], answered=[])
    page.set_default_timeout(60_000)
    page.on("console", lambda said: seen.faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.faults.append(str(error)))
    page.on("response", lambda response: seen.answered.append(response.url))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error(e.violatedDirective + ' ' + e.blockedURI))"
    )
    yield seen
    page.close()


@pytest.fixture
def watched(site, watching):
    """Open a page; what the browser refused or complained about is in `faults`."""

    def go(name, body=None):
        as_new(watching.page)
        watching.faults.clear()
        watching.answered.clear()
        if body is not None:
            watching.page.route(f"**/{name}", lambda route: route.fulfill(body=body, content_type="text/html"))
        open_page(watching.page, site + name)
        return watching

    yield go
    watching.page.unroute_all()


def test_the_scan_viewer_draws_without_a_violation(watched):
    seen = watched("notebooks/08-reading-a-mask.html")
    seen.page.locator(".mosmed-view").first.scroll_into_view_if_needed()
    seen.page.wait_for_selector('.mosmed-view[data-state="ready"]')
    seen.page.locator(".mv-row-plane label", has_text="Coronal").click()
    assert seen.faults == []


@pytest.mark.parametrize("name", ["index.html", "search.html?q=ground+glass", "genindex.html", "404.html"])
def test_pages_without_an_entry_in_the_contents_break_no_rule_of_theirs(watched, name):
    assert watched(name).faults == []


def test_a_reader_scrolls_through_a_chapter_and_answers_without_a_violation(watched):
    """What only runs when it is used: formulas near the end, the quiz, the theme switch, the search field."""
    seen = watched("notebooks/02-hounsfield-units.html")
    page = seen.page
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator(".MCButton, .mcbutton, label.MCButton").first.click(timeout=20_000)
    page.locator("button.theme-switch-button:visible").first.click()
    page.wait_for_load_state("networkidle")
    assert seen.faults == []


@pytest.mark.parametrize(
    "planted",
    [
        "<script>window.ranPlanted = 1</script>",
        "<img src=x onerror='window.ranPlanted = 1'>",
        "<svg onload='window.ranPlanted = 1'></svg>",
        "<a href='javascript:window.ranPlanted = 1' id=planted>here</a>",
        "<iframe srcdoc='<script>parent.ranPlanted = 1</script>'></iframe>",
        "<script src='https://example.org/planted.js'></script>",
        "<base href='https://example.org/'><script src='planted.js'></script>",
    ],
)
def test_what_somebody_has_planted_in_a_page_does_not_run(html, watched, planted):
    """As if some escaping were forgotten: the second lock holds."""
    name = "notebooks/01-the-dataset.html"
    body = (html / name).read_text("utf-8").replace("<article", f"{planted}<article", 1)
    seen = watched(name, body)
    if "id=planted" in planted:
        seen.page.evaluate("document.getElementById('planted').click()")
    assert seen.page.evaluate("window.ranPlanted") is None
    assert [url for url in seen.answered if "example.org" in url] == []
    assert seen.faults
