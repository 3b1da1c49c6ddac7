"""Signs up close: a crop in the right and in the wrong window, with and without its outline, and where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from scipy import ndimage

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import OUTLINE, draw_picture
from mosmed_edu.plotting.places import body_box
from mosmed_edu.plotting.spoken import window_name, window_words
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import Window, apply_window, find_window

#: Colours of several signs in one picture, bright ones of Okabe and Ito; the third is hatched, too.
_TINTS = (("orange", OUTLINE, None), ("blue", "#56B4E9", None), ("hatched", "#F0E442", "////"))
_TINT = 0.45  # how much of a tint is laid over the grey

_SMOOTH_PX = 600  # a crop is brought to about this many pixels, so that no voxel edges are seen


def show_sign(example, other: Window | str = "mediastinum") -> Figure:
    """Draw a sign four times: in the lung window, the same outlined, in another window, and its place in the slice.

    Parameters
    ----------
    example : Example
        From `mosmed_edu.examples.draw_examples`.
    other : Window or str
        The window of the third picture.

    Returns
    -------
    figure : Figure
    """
    panels = [
        _crop(example, "lung", WORDS["lung"]),
        _crop(example, "lung", say("outlined", name=WORDS["lung"]), outlined=True),
        _crop(example, other, _title(other)),
        _place(example),
    ]
    caption = say("caption_sign", name=WORDS[example.name], width=example.width_mm)
    return Figure(panels, sentence(caption, _origin(example)), 2)


def show_crops(examples: Iterable, windows: Iterable[Window | str] = ("lung",), titles: Iterable[str] = ()) -> Figure:
    """Draw one crop of each of several examples, in one window or in several.

    Parameters
    ----------
    examples : iterable of Example
    windows : iterable of Window or str
        One row of pictures for each example, one column for each window; or, with one window, two in a row.
    titles : iterable of str
        Titles of the pictures; the sign and the window by default.

    Returns
    -------
    figure : Figure
    """
    examples, windows = list(examples), list(windows)
    pairs = [(example, window) for example in examples for window in windows]
    titles = list(titles) or [f"{WORDS[example.name]}, {_title(window)}" for example, window in pairs]
    panels = [_crop(*pair, title) for pair, title in zip(pairs, titles, strict=True)]
    return Figure(panels, sentence(WORDS["caption_crops"], _origin(examples[0])), 2)


def show_labels(study, k: int, signs: Mapping[int, str], window: Window | str = "lung") -> Figure:
    """Draw an axial slice as it is and with its signs tinted, or in the mediastinal window for want of labels.

    Parameters
    ----------
    study : Study
    k : int
        The slice.
    signs : mapping of int to str
        Numbers and names of the signs to tint, three at most: a part of `mosmed_edu.phantom.SIGNS`.
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    ct, truth = study.ct(), study.truth()
    box = body_box(ct, "axial", [k])
    caption = say("caption_labels", k=k, study=study_words(study), window=window_words(window))
    plain = _slice(study, ct, k, box, window, WORDS["unlabelled"])
    if truth is None:
        second = _slice(study, ct, k, box, "mediastinum", WORDS["mediastinum"])
        return Figure([plain, second], sentence(caption, WORDS["caption_no_labels"]), 2)
    second = _labelled(study, ct, truth.labels.axial(k)[box], k, box, signs, window)
    return Figure([plain, second], sentence(caption, origin_words(study)), 2)


def _slice(study, ct: Volume, k: int, box, window, title: str) -> Panel:
    """A whole slice, nothing drawn on it."""
    canvas = draw_picture(apply_window(ct.axial(k)[box], window), ct.pixel_mm("axial"), window, study.is_synthetic)
    return picture_panel(canvas, _slice_words(study, ct, k, window), title)


def _labelled(study, ct: Volume, labels: np.ndarray, k: int, box, signs: Mapping[int, str], window) -> Panel:
    """The slice with each sign in its own colour and kind of line, and a title that says which is which."""
    pixel_mm = ct.pixel_mm("axial")
    canvas = draw_picture(apply_window(ct.axial(k)[box], window), pixel_mm, window, study.is_synthetic)
    named, spoken = [], []
    for (number, name), tint in zip(signs.items(), _TINTS, strict=False):
        mask = labels == number
        if mask.any():
            _tint(canvas.axes[0], mask, pixel_mm, *tint[1:])
            named.append(say("legend", colour=WORDS[tint[0]], name=WORDS.get(f"short_{name}", name)))
            spoken.append(say("sign_area", name=name, area=mask.sum() * np.prod(pixel_mm) / 100))
    words = say("alt_signs", signs=", ".join(spoken)) if spoken else WORDS["alt_no_mask"]
    title = "; ".join(named) or WORDS["none_outlined"]
    return picture_panel(canvas, _slice_words(study, ct, k, window) + words, sentence(title))


def _tint(axes, mask: np.ndarray, pixel_mm, colour: str, hatch: str | None) -> None:
    """Lay a colour over a mask whose pixels have this height and width, in mm."""
    over = np.zeros((*mask.shape, 4))
    over[mask] = to_rgba(colour, _TINT)
    height, width = np.multiply(mask.shape, pixel_mm)
    axes.imshow(over, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")
    if hatch:
        x, y = _centres(mask, pixel_mm)
        with rc_context({"hatch.color": colour, "hatch.linewidth": 1.2}):
            axes.contourf(x, y, mask, levels=[0.5, 1.5], colors="none", hatches=[hatch])


def _crop(example, window, title: str, outlined: bool = False) -> Panel:
    """The place of the example, enlarged."""
    (rows, columns), k = _square(example), example.at[2]
    cut = example.ct.with_data(example.ct.data[rows, columns, k : k + 1])
    mask = example.outline.with_data(example.outline.data[rows, columns, k : k + 1]).axial(0)
    hu = cut.axial(0)
    times = max(round(_SMOOTH_PX / hu.shape[1]), 1)
    pixel_mm = cut.pixel_mm("axial")
    grey = apply_window(ndimage.zoom(hu.astype(np.float32), times, order=1, grid_mode=True, mode="nearest"), window)
    canvas = draw_picture(grey, np.divide(pixel_mm, times), window, example.is_synthetic)
    if outlined:
        _contour(canvas.axes[0], mask, pixel_mm)
    alt = say(
        "alt_crop",
        name=WORDS[example.name],
        width=hu.shape[1] * pixel_mm[1],
        window=window_words(window),
        seen=say(f"seen_{window_name(window)}", low=find_window(window).low, high=find_window(window).high),
        mean=hu[mask].mean() if mask.any() else np.nan,
        grey=apply_window(hu, window)[mask].mean() if mask.any() else np.nan,
        share=mask.mean(),
    )
    return picture_panel(canvas, alt + (WORDS["alt_outlined"] if outlined else ""), title)


def _place(example) -> Panel:
    """The whole slice, with a frame round the crop."""
    (rows, columns), k, ct = _square(example), example.at[2], example.ct
    box = body_box(ct, "axial", [k])
    frame = np.zeros((*ct.shape[:2], 1), bool)
    frame[rows, columns] = True
    framed = ct.with_data(frame).axial(0)[box]
    pixel_mm = ct.pixel_mm("axial")
    canvas = draw_picture(apply_window(ct.axial(k)[box], "lung"), pixel_mm, "lung", example.is_synthetic)
    down, across = np.flatnonzero(framed.any(1)), np.flatnonzero(framed.any(0))
    high, wide = pixel_mm
    corner, width, height = (across[0] * wide, down[0] * high), len(across) * wide, len(down) * high
    canvas.axes[0].add_patch(Rectangle(corner, width, height, fill=False, edgecolor=OUTLINE, linewidth=3))
    side = WORDS["on_right" if across.mean() < framed.shape[1] / 2 else "on_left"]
    depth = WORDS["at_front" if down.mean() < framed.shape[0] / 2 else "at_back"]
    alt = say("alt_place", window=window_words("lung"), name=WORDS[example.name], side=side, depth=depth)
    return picture_panel(canvas, alt, WORDS["place"])


def _square(example) -> tuple[tuple[slice, slice], int]:
    """The crop as slices of the first two array axes, moved inwards where it would leave the array."""
    parts = []
    for middle, mm, count in zip(example.at, example.ct.spacing, example.ct.shape[:2], strict=False):
        side = min(round(example.width_mm / mm), count)
        start = int(np.clip(middle - side // 2, 0, count - side))
        parts.append(slice(start, start + side))
    return tuple(parts)


def _contour(axes, mask: np.ndarray, pixel_mm) -> None:
    """Outline a mask whose pixels have this height and width, in mm."""
    if mask.any():
        axes.contour(*_centres(mask, pixel_mm), mask, levels=[0.5], colors=OUTLINE, linewidths=2.2)


def _centres(mask: np.ndarray, pixel_mm) -> tuple[np.ndarray, np.ndarray]:
    """Where the columns and the rows of a picture lie, in mm from its upper left corner."""
    return tuple((np.arange(n) + 0.5) * mm for n, mm in zip(mask.shape[::-1], pixel_mm[::-1], strict=True))


def _slice_words(study, ct: Volume, k: int, window) -> str:
    name, shown = window_name(window), find_window(window)
    seen = say(f"seen_{name}", low=shown.low, high=shown.high)
    return say(
        "alt_slice",
        plane=WORDS["axial"],
        k=k,
        count=ct.slice_count("axial"),
        study=study_words(study),
        window=window_words(window),
        seen=seen,
        mask="",
    )


def _title(window: Window | str) -> str:
    """The name of a preset; level and width of any other window."""
    shown, name = find_window(window), window_name(window)
    return say("own_title", level=shown.level, width=shown.width) if name == "own" else WORDS[name]


def _origin(example) -> str:
    return WORDS["caption_synthetic"] if example.is_synthetic else ""
