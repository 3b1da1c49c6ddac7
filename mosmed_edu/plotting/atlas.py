"""Anatomy with names: numbers on the structures of a slice and a key below it, and the outlines of the lobes."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import SIDES, draw_picture
from mosmed_edu.plotting.places import body_box, place_on_picture
from mosmed_edu.plotting.spoken import window_name, window_title, window_words
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.windowing import Window, apply_window, find_window

_MARK = "#F0E442"  # yellow of Okabe and Ito: stands out from every grey, and from the orange of outlines
_DISC = 20  # px, radius of a number's disc
_LETTER = 20  # points at 72 dpi
#: A close-up shows so much round its structures, and no less than so much in all, in mm.
_MARGIN_MM, _NARROWEST_MM = 30.0, 130.0

_KEY = 'style="margin:.3rem 0 0;padding-left:2rem;font-size:.85em;line-height:1.45;columns:9rem 2"'

#: Outlines of lobes 1 to 5: colours of Okabe and Ito, told apart by their line as well.
_LOBE_LINES = (
    ("#E69F00", "-"),
    ("#56B4E9", "--"),
    ("#F0E442", "-."),
    ("#CC79A7", "-"),
    ("#009E73", "--"),
)


def show_atlas(atlas, level: str, windows: Iterable[Window | str] = ("lung", "mediastinum")) -> Figure:
    """Draw one level of an atlas, once for each window, and number the structures that this window shows.

    Parameters
    ----------
    atlas : Atlas
        From `mosmed_edu.atlas.open_atlas`.
    level : str
        One of ``atlas.levels``.
    windows : iterable of Window or str
        Presets. In a window that no structure is named in, the picture stays bare.

    Returns
    -------
    figure : Figure
    """
    k, windows = atlas.levels[level], list(windows)
    structures, box = atlas.structures(k), body_box(atlas.ct, "axial", [k])
    panels = []
    for window in windows:
        mine = [structure for structure in structures if structure.window == window_name(window)]
        near = _close_up(atlas.ct, box, mine) if window_name(window) == "mediastinum" else box
        panels.append(_named_panel(atlas, k, window, near, mine, box))
    caption = say("caption_atlas", level=WORDS[f"level_{level}"], k=k, study=study_words(atlas.study))
    return Figure(panels, sentence(caption, origin_words(atlas.study)), min(len(panels), 2))


def show_lobes(study, truth, places: Iterable[tuple[str, float]] = (("coronal", 0.62), ("sagittal", 0.28))) -> Figure:
    """Draw slices with the outline of each lobe.

    Parameters
    ----------
    study : Study
    truth : Truth
        Of a drawn study.
    places : iterable of (str, float)
        Planes, and how far along the lungs each is cut: from back to front, or from the patient's right to the left.

    Returns
    -------
    figure : Figure
    """
    panels = [_lobe_panel(study, truth.lobes, plane, share) for plane, share in places]
    key = ", ".join(WORDS[f"lobe_{n}"] for n in range(1, 6))
    return Figure(panels, sentence(say("caption_lobes", study=study_words(study), lobes=key), origin_words(study)), 2)


def _named_panel(atlas, k: int, window, box, structures: list, body) -> Panel:
    """One picture, its numbers, and the key; `box` is shown, `body` is the whole."""
    ct = atlas.ct
    canvas = draw_picture(
        apply_window(ct.axial(k)[box], window), ct.pixel_mm("axial"), window, atlas.study.is_synthetic
    )
    spots = [(structure, place_on_picture(ct, structure.index, box)) for structure in structures]
    ordered = _mark(canvas, spots)
    named = "; ".join(say("named", n=n, name=WORDS[s.name], side=_side(ct, s, body)) for n, (s, _) in ordered)
    shown = find_window(window)
    alt = say(
        "alt_atlas",
        k=k,
        count=ct.slice_count("axial"),
        study=study_words(atlas.study),
        window=window_words(window),
        seen=say(f"seen_{window_name(window)}", low=shown.low, high=shown.high),
        named=named or WORDS["nothing_named"],
    )
    picture = picture_panel(canvas, alt)
    key = "".join(f"<li>{escape(sentence(WORDS[structure.name]))}</li>" for _, (structure, _) in ordered)
    title = f'<div style="text-align:center;font-size:.9em">{escape(window_title(window))}</div>'
    return Panel(f"{picture.html}{title}" + (f"<ol {_KEY}>{key}</ol>" if key else ""), alt)


def _close_up(ct, box: tuple, structures: list) -> tuple:
    """The part of the body's box that holds these structures, with a margin: what is small is worth the room."""
    if not structures:
        return box
    pixel = ct.pixel_mm("axial")
    x, y = np.array([place_on_picture(ct, structure.index, (slice(0), slice(0))) for structure in structures]).T
    room = np.array([structure.room_mm for structure in structures])
    near = []
    for part, at, mm in zip(box, (y, x), pixel, strict=True):
        first, last = (at - room).min() - _MARGIN_MM, (at + room).max() + _MARGIN_MM
        widen = max(_NARROWEST_MM - (last - first), 0) / 2
        start = max(int((first - widen) / mm), part.start or 0)
        near.append(slice(start, min(int((last + widen) / mm), part.stop or 10**6)))
    return tuple(near)


def _side(ct, structure, body: tuple) -> str:
    """On which side of the patient a structure lies; the patient's right is on the picture's left."""
    columns = body[1].indices(ct.slice_count("sagittal"))
    share = place_on_picture(ct, structure.index, body)[0] / (columns[1] - columns[0]) / ct.pixel_mm("axial")[1]
    return WORDS["at_right" if share < 0.42 else "at_left" if share > 0.58 else "at_midline"]


def _mark(canvas, spots: list) -> list:
    """Print a number for each spot, on it where there is room, else at the edge with a line to it.

    Returns the spots with their numbers: down the left half, then down the right.
    """
    axes = canvas.axes[0]
    width_mm, height_mm = axes.get_xlim()[1], axes.get_ylim()[0]
    disc_mm = _DISC * width_mm / (canvas.get_figwidth() * canvas.dpi)
    placed = [(structure, at, at) for structure, at in spots if structure.room_mm > 1.25 * disc_mm]
    obstacles = np.array([at for _, at, _ in placed]).reshape(-1, 2)
    middle = np.median([at[0] for _, at in spots]) if spots else 0
    for x, right in ((1.6 * disc_mm, False), (width_mm - 1.6 * disc_mm, True)):
        aside = [spot for spot in spots if spot[0].room_mm <= 1.25 * disc_mm and (spot[1][0] > middle) == right]
        wanted = [_free_height(at, x, obstacles, disc_mm) for _, at in aside]
        order = np.argsort(wanted)
        limits = 3.2 * disc_mm, height_mm - 1.4 * disc_mm
        heights = _spread_apart([wanted[n] for n in order], 2.3 * disc_mm, *limits)
        order = _without_crossings([aside[n][1] for n in order], x, heights, order)
        placed += [(*aside[n], (x, y)) for n, y in zip(order, heights, strict=True)]
    placed.sort(key=lambda entry: (entry[2][0] > middle, entry[2][1]))
    for number, (_, at, disc) in enumerate(placed, 1):
        _print_number(axes, number, at, disc, disc_mm)
    return [(number, (structure, at)) for number, (structure, at, _) in enumerate(placed, 1)]


def _free_height(at: tuple, x: float, obstacles: np.ndarray, disc_mm: float) -> float:
    """The height nearest to a spot's own from which a line reaches it past all discs."""
    steps = np.arange(12) * disc_mm / 2
    for height in at[1] + np.column_stack([-steps, steps]).ravel():
        start, way = np.array([x, height]), np.subtract(at, (x, height))
        t = np.clip((obstacles - start) @ way / (way @ way), 0, 1)[:, None]
        if (np.linalg.norm(obstacles - start - t * way, axis=1) > 1.5 * disc_mm).all():
            return float(height)
    return float(at[1])


def _spread_apart(wanted: list[float], apart: float, low: float, high: float) -> list[float]:
    """Heights in the order and near the places wanted, at least so far apart, within limits where they all fit."""
    heights = []
    for want in wanted:
        heights.append(max(want, heights[-1] + apart if heights else low))
    limit = high
    for n in reversed(range(len(heights))):
        heights[n] = min(heights[n], limit)
        limit = heights[n] - apart
    return heights


def _without_crossings(spots: list, x: float, heights: list[float], order) -> list:
    """The same order, with neighbours exchanged until no two lines to the edge at x cross."""
    spots, order = list(spots), list(order)
    for _ in order:
        for n in range(len(order) - 1):
            (ax, ay), (bx, by) = spots[n], spots[n + 1]
            near = min(abs(ax - x), abs(bx - x))  # compare the lines' heights where the shorter one ends
            one = heights[n] + (ay - heights[n]) * near / max(abs(ax - x), 1e-6)
            other = heights[n + 1] + (by - heights[n + 1]) * near / max(abs(bx - x), 1e-6)
            if one > other:
                spots[n], spots[n + 1] = spots[n + 1], spots[n]
                order[n], order[n + 1] = order[n + 1], order[n]
    return order


def _print_number(axes, number: int, at: tuple, disc: tuple, radius: float) -> None:
    """A number in a disc; if the disc lies aside, a line to a dot on the structure."""
    case = [withStroke(linewidth=4, foreground="black")]
    if disc != at:
        axes.add_line(Line2D(*zip(disc, at, strict=True), color=_MARK, linewidth=1.6, path_effects=case, zorder=3))
        axes.add_patch(Circle(at, radius / 4, facecolor=_MARK, edgecolor="black", linewidth=1, zorder=4))
    axes.add_patch(Circle(disc, radius, facecolor="black", edgecolor=_MARK, linewidth=2, zorder=5))
    style = {"ha": "center", "va": "center_baseline", "fontsize": _LETTER, "color": "white", "weight": "bold"}
    axes.text(*disc, str(number), zorder=6, **style)


def _lobe_panel(study, lobes, plane: str, share: float) -> Panel:
    """One slice with its lobes outlined."""
    ct = study.ct()
    across = {"coronal": "A", "sagittal": "L"}[plane]
    axis = ct.axis(across)
    inside = np.flatnonzero((lobes.data > 0).any(axis=tuple(n for n in range(3) if n != axis)))
    first, last = (inside[0], inside[-1]) if across in ct.orientation else (inside[-1], inside[0])
    k = round(first + share * (last - first))
    box = body_box(ct, plane, [k])
    sides = SIDES if plane == "coronal" else ("A", "P")
    grey, mm = apply_window(ct.picture(plane, k)[box], "lung"), ct.pixel_mm(plane)
    canvas = draw_picture(grey, mm, "lung", study.is_synthetic, sides=sides)
    seen, picture = [], lobes.picture(plane, k)[box]
    for number, (colour, dashes) in enumerate(_LOBE_LINES, 1):
        if (picture == number).any():
            _outline(canvas.axes[0], picture == number, mm, number, colour, dashes)
            seen.append(WORDS[f"lobe_{number}"])
    alt = say("alt_lobes", plane=WORDS[plane], k=k, study=study_words(study), lobes=", ".join(seen))
    return picture_panel(canvas, alt, say("plane_slice", plane=WORDS[plane], k=k))


def _outline(axes, region: np.ndarray, mm: tuple, number: int, colour: str, dashes: str) -> None:
    """The edge of a lobe, voxel by voxel, and its number in the middle."""
    tall = max(1, round(mm[0] / mm[1]))
    fine = np.repeat(region, tall, axis=0)
    y, x = ((np.arange(n) + 0.5) * size for n, size in zip(fine.shape, (mm[0] / tall, mm[1]), strict=True))
    axes.contour(x, y, fine, levels=[0.5], colors=colour, linestyles=dashes, linewidths=2.2)
    rows, columns = np.nonzero(fine)
    case = [withStroke(linewidth=4, foreground="black")]
    place = x[int(np.median(columns))], y[int(np.median(rows))]
    axes.text(*place, str(number), color=colour, fontsize=_LETTER + 4, weight="bold", ha="center", path_effects=case)
