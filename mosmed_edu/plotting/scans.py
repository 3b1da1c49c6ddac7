"""Pictures of the body: radiological view, a scale in mm, level and width, R and L, and a mark on what is synthetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy import ndimage

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import WINDOWS, Window, apply_window, find_window

_WIDTH = 640  # px of a panel, shown 220 to 480 px wide, so that its letters stay legible
_LETTER = 29
_LINE = 40
_OUTLINE = "#E69F00"  # orange of Okabe and Ito: the one that stands out from every grey
_WHOLE = (slice(None), slice(None))
_BODY_HU = -300
_SIDES = ("R", "L")  # keys of WORDS: the patient's side at the left and at the right edge


def show_slices(study, slices=3, plane: str = "axial", window: Window | str = "lung", mask: bool = False) -> Figure:
    """Draw slices of a study.

    Parameters
    ----------
    study : Study
    slices : int or sequence of int
        How many, spread from head to foot (front to back, right to left) over the middle 70 % of the volume; or which.
    plane : {'axial', 'coronal', 'sagittal'}
    window : Window or str
    mask : bool
        Outline the study's mask, where it has one.

    Returns
    -------
    figure : Figure

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> from mosmed_edu.plotting import show_slices
    >>> study = open_dataset().first(category="CT-1", with_mask=True)   # doctest: +SKIP
    >>> show_slices(study, [18, 19], mask=True)                              # doctest: +SKIP
    """
    ct, outline = study.ct(), study.mask() if mask else None
    chosen = [int(k) for k in _spread(ct, slices, plane)]
    box = _body_box(ct, plane, chosen)
    panels = [_slice(study, ct, plane, k, window, box, outline, title=say("slice", k=k)) for k in chosen]
    caption = say("caption_slices", plane=WORDS[plane], study=study_words(study), window=_window_words(window))
    about_mask = WORDS["caption_mask" if outline else "caption_no_mask"] if mask else ""
    return Figure(panels, sentence(caption, about_mask, origin_words(study)), min(len(panels), 3))


def show_planes(study, window: Window | str = "lung") -> Figure:
    """Draw a study in three planes, every voxel at its true size: axial and coronal in the middle, sagittal in a lung.

    Parameters
    ----------
    study : Study
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    ct, panels = study.ct(), []
    for plane, place in (("axial", 0.5), ("coronal", 0.5), ("sagittal", 0.35)):
        k = int(place * ct.slice_count(plane))
        title = say("plane_slice", plane=WORDS[plane], k=k)
        panels.append(_slice(study, ct, plane, k, window, _body_box(ct, plane, [k]), title=title))
    caption = say("caption_planes", study=study_words(study), window=_window_words(window))
    return Figure(panels, sentence(caption, origin_words(study)), 3)


def show_studies(studies: Iterable, window: Window | str = "lung", height: float = 0.45) -> Figure:
    """Draw one axial slice of each of several studies, at the same relative height.

    Parameters
    ----------
    studies : iterable of Study
    window : Window or str
    height : float
        0 for the lowest slice of the volume, 1 for the highest.

    Returns
    -------
    figure : Figure
    """
    studies, panels = list(studies), []
    for study in studies:
        ct = study.ct()
        k = _towards_head(ct)[round(height * (ct.slice_count("axial") - 1))]
        box = _body_box(ct, "axial", [k])
        panels.append(_slice(study, ct, "axial", k, window, box, title=sentence(study_words(study))))
    caption = say("caption_studies", window=_window_words(window))
    return Figure(panels, sentence(caption, origin_words(studies[0])), min(len(panels), 3))


def show_windows(study, k: int, windows: Iterable[Window | str] = tuple(WINDOWS)) -> Figure:
    """Draw one axial slice of a study in several windows.

    Parameters
    ----------
    study : Study
    k : int
        The slice.
    windows : iterable of Window or str

    Returns
    -------
    figure : Figure
    """
    ct, windows = study.ct(), list(windows)
    box = _body_box(ct, "axial", [k])
    panels = [_slice(study, ct, "axial", k, w, box, title=_window_title(w)) for w in windows]
    caption = say("caption_windows", k=k, study=study_words(study))
    return Figure(panels, sentence(caption, origin_words(study)), min(len(panels), 3))


def show_grey_values(study, k: int, counts: Iterable[int] = (256, 16, 4), window: Window | str = "lung") -> Figure:
    """Draw one axial slice of a study with fewer and fewer grey values.

    Parameters
    ----------
    study : Study
    k : int
        The slice.
    counts : iterable of int
        Numbers of grey values, 2 to 256.
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    ct, panels = study.ct(), []
    grey = apply_window(ct.axial(k)[_body_box(ct, "axial", [k])], window)
    for n in counts:
        coarse = np.floor(grey / 256 * n) * 255 / (n - 1)
        canvas = _draw(coarse.astype(np.uint8), ct.pixel_mm("axial"), window, study.is_synthetic)
        seen = WORDS["seen_many" if n > 64 else "seen_some" if n > 8 else "seen_few"]
        panels.append(picture_panel(canvas, say("alt_grey", n=n, seen=seen), say("grey_values", n=n)))
    caption = say("caption_grey", k=k, study=study_words(study), window=_window_words(window))
    return Figure(panels, sentence(caption, origin_words(study)), min(len(panels), 3))


def show_raw(study, k: int, window: Window | str = "lung") -> Figure:
    """Draw ``ct.data[:, :, k]`` as it is, beside the same slice turned for display.

    Parameters
    ----------
    study : Study
    k : int
        Index along the third array axis, which runs from foot to head in every file of the dataset.
    window : Window or str

    Returns
    -------
    figure : Figure
    """
    ct = study.ct()
    raw = _draw(apply_window(ct.data[:, :, k], window), ct.spacing[:2], window, study.is_synthetic, sides=())
    panels = [
        picture_panel(raw, WORDS["alt_raw"], WORDS["raw"]),
        _slice(study, ct, "axial", k, window, _WHOLE, title=WORDS["turned"]),
    ]
    return Figure(panels, sentence(say("caption_raw", k=k, study=study_words(study)), origin_words(study)), 2)


def show_tiles(tiles, columns: int = 4) -> Figure:
    """Draw the slices of a contact sheet of synthetic studies.

    Parameters
    ----------
    tiles : sequence of Tile
        From `mosmed_edu.phantom.sheet.sheet_tiles`.
    columns : int
        Pictures in a row at most.

    Returns
    -------
    figure : Figure
    """
    panels = []
    for tile in tiles:
        canvas = _draw(tile.grey, (tile.width_mm / tile.grey.shape[1],) * 2, tile.window, synthetic=True)
        name, seen = WORDS.get(tile.name, tile.name), WORDS[f"seen_{tile.window}"]
        alt = say("alt_tile", name=name, width=tile.width_mm, window=_window_words(tile.window), seen=seen)
        panels.append(picture_panel(canvas, alt, sentence(name), shrink=2))
    return Figure(panels, WORDS["caption_synthetic_studies"], columns)


def _slice(study, ct: Volume, plane: str, k: int, window, box, outline: Volume | None = None, title: str = "") -> Panel:
    """One slice with its alt text."""
    mask = outline.picture(plane, k)[box] if outline else None
    canvas = _draw(
        apply_window(ct.picture(plane, k)[box], window),
        ct.pixel_mm(plane),
        window,
        study.is_synthetic,
        mask=mask,
        sides=("A", "P") if plane == "sagittal" else _SIDES,
    )
    name, shown = _window_name(window), find_window(window)
    alt = say(
        "alt_slice",
        plane=WORDS[plane],
        k=k,
        count=ct.slice_count(plane),
        study=study_words(study),
        window=_window_words(window),
        seen=say(f"seen_{name}", low=shown.low, high=shown.high),
        mask="" if mask is None else _mask_words(mask, ct.pixel_mm(plane), plane),
    )
    return picture_panel(canvas, alt, title)


def _draw(grey: np.ndarray, pixel_mm, window, synthetic: bool, mask: np.ndarray | None = None, sides=_SIDES) -> Canvas:
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
        axes.contour(x, y, mask, levels=[0.5], colors=_OUTLINE, linewidths=1.8)
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


def _spread(ct: Volume, slices, plane: str) -> Sequence[int]:
    """Slices as they were named, or evenly spread ones in reading order."""
    if not isinstance(slices, int):
        return list(slices)
    count = ct.slice_count(plane)
    chosen = np.linspace(0.85, 0.15, slices) if slices > 1 else np.array([0.5])
    order = _towards_head(ct) if plane == "axial" else np.arange(count)[::-1]
    return order[np.rint(chosen * (count - 1)).astype(int)]


def _towards_head(ct: Volume) -> np.ndarray:
    """Axial slice numbers from foot to head."""
    numbers = np.arange(ct.slice_count("axial"))
    return numbers if "S" in ct.orientation else numbers[::-1]


def _body_box(ct: Volume, plane: str, slices: Iterable[int]) -> tuple[slice, slice]:
    """The part of a picture that holds the body in all of these slices, with a margin of 8 mm."""
    body = np.any([_largest(ct.picture(plane, k) > _BODY_HU) for k in slices], axis=0)
    if not body.any():
        return _WHOLE
    box = []
    for axis, mm in enumerate(ct.pixel_mm(plane)):
        inside = np.flatnonzero(body.any(axis=1 - axis))
        margin = int(np.ceil(8 / mm))
        box.append(slice(max(inside[0] - margin, 0), inside[-1] + margin + 1))
    return tuple(box)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected part."""
    labels, count = ndimage.label(mask)
    return labels == np.bincount(labels.ravel())[1:].argmax() + 1 if count else mask


def _mask_words(mask: np.ndarray, pixel_mm, plane: str = "axial") -> str:
    """What an outline shows, counted on the part of a picture that holds the body; its right half is the left side."""
    if not mask.any():
        return WORDS["alt_no_mask"]
    regions = ndimage.label(mask, np.ones((3, 3)))[1]
    words = say("alt_mask", regions=regions, area=mask.sum() * np.prod(pixel_mm))
    if plane == "sagittal":
        return words + "."
    return words + say("alt_mask_side", left=mask[:, mask.shape[1] // 2 :].sum() / mask.sum() * 100)


def _window_name(window: Window | str) -> str:
    """The preset that this window is, or 'own'."""
    return next((name for name, preset in WINDOWS.items() if preset == find_window(window)), "own")


def _window_words(window: Window | str) -> str:
    shown = find_window(window)
    return say("window", name=WORDS[_window_name(window)], level=shown.level, width=shown.width)


def _window_title(window: Window | str) -> str:
    """The name of a preset; level and width of any other window."""
    shown, name = find_window(window), _window_name(window)
    return sentence(say("own_title", level=shown.level, width=shown.width) if name == "own" else WORDS[name])
