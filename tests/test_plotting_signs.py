"""Signs up close and figures for grading: the right place, the right outline, described, and nothing given away."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mosmed_edu import Volume, Window
from mosmed_edu.errors import DrawingError
from mosmed_edu.examples import EXAMPLES, Example, bronchograms, draw_examples, draw_with_and_without, fullest_place
from mosmed_edu.phantom import SIGNS
from mosmed_edu.phantom.signs import SIGN
from mosmed_edu.plotting import (
    WORDS,
    lower_bound,
    overview_panel,
    show_blind_slice,
    show_certainty,
    show_crops,
    show_extent,
    show_labels,
    show_lobe_shares,
    show_probabilities,
    show_readers,
    show_sign,
)

LAS = np.array([[-1.0, 0, 0, 60.0], [0, 1.0, 0, -50.0], [0, 0, 8.0, -20.0], [0, 0, 0, 1]])


def a_chest():
    """A block of muscle with one lung; in it, at the patient's left and front, a square of consolidation."""
    hu = np.full((120, 100, 5), -1000, np.int16)
    hu[10:110, 10:90] = 40
    hu[20:100, 20:80] = -850
    labels = np.zeros(hu.shape, np.uint8)
    labels[70:90, 55:75, 2] = SIGN["consolidation"]
    hu[labels > 0] = 20
    ct = Volume(hu, LAS)
    return ct, ct.with_data(labels)


def an_example(at=(80, 65, 2), width_mm=40):
    ct, labels = a_chest()
    return Example("consolidation", ct, labels.with_data(labels.data > 0), labels, at, width_mm)


def a_study(with_truth=True):
    ct, labels = a_chest()
    truth = SimpleNamespace(labels=labels) if with_truth else None
    return SimpleNamespace(
        id=7, category="CT-3", is_synthetic=with_truth, ct=lambda: ct, truth=lambda: truth, mask=lambda: None
    )


def images(figure):
    data = re.findall(r'src="data:image/webp;base64,([^"]+)"', figure._repr_html_())
    return [np.asarray(Image.open(BytesIO(base64.b64decode(one)))).astype(int) for one in data]


def orange(picture):
    """Pixels of the outlines' colour."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return (red > 180) & (green > 110) & (green < 200) & (blue < 90)


def test_a_sign_is_shown_plain_outlined_in_another_window_and_in_its_place():
    plain, outlined, other, place = images(show_sign(an_example()))
    assert not orange(plain).any() and not orange(other).any()
    assert orange(outlined).sum() > 500 and orange(place).sum() > 500
    titles = [panel.title for panel in show_sign(an_example()).panels]
    assert titles == ["lung window", "lung window, outlined", "mediastinal window", "where it lies"]


def test_the_outline_follows_the_label_at_its_true_size():
    picture = images(show_sign(an_example()))[1]
    rows, columns = np.nonzero(orange(picture))
    mm = 40 / picture.shape[1]  # the square is 40 mm wide
    assert np.ptp(columns) * mm == pytest.approx(20, abs=1)
    assert np.ptp(rows) * mm == pytest.approx(20, abs=1)
    assert columns.mean() * mm == pytest.approx(20, abs=1.5)  # in the middle


def test_the_frame_lies_where_the_sign_is_for_the_viewer():
    place = images(show_sign(an_example()))[3]
    rows, columns = np.nonzero(orange(place))
    assert columns.mean() > place.shape[1] / 2  # the patient's left is on the viewer's right
    assert rows.mean() < place.shape[0] / 2 * 0.9  # and the front is up
    alt = show_sign(an_example()).panels[3].alt
    assert WORDS["on_left"] in alt and WORDS["at_front"] in alt


def test_a_crop_at_the_edge_stays_inside_the_picture():
    figure = show_sign(an_example(at=(119, 99, 2), width_mm=60))
    plain = images(figure)[0]
    assert abs(plain.shape[1] - (plain.shape[0] - 80)) <= 2  # still a square, above its two lines of print


def test_ground_glass_and_consolidation_differ_in_the_mediastinal_window_and_not_in_a_narrow_one():
    ct, labels = a_chest()
    haze = ct.with_data(np.where(labels.data > 0, -560, ct.data).astype(np.int16))
    sign = labels.with_data(labels.data > 0)
    pair = [Example(name, scan, sign, labels, (80, 65, 2), 40) for name, scan in (("halo", haze), ("halo", ct))]

    def middle(window):
        return [picture[300, 300].max() for picture in images(show_crops(pair, [window]))]

    assert middle("mediastinum")[0] < 5 and middle("mediastinum")[1] > 60
    assert min(middle(Window(level=-750, width=300))) > 250


def test_alt_text_of_a_crop_is_computed_from_it():
    alt = show_crops([an_example()], ["mediastinum"]).alt
    assert "40 mm wide" in alt and "level 50, width 350" in alt
    assert "25% of the picture" in alt and "mean of 20 HU" in alt and "grey 106" in alt  # (20 + 125) / 350 * 255


def test_every_picture_is_described_and_called_synthetic():
    for figure in (show_sign(an_example()), show_crops([an_example()]), show_labels(a_study(), 2, SIGNS)):
        assert WORDS["caption_synthetic"] in figure.caption
        assert all(len(panel.alt) > 60 for panel in figure.panels)


def test_labels_are_tinted_beside_the_bare_slice():
    signs = {2: SIGNS[2], 1: SIGNS[1]}
    bare, tinted = images(show_labels(a_study(), 2, signs))
    spread = np.ptp(tinted, axis=-1)
    assert np.ptp(bare, axis=-1).max() < 30 and (spread > 60).sum() > 2000
    figure = show_labels(a_study(), 2, signs)
    assert figure.panels[1].title == "Orange: consolidation"
    assert "consolidation 4.0 square centimetres" in figure.panels[1].alt
    assert show_labels(a_study(), 0, signs).panels[1].title == "None of these signs here"


def test_a_folder_without_labels_is_shown_in_a_second_window_and_says_so():
    figure = show_labels(a_study(with_truth=False), 2, {2: SIGNS[2]})
    assert WORDS["caption_no_labels"] in figure.caption and "ynthetic" not in figure._repr_html_()
    assert "mediastinal window" in figure.panels[1].alt


@pytest.fixture(scope="module")
def examples():
    return draw_examples(matrix=256, progress=False)


def test_there_is_an_example_of_each_sign_with_its_word(examples):
    assert list(examples) == list(EXAMPLES) and set(EXAMPLES) <= set(WORDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_shows_its_sign(name, examples):
    example = examples[name]
    (i, j, k), half = example.at, round(example.width_mm / example.ct.spacing[0] / 2)
    crop = example.outline.data[max(i - half, 0) : i + half, max(j - half, 0) : j + half, k]
    area = crop.sum() * np.prod(example.ct.spacing[:2])
    assert area > (30 if name == "air bronchogram" else 100)  # mm2
    assert example.is_synthetic


def test_examples_read_as_their_definitions_say(examples):
    """Ground glass between lung and soft tissue, consolidation as dense as soft tissue, bronchograms full of air."""
    median = {name: np.median(one.ct.data[one.outline.data]) for name, one in examples.items()}
    assert -750 < median["ground-glass opacity"] < -300
    assert -60 < median["consolidation"] < 60
    assert median["air bronchogram"] < -200
    assert median["ground-glass opacity"] < median["crazy paving"] < median["consolidation"]


def test_a_reversed_halo_is_solid_outside_and_a_halo_inside(examples):
    def ring_and_core(example):
        (i, j, k), mm = example.at, example.ct.spacing[0]
        x, y = np.indices(example.ct.shape[:2])
        away = np.hypot(x - i, y - j) * mm
        hu = example.ct.data[..., k]
        return np.percentile(hu[(away > 6) & (away < 18)], 90), np.median(hu[away < 4])

    ring, core = ring_and_core(examples["reversed halo"])
    assert ring > -100 > core
    ring, core = ring_and_core(examples["halo"])
    assert core > -100 > ring


def test_vessels_are_wider_in_the_opacity_of_the_same_chest():
    without, ill = draw_with_and_without(matrix=320)
    assert without.at == ill.at and np.array_equal(without.outline.data, ill.outline.data)
    wide = [(example.ct.data[ill.outline.data] > -200).sum() for example in (without, ill)]
    assert wide[1] > 1.15 * wide[0]


def test_unknown_example_is_refused_in_one_line():
    with pytest.raises(DrawingError, match=r"tree-in-bud.*Next: take one of ground-glass"):
        draw_examples(["tree-in-bud"], progress=False)


def test_fullest_place_is_the_middle_of_the_largest_patch():
    mask = np.zeros((100, 100, 3), bool)
    mask[60:80, 20:40, 1] = True
    mask[10:14, 10:14, 2] = True
    i, j, k = fullest_place(Volume(mask, LAS), 20)
    assert abs(i - 70) <= 1 and abs(j - 30) <= 1 and k == 1


def test_bronchograms_are_air_inside_consolidation_and_not_beside_it():
    labels = np.zeros((60, 60, 1), np.uint8)
    labels[10:50, 10:50] = SIGN["consolidation"]
    hu = np.where(labels > 0, 20, -850).astype(np.int16)
    hu[20:40, 29:31] = -700  # a tube, labelled as the lung that it runs through
    found = bronchograms(Volume(hu, LAS), Volume(labels, LAS)).data
    assert found.sum() == 40 and found[20:40, 29:31].all()


def test_nothing_in_a_blind_picture_tells_number_or_category():
    ct, _ = a_chest()
    overview, single = overview_panel(ct, "study 3 of 8", True), show_blind_slice(ct, 2, "study 3 of 8", True)
    for text in (overview.alt, overview.html.split("src=")[0], repr(single), single._repr_html_().split("src=")[0]):
        assert "CT-" not in text and "study 3 of 8" in text and "study 7" not in text


def test_overview_shows_lung_from_head_to_foot():
    hu = np.full((80, 60, 20), -1000, np.int16)
    hu[5:75, 5:55] = 40
    for k in range(4, 16):
        hu[15:65, 15:45, k] = -850 + 60 * (k - 4)  # brighter towards the head
    panel = overview_panel(Volume(hu, LAS), "a study", False)
    data = re.search(r'base64,([^"]+)"', panel.html)[1]
    picture = np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("L")).astype(int)
    high = (picture.shape[0] - 40) / 3
    centres = [picture[int(high * (row + 0.5)), int(320 * (column + 0.5))] for row in range(3) for column in range(2)]
    assert centres == sorted(centres, reverse=True) and centres[-1] < centres[0] - 50
    assert max(centres) < 200  # soft tissue, with no lung in it, is not shown


def test_extent_counts_what_it_outlines():
    ct, labels = a_chest()
    drawing = SimpleNamespace(ct=ct, mask=labels.with_data(labels.data > 0))
    figure = show_extent([drawing, drawing], ["one", "two"])
    assert [panel.title for panel in figure.panels] == ["one, coronal", "two, coronal", "one, axial", "two, axial"]
    assert "together 400 square millimetres, 100 %" in figure.panels[2].alt


def test_exact_interval_by_its_formula():
    """Of n found in n, the lower end p solves p ** n = 0.025."""
    for n in (1, 2, 45):
        assert lower_bound(n, n) == pytest.approx(0.025 ** (1 / n), rel=1e-6)


def test_charts_say_what_they_show():
    assert "CT-4 with 2 studies, 15.8% to 100%" in show_certainty({"CT-1": 684, "CT-4": 2}).alt
    assert "a: left upper lobe 25%" in show_lobe_shares({"a": {"left upper lobe": 0.25}}).alt
    readers = show_readers([10, 30, 60, 90], [12, 20, 66, 80])
    assert "4 studies" in readers.alt and "75%" in readers.alt  # 30 and 20 lie on two sides of 25
    chart = show_probabilities([0, 50, 100], np.array([[1, 0], [0.5, 0.5], [0, 1]]), ["CT-1", "CT-2"])
    assert "CT-1 is most likely, at 100%, near 0 %" in chart.alt
