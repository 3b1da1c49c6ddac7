"""How far two readers agree, and how likely a reader gives each category to a true extent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit, ndtr

from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom.reading import ERROR_LOGIT, LIMITS, read, sample_extent


def category_probabilities(fractions) -> np.ndarray:
    """How likely a simulated reader gives each of CT-1 to CT-4 to a true extent.

    Parameters
    ----------
    fractions : array of n float
        True involved share of the lungs, above 0 and below 1.

    Returns
    -------
    probabilities : array (n, 4)
        Of CT-1, CT-2, CT-3, CT-4; each row adds up to 1.

    Notes
    -----
    The error is normal in the logit of the fraction, as in `mosmed_edu.phantom.reading`, where its size was set so that
    two readers agree as published ones did.

    Examples
    --------
    >>> from mosmed_edu.agreement import category_probabilities
    >>> category_probabilities([0.5]).round(2).tolist()
    [[0.02, 0.48, 0.48, 0.02]]
    """
    true = logit(np.asarray(fractions, float))[:, None]
    below = ndtr((logit(np.array(LIMITS)) - true) / ERROR_LOGIT)
    return np.diff(below, axis=1, prepend=0, append=1)


def sample_extents(categories: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Draw a true extent behind each of these labels.

    Parameters
    ----------
    categories : sequence of n str
        ``"CT-1"`` to ``"CT-4"``.
    rng : numpy.random.Generator

    Returns
    -------
    fractions : array (n,)
        Involved share of the lungs, 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.agreement import sample_extents
    >>> mild, severe = sample_extents(["CT-1", "CT-4"], np.random.default_rng(1))
    >>> bool(0 < mild < severe < 1)
    True
    """
    return np.array([sample_extent(name, rng)[0] for name in categories])


def simulate_reader(fractions: Sequence[float], rng: np.random.Generator) -> pd.DataFrame:
    """Let one simulated reader read studies of these true extents.

    Parameters
    ----------
    fractions : sequence of float
        Involved share of the lungs, 0 to 1.
    rng : numpy.random.Generator
        Draws the reader's errors.

    Returns
    -------
    readings : DataFrame
        ``percent`` (0 to 100) and ``category``, one row a study.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.agreement import simulate_reader
    >>> simulate_reader([0.0, 0.02], np.random.default_rng(1)).category.tolist()
    ['CT-0', 'CT-1']
    """
    return pd.DataFrame([read(fraction, rng) for fraction in fractions])


@dataclass(frozen=True)
class Agreement:
    """How far two readings of the same studies agree.

    Attributes
    ----------
    count, same : int
        Studies, and those with the same category.
    plain, weighted : float or None
        Cohen's kappa, and kappa with quadratic weights; None where only one category occurs in both.
    """

    count: int
    same: int
    plain: float | None
    weighted: float | None


def agreement(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Compare two readings, category by category.

    Parameters
    ----------
    first, second : sequence of str
        ``"CT-0"`` to ``"CT-4"``, in the same order of studies.

    Returns
    -------
    agreement : Agreement

    Examples
    --------
    >>> from mosmed_edu.agreement import agreement
    >>> agreement(["CT-1", "CT-2", "CT-4", "CT-1"], ["CT-1", "CT-2", "CT-3", "CT-1"]).same
    3
    """
    same = sum(a == b for a, b in zip(first, second, strict=True))
    if len({*first, *second}) < 2:
        return Agreement(len(first), same, None, None)
    from sklearn.metrics import cohen_kappa_score  # here, because only the book's environment has to have it

    plain, weighted = (
        float(cohen_kappa_score(first, second, labels=list(CATEGORIES), weights=weights))
        for weights in (None, "quadratic")
    )
    return Agreement(len(first), same, plain, weighted)
