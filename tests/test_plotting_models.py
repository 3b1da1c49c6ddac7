"""Figures of features and models: every number that is drawn is also said, and is the right one."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from mosmed_edu.layout import CATEGORIES
from mosmed_edu.plotting import show_by_category, show_calibration, show_confusion, show_outlines, show_scores
from mosmed_edu.plotting.models import calibration_groups
from mosmed_edu.volume import Volume


def a_table():
    category = pd.Categorical(["CT-0"] * 3 + ["CT-1"] * 4, CATEGORIES, ordered=True)
    return pd.DataFrame({"category": category, "x": [1, 2, 3, 10, 20, 30, np.nan], "y": [np.nan] * 3 + [5.0] * 4})


def svgs(figure):
    return re.findall(r"<svg.*?</svg>", figure._repr_html_(), re.DOTALL)


def test_spread_says_median_and_number_of_each_category():
    figure = show_by_category(a_table(), {"x": "mL", "y": ""}, caption="Synthetic studies, not patients.")
    first, second = figure.panels
    assert "x, mL" in first.alt
    assert "CT-0 (3 studies) median 2" in first.alt
    assert "CT-1 (3 studies) median 20" in first.alt  # the missing one is not counted
    assert "CT-0" not in second.alt
    assert "CT-1 (4 studies) median 5" in second.alt
    assert "CT-4" not in figure.alt
    assert figure.caption in figure._repr_html_()


def test_units_may_come_as_a_series():
    assert "x, mL" in show_by_category(a_table(), pd.Series({"x": "mL"})).alt


def test_every_study_is_a_dot():
    (svg,) = svgs(show_by_category(a_table(), ["x"]))
    assert svg.count("<use") >= 6


def test_scores_say_interval_and_reference():
    rows = pd.DataFrame({"value": [0.7, 0.5], "low": [0.6, 0.4], "high": [0.8, 0.65]}, index=["rule", "forest"])
    alt = show_scores(rows, "accuracy", 0.62, "always CT-1").alt
    assert "rule 0.70 (0.60 to 0.80); forest 0.50 (0.40 to 0.65)" in alt
    assert "0.62: always CT-1" in alt
    assert "dashed" not in show_scores(rows, "accuracy").alt


def test_confusion_says_and_draws_every_count():
    figure = show_confusion([[11, 3], [5, 17]], ["CT-0", "CT-1"])
    assert "label CT-0 predicted as CT-0 11, CT-1 3; label CT-1 predicted as CT-0 5, CT-1 17" in figure.alt
    (svg,) = svgs(figure)
    assert all(f">{n}<" in svg for n in (11, 3, 5, 17))


def test_an_empty_row_of_the_confusion_matrix_can_be_drawn():
    assert "label CT-1 predicted as CT-0 0, CT-1 0" in show_confusion([[4, 0], [0, 0]], ["CT-0", "CT-1"]).alt


def test_letters_take_the_colour_of_the_page():
    for figure in (
        show_confusion([[4, 1], [0, 2]], ["a", "b"]),
        show_calibration({"model": (np.linspace(0, 1, 20), np.arange(20) > 9)}),
    ):
        (svg,) = svgs(figure)
        assert "#000000" not in svg
        assert "currentColor" in svg
        assert 'role="img"' in svg


def test_outlines_are_described_one_by_one():
    hu = np.full((60, 50, 3), -1000, np.int16)
    hu[5:55, 5:45] = 40
    ct = Volume(hu, np.diag([-2.0, 2.0, 8.0, 1.0]))
    study = SimpleNamespace(id=7, category="CT-1", is_synthetic=True, ct=lambda: ct)
    patch, nothing = np.zeros(hu.shape, bool), np.zeros(hu.shape, bool)
    patch[10:20, 10:20, 1] = True
    first, second = show_outlines(study, 1, {"a": ct.with_data(patch), "b": ct.with_data(nothing)}).panels
    assert "together 400 square millimetres" in first.alt
    assert "Nothing is outlined" in second.alt
    assert (first.title, second.title) == ("a", "b")


def test_calibration_groups_are_counted_right():
    probability, happened = np.repeat([0.2, 0.8], 10), np.array([1] * 2 + [0] * 8 + [1] * 7 + [0] * 3)
    groups = calibration_groups(probability, happened, bins=2)
    assert groups.predicted.tolist() == pytest.approx([0.2, 0.8])
    assert groups.observed.tolist() == [0.2, 0.7]
    exact = binomtest(7, 10).proportion_ci(0.95, "exact")
    assert (groups.low[1], groups.high[1]) == (exact.low, exact.high)
    assert groups.n.tolist() == [10, 10]
    alt = show_calibration({"model": (probability, happened)}, bins=2).alt
    assert "model: predicted and observed 20%: 20%, 80%: 70%" in alt


def test_more_groups_than_studies_are_not_asked_for():
    assert len(calibration_groups([0.1, 0.9], [0, 1], bins=5)) == 2
