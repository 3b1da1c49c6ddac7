"""Pictures to play with: sliders where a kernel runs, a still strip of the same pictures on a page without one."""

from __future__ import annotations

import os

from mosmed_edu.plotting import Figure, show_windows
from mosmed_edu.plotting.words import WORDS, sentence
from mosmed_edu.windowing import WINDOWS, Window

#: Set to "1" by the build of the book: its pages have no kernel for a slider to talk to.
BOOK_VARIABLE = "MOSMED_BOOK"

#: What the strip shows: the lung window, made narrower, and moved up.
_STRIP = (WINDOWS["lung"], Window(level=-600, width=500), Window(level=-200, width=500))


def window_explorer(study, k: int):
    """Choose level, width and slice with sliders.

    Parameters
    ----------
    study : Study
    k : int
        The axial slice to start with.

    Returns
    -------
    explorer : ipywidgets widget or Figure
        While the book is built (environment variable ``MOSMED_BOOK`` = 1) a strip of three settings instead.
    """
    if os.environ.get(BOOK_VARIABLE) == "1":
        strip = show_windows(study, k, _STRIP)
        return Figure(strip.panels, sentence(strip.caption, WORDS["caption_still"]), strip.columns)
    return _sliders(study, k)


def _sliders(study, k: int):
    """The sliders and the picture that follows them."""
    import ipywidgets as widgets  # here, because a script without a screen should not need it

    start = WINDOWS["lung"]

    def slider(key, value, low, high, step):
        return widgets.IntSlider(value, low, high, step, description=WORDS[key], continuous_update=False)

    level = slider("level", start.level, -1000, 1000, 10)
    width = slider("width", start.width, 10, 3000, 10)
    index = slider("slice_number", k, 0, study.ct().slice_count("axial") - 1, 1)
    picture = widgets.HTML(layout=widgets.Layout(max_width="34rem"))

    def draw(_=None):
        picture.value = show_windows(study, index.value, [Window(level.value, width.value)])._repr_html_()

    for control in (level, width, index):
        control.observe(draw, "value")
    draw()
    return widgets.VBox([level, width, index, picture])
