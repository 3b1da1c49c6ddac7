"""Scores as scikit-learn and hand arithmetic give them; intervals that hold what they should; grades in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    mean_absolute_error,
    roc_auc_score,
)

from mosmed_edu.features import FEATURES, feature_names, invent_cohort, measure_cohort
from mosmed_edu.scoring import (
    ExtentRule,
    OrdinalClassifier,
    auc,
    bootstrap,
    count_grades,
    difference,
    score_table,
    scores_of,
)

RNG = np.random.default_rng(5)
TRUTH = RNG.integers(0, 4, 200)
GUESS = np.clip(TRUTH + RNG.integers(-1, 2, 200), 0, 3)


def test_scores_are_those_of_scikit_learn():
    scores = scores_of(count_grades(TRUTH, GUESS, 4))
    assert scores["accuracy"] == pytest.approx(accuracy_score(TRUTH, GUESS))
    assert scores["balanced accuracy"] == pytest.approx(balanced_accuracy_score(TRUTH, GUESS))
    assert scores["quadratic kappa"] == pytest.approx(cohen_kappa_score(TRUTH, GUESS, weights="quadratic"))
    assert scores["mean absolute error"] == pytest.approx(mean_absolute_error(TRUTH, GUESS))


def test_always_the_same_guess():
    scores = scores_of(count_grades([0, 1, 1, 1, 2], [1] * 5, 3))
    assert scores == pytest.approx(
        {"accuracy": 0.6, "balanced accuracy": 1 / 3, "quadratic kappa": 0, "mean absolute error": 0.4}
    )
    assert np.isnan(scores_of(count_grades([1, 1], [1, 1], 3))["quadratic kappa"])


def test_interval_is_as_wide_as_the_binomial_one():
    right = np.arange(400) < 300
    value, low, high = bootstrap(lambda _, r: r.mean(), np.zeros(400), right, rounds=4000)
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert value == 0.75
    assert (low, high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.006)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        _, low, high = bootstrap(lambda _, x: x.mean(), np.zeros(60), rng.normal(0, 1, 60), rounds=200)
        held += low <= 0 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_rounds_in_which_a_measure_is_undefined_do_not_spoil_its_interval():
    """Of six studies drawn again, sometimes none shows what happened: those rounds have no AUC."""
    seen = []

    def measure(_, happened, values):
        seen.append(auc(happened, values))
        return seen[-1]

    value, low, high = bootstrap(measure, np.zeros(6), [0, 0, 0, 0, 1, 1], [1, 2, 4, 6, 3, 5], rounds=300)
    rounds = np.array(seen[:300])
    assert np.isnan(rounds).any()
    assert (low, high) == pytest.approx(tuple(np.percentile(rounds[~np.isnan(rounds)], [2.5, 97.5])))
    assert low < value == 5 / 8 < high  # 3 lies above two of four, 5 above three


def test_no_rare_label_is_lost_from_a_resample():
    labels = np.array([0] * 50 + [1])
    seen = []
    bootstrap(lambda y: seen.append(1 in y) or 0.0, labels, rounds=50)
    assert all(seen)


def test_a_table_has_a_row_a_prediction():
    table = score_table(TRUTH, {"guess": GUESS, "same": np.ones_like(TRUTH)}, "quadratic kappa", rounds=200)
    assert table.loc["same"].tolist() == [0, 0, 0]
    assert table.low["guess"] < table.value["guess"] < table.high["guess"]


def test_a_difference_is_surer_than_two_intervals_say():
    better = GUESS.copy()
    better[np.flatnonzero(better != TRUTH)[:12]] = TRUTH[np.flatnonzero(better != TRUTH)[:12]]
    value, low, high = difference(TRUTH, better, GUESS)
    assert value == pytest.approx(12 / 200)
    assert 0 < low < value < high
    alone = score_table(TRUTH, {"better": better, "guess": GUESS})
    assert alone.low["better"] < alone.high["guess"]  # the two overlap all the same


def test_auc_is_that_of_scikit_learn_ties_and_all():
    values = RNG.integers(0, 6, 200)
    assert auc(TRUTH > 1, values) == pytest.approx(roc_auc_score(TRUTH > 1, values))
    assert np.isnan(auc([1, 1], [0.2, 0.4]))


def test_auc_of_values_that_are_no_numbers_is_none():
    assert np.isnan(auc([0, 1], [1, np.nan])) and np.isnan(auc([0, 1], [np.nan, 1]))


def test_ordinal_probabilities_are_probabilities_and_the_grade_is_their_median():
    x = RNG.normal(TRUTH[:, None], 0.8, (200, 3))
    model = OrdinalClassifier(LogisticRegression()).fit(x, TRUTH)
    chances = model.predict_proba(x)
    assert chances.shape == (200, 4)
    assert (chances >= 0).all()
    assert np.allclose(chances.sum(axis=1), 1)
    below = np.cumsum(chances, axis=1)
    grade = model.predict(x)
    assert (np.take_along_axis(below, grade[:, None], 1) >= 0.5).all()
    assert accuracy_score(TRUTH, grade) > 0.5


class Contrary(ClassifierMixin, BaseEstimator):
    """The rarer something was, the likelier it says that it is: it contradicts itself from limit to limit."""

    def fit(self, X, y):
        self.chance_ = 1 - np.mean(y)
        return self

    def predict_proba(self, X):
        return np.tile([1 - self.chance_, self.chance_], (len(X), 1))


def test_ordinal_probabilities_stay_probabilities_where_the_answers_contradict_each_other():
    x, y = np.zeros((8, 1)), [0, 0, 1, 1, 1, 1, 2, 2]  # more than 0: 1/4, it says; more than 1: 3/4
    chances = OrdinalClassifier(Contrary()).fit(x, y).predict_proba(x[:2])
    assert chances == pytest.approx(np.array([[3 / 4, 0, 1 / 4]] * 2))  # the lower limit's answer is the bound
    assert OrdinalClassifier(Contrary()).fit(x, y).predict(x[:1]).tolist() == [0]


def test_ordinal_keeps_the_labels_it_was_given():
    x = np.repeat([[0.0], [5.0], [10.0]], 5, axis=0)
    model = OrdinalClassifier(LogisticRegression()).fit(x, np.repeat([1, 3, 7], 5))
    assert model.predict([[0], [5], [10]]).tolist() == [1, 3, 7]


def test_invented_rows_look_like_measured_ones_and_can_be_learned_from():
    table, measured = invent_cohort(), measure_cohort([], cache=False)
    assert table.columns.tolist() == measured.columns.tolist()
    assert table.category.dtype == measured.category.dtype
    assert table[list(FEATURES)].notna().all(axis=None)
    shares = table[feature_names("bands")].sum(axis=1)
    assert np.allclose(shares, 1)
    grade = table.category.cat.codes
    assert 0.4 < table.involved.corr(grade, method="spearman") < 0.95


def test_the_rule_finds_the_lowest_limit_and_keeps_the_others():
    share = np.array([0.01, 0.02, 0.05, 0.06, 0.24, 0.25, 0.49, 0.5, 0.9])
    rule = ExtentRule().fit(pd.DataFrame({"involved": share}), [0, 0, 0, 1, 1, 2, 2, 3, 3])
    assert 0.05 < rule.lowest_ <= 0.06
    assert rule.predict(pd.DataFrame({"involved": share})).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3]
