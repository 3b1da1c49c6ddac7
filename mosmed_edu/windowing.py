"""A window decides which Hounsfield units become which grey."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from types import MappingProxyType

import numpy as np

from mosmed_edu.errors import WindowError, shown


@dataclass(frozen=True)
class Window:
    """The range of Hounsfield units that is spread over black to white.

    Parameters
    ----------
    level : float
        The value shown as mid-grey, in HU. Also called the window centre.
    width : float
        The size of the range shown, in HU; above zero.

    Raises
    ------
    WindowError
        If the width is not above zero, or a number is not finite.

    Examples
    --------
    >>> from mosmed_edu import Window
    >>> lung = Window(level=-600, width=1500)
    >>> lung.low, lung.high
    (-1350.0, 150.0)
    >>> print(lung)
    L -600 / W 1500 HU
    """

    level: float
    width: float

    def __post_init__(self):
        if not self._is_usable():
            raise WindowError(
                f"Window(level={shown(self.level)}, width={shown(self.width)})",
                "the width must be above zero and both numbers finite",
                "give them in HU, for the lungs for example Window(level=-600, width=1500)",
            )

    def _is_usable(self) -> bool:
        try:
            return isfinite(self.low) and isfinite(self.high) and isfinite(self.width) and self.width > 0
        except (TypeError, OverflowError):  # text, or whole numbers beyond all floats
            return False

    @property
    def low(self) -> float:
        """Everything at or below this value is black, in HU."""
        return self.level - self.width / 2

    @property
    def high(self) -> float:
        """Everything at or above this value is white, in HU."""
        return self.level + self.width / 2

    def __str__(self) -> str:
        return f"L {self.level:g} / W {self.width:g} HU"


#: The presets used throughout the course. There is no single standard: always print level and width with a picture.
WINDOWS = MappingProxyType(
    {
        "lung": Window(level=-600, width=1500),
        "mediastinum": Window(level=50, width=350),
        "bone": Window(level=500, width=2000),
    }
)


def find_window(window: Window | str) -> Window:
    """Return a window given as itself or by the name of a preset.

    Examples
    --------
    >>> from mosmed_edu.windowing import find_window
    >>> find_window("bone")
    Window(level=500, width=2000)
    """
    if isinstance(window, Window):
        return window
    if isinstance(window, str) and window in WINDOWS:
        return WINDOWS[window]
    raise WindowError(
        f"window {shown(window)}",
        "is no preset of this name",
        f"take one of {', '.join(WINDOWS)}, or Window(level=..., width=...)",
    )


def apply_window(data: np.ndarray, window: Window | str) -> np.ndarray:
    """Turn Hounsfield units into the grey values of a screen.

    Every voxel becomes ``round((clip(hu) - low) / width * 255)``, rounded as Python's ``round`` does (a half goes to
    the even neighbour) and without the rounding errors that this formula collects in floating point.

    Parameters
    ----------
    data : array, any shape
        Hounsfield units. NaN becomes black.
    window : Window or str
        A window, or the name of one of `WINDOWS`.

    Returns
    -------
    grey : uint8 array of the same shape
        0 is black, 255 is white.

    Raises
    ------
    WindowError
        If the window's name is unknown, or the data are no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu import WINDOWS, apply_window
    >>> hu = np.array([-2000, -1350, -600, 0, 150, 1000], dtype=np.int16)
    >>> apply_window(hu, WINDOWS["lung"])
    array([  0,   0, 128, 230, 255, 255], dtype=uint8)
    """
    window = find_window(window)
    data = _numbers(data)
    if data.flags.f_contiguous and not data.flags.c_contiguous:
        return apply_window(data.T, window).T  # voxels of a NIfTI file lie in memory the other way round
    data = np.asarray(data, order="C")
    grey = np.empty(data.shape, np.uint8)
    fill = _fill_from_whole if _is_whole(data.dtype, window) else _fill_from_any
    fill(data.reshape(-1), window, grey.reshape(-1))
    return grey


def _numbers(data: object) -> np.ndarray:
    try:
        array = np.asarray(data)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind in "buif":
        return array
    raise WindowError(f"data of type {type(data).__name__}", "are no array of numbers", "give the voxels, as ct.data")


#: Voxels at a time: few enough that the copies below stay in the processor's cache, which is most of the speed.
_BLOCK = 2**17

_WHOLE_HU = (np.int8, np.uint8, np.int16)


def _is_whole(dtype: np.dtype, window: Window) -> bool:
    """Whether all numbers are small whole ones, and the window reaches into what this type of voxel can hold."""
    if dtype not in _WHOLE_HU or window.width >= 2**15 or not (window.low.is_integer() and window.high.is_integer()):
        return False
    limits = np.iinfo(dtype)
    return window.low <= limits.max and window.high >= limits.min


def _fill_from_whole(hu: np.ndarray, window: Window, grey: np.ndarray) -> None:
    """Window whole Hounsfield units, clipped while they are still small integers."""
    limits = np.iinfo(hu.dtype)
    low, high = (hu.dtype.type(np.clip(edge, limits.min, limits.max)) for edge in (window.low, window.high))
    scale = _exact_scale(window.width)
    clipped_block, level_block = np.empty(_BLOCK, hu.dtype), np.empty(_BLOCK, np.float32)
    for start in range(0, hu.size, _BLOCK):
        block = hu[start : start + _BLOCK]
        clipped, level = clipped_block[: block.size], level_block[: block.size]
        np.clip(block, low, high, out=clipped)
        np.copyto(level, clipped)
        level -= np.float32(window.low)
        if scale is None:
            level *= np.float32(255)
            level /= np.float32(window.width)
        else:
            level *= scale
        np.rint(level, out=level)
        np.copyto(grey[start : start + _BLOCK], level, casting="unsafe")


def _fill_from_any(hu: np.ndarray, window: Window, grey: np.ndarray) -> None:
    """Window numbers of any kind, in double precision."""
    # 255 times the widest windows would be infinite. Powers of two change no digit of a quotient.
    power = 2.0**-8 if window.width > 1 else 1.0
    for start in range(0, hu.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        level = np.clip(hu[block], window.low, window.high, dtype=np.float64)
        level -= window.low
        level *= 255 * power
        level /= window.width * power
        np.copyto(grey[block], np.rint(np.nan_to_num(level, nan=0)), casting="unsafe")


@lru_cache
def _exact_scale(width: float) -> np.float32 | None:
    """255 / width, where multiplying by it rounds every whole number of HU as the true quotient is rounded.

    Dividing is always right (the quotient of two whole numbers below 2**24 is rounded once, so a true half stays a
    half and nothing else becomes one) and takes twice as long.
    """
    steps = np.arange(width + 1, dtype=np.float32)
    scale = np.float32(255 / width)
    return (
        scale if np.array_equal(np.rint(steps * scale), np.rint(steps * np.float32(255) / np.float32(width))) else None
    )
