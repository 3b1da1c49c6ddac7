"""Charts of how many studies there are, and of Hounsfield units, windows and the usual ranges of tissues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
from matplotlib.ticker import FuncFormatter
from scipy import ndimage

from mosmed_edu.plotting.axes import COLOURS, DASHES, LETTER, chart_axes
from mosmed_edu.plotting.figure import Figure, chart_panel
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.windowing import WINDOWS, apply_window, find_window

#: Usual ranges on an unenhanced scan, in HU. Conventions, not biology: sources differ by tens of units.
TISSUES = MappingProxyType(
    {"air": (-1010, -990), "lungs": (-910, -500), "fat": (-100, -50), "soft tissue": (20, 65), "bones": (300, 1000)}
)


def show_counts(counts: Mapping[str, int]) -> Figure:
    """Draw the number of studies of each category as bars.

    Parameters
    ----------
    counts : mapping of str to int
        Category to number of studies: a dict, or what ``value_counts`` returns.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_counts
    >>> show_counts({"CT-0": 3, "CT-1": 1})
    Bar chart of the number of studies per category: CT-0 3 (75.0%), CT-1 1 (25.0%).
    """
    counts = dict(counts)
    total, most = sum(counts.values()), max(counts.values())
    canvas, (axes,) = chart_axes([2.4])
    axes.barh(list(counts), list(counts.values()), color=COLOURS[0], height=0.7)
    for row, n in enumerate(counts.values()):
        axes.text(n + most / 50, row, f"{n}  ({n / total:.1%})", va="center", fontsize=LETTER)
    axes.set_xlim(0, most * 1.3)
    axes.invert_yaxis()
    axes.tick_params(left=False)
    axes.set_xlabel(WORDS["studies"])
    bars = ", ".join(say("bar", name=name, n=n, share=n / total) for name, n in counts.items())
    return Figure([chart_panel(canvas, say("alt_counts", bars=bars))])


def show_histogram(study, low: int = -1100, high: int = 1100, step: int = 10) -> Figure:
    """Draw how often each Hounsfield unit occurs in a study, above the usual ranges of tissues.

    Parameters
    ----------
    study : Study
    low, high : int
        The range drawn, in HU.
    step : int
        Width of a bin, in HU.

    Returns
    -------
    figure : Figure
    """
    data, edges = study.ct().data, np.arange(low, high + step, step)
    share = np.histogram(data, edges)[0] / data.size * 100
    canvas, (axes, below) = chart_axes([3, 1.5])
    axes.stairs(share, edges, fill=True, color=COLOURS[0])
    axes.set_yscale("log")
    axes.set_ylim(bottom=1e-3)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel(WORDS["voxels"])
    _draw_tissues(below, low, high)
    peaks = WORDS["and"].join(str(edges[n] + step // 2) for n in _peaks(share)) or WORDS["none"]
    alt = say("alt_histogram", study=study_words(study), peaks=peaks, ranges=_ranges_words())
    caption = say("caption_histogram", study=study_words(study))
    return Figure([chart_panel(canvas, alt)], sentence(caption, origin_words(study)))


def show_window_ramps(windows: Iterable[str] = tuple(WINDOWS), low: int = -1500, high: int = 1600) -> Figure:
    """Draw how windows turn Hounsfield units into grey, above the usual ranges of tissues.

    Parameters
    ----------
    windows : iterable of str
        Names of presets, four at most.
    low, high : int
        The range drawn, in HU.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_window_ramps
    >>> "black up to -1350 and white from 150 HU" in show_window_ramps(["lung"]).alt
    True
    """
    spoken = []
    canvas, (axes, below) = chart_axes([3, 1.5])
    for name, colour, dashes in zip(windows, COLOURS, DASHES, strict=False):
        window = find_window(name)
        corners = np.array([low, window.low, window.high, high])
        grey = apply_window(corners, window)
        axes.plot(corners, grey, color=colour, linestyle=dashes, linewidth=2.5, label=WORDS[name])
        spoken.append(say("ramp", name=WORDS[name], low=window.low, high=window.high))
    axes.set_ylabel(WORDS["grey"])
    axes.set_yticks([0, 128, 255])
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=2, fontsize=LETTER)
    _draw_tissues(below, low, high)
    return Figure([chart_panel(canvas, say("alt_ramps", windows="; ".join(spoken), ranges=_ranges_words()))])


def _draw_tissues(axes, low: int, high: int) -> None:
    """One bar a tissue, its name beside it."""
    for row, (name, (start, end)) in enumerate(TISSUES.items()):
        width = max(end - start, (high - low) / 150)  # a thin range must still be seen
        axes.barh(row, width, left=start, height=0.6, color=COLOURS[1])
        roomy = end + (high - low) * 0.25 < high
        x, align = (start + width + 25, "left") if roomy else (start - 25, "right")
        axes.text(x, row, WORDS[name], va="center", ha=align, fontsize=LETTER)
    axes.set(xlim=(low, high), yticks=[], xlabel=WORDS["hu"])
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()


def _peaks(share: np.ndarray) -> np.ndarray:
    """The bins on top of clear peaks, in order: a factor of 1.4 above the valleys beside them."""
    from scipy.signal import find_peaks  # here, because it takes a second that no other figure should wait for

    smooth = ndimage.gaussian_filter1d(np.log10(share + 1e-4), 1.5)
    return find_peaks(np.pad(smooth, 1, constant_values=-5), prominence=0.15)[0] - 1


def _ranges_words() -> str:
    return ", ".join(say("range", name=WORDS[name], low=low, high=high) for name, (low, high) in TISSUES.items())
