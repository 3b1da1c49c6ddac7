"""Figures of masks: the right pixels are coloured, and the words count what is shown."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mosmed_edu.plotting import show_mask, show_slices, show_two_masks
from mosmed_edu.volume import Volume

AFFINE = np.diag([-1.0, 1.0, 8.0, 1.0])


@pytest.fixture
def study():
    """A grey block in air; not a drawn study."""
    hu = np.full((120, 100, 3), -850, np.int16)
    return SimpleNamespace(id=7, category="CT-1", is_synthetic=False, ct=lambda: Volume(hu, AFFINE))


@pytest.fixture
def mask(study):
    """On the low side of i, which in an LAS volume is the patient's right."""
    found = np.zeros(study.ct().shape, bool)
    found[20:40, 40:60, 1] = True
    return study.ct().with_data(found)


def picture(panel):
    data = re.search(r"base64,([A-Za-z0-9+/=]+)", panel.html)[1]
    return np.asarray(Image.open(BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


def orange(pixels):
    return (pixels[..., 0] - pixels[..., 2]) > 40


def test_each_way_shows_what_it_says(study, mask):
    plain, outline, fill = show_mask(study, mask, 1).panels
    amount = [orange(picture(panel)).mean() for panel in (plain, outline, fill)]
    assert amount[0] == 0 < amount[1] < amount[2]
    # 20 x 20 mm of a cut-out that reaches 20 mm beyond on every side, above the line with the scale
    pixels = picture(fill)
    shown = orange(pixels[: int(pixels.shape[1])])
    assert shown.sum() / pixels.shape[1] ** 2 == pytest.approx((20 / 60) ** 2, rel=0.12)


def test_words_count_the_regions(study, mask):
    plain, outline, _ = show_mask(study, mask, 1).panels
    assert "Outlined regions in this slice: 1, together 400 square millimetres" in outline.alt
    assert "Outlined" not in plain.alt
    assert "Study 7, CT-1" in show_mask(study, mask, 1).caption or "study 7, CT-1" in show_mask(study, mask, 1).caption


def test_words_say_the_side_of_the_body_and_not_of_the_cut_out(study, mask):
    """Where a mask lies in a picture cut out round it says nothing of the patient."""
    _, right, _ = show_mask(study, mask, 1).panels
    _, left, _ = show_mask(study, mask.with_data(mask.data[::-1].copy()), 1).panels
    assert ", 0 % of it in the half of the body on the patient's left." in right.alt
    assert ", 100 % of it in the half of the body on the patient's left." in left.alt


@pytest.mark.parametrize(("plane", "k", "sided"), [("axial", 1, True), ("coronal", 50, True), ("sagittal", 30, False)])
def test_words_name_a_side_only_where_the_picture_has_one(study, mask, plane, k, sided):
    study.has_mask, study.mask = True, lambda: mask
    (panel,) = show_slices(study, [k], plane=plane, mask=True).panels
    assert "Outlined regions in this slice: 1" in panel.alt
    assert ("patient's left" in panel.alt) == sided


def test_a_slice_without_lesion_is_shown_whole(study, mask):
    figure = show_mask(study, mask, 0, ways=["outline"])
    assert "Nothing is outlined" in figure.alt


def test_two_masks_have_two_colours_and_both_names(study, mask):
    moved = mask.with_data(np.roll(mask.data, 15, axis=0))
    (panel,) = show_two_masks(study, {"one": mask, "other": moved}, 1).panels
    pixels = picture(panel)
    blue = (pixels[..., 2] - pixels[..., 0]) > 60
    assert orange(pixels).any() and blue.any()
    # i grows to the patient's left, which is on the viewer's right: the moved mask lies further right
    assert np.nonzero(blue)[1].mean() > np.nonzero(orange(pixels))[1].mean()
    assert "one:" in panel.alt and "other:" in panel.alt
