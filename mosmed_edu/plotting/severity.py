"""Figures for grading: studies without their category, lobes, readers, and how sure one can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patheffects import withStroke
from matplotlib.ticker import PercentFormatter
from scipy import ndimage

from mosmed_edu.plotting.axes import COLOURS, DASHES, LETTER, chart_axes
from mosmed_edu.plotting.figure import Figure, Panel, chart_panel, picture_panel
from mosmed_edu.plotting.pictures import draw_picture
from mosmed_edu.plotting.places import BODY_HU, body_box, towards_head
from mosmed_edu.plotting.spoken import mask_words, window_words
from mosmed_edu.plotting.words import WORDS, say, sentence
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import apply_window

_COLUMNS = 2  # of the overview: on a phone a slice is still as wide as a thumb is long
_GAP_PX = 4


def overview_panel(ct: Volume, name: str, synthetic: bool, count: int = 6) -> Panel:
    """Draw several slices of a study as one picture, in the lung window, without its number or category.

    Parameters
    ----------
    ct : Volume
    name : str
        What to call it: 'study 3 of 8'.
    synthetic : bool
        Say so on the picture.
    count : int
        Slices, from head to foot, two in a row.

    Returns
    -------
    panel : Panel
    """
    chosen = _through_lungs(ct, count)
    box = body_box(ct, "axial", chosen)
    tiles = [apply_window(ct.axial(k)[box], "lung") for k in chosen]
    high, wide = tiles[0].shape
    rows = -(-count // _COLUMNS)
    grey = np.zeros((rows * (high + _GAP_PX) - _GAP_PX, _COLUMNS * (wide + _GAP_PX) - _GAP_PX), np.uint8)
    for n, tile in enumerate(tiles):
        top, left = n // _COLUMNS * (high + _GAP_PX), n % _COLUMNS * (wide + _GAP_PX)
        grey[top : top + high, left : left + wide] = tile
    canvas = draw_picture(grey, ct.pixel_mm("axial"), "lung", synthetic, sides=())
    for n in range(count):
        _print_sides(canvas, n // _COLUMNS * (high + _GAP_PX), n % _COLUMNS * (wide + _GAP_PX), wide, grey.shape)
    return picture_panel(canvas, say("alt_overview", name=name, count=count, window=window_words("lung")))


def _through_lungs(ct: Volume, count: int) -> list[int]:
    """Axial slices from head to foot, evenly spread over those that hold a fair amount of lung."""
    order = towards_head(ct)[::-1]
    inside = np.array([_air_in_body(ct.axial(int(k))[::4, ::4]) for k in order])
    kept = order[inside > inside.max() / 4] if inside.any() else order
    return kept[np.rint(np.linspace(0.06, 0.94, count) * (len(kept) - 1)).astype(int)].tolist()


def _air_in_body(hu: np.ndarray) -> int:
    """Pixels of air that the body encloses."""
    body = hu > BODY_HU
    return int((ndimage.binary_fill_holes(body) & ~body).sum())


def _print_sides(canvas, top: int, left: int, wide: int, shape: tuple[int, int]) -> None:
    """R and L in the upper corners of one tile, whose place is given in pixels of the array."""
    scale, height = canvas.bbox.width / shape[1], canvas.bbox.height
    style = {"color": "white", "fontsize": LETTER, "weight": "bold", "va": "top", "transform": None}
    for side, x, align in (("R", left, "left"), ("L", left + wide, "right")):
        inwards = 8 if align == "left" else -8
        edge = [withStroke(linewidth=3, foreground="black")]
        canvas.text(x * scale + inwards, height - top * scale - 6, WORDS[side], ha=align, path_effects=edge, **style)


def show_blind_slice(ct: Volume, k: int, name: str, synthetic: bool) -> Figure:
    """Draw one axial slice in the lung window, without the study's number or category.

    Parameters
    ----------
    ct : Volume
    k : int
        The slice.
    name : str
        What to call the study.
    synthetic : bool
        Say so on the picture.

    Returns
    -------
    figure : Figure
    """
    box = body_box(ct, "axial", [k])
    canvas = draw_picture(apply_window(ct.axial(k)[box], "lung"), ct.pixel_mm("axial"), "lung", synthetic)
    alt = say("alt_blind", name=name, k=k, count=ct.slice_count("axial"), window=window_words("lung"))
    return Figure([picture_panel(canvas, alt)], WORDS["caption_synthetic"] if synthetic else "")


def show_extent(drawings: Sequence, titles: Sequence[str]) -> Figure:
    """Draw the coronal and the axial slice with most of the lesion of each drawing, outlined.

    Parameters
    ----------
    drawings : sequence of Drawing
        From `mosmed_edu.phantom.draw`.
    titles : sequence of str

    Returns
    -------
    figure : Figure
    """
    panels = []
    for plane in ("coronal", "axial"):
        for drawing, title in zip(drawings, titles, strict=True):
            ct, mask = drawing.ct, drawing.mask
            counts = [mask.picture(plane, k).sum() for k in range(ct.slice_count(plane))]
            k, pixel_mm = int(np.argmax(counts)), ct.pixel_mm(plane)
            box = body_box(ct, plane, [k])
            found = mask.picture(plane, k)[box]
            canvas = draw_picture(apply_window(ct.picture(plane, k)[box], "lung"), pixel_mm, "lung", True, found)
            words = say("alt_extent", plane=WORDS[plane], name=title, window=window_words("lung"))
            shown = f"{title}, {WORDS[plane].lower()}"
            panels.append(picture_panel(canvas, words + mask_words(found, pixel_mm), shown))
    return Figure(panels, sentence(WORDS["caption_mask"], WORDS["caption_synthetic_studies"]), 2)


def show_lobe_shares(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw as bars how much of each lobe is involved, for one study or several.

    Parameters
    ----------
    shares : mapping of str to mapping of str to float
        Name of a study to name of a lobe to its involved share, 0 to 1.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu.plotting import show_lobe_shares
    >>> show_lobe_shares({"a": {"left upper lobe": 0.25}})
    Bar chart of the involved share of each lobe. a: left upper lobe 25%.
    """
    canvas, grid = chart_axes([0.5 + 0.42 * len(lobes) for lobes in shares.values()])
    for axes, (name, lobes), colour in zip(grid, shares.items(), COLOURS, strict=False):
        axes.barh(list(lobes), list(lobes.values()), color=colour, height=0.7)
        for row, share in enumerate(lobes.values()):
            axes.text(share + 0.01, row, f"{share:.0%}", va="center", fontsize=LETTER)
        axes.set_title(name, fontsize=LETTER, loc="left")
        axes.tick_params(left=False)
        axes.invert_yaxis()
    grid[-1].set(xlim=(0, 1.12), xlabel=WORDS["involved"])
    grid[-1].xaxis.set_major_formatter(PercentFormatter(1, 0))
    grid[-1].set_xticks([0, 0.25, 0.5, 0.75, 1])
    listed = {name: ", ".join(f"{lobe} {share:.0%}" for lobe, share in lobes.items()) for name, lobes in shares.items()}
    spoken = " ".join(f"{name}: {text}." for name, text in listed.items())
    return Figure([chart_panel(canvas, say("alt_lobe_bars", bars=spoken))])


def show_probabilities(percent: Sequence[float], probabilities: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw how likely each category is, against the true percentage.

    Parameters
    ----------
    percent : sequence of n float
        True involvement, 0 to 100.
    probabilities : array (n, m)
        Of each category.
    names : sequence of m str
        The categories.

    Returns
    -------
    figure : Figure
    """
    canvas, (axes,) = chart_axes([3])
    spoken = []
    for name, values, colour, dashes in zip(names, probabilities.T, COLOURS, DASHES, strict=False):
        axes.plot(percent, values, color=colour, linestyle=dashes, linewidth=2.5)
        top = int(np.argmax(values))
        axes.text(np.clip(percent[top], 6, 94), min(values[top], 1) + 0.03, name, ha="center", fontsize=LETTER)
        spoken.append(say("curve", name=name, top=values[top], percent=percent[top]))
    for limit in (25, 50, 75):
        axes.axvline(limit, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, 100), ylim=(0, 1.15), xlabel=WORDS["true_percent"], ylabel=WORDS["probability"])
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_yticks([0, 0.5, 1])
    return Figure([chart_panel(canvas, say("alt_probabilities", curves="; ".join(spoken)))])


def show_readers(first: Sequence[float], second: Sequence[float]) -> Figure:
    """Draw one reader's percentages against another's, with the limits of the categories.

    Parameters
    ----------
    first, second : sequence of float
        Percentages of the same studies.

    Returns
    -------
    figure : Figure
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    same = np.digitize(first, (25, 50, 75)) == np.digitize(second, (25, 50, 75))
    canvas, (axes,) = chart_axes([4.6])
    for limit in (25, 50, 75):
        axes.axvline(limit, color="black", linewidth=0.8, linestyle=":")
        axes.axhline(limit, color="black", linewidth=0.8, linestyle=":")
    for chosen, colour, marker, key in ((same, COLOURS[0], "o", "same_grade"), (~same, COLOURS[1], "^", "other_grade")):
        axes.scatter(first[chosen], second[chosen], s=28, color=colour, marker=marker, label=WORDS[key], alpha=0.85)
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel=WORDS["reader_1"], ylabel=WORDS["reader_2"])
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=2, fontsize=LETTER)
    r = np.corrcoef(first, second)[0, 1]
    return Figure([chart_panel(canvas, say("alt_readers", n=len(first), r=r, same=same.mean()))])


def lower_bound(found: int, of: int, confidence: float = 0.95) -> float:
    """Lower end of the exact (Clopper-Pearson) confidence interval of a share.

    Parameters
    ----------
    found, of : int
        How many of how many.
    confidence : float
        Of the two-sided interval.

    Returns
    -------
    low : float
        A share, from 0 to 1.

    Examples
    --------
    >>> from mosmed_edu.plotting.severity import lower_bound
    >>> round(lower_bound(2, 2), 3)      # both ends hold 2.5 %: the square root of 0.025
    0.158
    """
    from scipy.stats import binomtest  # here, because it takes a second that no other figure should wait for

    return float(binomtest(found, of).proportion_ci(confidence, "exact").low)


def show_certainty(counts: Mapping[str, int]) -> Figure:
    """Draw what is certain about a program that gets every study of each category right: exact 95 % intervals.

    Parameters
    ----------
    counts : mapping of str to int
        Category to number of studies.

    Returns
    -------
    figure : Figure
    """
    canvas, (axes,) = chart_axes([2.4])
    spoken = []
    for row, (name, n) in enumerate(counts.items()):
        low = lower_bound(n, n)
        axes.plot([low, 1], [row, row], color=COLOURS[0], linewidth=6, solid_capstyle="butt")
        axes.plot(1, row, "o", color=COLOURS[1], markersize=9)
        beside = (low + 0.02, "left", row - 0.36) if low < 0.5 else (low - 0.02, "right", row)
        axes.text(beside[0], beside[2], f"{low:.1%}", ha=beside[1], va="center", fontsize=LETTER)
        spoken.append(say("interval", name=name, n=n, low=low))
    axes.set_yticks(range(len(counts)), [f"{name}, {n}" for name, n in counts.items()])
    axes.set(xlim=(0, 1.04), xlabel=WORDS["sensitivity"])
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.tick_params(left=False)
    axes.invert_yaxis()
    return Figure([chart_panel(canvas, say("alt_certainty", intervals="; ".join(spoken)))])
