"""Every page can be read by everybody: WCAG 2.2 AA as far as axe can tell, in light and dark."""

from __future__ import annotations

import pytest
from axe_faults import axe_faults


def test_axe_finds_nothing_serious(site, browser, page_name):
    page = browser.new_page(reduced_motion="reduce")
    faults = {}
    for mode in ("light", "dark"):  # opened anew in each, as by a reader; the second time most of it is in the cache
        page.emulate_media(color_scheme=mode, reduced_motion="reduce")
        page.goto(site + page_name, wait_until="networkidle")
        assert page.evaluate("document.documentElement.dataset.theme") == mode
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
