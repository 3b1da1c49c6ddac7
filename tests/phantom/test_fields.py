"""Smooth fields: checked against geometry, scipy's own B-splines, and a brute-force search."""

import numpy as np
import pytest
from scipy.interpolate import BSpline
from scipy.spatial import cKDTree

from mosmed_edu.phantom.fields import (
    Cells,
    OctaveNoise,
    SmoothNoise,
    smooth_minimum,
    smoothstep,
    spline_basis,
)

AXIS = np.linspace(-90, 90, 61, dtype=np.float32)


def test_smoothstep_ends_and_middle():
    assert smoothstep(np.array([2.0, 5.0, 8.0]), 2, 8).tolist() == [0, 0.5, 1]
    assert (np.diff(smoothstep(np.linspace(-1, 2, 100))) >= 0).all()


def test_smooth_minimum_is_the_minimum_away_from_the_crease_and_never_above_it():
    a, b = np.meshgrid(np.linspace(0, 20, 41), np.linspace(0, 20, 41))
    smooth = smooth_minimum(a, b, 4)
    assert (smooth <= np.minimum(a, b) + 1e-9).all()
    far = np.abs(a - b) >= 4
    np.testing.assert_allclose(smooth[far], np.minimum(a, b)[far])


def test_spline_basis_is_scipys_cubic_b_spline():
    step, count, positions = 7.0, 12, np.linspace(10, 60, 50)
    ours = spline_basis(positions, 0.0, step, count)
    for knot in range(2, 10):
        element = BSpline.basis_element(step * (knot + np.arange(-2, 3)), extrapolate=False)
        np.testing.assert_allclose(ours[:, knot], np.nan_to_num(element(positions)), atol=1e-5)


@pytest.mark.parametrize("scale", [30.0, (12.0, 20.0, 9.0), 2.0])
def test_noise_has_mean_0_and_deviation_1(scale):
    noise = SmoothNoise(np.random.default_rng(3), scale).on_axes(AXIS, AXIS, AXIS)
    assert abs(noise.mean()) < 0.35
    assert 0.75 < noise.std() < 1.25


@pytest.mark.parametrize("scale", [25.0, 2.0])  # 2 mm repeats within the box, 25 mm does not
def test_noise_at_points_is_noise_on_the_grid(scale):
    noise = SmoothNoise(np.random.default_rng(4), scale)
    x, y, z = AXIS, AXIS[:30] + 1.3, AXIS[::7] * 1.9
    volume = noise.on_axes(x, y, z)
    index = np.random.default_rng(5).integers([len(x), len(y), len(z)], size=(200, 3))
    points = np.stack([x[index[:, 0]], y[index[:, 1]], z[index[:, 2]]], axis=1)
    np.testing.assert_allclose(noise.at(points), volume[tuple(index.T)], atol=2e-3)


def test_noise_belongs_to_the_patient_not_to_the_grid():
    noise = OctaveNoise(np.random.default_rng(6), 20, (0.6, 0.4))
    coarse, fine = noise.on_axes(AXIS, AXIS, AXIS[:3]), noise.on_axes(AXIS[::2], AXIS[10:], AXIS[:3])
    np.testing.assert_allclose(coarse[::2, 10:], fine, atol=1e-5)


def test_no_detail_below_the_scale():
    rough, smooth = (SmoothNoise(np.random.default_rng(7), s).on_axes(AXIS, AXIS, AXIS[:1]) for s in (6, 40))
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.3 * np.abs(np.diff(rough, axis=0)).mean()


def test_cells_find_the_two_nearest_seed_points():
    cells = Cells(np.random.default_rng(8), 9.0, empty=0.3)
    points = np.random.default_rng(9).uniform(-80, 80, (3000, 3)).astype(np.float32)
    count = len(cells.seeds)
    cube = np.stack(np.meshgrid(*3 * [np.arange(-12, 12)], indexing="ij"), -1).reshape(
        -1, 3
    )  # all that points can meet
    seeds = cells.seeds[tuple(np.mod(cube, count).T)]
    there = seeds[:, 0] < 500  # empty cubes hold a point far away
    number = np.ravel_multi_index(tuple(np.mod(cube[there], count).T), 3 * (count,))
    distance, nearest = cKDTree((seeds[there] + cube[there]) * 9.0).query(points, k=2)
    edge, cell = cells.at(points)
    sure = distance[:, 1] < 9.0  # within the searched neighbourhood
    assert sure.mean() > 0.8
    np.testing.assert_allclose(edge[sure], (distance[sure, 1] - distance[sure, 0]) / 2, atol=1e-2)
    clear = sure & (edge > 0.05)
    assert (cell[clear] == number[nearest[clear, 0]]).all()


def test_cells_are_uneven_in_size():
    edge, cell = Cells(np.random.default_rng(10), 10.0, empty=0.3).at(
        np.stack(np.meshgrid(AXIS, AXIS, [0.0], indexing="ij"), -1).reshape(-1, 3)
    )
    _, count = np.unique(cell, return_counts=True)
    assert np.percentile(count, 90) > 3 * np.percentile(count, 10)
    assert np.isfinite(edge).all()


def test_same_seed_same_field():
    first, second = (
        OctaveNoise(np.random.default_rng(11), 15, (1, 0.5)).on_axes(AXIS, AXIS, AXIS[:4]) for _ in range(2)
    )
    assert np.array_equal(first, second)
