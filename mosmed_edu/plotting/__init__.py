"""Figures for the page: scans with a scale and a window printed on them, charts, and alt text for both.

Every function returns a `Figure`, which a notebook shows as HTML. `words` holds all that a figure may say, `figure`
makes the HTML, `scans` draws pictures of the body and `charts` everything with axes.
"""

from mosmed_edu.plotting.charts import TISSUES, show_counts, show_histogram, show_window_ramps
from mosmed_edu.plotting.figure import Figure
from mosmed_edu.plotting.scans import (
    show_grey_values,
    show_planes,
    show_raw,
    show_slices,
    show_studies,
    show_tiles,
    show_windows,
)
from mosmed_edu.plotting.words import WORDS

__all__ = [
    "TISSUES",
    "WORDS",
    "Figure",
    "show_counts",
    "show_grey_values",
    "show_histogram",
    "show_planes",
    "show_raw",
    "show_slices",
    "show_studies",
    "show_tiles",
    "show_window_ramps",
    "show_windows",
]
