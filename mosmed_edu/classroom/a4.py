"""Assignment A4, an honest classifier: what is drawn and invented for it, and what is asked."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy.special import ndtr

from mosmed_edu.classroom.cases import Cases
from mosmed_edu.classroom.pencil import Pencil
from mosmed_edu.classroom.questions import (
    RIGHT,
    NotAnswered,
    Question,
    examples,
    is_function,
    is_number,
    near,
    read_number,
    read_word,
    same_word,
)
from mosmed_edu.features import invent_cohort
from mosmed_edu.phantom import Findings

#: What a scan that a model got wrong may show, and how it is drawn.
FINDINGS = MappingProxyType(
    {
        "pleural effusion": Findings(effusion_right_ml=380, effusion_left_ml=300),
        "emphysema": Findings(emphysema=1.0),
        "lobar pneumonia": Findings(lobar_pneumonia=3),
    }
)

#: Columns that a model may learn from, and those of which one gives the label away.
_HONEST = ("lung_ml", "hu_mean", "hu_sd", "hu_p50", "hu_p95", "band_hazy", "band_dense", "involved", "noise_hu")
_SUSPECTS = {"table_height_mm": (150, 12), "start_hour": (13, 2.5), "reconstruction_mm": (360, 25)}

#: Balanced accuracy on the unseen studies from which predictions count as useful.
USEFUL = 0.75

#: How far a value may be off that is read from a chart.
_CHART = 0.06


def draw(pencil: Pencil) -> None:
    """An invented table with follow-up scans and a column that leaks, a chart to be read, and a scan to be read."""
    table, leak = _table(pencil.rng)
    known = table["patient"] <= table["patient"].max() * 0.6
    unseen = table[~known].copy()
    pencil.key["q5"] = unseen.pop("serious").astype(int).tolist()
    # In the next hospital the leaking column says nothing: who relied on it finds out here.
    unseen[leak] = pencil.rng.permutation(unseen[leak])
    pencil.write_table(table[known])
    pencil.write_table(unseen, "unseen")
    pencil.key["q3"] = leak
    _draw_chart(pencil)
    finding = pencil.choose(FINDINGS)
    pencil.write_case("A", pencil.draw("CT-0", findings=FINDINGS[finding]))
    pencil.key["q7"] = finding


def _table(rng: np.random.Generator) -> tuple[pd.DataFrame, str]:
    """Patients, some of whom came twice; their measurements, invented; and which column gives the label away."""
    seeds = rng.integers(2**31, size=3)
    invented = pd.concat([invent_cohort(int(seed)) for seed in seeds], ignore_index=True)
    rows = rng.permutation(len(invented))
    table = invented.loc[rows, list(_HONEST)].reset_index(drop=True)
    serious = invented.loc[rows, "category"].isin(["CT-2", "CT-3", "CT-4"]).to_numpy()
    table.insert(0, "serious", serious)
    table.insert(0, "patient", np.sort(rng.choice(np.arange(1, int(len(rows) * 0.75)), len(rows))))
    leak = str(rng.choice(list(_SUSPECTS)))
    for name, (mean, spread) in _SUSPECTS.items():
        table[name] = rng.normal(mean, spread, len(rows)) + 3 * spread * (serious & (name == leak))
    return table, leak


def _draw_chart(pencil: Pencil) -> None:
    """A ROC curve of a binormal model, and at which specificity it is to be read."""
    separation = pencil.rng.uniform(1.1, 2.1)
    specificity = pencil.choose((0.7, 0.8, 0.9))
    limits = np.linspace(-4, 6, 400)
    normal = ndtr(limits)
    curve = pd.DataFrame({"false_alarms": 1 - normal, "sensitivity": 1 - ndtr(limits - separation)})
    pencil.write_table(curve[::-1], "roc")
    pencil.said["specificity"] = specificity
    pencil.key["q6"] = float(np.interp(specificity, normal, curve["sensitivity"]))


def _baseline(answer: float, cases: Cases, key: dict) -> str:
    serious = cases.table()["serious"].mean()
    if near(answer, min(serious, 1 - serious), 0.001, "no") == RIGHT:
        return "that is the rarer answer; always give the more frequent one"
    return near(
        answer, max(serious, 1 - serious), 0.001, "how often is the more frequent answer right, if given always?"
    )


def _splits_well(function, table: pd.DataFrame, share: float, seed: int) -> str:
    found = function(table.copy(), share, seed)
    if found is None:
        raise NotAnswered
    train, test = found
    if not isinstance(train, pd.DataFrame) or not isinstance(test, pd.DataFrame):
        return "return two tables: train, test"
    if sorted([*train.index, *test.index]) != sorted(table.index):
        return "every row must be in one of the two tables, and in one only"
    if set(train["patient"]) & set(test["patient"]):
        return "a patient is on both sides: choose patients, not rows"
    patients = table["patient"].nunique()
    if abs(test["patient"].nunique() - share * patients) > max(1.0, 0.02 * patients):
        return "about the given share of the patients belongs into the test table"
    again, other = (function(table.copy(), share, n)[1].index for n in (seed, seed + 1))
    if not test.index.equals(again):
        return "the same seed must give the same tables"
    return "another seed must give other tables: draw the patients at random" if test.index.equals(other) else RIGHT


def _split(answer, cases: Cases, key: dict) -> str:
    small = pd.DataFrame({"patient": np.repeat(np.arange(10), 3), "x": np.arange(30)})
    return _splits_well(answer, small, 0.3, 1)


def _split_hidden(answer, cases: Cases, key: dict) -> str:
    table = cases.table()
    return _splits_well(answer, table, 0.25, 5) or _splits_well(answer, table.sample(frac=1, random_state=1), 0.4, 7)


def _leak(answer: str, cases: Cases, key: dict) -> str:
    table = cases.table()
    if answer not in table.columns:
        return "give the name of a column of the table"
    if answer in ("serious", "patient"):
        return "that is no measurement; look for a column that should know nothing of the lungs"
    gap = table.groupby("serious")[list(_SUSPECTS)].mean().diff().iloc[1] / table[list(_SUSPECTS)].std()
    hint = "a column about the scanner or the clock should not differ between the answers: compare their means"
    return same_word(answer, str(gap.abs().idxmax()), hint)


def _rates(*pairs) -> list[tuple]:
    found = []
    for truth, predicted in pairs:
        yes, no = truth.astype(bool), ~truth.astype(bool)
        with np.errstate(invalid="ignore"):
            sensitivity, specificity = (
                np.float64((predicted.astype(bool) == side)[group].sum()) / group.sum()
                for group, side in ((yes, True), (no, False))
            )
        found.append(((truth, predicted), (float(sensitivity), float(specificity))))
    return found


def _sens_spec(answer, cases: Cases, key: dict) -> str:
    truth = np.array([1, 1, 1, 1, 0, 0], bool)
    hint = "return (share of the ill called ill, share of the others not called ill); nan where there is nobody"
    return examples(answer, _rates((truth, truth), (truth, np.array([1, 0, 0, 0, 1, 0], bool)), (truth, ~truth)), hint)


def _sens_spec_hidden(answer, cases: Cases, key: dict) -> str:
    truth = cases.table()["serious"].to_numpy()
    guess = cases.table()["involved"].to_numpy() > 0.2
    hint = "it is right on the small example and not on the class's table, on 0 and 1, or where nobody is ill"
    pairs = _rates(
        (truth, guess), (truth.astype(int), guess.astype(int)), (truth & False, guess), (truth | True, guess)
    )
    return examples(answer, pairs, hint)


def _is_prediction(answer) -> str:
    values = np.asarray(answer)
    if values.ndim != 1 or values.dtype.kind not in "bif" or not np.isin(values, (0, 1)).all():
        return "give one True or False (or 1 or 0) for each row of the unseen table, in its order"
    return RIGHT


def _predicted(answer, cases: Cases, key: dict) -> str:
    truth, predicted = np.array(key["q5"], bool), np.asarray(answer).astype(bool)
    if len(truth) != len(predicted):
        return f"the unseen table has {len(truth)} rows, and there are {len(predicted)} predictions"
    balanced = (predicted[truth].mean() + (~predicted[~truth]).mean()) / 2
    if balanced >= USEFUL:
        return RIGHT
    return (
        f"balanced accuracy is below {USEFUL:.0%}: did you train on the leaking column, or let the rare answer drown?"
    )


QUESTIONS = MappingProxyType(
    {
        "q1": Question(is_number(0, 1), _baseline),
        "q2": Question(is_function, _split, _split_hidden),
        "q3": Question(lambda answer: RIGHT if isinstance(answer, str) else "give the column's name as text", _leak),
        "q4": Question(is_function, _sens_spec, _sens_spec_hidden),
        "q5": Question(_is_prediction, _predicted, needs_key=True),
        "q6": read_number(
            "q6",
            (0, 1),
            "",
            _CHART,
            "specificity is 1 minus the rate of false alarms: go up from there to the curve",
        ),
        "q7": read_word(
            "q7",
            list(FINDINGS),
            "look at the lowest slices in the mediastinal window, then at the upper ones in the lung window",
        ),
    }
)
