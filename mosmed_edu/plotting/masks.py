"""Masks on a scan: the ways to show one, and two of them on one slice."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import to_rgba

from mosmed_edu.plotting.axes import COLOURS
from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import draw_picture
from mosmed_edu.plotting.places import body_box
from mosmed_edu.plotting.spoken import mask_words, window_words
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import Window, apply_window

#: Colours that stand out from grey and from each other, also for colour-blind readers; dashes tell them apart in print.
_LINES = ((COLOURS[1], "solid"), ("#56B4E9", "dashed"))
_FILL = 0.4
_MARGIN_MM = 20


def show_mask(study, mask: Volume, k: int, ways=("plain", "outline", "fill"), window: Window | str = "lung") -> Figure:
    """Draw an axial slice round a mask: as it is, with the mask's outline, and with the mask as a tint.

    Parameters
    ----------
    study : Study
    mask : Volume of bool
        On the study's grid.
    k : int
        Axial slice.
    ways : sequence of str
        Some of "plain", "outline" and "fill".
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    ct, box = study.ct(), _around(mask, k)
    panels = [_panel(study, ct, k, box, {way: mask}, window, way) for way in ways]
    caption = say("caption_mask_ways", study=study_words(study), k=k, window=window_words(window))
    return Figure(panels, sentence(caption, origin_words(study)), 2)


def show_two_masks(study, masks: Mapping[str, Volume], k: int, window: Window | str = "lung") -> Figure:
    """Draw the outlines of two masks on one axial slice.

    Parameters
    ----------
    study : Study
    masks : mapping of str to Volume of bool
        Two names, and masks on the study's grid. The first is drawn solid, the second dashed.
    k : int
        Axial slice.
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    ct = study.ct()
    both = ct.with_data(np.any([mask.data for mask in masks.values()], axis=0))
    panel = _panel(study, ct, k, _around(both, k), masks, window, "")
    first, second = masks
    caption = say("caption_two_masks", study=study_words(study), k=k, first=first, second=second)
    return Figure([panel], sentence(caption, origin_words(study)), 1)


def _panel(study, ct: Volume, k: int, box, masks: Mapping[str, Volume], window, way: str) -> Panel:
    """One picture, with outlines or a tint."""
    pixel_mm = ct.pixel_mm("axial")
    canvas = draw_picture(apply_window(ct.axial(k)[box], window), pixel_mm, window, study.is_synthetic)
    axes, spoken, body = canvas.axes[0], [], body_box(ct, "axial", [k])
    for (name, mask), (colour, style) in zip(masks.items(), _LINES, strict=False):
        shown = mask.axial(k)[box]
        if way == "fill":
            over = np.zeros((*shown.shape, 4))
            over[shown] = to_rgba(colour, _FILL)
            height, width = np.multiply(shown.shape, pixel_mm)
            axes.imshow(over, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")
        elif way != "plain" and shown.any():
            x, y = ((np.arange(n) + 0.5) * mm for n, mm in zip(shown.shape[::-1], pixel_mm[::-1], strict=True))
            axes.contour(x, y, shown, levels=[0.5], colors=colour, linestyles=style, linewidths=2)
        if way != "plain":
            spoken.append((f" {name}:" if len(masks) > 1 else "") + mask_words(mask.axial(k)[body], pixel_mm))
    alt = say("alt_mask_way", study=study_words(study), k=k, window=window_words(window)) + "".join(spoken)
    return picture_panel(canvas, alt, WORDS.get(f"mask_{way}", ""))


def _around(mask: Volume, k: int) -> tuple[slice, slice]:
    """The part of the slice that holds the mask, with a margin; all of it where the mask is empty there."""
    shown = mask.axial(k)
    if not shown.any():
        return slice(None), slice(None)
    box = []
    for axis, mm in enumerate(mask.pixel_mm("axial")):
        inside, margin = np.flatnonzero(shown.any(axis=1 - axis)), round(_MARGIN_MM / mm)
        box.append(slice(max(inside[0] - margin, 0), inside[-1] + margin + 1))
    return tuple(box)
