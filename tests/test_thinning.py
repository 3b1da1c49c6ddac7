"""What is lost with nine slices of ten, against boxes whose losses can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mosmed_edu.errors import MaskError
from mosmed_edu.masks import lesion_table, thinning_table
from mosmed_edu.volume import Volume

AFFINE = np.diag([-1.0, 2.0, 0.5, 1.0])


def box(height: int, start: int = 20, every: int = 10) -> dict:
    """The row of one lesion of 3 x 4 voxels, so many slices high."""
    data = np.zeros((12, 12, 100), bool)
    data[2:5, 3:7, start : start + height] = True
    table = thinning_table(Volume(data, AFFINE), every)
    assert len(table) == 1
    return table.iloc[0].to_dict()


@pytest.mark.parametrize("height", [1, 4, 9, 10, 13, 40])
@pytest.mark.parametrize("every", [1, 5, 10])
def test_a_lesion_is_missed_as_often_as_it_fits_between_two_kept_slices(height, every):
    row = box(height, every=every)
    assert row["missed"] == pytest.approx(max(0, 1 - height / every))
    assert row["volume_ml"] == pytest.approx(3 * 4 * height / 1000)
    assert row["height_mm"] == height / 2


@pytest.mark.parametrize("height", [10, 20, 50])
def test_an_even_lesion_of_full_steps_loses_nothing(height):
    assert box(height)["error_percent"] == pytest.approx(0)


def test_the_error_of_a_flat_lesion():
    """One slice of ten hits it and counts it tenfold; nine miss it."""
    assert box(1)["error_percent"] == pytest.approx((900 + 9 * 100) / 10)


def test_where_the_lesion_lies_does_not_matter():
    for start in range(20, 30):
        assert box(7, start) == pytest.approx(box(7))


def test_a_ball_by_another_way():
    """Each beginning is measured with the lesion table, on a mask that holds only the kept slices."""
    i, j, k = np.indices((20, 20, 40))
    ball = Volume((i - 9) ** 2 + (j - 9) ** 2 + ((k - 20) / 2) ** 2 < 40, np.diag([-1.0, 1.0, 0.5, 1.0]))
    row = thinning_table(ball).iloc[0]
    thick = ball.affine.copy()
    thick[2, 2] *= 10
    ml = [lesion_table(Volume(ball.data[..., n::10], thick))["volume_ml"].sum() for n in range(10)]
    assert row["error_percent"] == pytest.approx(np.mean(np.abs(np.array(ml) / row["volume_ml"] - 1)) * 100)


def test_the_largest_comes_first_and_an_empty_mask_has_none():
    data = np.zeros((12, 12, 100), bool)
    data[1, 1, 5] = data[4:8, 4:8, 20:30] = data[10, 10, 50:53] = True
    table = thinning_table(Volume(data, AFFINE))
    assert table.index.tolist() == [1, 2, 3] and table["volume_ml"].is_monotonic_decreasing
    assert thinning_table(Volume(np.zeros((4, 4, 4), bool), AFFINE)).empty


def test_a_label_map_is_no_mask():
    with pytest.raises(MaskError):
        thinning_table(Volume(np.full((4, 4, 4), 3), AFFINE))
