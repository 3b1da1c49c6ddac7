"""Every page can be read by everybody: WCAG 2.2 AA as far as axe can tell, in light and dark."""

from __future__ import annotations

import pytest
from axe_faults import axe_faults
from browsing import open_page


def test_axe_finds_nothing_serious(site, tab, page_name):
    faults = {}
    for mode in ("light", "dark"):  # opened anew in each, as by a reader
        tab.emulate_media(color_scheme=mode, reduced_motion="reduce")
        open_page(tab, site + page_name)
        assert tab.evaluate("document.documentElement.dataset.theme") == mode
        faults[mode] = axe_faults(tab)
    assert faults == {"light": [], "dark": []}


@pytest.mark.parametrize("width", [1280, 400])
def test_the_first_tab_leads_to_the_text_and_focus_is_always_seen(site, tab, width):
    tab.set_viewport_size({"width": width, "height": 800})
    tab.goto(site + "notebooks/01-the-dataset.html", wait_until="load")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == "#main-content"
    unseen = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        unseen += tab.evaluate(
            """() => {
                const [place, ring] = [document.activeElement, getComputedStyle(document.activeElement)];
                const shown = ring.outlineStyle !== "none" || /rgb\\(.* 0px 0px 0px [1-9]/.test(ring.boxShadow);
                return shown ? [] : [place.outerHTML.slice(0, 120)];
            }"""
        )
    assert unseen == []
