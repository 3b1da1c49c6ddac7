"""Cut-outs: a small square of a scan, large enough on the page to see single vessels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import draw_picture
from mosmed_edu.plotting.spoken import window_words
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import Window, apply_window


def show_zoom(
    study, places: Mapping[str, tuple], size_mm: float = 90, window: Window | str = "lung", columns: int = 2
) -> Figure:
    """Draw square cut-outs of axial slices of a study.

    Parameters
    ----------
    study : Study
    places : mapping of str to (i, j, k)
        Titles, and the voxels in the middle of the cut-outs. A title that is a key of `WORDS` is looked up there.
    size_mm : float
        Side of each square.
    window : Window or str
    columns : int
        Pictures in a row at most.

    Returns
    -------
    figure : Figure
    """
    ct = study.ct()
    panels = [_cut(study, ct, title, place, size_mm, window) for title, place in places.items()]
    caption = say("caption_zoom", study=study_words(study), size=size_mm, window=window_words(window))
    return Figure(panels, sentence(caption, origin_words(study)), min(len(panels), columns))


def _cut(study, ct: Volume, title: str, place: tuple, size_mm: float, window) -> Panel:
    """One cut-out; moved inwards where it would reach beyond the scan."""
    i, j, k = (int(n) for n in place)
    box = []
    for at, count, mm in zip((i, j), ct.shape[:2], ct.spacing[:2], strict=True):
        side = min(max(round(size_mm / mm), 8), count)
        start = int(np.clip(at - side // 2, 0, count - side))
        box.append(slice(start, start + side))
    part = ct.with_data(ct.data[(*box, slice(k, k + 1))])
    grey = apply_window(part.axial(0), window)
    canvas = draw_picture(grey, ct.pixel_mm("axial"), window, study.is_synthetic)
    name = WORDS.get(title, title)
    alt = say("alt_zoom", size=size_mm, k=k, study=study_words(study), window=window_words(window), name=name)
    return picture_panel(canvas, alt, sentence(name))
