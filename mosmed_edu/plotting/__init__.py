"""Figures for the page: scans with a scale and a window printed on them, charts, and alt text for both.

Every function returns a `Figure`, which a notebook shows as HTML. `words` holds all that a figure may say, `figure`
makes the HTML, `scans` draws pictures of the body and `charts` everything with axes.
"""

from mosmed_edu.plotting.atlas import show_atlas, show_lobes
from mosmed_edu.plotting.charts import TISSUES, show_counts, show_histogram, show_window_ramps
from mosmed_edu.plotting.distribution import show_density, show_thirds
from mosmed_edu.plotting.drawings import show_drawings
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
from mosmed_edu.plotting.zoom import show_zoom

__all__ = [
    "TISSUES",
    "WORDS",
    "Figure",
    "show_atlas",
    "show_counts",
    "show_density",
    "show_drawings",
    "show_grey_values",
    "show_histogram",
    "show_lobes",
    "show_planes",
    "show_raw",
    "show_slices",
    "show_studies",
    "show_thirds",
    "show_tiles",
    "show_window_ramps",
    "show_windows",
    "show_zoom",
]
