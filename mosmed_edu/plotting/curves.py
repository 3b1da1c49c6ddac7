"""Curves and points over one axis: how one quantity follows another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mosmed_edu.plotting.axes import COLOURS, DASHES, LETTER, chart_axes
from mosmed_edu.plotting.figure import Figure, Panel, chart_panel
from mosmed_edu.plotting.words import WORDS, say


def show_curves(
    x: Sequence[float], curves: Mapping[str, Sequence[float]], x_label: str, y_label: str, caption: str = ""
) -> Figure:
    """Draw up to four curves over a logarithmic axis.

    Parameters
    ----------
    x : sequence of n float
        Above 0, growing.
    curves : mapping of str to sequence of n float
        Name of each curve and its values.
    x_label, y_label : str
        Keys of `WORDS`.
    caption : str

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_curves
    >>> show_curves([0.1, 1, 10], {"Dice": [0.5, 0.7, 0.9]}, "lesion_ml", "dice")
    Line chart of Dice against lesion volume in mL. Dice: from 0.5 at 0.1 to 0.9 at 10.
    """
    lines = {name: (x, y) for name, y in curves.items()}
    return Figure([_curves(lines, x_label, y_label, xscale="log")], caption)


def show_growth(totals: Mapping[str, Mapping[str, Sequence[float]]], caption: str = "") -> Figure:
    """Draw what has been used up after each study, from the first to the last: a chart a quantity.

    Parameters
    ----------
    totals : mapping of str to mapping of str to sequence of float
        Key of `WORDS` for the vertical axis, such as ``seconds_total``; in it, up to four names and what was used after
        one study, after two and so on. Both axes begin at 0: what grows in proportion is a line from the corner.
    caption : str

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_growth
    >>> show_growth({"seconds_total": {"serial": [2, 4, 6], "two workers": [1, 2, 3]}})
    Line chart of time in all, s against studies measured. serial: from 2 at 1 to 6 at 3. two workers: from 1 at 1 to \
3 at 3.
    """
    panels = []
    for y_label, curves in totals.items():
        lines = {name: (range(1, len(y) + 1), np.asarray(y)) for name, y in curves.items()}
        panels.append(_curves(lines, "studies_measured", y_label, xlim=(0, None), ylim=(0, None)))
    return Figure(panels, caption, min(len(panels), 3))


def show_roc(false_alarms: Sequence[float], sensitivity: Sequence[float]) -> Figure:
    """Draw a receiver operating characteristic: what a higher sensitivity costs in false alarms.

    Parameters
    ----------
    false_alarms, sensitivity : sequences of n float
        Shares from 0 to 1, of the healthy and of the ill that are called ill.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_roc
    >>> show_roc([0, 0.1, 1], [0, 0.8, 1])
    Line chart of sensitivity against false alarms (1 - specificity). ROC: from 0 at 0 to 1 at 1.
    One model, every limit that it could have: the further up and to the left, the better.
    """
    ticks = np.linspace(0, 1, 11)
    look = {"xlim": (0, 1), "ylim": (0, 1.01), "xticks": ticks, "yticks": ticks}
    panel = _curves(
        {"ROC": (np.asarray(false_alarms), np.asarray(sensitivity))}, "false_alarms", "roc_sensitivity", **look
    )
    return Figure([panel], WORDS["caption_roc"])


def _curves(lines: Mapping[str, tuple[Sequence, Sequence]], x_label: str, y_label: str, **look) -> Panel:
    """One chart of lines."""
    canvas, (axes,) = chart_axes([3.2])
    spoken = []
    for (name, (x, y)), colour, dashes in zip(lines.items(), COLOURS, DASHES, strict=False):
        axes.plot(x, y, color=colour, linestyle=dashes, linewidth=2.5, label=name)
        spoken.append(say("curve_ends", name=name, first=y[0], last=y[-1], start=x[0], end=x[-1]))
    axes.set(xlabel=WORDS[x_label], ylabel=WORDS[y_label], **look)
    axes.grid(True, color="0.75", linewidth=0.6)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize=LETTER - 1)
    alt = say("alt_curves", x=WORDS[x_label], y=WORDS[y_label], curves=" ".join(spoken))
    return chart_panel(canvas, alt)


def show_scatter(x: Sequence[float], y: Sequence[float], x_label: str, y_label: str, caption: str = "") -> Figure:
    """Draw points over a logarithmic axis.

    Parameters
    ----------
    x, y : sequences of n float
        x above 0.
    x_label, y_label : str
        Keys of `WORDS`.
    caption : str

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_scatter
    >>> show_scatter([0.1, 1, 10, 20], [90, 40, 10, 8], "lesion_ml", "error_percent")
    Scatter chart of error of the volume, % against lesion volume in mL: 4 points. The smaller half (to 1) has a \
median of 65, the larger half 9.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    canvas, (axes,) = chart_axes([3.2])
    axes.plot(x, y, "o", color=COLOURS[0], markersize=4.5, alpha=0.75)
    axes.set(xscale="log", xlabel=WORDS[x_label], ylabel=WORDS[y_label])
    axes.grid(True, color="0.75", linewidth=0.6)
    order = np.argsort(x)
    small, large = np.array_split(order, 2)
    alt = say(
        "alt_scatter",
        x=WORDS[x_label],
        y=WORDS[y_label],
        n=x.size,
        limit=x[small].max(),
        small=np.median(y[small]),
        large=np.median(y[large]),
    )
    return Figure([chart_panel(canvas, alt)], caption)
