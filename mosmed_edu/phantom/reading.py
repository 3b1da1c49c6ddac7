"""The category as a reader would assign it: the true extent, seen with a reader's error, cut at 25, 50 and 75 %.

The dataset's README grades by the involved share of the lung parenchyma, and so do these readers: both lungs together.
(Grading by the worse lung has been described for this scale; we could not confirm it in print. The truth table gives
each lung's share, so that the difference can be seen.) Readers agree well on the percentage and less well on the grade,
because the limits cut through a continuum. The error is set so that two readers of a mixed cohort agree as published
readers did: r about 0.86 in percent, kappa about 0.46 to 0.54 in grade (100 scans,
Annals of the Russian Academy of Medical Sciences, vestnikramn.spr-journal.ru/jour/article/view/1644).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES

#: Upper limits of CT-1, CT-2 and CT-3: share of the lung.
LIMITS = (0.25, 0.50, 0.75)

#: Standard deviation of a reader's error, in logits of the fraction.
ERROR_LOGIT = 0.55

#: The left lung's share of both.
_LEFT_VOLUME = 0.46

#: Below this share of a lung nothing is seen.
SMALLEST_SEEN = 0.0005


@dataclass(frozen=True)
class Reading:
    """What one reader said.

    Attributes
    ----------
    percent : float
        Estimated involvement of the lungs, 0 to 100.
    category : str
    """

    percent: float
    category: str


def category_of(fraction: float) -> str:
    """Category of an involved share of the lungs, by the dataset's limits.

    A share on a limit goes to the higher category. For 50 %, which lies in two ranges of the dataset's README, that is
    a convention of ours.

    Parameters
    ----------
    fraction : float
        0 to 1.

    Returns
    -------
    category : str

    Examples
    --------
    >>> [category_of(f) for f in (0, 0.1, 0.25, 0.6, 0.8)]
    ['CT-0', 'CT-1', 'CT-2', 'CT-3', 'CT-4']
    """
    if fraction < SMALLEST_SEEN:
        return CATEGORIES[0]
    return CATEGORIES[1 + int(np.searchsorted(LIMITS, fraction, side="right"))]


def read(fraction: float, rng: np.random.Generator, category: str | None = None) -> Reading:
    """Read a study once.

    Parameters
    ----------
    fraction : float
        True involved fraction of the lungs, 0 to 1.
    rng : numpy.random.Generator
        Draws the reader's error.
    category : str, optional
        Only readings that come to this category: how the study's own label is made.

    Returns
    -------
    reading : Reading

    Raises
    ------
    DrawingError
        If no reader would call this extent so.
    """
    if fraction < SMALLEST_SEEN:
        if category not in (None, "CT-0"):
            raise DrawingError(f"category {category}", "needs an involved fraction above 0", "give a larger fraction")
        return Reading(0.0, "CT-0")
    low, high = _limits(category)
    true = logit(np.clip(fraction, 1e-4, 1 - 1e-4))
    # The error is normal; where a category is given, the part of it that leads there.
    below, above = ndtr((logit(np.array([low, high])) - true) / ERROR_LOGIT)
    if above - below < 1e-9:
        raise DrawingError(
            f"fraction {fraction:.3g}",
            f"would not be called {category} by any reader",
            "choose a fraction nearer to it",
        )
    seen = float(expit(true + ERROR_LOGIT * ndtri(rng.uniform(below, above))))
    seen = float(np.clip(seen, low + 1e-6, high - 1e-6))
    return Reading(round(100 * seen, 1), category or category_of(max(seen, SMALLEST_SEEN)))


def _limits(category: str | None) -> tuple[float, float]:
    """Fractions between which a category lies."""
    if category is None:
        return 0.0, 1.0
    edges = (0.0, *LIMITS, 1.0)
    grade = max(CATEGORIES.index(category), 1)
    return edges[grade - 1], edges[grade]


def sample_extent(category: str, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the true extent behind a category, from all extents that a reader puts there.

    Returns
    -------
    fraction : float
        Share of both lungs that is involved.
    left : float
        Share of the involvement that lies in the left lung.
    """
    for _ in range(20000):
        fraction = _population_extent(rng)
        # A small pneumonia is often in one lung only, a large one never.
        left = float(np.clip(rng.beta(6, 6.6) if fraction > 0.12 else rng.beta(1.7, 1.9), 0.03, 0.97))
        fits = max(fraction * left / _LEFT_VOLUME, fraction * (1 - left) / (1 - _LEFT_VOLUME)) < 0.97
        if fits and category_of(max(_with_error(fraction, rng), SMALLEST_SEEN)) == category:
            return round(fraction, 4), round(left, 3)
    raise DrawingError(f"category {category!r}", "has no extent that a reader would give it", "choose CT-1 to CT-4")


def _population_extent(rng: np.random.Generator) -> float:
    """Extents among patients with findings: many mild, few severe; CT-1 as in the dataset's 50 masks."""
    return float(np.exp(rng.normal(np.log(0.0145), 0.98))) if rng.random() < 0.82 else float(rng.beta(3.4, 4.4))


def _with_error(fraction: float, rng: np.random.Generator) -> float:
    """The fraction as estimated by eye."""
    return float(expit(logit(np.clip(fraction, 1e-4, 1 - 1e-4)) + rng.normal(0, ERROR_LOGIT)))
