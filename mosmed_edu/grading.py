"""Practise grading: a series of unseen studies, feedback after each, and your agreement at the end.

Where a kernel runs, `grading_practice` is a widget: a slice slider, five buttons, feedback. On a page without one it is
a quiz on still pictures. Both are made from the studies; the answers come from the truth behind a drawn study, or from
the registry where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import zip_longest

import numpy as np
import pandas as pd

from mosmed_edu.agreement import agreement
from mosmed_edu.book import building_book
from mosmed_edu.dataset import Dataset, Study
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom.reading import LIMITS, category_of
from mosmed_edu.plotting import overview_panel, show_blind_slice
from mosmed_edu.plotting.words import WORDS, say

#: An extent this many percentage points from a limit is called near it.
NEAR_POINTS = 5

_QUIZ_COLOURS = {"--jq-multiple-choice-bg": "#17324d"}


def practice_studies(ds: Dataset, count: int = 8) -> list[Study]:
    """Choose studies to practise on: of each category some, the same ones each time, in an order that tells nothing.

    The chapters show the first studies of a category, so the last ones are taken.

    Parameters
    ----------
    ds : Dataset
    count : int
        How many; fewer where the folder holds fewer.

    Returns
    -------
    studies : list of Study
    """
    last_first = [ds.studies(category=name)[::-1] for name in ("CT-1", "CT-2", "CT-0", "CT-3", "CT-4")]
    turns = [study for turn in zip_longest(*last_first) for study in turn if study is not None]
    chosen = sorted(turns[:count], key=lambda study: study.id)
    return [chosen[n] for n in np.random.default_rng(67).permutation(len(chosen))]


@dataclass(frozen=True)
class Case:
    """A study to grade, and what is known of it.

    Attributes
    ----------
    study : Study
    percent, right, left : float or None
        Measured involvement of both lungs and of each, 0 to 100; None where there is no truth.
    read_percent : float or None
        What the simulated reader saw who gave the label.
    """

    study: Study
    percent: float | None = None
    right: float | None = None
    left: float | None = None
    read_percent: float | None = None

    @classmethod
    def of(cls, study: Study) -> Case:
        """Look up what is known of a study."""
        truth = study.truth()
        if truth is None:
            return cls(study)
        sides = (100 * float(truth.record[f"{side}_fraction"]) for side in ("right", "left"))
        return cls(study, 100 * truth.fraction, *sides, float(truth.record["reader_1_percent"]))

    @property
    def label(self) -> str:
        """The category in the registry."""
        return self.study.category

    @property
    def measured(self) -> str | None:
        """The category of the measured extent."""
        return None if self.percent is None else category_of(self.percent / 100)

    @property
    def expected(self) -> str:
        """The answer called right: the measured category, or the label where nothing is measured."""
        return self.measured or self.label

    def feedback(self, answer: str) -> str:
        """What to tell a reader who gave this category."""
        steps = CATEGORIES.index(answer) - CATEGORIES.index(self.expected)
        how_far = WORDS["one_step"] if abs(steps) == 1 else say("steps", n=abs(steps))
        verdict = WORDS["right"] if not steps else say("too_high" if steps > 0 else "too_low", steps=how_far)
        if self.measured is None:
            return f"{verdict} {say('label_only', label=self.label)}"
        told = [
            verdict,
            say("measured", percent=self.percent, right=self.right, left=self.left, category=self.measured),
        ]
        limit = min((100 * limit for limit in LIMITS), key=lambda limit: abs(limit - self.percent))
        if abs(limit - self.percent) < NEAR_POINTS:
            told.append(say("near_limit", points=abs(limit - self.percent), limit=round(limit)))
        agrees = self.label == self.measured
        told.append(say("label_agrees" if agrees else "label_differs", label=self.label, percent=self.read_percent))
        return " ".join(told)


@dataclass
class Practice:
    """A series of cases and the answers given so far; what the widget shows, without its screen.

    Attributes
    ----------
    cases : list of Case
    answers : list of str
        One category for each case graded, in order.
    """

    cases: list[Case]
    answers: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether every case is graded."""
        return len(self.answers) == len(self.cases)

    def name(self, n: int) -> str:
        """What to call a case: 'study 3 of 8'."""
        return say("case", n=n + 1, count=len(self.cases))

    def grade(self, answer: str) -> str:
        """Take the answer to the next case and return feedback."""
        case = self.cases[len(self.answers)]
        self.answers.append(answer)
        return case.feedback(answer)

    def references(self) -> dict[str, list[str]]:
        """What the answers are compared with: the measurement, where every study has one, and the label."""
        found = {}
        if all(case.measured for case in self.cases):
            found[WORDS["agreement_with_measured"]] = [case.measured for case in self.cases]
        found[WORDS["agreement_with_label"]] = [case.label for case in self.cases]
        return found

    def summary(self) -> str:
        """HTML: agreement with each reference, and the tables of confusion."""
        parts = []
        for who, reference in self.references().items():
            found = agreement(self.answers, reference)
            plain, weighted = (WORDS["undefined"] if k is None else f"{k:.2f}" for k in (found.plain, found.weighted))
            told = say("agreement", who=who, same=found.same, count=found.count, plain=plain, weighted=weighted)
            rows, columns = (pd.Categorical(names, CATEGORIES) for names in (reference, self.answers))
            table = pd.crosstab(rows, columns, dropna=False).rename_axis(index=None, columns=None)
            about = say("confusion", who=who)
            parts.append(f"<p><strong>{escape(told)}</strong></p>{table.to_html(border=0)}<p>{escape(about)}</p>")
        return "".join(parts)


def grading_practice(studies: Iterable[Study]):
    """Grade studies, with feedback after each and your agreement at the end.

    Parameters
    ----------
    studies : iterable of Study
        From `practice_studies`, or any others.

    Returns
    -------
    practice : ipywidgets widget, or HTML
        While the book is built (environment variable ``MOSMED_BOOK`` = 1) a quiz on still pictures is shown, and the
        place where the page will write the agreement is returned.
    """
    cases = [Case.of(study) for study in studies]
    if not building_book():
        return _widget(Practice(cases))
    from IPython.display import HTML  # here, because a script without a screen should not need them
    from jupyterquiz import display_quiz

    display_quiz(practice_questions(cases), shuffle_answers=False, colors=_QUIZ_COLOURS)
    return HTML(agreement_html(cases))


def practice_questions(cases: Sequence[Case]) -> list[dict]:
    """Write one multiple-choice question for each case, as jupyterquiz reads them, its picture in the question.

    Parameters
    ----------
    cases : sequence of Case

    Returns
    -------
    questions : list of dict
    """
    practice, questions = Practice(list(cases)), []
    for n, case in enumerate(cases):
        name = practice.name(n)
        panel = overview_panel(case.study.ct(), name, case.study.is_synthetic)
        mark = f'<span data-practice="{n}">{escape(say("ask", name=name.capitalize()))}</span>'
        answers = [
            {"answer": WORDS[f"option_{option}"], "correct": option == case.expected, "feedback": case.feedback(option)}
            for option in CATEGORIES
        ]
        questions.append({"question": mark + panel.html, "type": "multiple_choice", "answers": answers})
    return questions


def agreement_html(cases: Sequence[Case]) -> str:
    """Write the place where a page without a kernel shows the agreement, and the script that computes it.

    Parameters
    ----------
    cases : sequence of Case

    Returns
    -------
    html : str
    """
    numbers = {
        who: [CATEGORIES.index(name) for name in names] for who, names in Practice(list(cases)).references().items()
    }
    words = {"agreement": WORDS["agreement"], "undefined": WORDS["undefined"]}
    empty = escape(say("agreement_empty", count=len(cases)))
    return (
        f'<p id="mosmed-agreement" role="status" style="white-space:pre-line">{empty}</p>'
        f"<script>({_AGREEMENT_SCRIPT})({json.dumps(numbers)}, {json.dumps(words)})</script>"
    )


#: Kappa is 1 - (disagreement seen) / (disagreement by chance), for either kind of weight. First answers count.
_AGREEMENT_SCRIPT = """(references, words) => {
  const mine = [], count = Object.values(references)[0].length;
  const mean = list => list.reduce((a, b) => a + b, 0) / list.length;
  const kappa = (theirs, weight) => {
    const chance = mean(mine.flatMap(a => theirs.map(b => weight(a, b))));
    return chance ? (1 - mean(mine.map((a, n) => weight(a, theirs[n]))) / chance).toFixed(2) : words.undefined;
  };
  const line = ([who, theirs]) => {
    const values = {who, count, same: mine.filter((a, n) => a === theirs[n]).length,
      plain: kappa(theirs, (a, b) => +(a !== b)), weighted: kappa(theirs, (a, b) => (a - b) ** 2)};
    return words.agreement.replace(/{(\\w+)}/g, (_, key) => values[key]);
  };
  document.addEventListener("change", event => {
    const quiz = event.target.closest(".Quiz"), mark = quiz && quiz.querySelector("[data-practice]");
    if (!mark || mark.dataset.practice in mine) return;
    mine[mark.dataset.practice] = [...quiz.querySelectorAll(".MCButton")].indexOf(event.target.closest(".MCButton"));
    if (Object.keys(mine).length === count)
      document.getElementById("mosmed-agreement").innerText = Object.entries(references).map(line).join("\\n");
  });
}"""


def _widget(practice: Practice):
    """The widget, ready to be shown."""
    return _Screen(practice).box


class _Screen:
    """Slider, picture, five buttons, feedback and a button to go on; every part can be reached by keyboard."""

    def __init__(self, practice: Practice):
        import ipywidgets as widgets  # here, because a script without a screen should not need it

        self.practice, self.n, self.ct = practice, 0, None
        self.heading, self.feedback = widgets.HTML(), widgets.HTML()
        self.picture = widgets.HTML(layout=widgets.Layout(max_width="34rem"))
        self.index = widgets.IntSlider(description=WORDS["slice_number"], continuous_update=False)
        self.buttons = [widgets.Button(description=name, tooltip=WORDS[f"option_{name}"]) for name in CATEGORIES]
        self.onward = widgets.Button(description=WORDS["next"], button_style="primary", disabled=True)
        self.index.observe(self.draw, "value")
        self.onward.on_click(self.go_on)
        for button in self.buttons:
            button.on_click(self.grade)
        parts = [self.heading, self.index, self.picture, widgets.HBox(self.buttons), self.feedback, self.onward]
        self.box = widgets.VBox(parts)
        self.open(0)

    def open(self, n: int) -> None:
        """Show a case, its middle slice first."""
        self.n, self.ct = n, self.practice.cases[n].study.ct()
        self.heading.value = f"<strong>{escape(say('ask', name=self.practice.name(n).capitalize()))}</strong>"
        self.feedback.value = ""
        self.index.max = self.ct.slice_count("axial") - 1
        self.index.value = self.index.max // 2
        self.draw()

    def draw(self, _=None) -> None:
        """Show the slice that the slider names."""
        synthetic = self.practice.cases[self.n].study.is_synthetic
        figure = show_blind_slice(self.ct, self.index.value, self.practice.name(self.n), synthetic)
        self.picture.value = figure._repr_html_()

    def grade(self, button) -> None:
        """Take the answer, say what is known, and offer to go on."""
        self.feedback.value = f"<p>{escape(self.practice.grade(button.description))}</p>"
        self._set_disabled(answered=True)
        self.onward.description = WORDS["finish" if self.practice.done else "next"]
        self.onward.focus()

    def go_on(self, _) -> None:
        """Open the next case, or show the agreement after the last one."""
        if self.practice.done:
            self.feedback.value = self.practice.summary()
            self.onward.layout.display = "none"
            return
        self._set_disabled(answered=False)
        self.open(len(self.practice.answers))
        self.buttons[0].focus()

    def _set_disabled(self, answered: bool) -> None:
        """One answer a case: either the answers can be pressed or the button to go on."""
        for button in self.buttons:
            button.disabled = answered
        self.onward.disabled = not answered
