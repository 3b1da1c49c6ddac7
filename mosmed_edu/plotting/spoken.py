"""What figures say of a window and of a mask, in the words of `WORDS`."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from mosmed_edu.plotting.words import WORDS, say, sentence
from mosmed_edu.windowing import WINDOWS, Window, find_window


def window_name(window: Window | str) -> str:
    """The preset that this window is, or 'own'."""
    return next((name for name, preset in WINDOWS.items() if preset == find_window(window)), "own")


def window_words(window: Window | str) -> str:
    """The name, the level and the width of a window."""
    shown = find_window(window)
    return say("window", name=WORDS[window_name(window)], level=shown.level, width=shown.width)


def window_title(window: Window | str) -> str:
    """The name of a preset; level and width of any other window."""
    shown, name = find_window(window), window_name(window)
    return sentence(say("own_title", level=shown.level, width=shown.width) if name == "own" else WORDS[name])


def mask_words(mask: np.ndarray, pixel_mm, plane: str = "axial") -> str:
    """What an outline shows, counted on the part of a picture that holds the body; its right half is the left side."""
    if not mask.any():
        return WORDS["alt_no_mask"]
    regions = ndimage.label(mask, np.ones((3, 3)))[1]
    words = say("alt_mask", regions=regions, area=mask.sum() * np.prod(pixel_mm))
    if plane == "sagittal":
        return words + "."
    return words + say("alt_mask_side", left=mask[:, mask.shape[1] // 2 :].sum() / mask.sum() * 100)
