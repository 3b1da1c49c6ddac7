"""One slice several times, each time with another outline."""

from __future__ import annotations

from collections.abc import Mapping

from mosmed_edu.plotting.figure import Figure
from mosmed_edu.plotting.pictures import slice_panel
from mosmed_edu.plotting.places import body_box
from mosmed_edu.plotting.spoken import window_words
from mosmed_edu.plotting.words import WORDS, origin_words, say, sentence, study_words
from mosmed_edu.volume import Volume


def show_outlines(study, k: int, outlines: Mapping[str, Volume], window: str = "lung") -> Figure:
    """Draw one axial slice once for each outline.

    Parameters
    ----------
    study : Study
    k : int
        The slice.
    outlines : mapping of str to Volume of bool
        What each outline is called, and the voxels it goes round, on the scan's grid.
    window : str

    Returns
    -------
    figure : Figure
    """
    ct = study.ct()
    box = body_box(ct, "axial", [k])
    panels = [slice_panel(study, ct, "axial", k, window, box, mask, title=name) for name, mask in outlines.items()]
    caption = say("caption_slices", plane=WORDS["axial"], study=study_words(study), window=window_words(window))
    return Figure(panels, sentence(caption, WORDS["caption_outlines"], origin_words(study)), min(len(panels), 3))
