"""Figures of chapters 04 and 05: numbers where they belong, true cut-outs, charts that say what they show."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from mosmed_edu import Volume
from mosmed_edu.atlas import Structure
from mosmed_edu.plotting import WORDS, show_atlas, show_density, show_drawings, show_lobes, show_thirds, show_zoom
from mosmed_edu.plotting.atlas import _free_height, _spread_apart, _without_crossings

AFFINE = np.array([[-2.0, 0, 0, 100.0], [0, 2.0, 0, -80.0], [0, 0, 8.0, -60.0], [0, 0, 0, 1]])


def a_volume():
    """A box of muscle; at its front right a bright cube, at its back left a dark one."""
    hu = np.full((100, 80, 12), -1000, np.int16)
    hu[10:90, 10:70] = 40
    hu[20:30, 50:60] = 900
    hu[70:80, 20:30] = -850
    return Volume(hu, AFFINE)


def a_study(synthetic=True):
    ct = a_volume()
    return SimpleNamespace(id=7, category="CT-0", is_synthetic=synthetic, ct=lambda: ct)


BRIGHT = Structure("liver", (25, 55, 5), 3.0, "mediastinum")
DARK = Structure("left lower lobe", (75, 25, 5), 3.0, "lung")
ROOMY = Structure("right upper lobe", (50, 40, 5), 40.0, "lung")


def an_atlas(*structures):
    study = a_study()
    return SimpleNamespace(study=study, ct=study.ct(), levels={"arch": 5}, structures=lambda k: list(structures))


def pixels(figure, n=0):
    data = re.findall(r'src="data:image/webp;base64,([^"]+)"', figure._repr_html_())[n]
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def yellow(picture):
    """(rows, columns) of the marks."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return np.nonzero((red > 170) & (green > 160) & (blue < 130))


def test_each_window_names_its_own_structures_in_the_key_and_in_words():
    figure = show_atlas(an_atlas(BRIGHT, DARK), "arch")
    lung, soft = figure.panels
    assert "Left lower lobe" in lung.html and "Liver" not in lung.html
    assert "Liver" in soft.html and "lobe" not in soft.html
    assert "1 left lower lobe (on the patient's left)" in lung.alt
    assert "1 liver (on the patient's right)" in soft.alt
    assert WORDS["caption_synthetic"] in figure.caption


def test_a_line_leads_to_the_structure_itself():
    """The dot's place on the picture, by geometry: front is up, the patient's right is on the left."""
    picture = pixels(show_atlas(an_atlas(DARK), "arch", ["lung"]))
    rows, columns = yellow(picture)
    scale = picture.shape[1] / 88  # 80 columns of body and 4 of margin (8 mm) at either side
    x, y = (75 - 10 + 4 + 0.5) * scale, (69 - 25 + 4 + 0.5) * scale
    assert np.hypot(columns - x, rows - y).min() < 6
    assert np.abs(columns - x).max() > 40  # the number itself stands aside


def test_a_roomy_structure_carries_its_number():
    picture = pixels(show_atlas(an_atlas(ROOMY), "arch", ["lung"]))
    rows, columns = yellow(picture)
    scale = picture.shape[1] / 88
    assert np.hypot(columns - (50 - 10 + 4.5) * scale, rows - (69 - 40 + 4.5) * scale).max() < 30


def test_soft_tissue_is_shown_larger():
    """The bright cube is 20 mm wide; in the bone window it stands out of the whole body, which is not enlarged."""
    figure = show_atlas(an_atlas(BRIGHT), "arch", ["bone", "mediastinum"])
    wide = []
    for picture in (pixels(figure, n).min(-1) for n in (0, 1)):
        labels, _ = ndimage.label(picture > 135)
        cube = labels == np.bincount(labels.ravel())[1:].argmax() + 1
        wide.append(np.ptp(np.nonzero(cube)[1]) + 1)
    assert wide[0] == pytest.approx(20 / 176 * 640, abs=3)  # 160 mm of body and two margins of 8
    assert wide[1] > 1.5 * wide[0]


def test_a_level_without_names_says_so():
    figure = show_atlas(an_atlas(), "arch", ["bone"])
    assert WORDS["nothing_named"] in figure.alt
    assert "<ol" not in figure.panels[0].html


def test_numbers_keep_their_distance_and_their_order():
    heights = _spread_apart([10, 11, 12, 90], apart=20, low=5, high=100)
    assert heights == sorted(heights)
    assert min(np.diff(heights)) >= 20 - 1e-9
    assert heights[0] >= 5 and heights[-1] <= 100
    assert _spread_apart([], 20, 5, 100) == []


def test_lines_pass_the_numbers_that_lie_on_structures():
    obstacle = np.array([[50.0, 40.0]])
    height = _free_height((90.0, 40.0), 0.0, obstacle, 5.0)
    t = 50 / 90
    assert abs(height + (40 - height) * t - 40) > 5  # the straight way would have crossed the disc
    assert _free_height((90.0, 80.0), 0.0, obstacle, 5.0) == 80.0


def test_lines_to_one_edge_do_not_cross():
    spots, heights = [(80.0, 50.0), (80.0, 20.0)], [30.0, 60.0]  # as they are, the lines cross
    order = _without_crossings(spots, 0.0, heights, [0, 1])
    assert order == [1, 0]
    assert _without_crossings(spots[::-1], 0.0, heights, [0, 1]) == [0, 1]


def test_zoom_shows_the_place_at_its_size():
    figure = show_zoom(a_study(), {"place": (25, 55, 5)}, size_mm=60, window="bone")
    picture = pixels(figure)
    side = picture.shape[1]
    bright = np.nonzero(picture[:side].min(-1) > 140)  # bone of 900 HU, 20 mm of 60, in the middle
    inside = [(r, c) for r, c in zip(*bright, strict=True) if r > 60]
    rows, columns = np.array(inside).T
    assert abs(np.ptp(columns) / side - 20 / 60) < 0.05
    assert abs(columns.mean() / side - 0.5) < 0.05
    assert abs(rows.mean() / side - 0.5) < 0.06
    assert "60 mm wide" in figure.alt and WORDS["caption_synthetic"] in figure.caption
    assert "ynthetic" not in show_zoom(a_study(False), {"place": (25, 55, 5)})._repr_html_()


@pytest.mark.parametrize("place", [(0, 0, 0), (99, 79, 11)])
def test_zoom_at_the_edge_stays_inside(place):
    picture = pixels(show_zoom(a_study(), {"corner": place}, size_mm=50))
    assert picture.shape[1] == 640


def test_drawings_are_called_synthetic_and_told_apart():
    ct = a_volume()
    one = SimpleNamespace(ct=ct, lungs=ct.with_data(ct.data == -850))
    figure = show_drawings({"normal": one, "expiration": one})
    assert figure.caption == WORDS["caption_synthetic_studies"]
    assert WORDS["looks_expiration"] in figure.panels[1].alt
    assert figure.panels[0].alt != figure.panels[1].alt
    assert figure.columns == 2


def test_lobes_are_outlined_where_they_lie():
    ct = a_volume()
    lobes = np.zeros(ct.shape, np.uint8)
    lobes[20:40, 20:60, 2:6] = 3
    lobes[20:40, 20:60, 6:10] = 1
    lobes[60:80, 20:60, 2:10] = 5
    truth = SimpleNamespace(lobes=ct.with_data(lobes))
    figure = show_lobes(a_study(), truth)
    coronal, sagittal = figure.panels
    assert "1 right upper lobe, 3 right lower lobe, 5 left lower lobe" in coronal.alt
    assert "left" not in sagittal.alt.split("outlines of")[1]  # cut on the patient's right
    assert "Sagittal" in sagittal.title


def test_density_speaks_medians_and_counts_each_group_by_itself():
    rng = np.random.default_rng(0)
    groups = {"lung": rng.normal(-850, 20, 5000), "lesion": rng.normal(-550, 60, 50)}
    figure = show_density(groups, window="mediastinum", caption="study 7")
    assert re.search(r"lung: median -8[45]\d HU", figure.alt)
    assert re.search(r"lesion: median -5[3-6]\d HU", figure.alt)
    assert "dashed line at -125 HU" in figure.alt  # the preset's lower edge: 50 - 350 / 2
    assert figure.caption == "Study 7"


def test_thirds_speak_every_bar():
    figure = show_thirds({"outer to inner": (0.5, 0.3, 0.2), "base to apex": (0.6, 0.3, 0.1)})
    assert "Outer 50 %, middle 30 %, inner 20 %; base 60 %, middle 30 %, apex 10 %" in figure.alt
    html = figure._repr_html_()
    assert "apex" in html and "50%" in html and 'role="img"' in html


@pytest.mark.parametrize("figure", [show_thirds({"back to front": (0.5, 0.3, 0.2)}), show_density({"a": np.zeros(5)})])
def test_charts_follow_the_page_colours(figure):
    assert "currentColor" in figure._repr_html_()
    assert "#000000" not in figure._repr_html_()
