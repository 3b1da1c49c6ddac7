"""Every page can be read by everybody: WCAG 2.2 AA as far as axe can tell, in light and dark."""

from __future__ import annotations

import pytest
from axe_faults import axe_faults
from playwright.sync_api import expect


def test_axe_finds_nothing_serious(site, browser, page_name):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(site + page_name, wait_until="networkidle")
    faults = {}
    for mode in ("light", "dark"):
        page.emulate_media(color_scheme=mode, reduced_motion="reduce")
        expect(page.locator(f"html[data-theme={mode}]")).to_be_visible()
        faults[mode] = axe_faults(page)
    page.close()
    assert faults == {"light": [], "dark": []}


@pytest.mark.parametrize("width", [1280, 400])
def test_the_first_tab_leads_to_the_text_and_focus_is_always_seen(site, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(site + "notebooks/01-the-dataset.html", wait_until="load")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
    unseen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => {
                const [place, ring] = [document.activeElement, getComputedStyle(document.activeElement)];
                const shown = ring.outlineStyle !== "none" || /rgb\\(.* 0px 0px 0px [1-9]/.test(ring.boxShadow);
                return shown ? [] : [place.outerHTML.slice(0, 120)];
            }"""
        )
    page.close()
    assert unseen == []
