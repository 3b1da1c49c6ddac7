"""`view`: what a notebook shows, and what a built page makes of it."""

from __future__ import annotations

import json
from functools import cached_property
from html import escape

from mosmed_edu.book import building_book
from mosmed_edu.dataset import Study, open_dataset
from mosmed_edu.layout import DRAWN_NAMES
from mosmed_edu.plotting import Figure, show_slices
from mosmed_edu.plotting.words import WORDS, origin_words, sentence, study_words
from mosmed_edu.windowing import Window, find_window

#: The class of the HTML element that a built page turns into a viewer.
BLOCK = "mosmed-view"

#: Still pictures for a reader without WebGL or without JavaScript.
_STRIP = 6


def view(study: Study, mask: bool = True, window: Window | str = "lung") -> ScanView:
    """Scroll through a study.

    In a running notebook this is a live widget. On a page of the built book it is a viewer that needs no kernel; where
    the browser has no WebGL2 or no JavaScript, still pictures stand in its place.

    Parameters
    ----------
    study : Study
    mask : bool
        Lay the study's mask over the scan, where it has one.
    window : Window or str
        The window to begin with.

    Returns
    -------
    view : ScanView
        The last line of a notebook's cell shows it.

    Raises
    ------
    WindowError
        If there is no window of this name.

    Examples
    --------
    >>> from mosmed_edu import open_dataset, view
    >>> study = open_dataset().first(category="CT-1", with_mask=True)   # doctest: +SKIP
    >>> view(study, window="mediastinum")                                     # doctest: +SKIP
    """
    return ScanView(study, mask, find_window(window))


class ScanView:
    """A study that is ready to be shown.

    Parameters
    ----------
    study : Study
    mask : bool
    window : Window

    Attributes
    ----------
    index : int
        The axial slice to begin with: the one with most of the mask, or the middle one.
    """

    def __init__(self, study: Study, mask: bool, window: Window):
        self.study, self.window = study, window
        self.mask = mask and study.mask_path is not None

    @cached_property
    def index(self) -> int:
        """The axial slice to begin with."""
        ct = self.study.ct()
        if self.mask:
            along = ct.axis("S")
            area = self.study.mask().data.sum(axis=tuple(axis for axis in range(3) if axis != along))
            if area.any():
                return int(area.argmax())
        return ct.slice_count("axial") // 2

    @cached_property
    def still(self) -> Figure:
        """One slice, for wherever nothing can move."""
        return show_slices(self.study, [self.index], window=self.window, mask=self.mask)

    def __repr__(self) -> str:
        return repr(self.still)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        still = {"text/plain": repr(self)}
        if building_book():
            return still | {"text/html": self.html()}
        from mosmed_edu.viewer.live import live_view  # here, because a script without a screen should not need it

        widget = live_view(self)
        return still | {"text/html": self.still._repr_html_()} | widget._repr_mimebundle_()

    def html(self) -> str:
        """Write what a page needs: a still picture, a strip of them, and what to make a viewer of.

        Returns
        -------
        html : str
            The Sphinx extension turns its ``data-view`` into the addresses of exported files.
        """
        strip = show_slices(self.study, _STRIP, window=self.window, mask=self.mask)
        wanted = {
            "dataset": dataset_name(self.study),
            "study": self.study.id,
            "mask": self.mask,
            "slice": self.index,
            "level": self.window.level,
            "width": self.window.width,
            "synthetic": self.study.is_synthetic,
            "label": study_words(self.study),
        }
        about = sentence(study_words(self.study)) + ". " + (origin_words(self.study) or WORDS["viewer_own_eyes"])
        return (
            f'<div class="{BLOCK}" data-view="{escape(json.dumps(wanted))}">'
            f'<div class="{BLOCK}-still">{self.still._repr_html_()}</div>'
            f'<p class="{BLOCK}-about">{escape(about)}</p>'
            f'<details class="{BLOCK}-strip"><summary>{escape(WORDS["viewer_strip"])}</summary>'
            f"{strip._repr_html_()}</details></div>"
        )


def dataset_name(study: Study) -> str | None:
    """The name by which `open_dataset` finds the study's dataset: 'sample' or 'cohort'; None if neither is it."""
    return next((name for name in DRAWN_NAMES if open_dataset(name).root == study.root), None)
