"""How good predicted grades are, with intervals; and a classifier that knows that grades have an order.

Needs scikit-learn, which is in the book's environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

#: Names of the scores, and whether more is better.
SCORES = {"accuracy": True, "balanced accuracy": True, "quadratic kappa": True, "mean absolute error": False}


def count_grades(truth: Sequence[int], predicted: Sequence[int], grades: int) -> np.ndarray:
    """Confusion matrix: row the label, column the prediction.

    Parameters
    ----------
    truth, predicted : sequence of n int
        Grades from 0.
    grades : int
        How many there are.

    Returns
    -------
    confusion : array of int (grades, grades)

    Examples
    --------
    >>> from mosmed_edu.scoring import count_grades
    >>> count_grades([0, 1, 1], [0, 0, 1], grades=2).tolist()
    [[1, 0], [1, 1]]
    """
    cells = np.asarray(truth, int) * grades + np.asarray(predicted, int)
    return np.bincount(cells, minlength=grades**2).reshape(grades, grades)


def scores_of(confusion: np.ndarray) -> dict[str, float]:
    """All `SCORES` of a confusion matrix.

    Parameters
    ----------
    confusion : array (n, n)
        Row the label, column the prediction; grades in their order.

    Returns
    -------
    scores : dict
        Share that is right; mean over the grades of the share that is right; Cohen's kappa with quadratic weights,
        NaN where only one grade occurs; mean distance in grades.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.scoring import scores_of
    >>> scores_of(np.array([[3, 1], [0, 4]]))["accuracy"]
    0.875
    """
    total, grade = confusion.sum(), np.arange(len(confusion))
    distance = np.abs(np.subtract.outer(grade, grade))
    rows, columns = confusion.sum(axis=1), confusion.sum(axis=0)
    by_chance = (distance**2 * np.outer(rows, columns)).sum() / total
    there = rows > 0
    return {
        "accuracy": float(np.trace(confusion) / total),
        "balanced accuracy": float(np.mean(np.diag(confusion)[there] / rows[there])),
        "quadratic kappa": float(1 - (distance**2 * confusion).sum() / by_chance) if by_chance else np.nan,
        "mean absolute error": float((distance * confusion).sum() / total),
    }


def bootstrap(
    measure: Callable[..., float], labels: Sequence, *columns: Sequence, rounds: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """A number measured on studies, and the 95 % interval that other studies of the same kind might have given.

    Parameters
    ----------
    measure : function of arrays to float
        Called with `labels` and `columns`, resampled together.
    labels : sequence of n
        Studies are drawn again, with replacement, within each label, so that no rare one gets lost.
    *columns : sequences of n
        What else `measure` takes, one entry a study.
    rounds : int
        How often studies are drawn.
    seed : int
        The same seed gives the same interval.

    Returns
    -------
    value, low, high : float
        Measured on the studies as they are; the 2.5th and 97.5th percentile of the resampled values. It knows of chance
        in the choice of studies alone: not of other hospitals, readers or scanners.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.scoring import bootstrap
    >>> value, low, high = bootstrap(lambda label, x: x.mean(), [0] * 100, np.arange(100))
    >>> float(value), bool(40 < low < 49.5 < high < 59)
    (49.5, True)
    """
    labels, arrays = np.asarray(labels), [np.asarray(column) for column in columns]
    groups = [np.flatnonzero(labels == one) for one in np.unique(labels)]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(rounds):
        drawn = np.concatenate([group[rng.integers(0, group.size, group.size)] for group in groups])
        found.append(measure(labels[drawn], *(array[drawn] for array in arrays)))
    low, high = np.nanpercentile(found, [2.5, 97.5])
    return float(measure(labels, *arrays)), float(low), float(high)


def auc(happened: Sequence[int], values: Sequence[float]) -> float:
    """Area under the ROC curve: how often the value is higher where it happened than where it did not.

    The same as scikit-learn's `roc_auc_score`, at a fraction of its time, because a bootstrap asks a thousand times.
    NaN where one of the two is missing, or a value is no number.

    Parameters
    ----------
    happened : sequence of n bool
    values : sequence of n float

    Returns
    -------
    area : float
        0.5 where the values say nothing, 1 where they tell all.

    Examples
    --------
    >>> from mosmed_edu.scoring import auc
    >>> auc([0, 0, 1, 1], [1, 3, 2, 4])
    0.75
    """
    happened, values = np.asarray(happened, bool), np.asarray(values, float)
    yes, no = values[happened], np.sort(values[~happened])
    if not (yes.size and no.size) or np.isnan(values).any():
        return float("nan")
    below, not_above = no.searchsorted(yes), no.searchsorted(yes, side="right")  # ties count one half
    return float((below.sum() + not_above.sum()) / (2 * yes.size * no.size))


def score_table(
    truth: Sequence[int], predictions: Mapping[str, Sequence[int]], score: str = "accuracy", rounds: int = 1000
) -> pd.DataFrame:
    """One score of several predictions of the same studies, with intervals.

    Parameters
    ----------
    truth : sequence of n int
        Grades from 0.
    predictions : mapping of str to sequence of n int
    score : str
        One of `SCORES`.
    rounds : int

    Returns
    -------
    table : DataFrame
        Index: the names. Columns ``value``, ``low`` and ``high``.

    Examples
    --------
    >>> from mosmed_edu.scoring import score_table
    >>> score_table([0, 1, 1, 2], {"all CT-1": [1, 1, 1, 1]}).value.tolist()
    [0.5]
    """
    grades = _grades(truth, *predictions.values())
    rows = {}
    for name, predicted in predictions.items():
        rows[name] = bootstrap(
            lambda y, p: scores_of(count_grades(y, p, grades))[score], truth, predicted, rounds=rounds
        )
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])


def difference(
    truth: Sequence[int], first: Sequence[int], second: Sequence[int], score: str = "accuracy", rounds: int = 1000
) -> tuple[float, float, float]:
    """How much higher a score is for the first prediction than for the second, with its interval.

    Both are measured on the same resampled studies. Two intervals that overlap do not say that two predictions are
    alike; an interval of the difference that holds 0 says that these studies cannot tell.

    Parameters
    ----------
    truth, first, second : sequence of n int
        Grades from 0.
    score : str
        One of `SCORES`.
    rounds : int
        How often studies are drawn.

    Returns
    -------
    value, low, high : float
        The difference, and the ends of its 95 % interval.

    Examples
    --------
    >>> from mosmed_edu.scoring import difference
    >>> value, low, high = difference([0, 1] * 50, [0, 1] * 50, [0, 0] * 50)
    >>> value, low > 0
    (0.5, True)
    """
    grades = _grades(truth, first, second)

    def gap(y: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
        return scores_of(count_grades(y, one, grades))[score] - scores_of(count_grades(y, other, grades))[score]

    return bootstrap(gap, truth, first, second, rounds=rounds)


def _grades(*columns: Sequence[int]) -> int:
    return 1 + max(int(np.max(column)) for column in columns)


class OrdinalClassifier(ClassifierMixin, BaseEstimator):
    """Grades in order: one yes-or-no question at each limit, "is it more than this?".

    Parameters
    ----------
    estimator : classifier with predict_proba
        Copied and fitted once a limit.

    Notes
    -----
    The predicted grade is the median: the first at which the chance of more is at most one half. Where the answers
    contradict each other (more likely above a higher limit than above a lower one) the lower limit's answer is the
    bound.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mosmed_edu.scoring import OrdinalClassifier
    >>> x = np.arange(30.0)[:, None]
    >>> OrdinalClassifier(LogisticRegression()).fit(x, np.repeat([0, 1, 2], 10)).predict([[2], [14], [27]]).tolist()
    [0, 1, 2]
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        """Fit one copy a limit."""
        self.classes_ = np.unique(y)
        self.limits_ = [clone(self.estimator).fit(X, np.asarray(y) > limit) for limit in self.classes_[:-1]]
        return self

    def predict_proba(self, X) -> np.ndarray:
        """Probability of each grade: array (n, grades)."""
        above = self._above(X)
        return -np.diff(above, axis=1, prepend=1, append=0)

    def predict(self, X) -> np.ndarray:
        """The median grade."""
        return self.classes_[(self._above(X) > 0.5).sum(axis=1)]

    def _above(self, X) -> np.ndarray:
        """Chance that each study lies above each limit, never rising with the limit."""
        check_is_fitted(self)
        answers = np.column_stack([one.predict_proba(X)[:, 1] for one in self.limits_])
        return np.minimum.accumulate(answers, axis=1)


class ExtentRule(ClassifierMixin, BaseEstimator):
    """The rule that grades are made by, with one number learned: below which share a lung counts as healthy.

    Parameters
    ----------
    column : str
        Column of the table with the involved share, 0 to 1.
    limits : tuple of float
        Where the second and each further grade above the lowest begin.

    Attributes
    ----------
    lowest_ : float
        Grade 0 lies below it: the limit with most hits among the training studies.

    Examples
    --------
    >>> import pandas as pd
    >>> from mosmed_edu.scoring import ExtentRule
    >>> table = pd.DataFrame({"involved": [0.02, 0.03, 0.12, 0.3, 0.6]})
    >>> ExtentRule().fit(table, [0, 0, 1, 2, 3]).predict(table).tolist()
    [0, 0, 1, 2, 3]
    """

    def __init__(self, column: str = "involved", limits: tuple[float, ...] = (0.25, 0.5)):
        self.column, self.limits = column, limits

    def fit(self, X: pd.DataFrame, y):
        """Try limits from 1 % up to half the first of `limits`."""
        self.classes_ = np.unique(y)
        tries = np.linspace(0.01, self.limits[0] / 2, 116)
        hits = [np.mean(self._grade(X, one) == y) for one in tries]
        self.lowest_ = float(tries[np.argmax(hits)])
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Grades from 0."""
        check_is_fitted(self)
        return self._grade(X, self.lowest_)

    def _grade(self, X: pd.DataFrame, lowest: float) -> np.ndarray:
        return np.digitize(X[self.column], [lowest, *self.limits])
