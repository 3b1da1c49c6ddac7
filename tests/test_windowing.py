"""Grey values equal the formula, computed here in exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mosmed_edu.errors import MosMedError, WindowError
from mosmed_edu.windowing import WINDOWS, Window, apply_window, find_window


def exact(hu, window: Window) -> int:
    """round((clip(hu) - low) / width * 255), half to even, without floating point."""
    level, width = Fraction(window.level), Fraction(window.width)
    low = level - width / 2
    clipped = min(max(Fraction(hu), low), low + width)
    return round((clipped - low) / width * 255)


def expected(data: np.ndarray, window: Window) -> np.ndarray:
    values, where = np.unique(data, return_inverse=True)
    grey = np.array([exact(value.item(), window) for value in values], np.uint8)
    return grey[where].reshape(data.shape)


#: Presets, odd widths (edges at a half), widths of which 255 is a multiple or a divisor (true halves), extremes.
MANY = [
    *WINDOWS.values(),
    *[Window(level, width) for level in (-600, -1, 0, 40, 1000) for width in (1, 2, 3, 255, 510, 1020, 1500, 4095)],
    *[Window(-600, width) for width in range(1400, 1600, 7)],
    Window(-600.5, 1500.25),
    Window(0.1, 0.2),
    Window(40, 65535),
    Window(-100_000, 300),
    Window(100_000, 300),
    Window(32767, 40000),
]


@pytest.mark.parametrize("window", MANY, ids=str)
def test_every_hounsfield_unit_becomes_the_exact_grey(window):
    hu = np.arange(-3100, 4100, dtype=np.int16)
    np.testing.assert_array_equal(apply_window(hu, window), expected(hu, window))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64])
def test_every_kind_of_number(dtype):
    limits = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else np.iinfo(np.int16)
    hu = np.linspace(max(limits.min, -3000), min(limits.max, 3000), 2001).astype(dtype)
    for window in (*WINDOWS.values(), Window(3, 7), Window(-900, 200)):
        np.testing.assert_array_equal(apply_window(hu, window), expected(hu, window))


def test_the_ends_of_int16():
    hu = np.array([-32768, -32767, 0, 32766, 32767], np.int16)
    for window in (WINDOWS["lung"], Window(32000, 1000), Window(-32000, 1001), Window(0, 2)):
        np.testing.assert_array_equal(apply_window(hu, window), expected(hu, window))


def test_float_voxels_between_whole_units_and_nothing_numbers():
    hu = np.array([-1350.0, -1349.9, -600.5, 149.9, 1e30, -1e30, np.inf, -np.inf])
    grey = apply_window(hu, "lung")
    assert grey.tolist() == [exact(v, WINDOWS["lung"]) for v in hu[:6]] + [255, 0]
    assert apply_window(np.array([np.nan, 0.0]), "lung").tolist() == [0, 230]


def test_bool_and_scalar():
    assert apply_window(np.array([True, False]), Window(0.5, 1)).tolist() == [255, 0]
    assert apply_window(np.int16(-600), "lung") == 128
    assert apply_window(-600, "lung").shape == ()


HU = np.random.default_rng(1).integers(-1500, 600, (70, 80, 40)).astype(np.int16)  # more than one block


@pytest.mark.parametrize(
    "view",
    [
        HU,
        np.asfortranarray(HU),
        HU[::-1, :, ::2],
        np.asfortranarray(HU).transpose(2, 0, 1)[5, ::-1],
        HU.T,
        HU[:, 3],
        HU[:0],
        HU.astype(">i2"),
        np.broadcast_to(HU[0, 0], (3, 40)),
    ],
    ids=["C", "F", "steps", "slice", "T", "plane", "empty", "big-endian", "broadcast"],
)
def test_any_memory_order_and_view(view):
    before = view.copy()
    grey = apply_window(view, "lung")
    assert grey.dtype == np.uint8 and grey.shape == view.shape
    np.testing.assert_array_equal(grey, expected(view, WINDOWS["lung"]))
    np.testing.assert_array_equal(view, before)
    assert not np.shares_memory(grey, view)


def test_a_lone_nan_does_not_spread_and_read_only_data_are_fine():
    hu = HU.astype(np.float32)
    hu[3, 3, 3] = np.nan
    hu.flags.writeable = False
    grey = apply_window(hu, "mediastinum")
    want = expected(HU, WINDOWS["mediastinum"])
    want[3, 3, 3] = 0
    np.testing.assert_array_equal(grey, want)


def test_presets_are_those_of_the_course():
    assert {name: (w.level, w.width) for name, w in WINDOWS.items()} == {
        "lung": (-600, 1500),
        "mediastinum": (50, 350),
        "bone": (500, 2000),
    }
    with pytest.raises(TypeError):
        WINDOWS["lung"] = Window(0, 1)


@pytest.mark.parametrize("numbers", [(0, 0), (0, -1), (0, float("nan")), (float("inf"), 1), (0, float("inf"))])
def test_impossible_windows_are_refused(numbers):
    with pytest.raises(WindowError, match="Next: "):
        Window(*numbers)


def test_an_unknown_name_is_refused_and_names_the_presets():
    with pytest.raises(MosMedError, match="lung, mediastinum, bone"):
        apply_window(HU, "liver")
    assert find_window("bone") is WINDOWS["bone"]


@pytest.mark.parametrize(("level", "width"), [("a", 5), (5, "a"), (None, 5), (10**400, 5), (-1.7e308, 1.7e308)])
def test_a_window_of_what_are_no_numbers_is_refused(level, width):
    with pytest.raises(WindowError, match="both numbers finite"):
        Window(level, width)


@pytest.mark.parametrize("data", [None, "lung", [[1], [1, 2]], ["a"], [None]])
def test_what_are_no_voxels_is_one_line(data):
    with pytest.raises(WindowError, match="no array of numbers"):
        apply_window(data, "lung")


@pytest.mark.parametrize("window", [["lung"], None, {}])
def test_what_is_no_window_is_one_line(window):
    with pytest.raises(WindowError, match="no preset of this name"):
        apply_window(np.zeros(3), window)


def test_the_widest_window_shows_what_is_beyond_it():
    assert apply_window([1.0, np.inf, -np.inf, np.nan], Window(0, 1.7e308)).tolist() == [128, 255, 0, 0]
