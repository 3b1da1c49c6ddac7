"""Figures for features and for models: spread by category, scores with intervals, confusion, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from mosmed_edu.plotting.axes import COLOURS, LETTER, chart_axes
from mosmed_edu.plotting.figure import Figure, Panel, chart_panel
from mosmed_edu.plotting.words import say

#: Darkest a cell of the confusion matrix gets: letters in the page's own colour stay legible on it.
_DARKEST = 0.45


def show_by_category(table: pd.DataFrame, names: Mapping[str, str] | Sequence[str], caption: str = "") -> Figure:
    """Draw how features are spread within each category: a dot a study, a line at the median.

    Parameters
    ----------
    table : DataFrame
        With ``category`` and the columns named, as `mosmed_edu.features.measure_cohort` returns it. Rows without a
        number are left out.
    names : mapping of str to str (a dict or a Series), or sequence of str
        Columns and their units; without units the values are shown bare.
    caption : str

    Returns
    -------
    figure : Figure
    """
    units = dict(names) if hasattr(names, "keys") else dict.fromkeys(names, "")
    panels = [_strip(table, name, unit) for name, unit in units.items()]
    return Figure(panels, caption, min(len(panels), 2))


def _strip(table: pd.DataFrame, name: str, unit: str) -> Panel:
    """One feature."""
    groups = {str(key): part[name].dropna().to_numpy() for key, part in table.groupby("category", observed=True)}
    rng = np.random.default_rng(0)  # dots are moved aside a little, so that they do not hide each other
    canvas, (axes,) = chart_axes([3.4])
    spoken = []
    for place, (category, values) in enumerate(groups.items()):
        if not values.size:
            continue
        aside = place + rng.uniform(-0.28, 0.28, values.size)
        axes.plot(aside, values, "o", color=COLOURS[0], alpha=0.55, markersize=5, markeredgewidth=0)
        middle, (low, high) = np.median(values), np.percentile(values, [25, 75])
        axes.plot([place - 0.38, place + 0.38], [middle, middle], color=COLOURS[1], linewidth=3.5)
        shown = {"middle": _short(middle), "low": _short(low), "high": _short(high)}
        spoken.append(say("spread", name=category, n=values.size, **shown))
    axes.set_xticks(range(len(groups)), groups)
    axes.margins(x=0.06)
    label = say("feature_unit", name=name, unit=unit) if unit else name
    axes.set_ylabel(label)
    return chart_panel(canvas, say("alt_spread", name=label, groups="; ".join(spoken)))


def _short(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def show_scores(
    table: pd.DataFrame, label: str, reference: float | None = None, reference_name: str = "", caption: str = ""
) -> Figure:
    """Draw numbers with their intervals, one a row.

    Parameters
    ----------
    table : DataFrame
        Index: what each row is called. Columns ``value``, ``low`` and ``high``.
    label : str
        What the numbers are, below the axis.
    reference : float, optional
        Where a dashed line is drawn, such as the score of guessing.
    reference_name : str
        What that line is.
    caption : str

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> import pandas as pd
    >>> from mosmed_edu.plotting import show_scores
    >>> row = pd.DataFrame({"value": [0.7], "low": [0.6], "high": [0.8]}, index=["rule"])
    >>> show_scores(row, "accuracy", 0.6, "always CT-1")
    Chart of accuracy with 95 % intervals. rule 0.70 (0.60 to 0.80). A dashed line marks 0.60: always CT-1.
    """
    canvas, (axes,) = chart_axes([0.9 + 0.42 * len(table)])
    spoken = []
    for row, (name, value, low, high) in enumerate(zip(table.index, table.value, table.low, table.high, strict=True)):
        axes.plot([low, high], [row, row], color=COLOURS[0], linewidth=5, solid_capstyle="butt", alpha=0.6)
        axes.plot(value, row, "o", color=COLOURS[1], markersize=9)
        spoken.append(say("score", name=name, value=value, low=low, high=high))
    line = ""
    if reference is not None:
        axes.axvline(reference, color="black", linewidth=1.2, linestyle=(0, (4, 3)))
        axes.text(reference, -0.75, reference_name, ha="center", fontsize=LETTER - 1)
        line = say("alt_reference", value=reference, name=reference_name)
    axes.set_yticks(range(len(table)), table.index)
    axes.set_ylim(len(table) - 0.5, -1.0 if line else -0.5)
    axes.tick_params(left=False)
    axes.set_xlabel(label)
    words = [say("alt_scores", label=label, scores="; ".join(spoken)), line]
    return Figure([chart_panel(canvas, " ".join(part for part in words if part))], caption)


def show_confusion(confusion: np.ndarray, names: Sequence[str], caption: str = "") -> Figure:
    """Draw a confusion matrix: counts, shaded by their share of the row.

    Parameters
    ----------
    confusion : array (n, n)
        Row the label, column the prediction.
    names : sequence of n str
        The grades.
    caption : str

    Returns
    -------
    figure : Figure
    """
    confusion = np.asarray(confusion)
    canvas, (axes,) = chart_axes([0.9 + 0.75 * len(names)])
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(confusion):
        box = {"color": COLOURS[0 if row == column else 1], "alpha": _DARKEST * share[row, column], "linewidth": 0}
        axes.fill_between([column - 0.48, column + 0.48], row - 0.46, row + 0.46, **box)
        axes.text(column, row, str(count), ha="center", va="center", fontsize=LETTER + 1)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5))
    axes.set_xlabel(say("predicted"))
    axes.set_ylabel(say("label"))
    axes.tick_params(left=False, bottom=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    rows = "; ".join(
        say("confusion_row", name=name, cells=", ".join(f"{other} {n}" for other, n in zip(names, row, strict=True)))
        for name, row in zip(names, confusion, strict=True)
    )
    return Figure([chart_panel(canvas, say("alt_confusion", rows=rows))], caption)


def show_calibration(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], bins: int = 5, event: str = "", caption: str = ""
) -> Figure:
    """Draw how often something happened against how likely it was said to be.

    Parameters
    ----------
    curves : mapping of str to (probability, happened)
        Name of a model; of each study the predicted probability and whether it happened (0 or 1).
    bins : int
        Groups of about equally many studies, by their probability.
    event : str
        What is predicted, for the axes.
    caption : str

    Returns
    -------
    figure : Figure
        Bars are exact (Clopper-Pearson) 95 % intervals of each group.
    """
    canvas, (axes,) = chart_axes([4.4])
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle=(0, (4, 3)))
    spoken = []
    looks = zip(COLOURS, ("o", "s", "^", "D"), strict=True)
    for (name, (probability, happened)), (colour, marker) in zip(curves.items(), looks, strict=False):
        groups = calibration_groups(probability, happened, bins)
        below, above = groups.observed - groups.low, groups.high - groups.observed
        axes.errorbar(groups.predicted, groups.observed, [below, above], color=colour, marker=marker, markersize=8,
                      linewidth=1.8, elinewidth=2, label=name)  # fmt: skip
        pairs = ", ".join(f"{p:.0%}: {o:.0%}" for p, o in zip(groups.predicted, groups.observed, strict=True))
        spoken.append(say("calibration_curve", name=name, pairs=pairs))
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set_xlabel(say("said", event=event))
    axes.set_ylabel(say("was", event=event))
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=2, fontsize=LETTER)
    return Figure([chart_panel(canvas, say("alt_calibration", curves="; ".join(spoken)))], caption)


def calibration_groups(probability: Sequence[float], happened: Sequence[int], bins: int = 5) -> pd.DataFrame:
    """Studies in groups of about the same size by predicted probability, and how often it happened in each.

    Returns
    -------
    groups : DataFrame
        ``predicted`` (mean), ``observed`` (share), ``low`` and ``high`` (exact 95 % interval), ``n``.

    Examples
    --------
    >>> from mosmed_edu.plotting.models import calibration_groups
    >>> calibration_groups([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1], bins=2)[["predicted", "observed"]].values.tolist()
    [[0.1, 0.0], [0.9, 1.0]]
    """
    from scipy.stats import binomtest  # here, because it takes a second that no other figure should wait for

    order = np.argsort(probability, kind="stable")
    rows = []
    for part in np.array_split(order, min(bins, len(order))):
        hits, n = int(np.sum(np.asarray(happened)[part])), len(part)
        interval = binomtest(hits, n).proportion_ci(0.95, "exact")
        rows.append((np.mean(np.asarray(probability)[part]), hits / n, interval.low, interval.high, n))
    return pd.DataFrame(rows, columns=["predicted", "observed", "low", "high", "n"])
