"""A table to try code on, where a folder holds too few studies to learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mosmed_edu.features.names import BANDS_HU, FEATURES, feature_names
from mosmed_edu.layout import CATEGORIES

#: HU that healthy and involved lung are invented from: mean and standard deviation.
_HEALTHY, _INVOLVED = (-820, 90), (-480, 190)


def invent_cohort(seed: int = 0, voxels: int = 3000) -> pd.DataFrame:
    """Invent a table in the shape of `measure_cohort`, so that code runs. Its numbers were never measured.

    There are as many rows of each category as in the drawn cohort. For every row an extent is drawn as for the drawn
    studies, and so many of a few thousand invented voxels are dense;
    density features are computed from those, the others are random.

    Parameters
    ----------
    seed : int
    voxels : int
        Invented voxels a row.

    Returns
    -------
    table : DataFrame, index study_id
        Columns as of `measure_cohort`.

    Examples
    --------
    >>> from mosmed_edu.features import invent_cohort
    >>> invent_cohort().category.value_counts(sort=False).tolist()
    [37, 98, 18, 5, 2]
    """
    from mosmed_edu.phantom.plans import PLANS
    from mosmed_edu.phantom.reading import sample_extent

    rng = np.random.default_rng(seed)
    labels = np.repeat(CATEGORIES, PLANS["cohort"].counts)
    rows = [_invent(0.0 if name == "CT-0" else sample_extent(name, rng)[0], rng, voxels) for name in labels]
    table = pd.DataFrame(rows, pd.RangeIndex(1, len(labels) + 1, name="study_id"), columns=list(FEATURES))
    table.insert(0, "category", pd.Categorical(labels, CATEGORIES, ordered=True))
    return table.assign(doubts="", error="")


def _invent(extent: float, rng: np.random.Generator, voxels: int) -> dict[str, float]:
    """One row for an extent. Vessels and shallow breath make some healthy lung dense, and not alike in everyone."""
    dense = np.clip(extent + rng.beta(2, 30), 0, 1)
    many = rng.binomial(voxels, dense)
    hu = np.concatenate([rng.normal(*_HEALTHY, voxels - many), rng.normal(*_INVOLVED, many)]) + rng.normal(0, 20)
    bands = np.bincount(np.digitize(hu, BANDS_HU), minlength=len(BANDS_HU) + 1) / voxels
    row = {name: float(np.percentile(hu, int(name[-2:]))) for name in FEATURES if name.startswith("hu_p")}
    row |= dict(zip(feature_names("bands"), bands.tolist(), strict=True))
    for name in feature_names("involvement"):
        row[name] = float(np.clip(dense * rng.normal(1, 0.02 if name == "involved" else 0.3), 0, 1))
    ml, skewness = rng.normal(4200, 800), ((hu - hu.mean()) ** 3).mean() / hu.std() ** 3
    return row | {
        "lung_ml": ml,
        "right_share": rng.normal(0.54, 0.02),
        "lung_height_mm": rng.normal(250, 25),
        "tissue_g": ml * (1 + hu.mean() / 1000),
        "hu_mean": hu.mean(),
        "hu_sd": hu.std(),
        "hu_skewness": skewness,
        "fine_hu": rng.normal(80, 8),
        "coarse_hu": rng.normal(70, 8),
        "gradient_hu_mm": rng.normal(18, 2),
        "entropy_bits": rng.normal(3.7, 0.2) + dense,
        "pixel_mm": rng.normal(0.7, 0.06),
        "slices": float(rng.integers(36, 46)),
        "noise_hu": rng.normal(13, 2),
    }
