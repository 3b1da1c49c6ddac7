"""Charts of how dense lung tissue is, and of where in the lungs something lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mosmed_edu.plotting.axes import COLOURS, DASHES, LETTER, chart_axes
from mosmed_edu.plotting.figure import Figure, chart_panel
from mosmed_edu.plotting.words import WORDS, say, sentence
from mosmed_edu.windowing import find_window


def show_density(
    groups: Mapping[str, np.ndarray],
    low: int = -1050,
    high: int = 200,
    step: int = 25,
    window: str | None = None,
    caption: str = "",
) -> Figure:
    """Draw how the Hounsfield units of several groups of voxels are spread, each scaled to its own number of voxels.

    Parameters
    ----------
    groups : mapping of str to array
        Name and Hounsfield units of up to four groups.
    low, high, step : int
        The range drawn, and the width of a bin, in HU.
    window : str, optional
        A preset whose lower edge is marked: what lies left of it is black there.
    caption : str
        A sentence below the chart; say here which study it is.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.plotting import show_density
    >>> "aerated lung: median -850 HU" in show_density({"aerated lung": np.full(9, -850)}).alt
    True
    """
    edges = np.arange(low, high + step, step)
    canvas, (axes,) = chart_axes([3.4])
    spoken = []
    for (name, hu), colour, dashes in zip(groups.items(), COLOURS, DASHES, strict=False):
        share = np.histogram(np.clip(hu, low, high), edges)[0] / np.size(hu) * 100
        axes.stairs(share, edges, color=colour, linestyle=dashes, linewidth=2.5, label=name)
        middle, (first, last) = np.median(hu), np.percentile(hu, [5, 95])
        spoken.append(say("density_group", name=name, median=middle, low=first, high=last))
    marked = ""
    if window is not None:
        edge = find_window(window).low
        axes.axvline(edge, color="black", linewidth=1.2, linestyle=(0, (2, 2)))
        axes.text(edge, 1.0, say("black_left", name=WORDS[window]), transform=axes.get_xaxis_transform(), ha="right",
                  va="bottom", fontsize=LETTER - 1)  # fmt: skip
        marked = " " + say("alt_density_edge", name=WORDS[window], edge=edge)
    axes.set(xlim=(low, high), xlabel=WORDS["hu"], ylabel=WORDS["voxels_of_group"])
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.45, 1.07), ncols=1, fontsize=LETTER)
    return Figure([chart_panel(canvas, say("alt_density", groups="; ".join(spoken)) + marked)], sentence(caption))


def show_thirds(shares: Mapping[str, Sequence[float]], caption: str = "") -> Figure:
    """Draw which share of something lies in each third of the lungs, for several ways to cut them into thirds.

    Parameters
    ----------
    shares : mapping of str to 3 float
        A way to cut the lungs into thirds of equal volume ('outer to inner', 'back to front', 'base to apex' have
        words of their own), and the shares found in them, which add up to 1.
    caption : str
        A sentence below the chart; say here which study it is.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_thirds
    >>> print(show_thirds({"back to front": (0.7, 0.2, 0.1)}).alt.split("each. ")[1])
    Back 70 %, middle 20 %, front 10 %.
    """
    canvas, (axes,) = chart_axes([0.55 + 1.25 * len(shares)])
    rows, labels, spoken = [], [], []
    for group, (cut, values) in enumerate(shares.items()):
        names = WORDS[f"thirds_{cut}"].split(", ")
        at = 3.8 * group + np.arange(3)
        axes.barh(at, np.multiply(values, 100), color=COLOURS[group % len(COLOURS)], height=0.8)
        for y, value in zip(at, values, strict=True):
            beside = value * 100 + 1.5
            if beside < 100 / 3 < beside + 10:  # not on the line
                beside = 100 / 3 + 1.5
            axes.text(beside, y, f"{value:.0%}", va="center", fontsize=LETTER)
        rows += list(at)
        labels += names
        spoken.append(", ".join(f"{name} {value * 100:.0f} %" for name, value in zip(names, values, strict=True)))
    axes.axvline(100 / 3, color="black", linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_yticks(rows, labels)
    axes.tick_params(left=False)
    axes.set(xlim=(0, 108), xlabel=WORDS["share_in_third"], xticks=[0, 33, 50, 100])
    axes.invert_yaxis()
    return Figure([chart_panel(canvas, say("alt_thirds", shares=sentence("; ".join(spoken))))], sentence(caption))
