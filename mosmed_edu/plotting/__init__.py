"""Figures for the page: scans with a scale and a window printed on them, charts, and alt text for both.

Every function returns a `Figure`, which a notebook shows as HTML. `words` holds all that a figure may say, `figure`
makes the HTML, `pictures` draws a slice of the body and `axes` what every chart has. `places` says where things lie in
a scan, `spoken` what an alt text says of a window and of a mask.
"""

from mosmed_edu.plotting.atlas import show_atlas, show_lobes
from mosmed_edu.plotting.charts import TISSUES, show_counts, show_histogram, show_window_ramps
from mosmed_edu.plotting.curves import show_curves, show_growth, show_roc, show_scatter
from mosmed_edu.plotting.distribution import show_density, show_thirds
from mosmed_edu.plotting.drawings import show_drawings
from mosmed_edu.plotting.figure import Figure
from mosmed_edu.plotting.marks import show_marked
from mosmed_edu.plotting.masks import show_mask, show_two_masks
from mosmed_edu.plotting.models import show_by_category, show_calibration, show_confusion, show_scores
from mosmed_edu.plotting.outlines import show_outlines
from mosmed_edu.plotting.scans import (
    show_grey_values,
    show_planes,
    show_raw,
    show_slices,
    show_studies,
    show_tiles,
    show_windows,
)
from mosmed_edu.plotting.severity import (
    lower_bound,
    overview_panel,
    show_blind_slice,
    show_certainty,
    show_extent,
    show_lobe_shares,
    show_probabilities,
    show_readers,
)
from mosmed_edu.plotting.signs import show_crops, show_labels, show_sign
from mosmed_edu.plotting.volumes import show_volumes
from mosmed_edu.plotting.words import WORDS
from mosmed_edu.plotting.zoom import show_zoom

__all__ = [
    "TISSUES",
    "WORDS",
    "Figure",
    "lower_bound",
    "overview_panel",
    "show_atlas",
    "show_blind_slice",
    "show_by_category",
    "show_calibration",
    "show_certainty",
    "show_confusion",
    "show_counts",
    "show_crops",
    "show_curves",
    "show_density",
    "show_drawings",
    "show_extent",
    "show_grey_values",
    "show_growth",
    "show_histogram",
    "show_labels",
    "show_lobe_shares",
    "show_lobes",
    "show_marked",
    "show_mask",
    "show_outlines",
    "show_planes",
    "show_probabilities",
    "show_raw",
    "show_readers",
    "show_roc",
    "show_scatter",
    "show_scores",
    "show_sign",
    "show_slices",
    "show_studies",
    "show_thirds",
    "show_tiles",
    "show_two_masks",
    "show_volumes",
    "show_window_ramps",
    "show_windows",
    "show_zoom",
]
