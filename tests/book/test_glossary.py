"""The glossary, and its words in the chapters: shown on hover and on focus, closed with Escape."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = "notebooks/03-windowing.html"


@pytest.fixture
def entries():
    """(terms, definition) of each entry, from the source."""
    text = (ROOT / "book" / "glossary.md").read_text("utf-8")
    body = re.search(r"```\{glossary\}\n:sorted:\n\n(.*?)\n```", text, re.DOTALL)[1]
    return [(block.split("\n  ")[0].splitlines(), block) for block in body.split("\n\n")]


def test_there_are_sixty_words_each_with_its_russian_term(entries):
    assert len(entries) >= 60
    for terms, block in entries:
        meaning, _, russian = " ".join(block.split()).partition(" Russian: ")
        assert len(meaning) - len(" ".join(terms)) > 20, f"{terms[0]}: no definition"
        assert re.search("[\u0430-\u044f\u0451]{4}", russian), f"{terms[0]}: no Russian term"
    names = [term.lower() for terms, _ in entries for term in terms]
    assert len(set(names)) == len(names)
    firsts = [terms[0].lower() for terms, _ in entries]
    assert firsts == sorted(firsts)


def test_the_search_knows_every_word_also_where_the_page_was_not_written_again(entries, html):
    index = re.search(r'"indexentries": (\{.*?\}), "', (html / "searchindex.js").read_text("utf-8"))[1]
    assert {term.lower() for terms, _ in entries for term in terms} <= set(json.loads(index))


def test_a_word_that_was_searched_comes_with_its_meaning(site, browser):
    page = browser.new_page()
    page.goto(f"{site}search.html?q=crazy+paving", wait_until="load")
    entry = page.locator("#search-results li", has=page.locator("a[href*='glossary.html#term-crazy-paving']"))
    assert "thickened septa" in entry.locator("p.context").inner_text(timeout=15_000)
    page.close()


@pytest.fixture
def page(tab, site):
    tab.goto(site + PAGE)
    return tab


def test_a_word_shows_its_meaning_on_hover_and_escape_closes_it(page):
    word = page.locator(".gloss").first
    note = word.locator(".gloss-note")
    assert not note.is_visible()
    word.locator("a").hover()
    assert note.is_visible() and "Russian:" in note.inner_text()
    note.hover()  # it stays while the pointer is on it
    assert note.is_visible()
    page.keyboard.press("Escape")
    assert not note.is_visible()


def test_a_word_shows_its_meaning_on_keyboard_focus(page):
    word = page.locator(".gloss").first
    word.locator("a").focus()
    note = word.locator(".gloss-note")
    assert note.is_visible()
    assert word.locator("a").get_attribute("aria-describedby") == note.get_attribute("id")
    page.keyboard.press("Tab")
    assert not note.is_visible()


def test_each_word_is_marked_once_and_leads_to_the_glossary(page, site):
    links = page.locator("a.gloss-term")
    targets = links.evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert len(targets) >= 5 and len(set(targets)) == len(targets)
    assert all(target.startswith("../book/glossary.html#term-") for target in targets)
    assert page.locator("h1 .gloss, h2 .gloss, code .gloss, a .gloss").count() == 0
    links.first.click()
    page.wait_for_url("**/glossary.html#term-*")


def test_notes_stay_on_a_narrow_screen(tab, site):
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(site + PAGE)
    for word in tab.locator(".gloss:visible").all():  # others wait in folded solutions
        word.locator("a").focus()
        box = word.locator(".gloss-note").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 400, word.inner_text()
