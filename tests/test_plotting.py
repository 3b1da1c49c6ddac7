"""Figures: right side up, at the right size, described in words, and readable on a light and on a dark page."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mosmed_edu import WINDOWS, Volume, Window
from mosmed_edu.errors import PlaneError
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom.sheet import SHOWN_FINDINGS, SHOWN_SIGNS, Tile
from mosmed_edu.plotting import (
    TISSUES,
    WORDS,
    Figure,
    show_counts,
    show_grey_values,
    show_histogram,
    show_planes,
    show_raw,
    show_slices,
    show_studies,
    show_tiles,
    show_window_ramps,
    show_windows,
)
from mosmed_edu.plotting.axes import COLOURS
from mosmed_edu.plotting.figure import Panel

LAS = np.array([[-2.0, 0, 0, 100.0], [0, 2.0, 0, -80.0], [0, 0, 8.0, -60.0], [0, 0, 0, 1]])


def a_study(synthetic=True, with_mask=True, axes="LAS"):
    """A box of muscle, its front right quarter of bone; a mask on the patient's left; the head slice brightest."""
    hu = np.full((100, 80, 12), -1000, np.int16)
    hu[10:90, 15:70] = 40
    hu[10:50, 40:70] = 800
    mask = np.zeros(hu.shape, bool)
    mask[70:80, 30:40, 5] = True
    mask[75, 60, 5] = True
    affine = LAS.copy()
    if "I" in axes:
        hu, mask = hu[:, :, ::-1], mask[:, :, ::-1]
        affine[2, 2], affine[2, 3] = -8, -60 + 8 * 11
    ct = Volume(hu, affine)
    return SimpleNamespace(
        id=7,
        category="CT-1",
        is_synthetic=synthetic,
        ct=lambda: ct,
        mask=lambda: ct.with_data(mask) if with_mask else None,
    )


EVERY_SCAN = {
    "slices": lambda study: show_slices(study, 2, mask=True),
    "coronal": lambda study: show_slices(study, [40], plane="coronal", window="bone"),
    "planes": show_planes,
    "studies": lambda study: show_studies([study, study]),
    "windows": lambda study: show_windows(study, 5, ["lung", Window(level=0, width=100)]),
    "grey": lambda study: show_grey_values(study, 5),
    "raw": lambda study: show_raw(study, 5),
}
each_scan = pytest.mark.parametrize("draw", EVERY_SCAN.values(), ids=EVERY_SCAN)

EVERY_CHART = {
    "counts": lambda: show_counts(dict.fromkeys(CATEGORIES, 3)),
    "histogram": lambda: show_histogram(a_study()),
    "ramps": show_window_ramps,
}
each_chart = pytest.mark.parametrize("draw", EVERY_CHART.values(), ids=EVERY_CHART)


def images(figure):
    """The pictures of a figure, as a browser would decode them."""
    data = re.findall(r'src="data:image/webp;base64,([^"]+)"', figure._repr_html_())
    return [Image.open(BytesIO(base64.b64decode(one))) for one in data]


def pixels(figure, n=0):
    return np.asarray(images(figure)[n].convert("L")).astype(int)


class Tags(HTMLParser):
    """Attributes of every tag, and a complaint where tags do not close."""

    def __init__(self, html):
        super().__init__()
        self.found, self.open = [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@each_scan
def test_every_picture_has_alt_text_and_a_true_size(draw):
    figure = draw(a_study())
    tags = [attributes for tag, attributes in Tags(figure._repr_html_()).found if tag == "img"]
    assert len(tags) == len(figure.panels) == len(images(figure))
    for attributes, panel, image in zip(tags, figure.panels, images(figure), strict=True):
        assert attributes["alt"] == panel.alt
        assert len(panel.alt) > 40
        assert (int(attributes["width"]), int(attributes["height"])) == image.size
    assert repr(figure).startswith(figure.panels[0].alt)


@each_scan
def test_what_is_drawn_says_so_in_the_picture_and_below_it(draw):
    drawn, real = draw(a_study(synthetic=True)), draw(a_study(synthetic=False))
    assert WORDS["caption_synthetic"] in drawn.caption
    assert "ynthetic" not in real._repr_html_()
    for one, other in zip(images(drawn), images(real), strict=True):
        assert one.height > other.height  # a line of print more
        assert np.asarray(one.convert("L"))[other.height + 5 :].max() > 200


@each_scan
def test_patients_right_is_on_the_viewers_left(draw):
    turned = 1 if draw is EVERY_SCAN["raw"] else 0  # its first panel is left unturned on purpose
    picture = pixels(draw(a_study()), turned)
    height, width = picture.shape
    body = picture[height // 8 : height // 3, width // 8 : -width // 8]
    assert body[:, : body.shape[1] // 3].mean() > body[:, -body.shape[1] // 3 :].mean()


def test_front_is_up_and_right_is_left_in_a_window_that_tells_bone():
    picture = pixels(show_windows(a_study(), 5, [Window(level=400, width=700)]))
    rows, columns = picture.shape[0] - 80, picture.shape[1]
    quarter = {
        (v, h): picture[int(rows * y), int(columns * x)]
        for v, y in (("front", 0.3), ("back", 0.75))
        for h, x in (("right", 0.25), ("left", 0.75))
    }
    assert quarter["front", "right"] > 240
    assert max(quarter["front", "left"], quarter["back", "right"], quarter["back", "left"]) < 20


def test_raw_shows_the_array_unturned():
    raw, turned = (pixels(show_raw(a_study(), 5, Window(level=400, width=700)), n) for n in (0, 1))
    assert raw.shape[0] > turned.shape[0]  # the longer first axis goes down
    assert raw[int(raw.shape[0] * 0.3), int(raw.shape[1] * 0.65)] > 240  # low i, high j


def test_scale_bar_has_the_length_it_names():
    study = a_study()
    figure = show_windows(study, 5, [Window(level=400, width=700)])
    picture = pixels(figure)
    strip = picture[-80:-40]  # level, width and scale
    row = strip[20] > 128  # the bar lies in the middle of its line
    ends = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]])))
    longest = np.max(ends[1::2] - ends[::2])
    shown_mm = 2.0 * 80 + 2 * 8  # the body and a margin on either side
    assert longest / picture.shape[1] * shown_mm == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize("axes", ["LAS", "LAI"])
def test_slices_run_from_head_to_foot(axes):
    study = a_study(axes=axes)
    numbers = [int(panel.title.split()[-1]) for panel in show_slices(study, 3).panels]
    heights = [study.ct().to_mm((0, 0, k))[2] for k in numbers]
    assert heights == sorted(heights, reverse=True)


def test_mask_is_outlined_and_described():
    figure = show_slices(a_study(), [5, 6], mask=True)
    coloured = [np.ptp(np.asarray(image.convert("RGB")).astype(int), axis=2).max() for image in images(figure)]
    assert coloured[0] > 100  # orange on grey
    assert coloured[1] < 20
    assert "regions in this slice: 2, together 404 square millimetres, 100 %" in figure.panels[0].alt
    assert WORDS["alt_no_mask"].strip() in figure.panels[1].alt


def test_study_without_mask_says_so():
    assert WORDS["caption_no_mask"] in show_slices(a_study(with_mask=False), [5], mask=True).caption


def test_alt_text_names_window_study_and_slice():
    lung, own = show_windows(a_study(), 5, ["lung", Window(level=10, width=100)]).panels
    for word in ("slice 5 of 12", "study 7", "CT-1", "level -600", "width 1500"):
        assert word in lung.alt
    assert "below -40 HU is black" in own.alt


@each_chart
def test_chart_is_described_and_takes_the_pages_colour(draw):
    html = draw()._repr_html_()
    svg = next(attributes for tag, attributes in Tags(html).found if tag == "svg")
    assert svg["role"] == "img"
    assert len(svg["aria-label"]) > 40
    assert "currentColor" in html
    assert not re.search(r"#000000|#ffffff|: white|: black", html, re.IGNORECASE)


def test_charts_on_one_page_share_no_ids():
    html = "".join(draw()._repr_html_() for draw in EVERY_CHART.values())
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@each_chart
def test_same_chart_same_bytes(draw):
    assert draw()._repr_html_() == draw()._repr_html_()


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_stand_out_on_light_and_dark_pages(page, colour):
    """Contrast as WCAG 2.1 computes it; 3:1 is what it asks of graphics."""

    def luminance(text):
        srgb = np.array([int(text[n : n + 2], 16) for n in (1, 3, 5)]) / 255
        return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    dark, light = sorted((luminance(page), luminance(colour)))
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_counts_chart_takes_what_pandas_gives():
    import pandas as pd

    counts = pd.Series(pd.Categorical(["CT-0", "CT-1", "CT-1"], CATEGORIES, ordered=True)).value_counts(sort=False)
    assert "CT-0 1 (33.3%), CT-1 2 (66.7%), CT-2 0 (0.0%)" in show_counts(counts).alt


def test_histogram_finds_what_the_study_is_made_of():
    peaks = re.search(r"peaks near (.+?) HU", show_histogram(a_study()).alt)[1]
    assert [int(peak) for peak in peaks.split(WORDS["and"])] == pytest.approx([-1000, 40, 800], abs=10)


def test_html_in_words_is_escaped():
    html = Figure([Panel("<b></b>", "", "a < b")], caption='say "<script>"')._repr_html_()
    assert "a &lt; b" in html
    assert "<script>" not in html


def test_every_tissue_and_preset_has_words():
    for name in WINDOWS:
        assert {name, f"seen_{name}"} <= set(WORDS)
    assert set(TISSUES) <= set(WORDS)


def test_no_two_tissues_overlap():
    ranges = sorted(TISSUES.values())
    assert all(before[1] < after[0] for before, after in pairwise(ranges))


def test_figures_are_light():
    noise = np.random.default_rng(0).normal(0, 20, (512, 512, 2))
    ct = Volume((noise - 850).astype(np.int16), np.diag([-0.7, 0.7, 8, 1]))
    study = SimpleNamespace(id=1, category="CT-0", is_synthetic=True, ct=lambda: ct, mask=lambda: None)
    assert len(show_windows(study, 0, ["lung"])._repr_html_()) < 80_000


def test_tiles_of_a_contact_sheet_say_what_was_drawn_and_that_it_is_synthetic():
    tile = Tile(np.zeros((64, 64), np.uint8), "lobar_pneumonia", 320.0, "lung")
    figure = show_tiles([tile, tile._replace(name="CT-1")])
    first, second = figure.alt.splitlines()
    assert first.startswith("Synthetic CT slice, 320 mm wide") and "lobar pneumonia" in first
    assert "CT-1" in second
    assert "not patients" in figure.caption


def test_every_sign_and_finding_on_a_sheet_has_its_word():
    assert {name for name, *_ in SHOWN_FINDINGS} | set(SHOWN_SIGNS) <= set(WORDS)


@pytest.mark.parametrize("asked", [10, 12, 100])
def test_many_slices_show_none_twice(asked):
    study = a_study()
    shown = [panel.title for panel in show_slices(study, asked).panels]
    assert len(shown) == min(asked, study.ct().slice_count("axial")) and len(set(shown)) == len(shown)


@pytest.mark.parametrize("slices", [0, -5])
def test_no_slice_at_all_is_one_line(slices):
    with pytest.raises(PlaneError, match="ask for 1 or more"):
        show_slices(a_study(), slices)
