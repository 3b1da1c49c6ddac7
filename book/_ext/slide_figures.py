"""The figures of the slides: made with the same functions as those of the chapters, of drawn studies and no others."""

from __future__ import annotations

import numpy as np

from mosmed_edu import WINDOWS
from mosmed_edu.dataset import Dataset
from mosmed_edu.examples import draw_examples
from mosmed_edu.layout import CATEGORIES, PUBLISHED_MASKS, PUBLISHED_STUDIES
from mosmed_edu.phantom.reading import LIMITS
from mosmed_edu.plotting import (
    Figure,
    show_counts,
    show_crops,
    show_density,
    show_histogram,
    show_planes,
    show_raw,
    show_slices,
    show_studies,
    show_window_ramps,
    show_windows,
)


def draw_figures(dataset: Dataset) -> dict[str, Figure]:
    """Draw each figure of the first lecture.

    Parameters
    ----------
    dataset : Dataset
        The drawn sample. A slide never shows anything else.

    Returns
    -------
    figures : dict of str to Figure
    """
    if not dataset.is_synthetic:
        raise ValueError("slides are made to be passed on: they show drawn studies alone")
    study = dataset.first(category="CT-1", with_mask=True)
    k = int(study.mask().data.sum(axis=(0, 1)).argmax())
    ill = dataset.first(category="CT-2")
    examples = draw_examples(["ground-glass opacity", "consolidation"], matrix=384, progress=False)
    return {
        "title": show_slices(ill, [ill.ct().shape[2] // 3]),
        "counts": show_counts(PUBLISHED_STUDIES),
        "categories": show_studies(dataset.studies(category=name)[0] for name in CATEGORIES),
        "planes": show_planes(study),
        "raw": show_raw(study, k),
        "histogram": show_histogram(study),
        "ramps": show_window_ramps(),
        "windows": show_windows(study, k),
        "hidden": show_windows(study, k, ["lung", "mediastinum"]),
        "signs": show_crops(examples.values()),
        "density": _inside_and_outside(study),
    }


def facts(dataset: Dataset) -> dict:
    """What the words of the slides quote: nothing that is known here is typed there."""
    study = dataset.first(category="CT-1", with_mask=True)
    total = sum(PUBLISHED_STUDIES.values())
    return {
        "studies": total,
        "masks": PUBLISHED_MASKS,
        "majority": round(100 * max(PUBLISHED_STUDIES.values()) / total),
        "ct4": PUBLISHED_STUDIES["CT-4"],
        "limits": [round(100 * limit) for limit in LIMITS],
        "gap": round(float(study.ct().spacing[2])),
        **WINDOWS,
    }


def _inside_and_outside(study) -> Figure:
    """Hounsfield units of a lesion, and of all else in the lungs."""
    hu, mask, lungs = study.ct().data, study.mask().data, np.asarray(study.truth().lungs.data, bool)
    groups = {"in the mask": hu[mask], "rest of the lungs": hu[lungs & ~mask]}
    return show_density(groups, caption=f"Synthetic study {study.id}, {study.category}: not a patient.")
