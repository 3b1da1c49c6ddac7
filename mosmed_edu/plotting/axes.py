"""Axes as every chart has them: no box, letters that stay legible, colours and dashes that are told apart."""

from __future__ import annotations

from matplotlib.figure import Figure as Canvas

#: Colours of Okabe and Ito for colour-blind readers: those with a contrast of 3:1 on white and on a dark page alike.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")

#: What tells lines apart in print, in the order of `COLOURS`.
DASHES = ("-", "--", "-.", ":")

#: Size of letters, in points.
LETTER = 12

_WIDTH = 5.2  # inches, shown 340 to 480 px wide, so that letters of 12 points stay legible


def chart_axes(heights: list[float]):
    """Axes one above the other on a shared horizontal axis, heights in inches; no background, no box."""
    canvas = Canvas(figsize=(_WIDTH, sum(heights)), layout="constrained")
    grid = canvas.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes in grid:
        axes.patch.set_visible(False)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=LETTER)
        axes.xaxis.label.set_size(LETTER)
        axes.yaxis.label.set_size(LETTER)
    return canvas, grid
