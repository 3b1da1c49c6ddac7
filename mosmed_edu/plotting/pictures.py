"""Pictures of the body: radiological view, a scale in mm, level and width, R and L, and a mark on what is synthetic."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from mosmed_edu.plotting.figure import Panel, picture_panel
from mosmed_edu.plotting.spoken import mask_words, window_name, window_words
from mosmed_edu.plotting.words import WORDS, say, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import apply_window, find_window

#: Of what is drawn round something: orange of Okabe and Ito, the one that stands out from every grey.
OUTLINE = "#E69F00"

#: Keys of `WORDS`: the patient's side at the left and at the right edge.
SIDES = ("R", "L")

_WIDTH = 640  # px of a panel, shown 220 to 480 px wide, so that its letters stay legible
_LETTER = 29
_LINE = 40


def slice_panel(
    study, ct: Volume, plane: str, k: int, window, box, outline: Volume | None = None, title: str = ""
) -> Panel:
    """One slice, cut to a box, with its alt text; the outline is a mask of the whole scan."""
    mask = outline.picture(plane, k)[box] if outline else None
    canvas = draw_picture(
        apply_window(ct.picture(plane, k)[box], window),
        ct.pixel_mm(plane),
        window,
        study.is_synthetic,
        mask=mask,
        sides=("A", "P") if plane == "sagittal" else SIDES,
    )
    name, shown = window_name(window), find_window(window)
    alt = say(
        "alt_slice",
        plane=WORDS[plane],
        k=k,
        count=ct.slice_count(plane),
        study=study_words(study),
        window=window_words(window),
        seen=say(f"seen_{name}", low=shown.low, high=shown.high),
        mask="" if mask is None else mask_words(mask, ct.pixel_mm(plane), plane),
    )
    return picture_panel(canvas, alt, title)


def draw_picture(
    grey: np.ndarray, pixel_mm, window, synthetic: bool, mask: np.ndarray | None = None, sides=SIDES
) -> Canvas:
    """Draw a grey picture at its true proportions. What belongs to it is part of it, so that it cannot get lost."""
    height_mm, width_mm = np.multiply(grey.shape, pixel_mm)
    picture_px = round(_WIDTH * height_mm / width_mm)
    total = picture_px + _LINE * (2 if synthetic else 1)
    canvas = Canvas(figsize=(_WIDTH / 100, total / 100), dpi=100)
    axes = canvas.add_axes((0, 1 - picture_px / total, 1, picture_px / total), frameon=False, xticks=[], yticks=[])
    tall = max(1, round(pixel_mm[0] / pixel_mm[1]))  # thick slices keep their edges; the rest may be smoothed
    axes.imshow(np.repeat(grey, tall, axis=0), cmap="gray", vmin=0, vmax=255, extent=(0, width_mm, height_mm, 0))
    axes.set_aspect("auto")
    if mask is not None and mask.any():
        x, y = ((np.arange(n) + 0.5) * mm for n, mm in zip(mask.shape[::-1], pixel_mm[::-1], strict=True))
        axes.contour(x, y, mask, levels=[0.5], colors=OUTLINE, linewidths=1.8)
    style = {"color": "white", "fontsize": _LETTER * 0.72, "transform": None}
    edge = [withStroke(linewidth=3, foreground="black")]
    for x, align, side in zip((12, _WIDTH - 12), ("left", "right"), sides, strict=False):
        canvas.text(x, total - 10, WORDS[side], ha=align, va="top", weight="bold", path_effects=edge, **style)
    base = total - picture_px - _LINE / 2
    shown = find_window(window)
    canvas.text(12, base, say("level_width", level=shown.level, width=shown.width), va="center_baseline", **style)
    _draw_scale(canvas, base, width_mm, style)
    if synthetic:
        canvas.text(12, _LINE / 2, WORDS["synthetic"], va="center_baseline", **style)
    return canvas


def _draw_scale(canvas: Canvas, base: float, width_mm: float, style: dict) -> None:
    """A bar of a round number of millimetres, up to a fifth of the width, and its length in words."""
    mm = max((n for n in (1, 2, 5, 10, 20, 50, 100) if n <= width_mm / 5), default=width_mm / 5)
    right = _WIDTH - 12
    left = right - mm / width_mm * _WIDTH
    low, high = base - 7, base + 7
    for x, y in (((left, right), (base, base)), ((left, left), (low, high)), ((right, right), (low, high))):
        canvas.add_artist(Line2D(x, y, color="white", linewidth=2, transform=None))
    canvas.text(left - 10, base, say("scale", mm=mm), ha="right", va="center_baseline", **style)
