"""Drawings side by side: the same synthetic chest with and without something."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import draw_picture
from mosmed_edu.plotting.places import body_box
from mosmed_edu.plotting.spoken import window_words
from mosmed_edu.plotting.words import WORDS, say, sentence
from mosmed_edu.windowing import Window, apply_window


def show_drawings(drawings: Mapping[str, object], height: float = 0.5, window: Window | str = "lung") -> Figure:
    """Draw one axial slice of each of several synthetic studies, two in a row.

    Parameters
    ----------
    drawings : mapping of str to Drawing
        What each shows, and the study as `mosmed_edu.phantom.draw` returns it. A key of `WORDS` is looked up there.
    height : float
        Where each is cut: 0 for its lowest slice with lung, 1 for its highest.
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    panels = [_panel(name, drawing, height, window) for name, drawing in drawings.items()]
    return Figure(panels, WORDS["caption_synthetic_studies"], min(len(panels), 2))


def _panel(name: str, drawing, height: float, window) -> Panel:
    """One slice, cropped to the body."""
    with_lung = np.flatnonzero(drawing.lungs.data.any(axis=(0, 1)))
    k = round(float(with_lung[0] + height * (with_lung[-1] - with_lung[0])))
    box = body_box(drawing.ct, "axial", [k])
    canvas = draw_picture(
        apply_window(drawing.ct.axial(k)[box], window), drawing.ct.pixel_mm("axial"), window, synthetic=True
    )
    looks = WORDS.get(f"looks_{name}", "")
    shown = WORDS.get(name, name)
    alt = say("alt_drawing", name=shown, share=height * 100, window=window_words(window), looks=looks).strip()
    return picture_panel(canvas, alt, sentence(shown))
