"""The simulated readers: limits, and agreement as published readers had it."""

import numpy as np
import pytest

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom.reading import category_of, read, sample_extent


@pytest.mark.parametrize(
    ("fraction", "category"),
    [
        (0, "CT-0"),
        (0.001, "CT-1"),
        (0.2499, "CT-1"),
        (0.2501, "CT-2"),
        (0.4999, "CT-2"),
        (0.51, "CT-3"),
        (0.76, "CT-4"),
    ],
)
def test_limits_are_the_datasets(fraction, category):
    assert category_of(fraction) == category


def kappa(first, second):
    """Cohen's kappa by its definition."""
    first, second = np.array(first), np.array(second)
    agreed = (first == second).mean()
    by_chance = sum((first == name).mean() * (second == name).mean() for name in CATEGORIES)
    return (agreed - by_chance) / (1 - by_chance)


def test_two_readers_agree_as_published():
    """100 scans read by experienced radiologists: r 0.84 to 0.87 in percent, kappa 0.46 to 0.54 in grade."""
    rng = np.random.default_rng(5)
    first, second = [], []
    for category in CATEGORIES[1:]:
        for _ in range(500):
            fraction, _ = sample_extent(category, rng)
            first.append(read(fraction, rng, category))
            second.append(read(fraction, rng))
    percent = np.corrcoef([reading.percent for reading in first], [reading.percent for reading in second])[0, 1]
    grade = kappa([reading.category for reading in first], [reading.category for reading in second])
    assert 0.82 < percent < 0.91
    assert 0.42 < grade < 0.58


def test_readers_disagree_near_the_limits_and_agree_far_from_them():
    rng = np.random.default_rng(2)

    def same(fraction):
        return np.mean([read(fraction, rng).category == category_of(fraction) for _ in range(400)])

    assert same(0.03) > 0.98
    assert same(0.26) < 0.75


def test_a_reading_asked_for_comes_to_its_category():
    rng = np.random.default_rng(3)
    for fraction, category in ((0.3, "CT-1"), (0.3, "CT-4"), (0.2, "CT-2"), (0.55, "CT-2")):
        reading = read(fraction, rng, category)
        assert reading.category == category
        assert category_of(reading.percent / 100) == category


def test_nothing_there_is_read_as_nothing():
    rng = np.random.default_rng(1)
    assert read(0.0, rng).category == "CT-0"
    with pytest.raises(DrawingError):
        read(0.0, rng, "CT-2")


def test_a_reading_that_nobody_would_give_is_refused():
    with pytest.raises(DrawingError, match=r"CT-4 by any reader"):
        read(0.005, np.random.default_rng(1), "CT-4")


def test_mild_cases_are_as_large_as_in_the_datasets_masks():
    """Real CT-1 masks: 26 to 109 mL between the quartiles; lungs hold about 4.2 litres."""
    rng = np.random.default_rng(4)
    volumes = [4200 * sample_extent("CT-1", rng)[0] for _ in range(600)]
    assert 26 < np.median(volumes) < 109
