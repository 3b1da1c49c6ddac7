"""A ring round a place on a slice, and nothing said about what is in it: for whoever is to say so."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.patches import Circle

from mosmed_edu.plotting.figure import Figure, Panel, picture_panel
from mosmed_edu.plotting.pictures import OUTLINE, draw_picture
from mosmed_edu.plotting.places import body_box, place_on_picture
from mosmed_edu.plotting.spoken import window_title, window_words
from mosmed_edu.plotting.words import origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import Window, apply_window


def show_marked(
    study, at: tuple[int, int, int], windows: Iterable[Window | str] = ("lung",), radius_mm: float = 8
) -> Figure:
    """Draw an axial slice with a ring round a place.

    Parameters
    ----------
    study : Study or Case
    at : tuple of 3 int
        Voxel (i, j, k) in the middle of the ring.
    windows : iterable of Window or str
        One picture each.
    radius_mm : float

    Returns
    -------
    figure : Figure
        Its alt text says where the ring is and not what it shows: that is the question.
    """
    ct = study.ct()
    panels = [_ringed(study, ct, at, window, radius_mm) for window in windows]
    caption = say("caption_marked", study=study_words(study), k=at[2])
    return Figure(panels, sentence(caption, origin_words(study)), min(len(panels), 2))


def _ringed(study, ct: Volume, at: tuple, window, radius_mm: float) -> Panel:
    k = int(at[2])
    box = body_box(ct, "axial", [k])
    hu = ct.axial(k)[box]
    canvas = draw_picture(apply_window(hu, window), ct.pixel_mm("axial"), window, study.is_synthetic)
    x, y = place_on_picture(ct, tuple(at), box)
    canvas.axes[0].add_patch(Circle((x, y), radius_mm, fill=False, edgecolor=OUTLINE, linewidth=2.5))
    height, width = (n * mm for n, mm in zip(hu.shape, ct.pixel_mm("axial"), strict=True))
    alt = say(
        "alt_marked",
        k=k,
        study=study_words(study),
        window=window_words(window),
        across=100 * x / width,
        down=100 * y / height,
    )
    return picture_panel(canvas, alt, window_title(window))
