"""Slices of studies: spread over one, in three planes, in several windows, with few grey values, and as stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from mosmed_edu.errors import PlaneError
from mosmed_edu.plotting.figure import Figure, picture_panel
from mosmed_edu.plotting.pictures import draw_picture, slice_panel
from mosmed_edu.plotting.places import WHOLE, body_box, towards_head
from mosmed_edu.plotting.spoken import window_title, window_words
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import WINDOWS, Window, apply_window


def show_slices(study, slices=3, plane: str = "axial", window: Window | str = "lung", mask: bool = False) -> Figure:
    """Draw slices of a study.

    Parameters
    ----------
    study : Study
    slices : int or sequence of int
        How many, spread from head to foot (front to back, right to left) over the middle 70 % of the volume or, where
        that has too few, over all of it, each once; or which.
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
    box = body_box(ct, plane, chosen)
    panels = [slice_panel(study, ct, plane, k, window, box, outline, title=say("slice", k=k)) for k in chosen]
    caption = say("caption_slices", plane=WORDS[plane], study=study_words(study), window=window_words(window))
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
        panels.append(slice_panel(study, ct, plane, k, window, body_box(ct, plane, [k]), title=title))
    caption = say("caption_planes", study=study_words(study), window=window_words(window))
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
        k = towards_head(ct)[round(height * (ct.slice_count("axial") - 1))]
        box = body_box(ct, "axial", [k])
        panels.append(slice_panel(study, ct, "axial", k, window, box, title=sentence(study_words(study))))
    caption = say("caption_studies", window=window_words(window))
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
    box = body_box(ct, "axial", [k])
    panels = [slice_panel(study, ct, "axial", k, w, box, title=window_title(w)) for w in windows]
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
    grey = apply_window(ct.axial(k)[body_box(ct, "axial", [k])], window)
    for n in counts:
        coarse = np.floor(grey / 256 * n) * 255 / (n - 1)
        canvas = draw_picture(coarse.astype(np.uint8), ct.pixel_mm("axial"), window, study.is_synthetic)
        seen = WORDS["seen_many" if n > 64 else "seen_some" if n > 8 else "seen_few"]
        panels.append(picture_panel(canvas, say("alt_grey", n=n, seen=seen), say("grey_values", n=n)))
    caption = say("caption_grey", k=k, study=study_words(study), window=window_words(window))
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
    raw = draw_picture(apply_window(ct.data[:, :, k], window), ct.spacing[:2], window, study.is_synthetic, sides=())
    panels = [
        picture_panel(raw, WORDS["alt_raw"], WORDS["raw"]),
        slice_panel(study, ct, "axial", k, window, WHOLE, title=WORDS["turned"]),
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
        canvas = draw_picture(tile.grey, (tile.width_mm / tile.grey.shape[1],) * 2, tile.window, synthetic=True)
        name, seen = WORDS.get(tile.name, tile.name), WORDS[f"seen_{tile.window}"]
        alt = say("alt_tile", name=name, width=tile.width_mm, window=window_words(tile.window), seen=seen)
        panels.append(picture_panel(canvas, alt, sentence(name), shrink=2))
    return Figure(panels, WORDS["caption_synthetic_studies"], columns)


def _spread(ct: Volume, slices, plane: str) -> Sequence[int]:
    """Slices as they were named, or evenly spread ones in reading order."""
    if not isinstance(slices, int):
        return list(slices)
    if slices < 1:
        raise PlaneError(f"{slices} slices", "show nothing", "ask for 1 or more, or name the slices in a list")
    count = ct.slice_count(plane)
    slices = min(slices, count)
    margin = min(0.15, (1 - slices / count) / 2)  # none where all are asked for, so that none is shown twice
    chosen = np.linspace(1 - margin, margin, slices) if slices > 1 else np.array([0.5])
    order = towards_head(ct) if plane == "axial" else np.arange(count)[::-1]
    return order[np.rint(chosen * (count - 1)).astype(int)]
