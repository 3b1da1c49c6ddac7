"""Synthetic scans stacked right and wrong: each panel says what it is, and none can be taken for a patient."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mosmed_edu.plotting import WORDS, show_volumes
from mosmed_edu.volume import Volume

NAMES = ("body_series", "lung_series", "all_slices", "every_tenth", "file_order", "upside_down", "by_place", "upright",
         "tilted")  # fmt: skip


@pytest.fixture
def volume():
    """Bright in the upper half of the body, dark in the lower."""
    data = np.full((40, 32, 20), -1000, np.int16)
    data[..., 10:] = 400
    return Volume(data, np.diag([-2.0, 2.0, 4.0, 1.0]))


def pictures(figure):
    found = re.findall(r'base64,([^"]+)"', figure._repr_html_())
    return [np.array(Image.open(io.BytesIO(base64.b64decode(text))).convert("L")) for text in found]


@pytest.mark.parametrize("name", NAMES)
def test_every_way_has_words_for_who_does_not_see_it(volume, name):
    alt = show_volumes({name: volume}).alt
    assert WORDS[name] in alt and WORDS[f"looks_{name}"] in alt
    assert "synthetic scan of 20 axial slices 4 mm apart" in alt


def test_the_head_is_up_and_a_reversed_stack_is_upside_down(volume):
    turned = volume.with_data(volume.data[..., ::-1])
    right, wrong = pictures(show_volumes({"by_place": volume, "upside_down": turned}))
    height = 640 * 20 * 4 // (40 * 2)
    top, bottom = slice(100, height // 2 - 20), slice(height // 2 + 20, height - 20)
    assert right[top].mean() > 200 > 80 > right[bottom].mean()
    assert wrong[bottom].mean() > 200 > 80 > wrong[top].mean()


def test_pixels_have_their_true_proportions(volume):
    (coronal,) = pictures(show_volumes({"x": volume}))
    (axial,) = pictures(show_volumes({"x": volume}, "axial"))
    assert coronal.shape == (640 + 80, 640) and axial.shape == (512 + 80, 640)


def test_it_is_marked_as_synthetic(volume):
    figure = show_volumes({"one of my own": volume, "all_slices": volume}, "sagittal", place=0)
    assert figure.caption == WORDS["caption_synthetic_studies"]
    assert "Sagittal" in figure.alt and "one of my own" in figure.alt
    assert figure.panels[0].title == "One of my own"
