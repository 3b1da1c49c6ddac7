"""Practice in grading: fair cases, honest feedback, and an agreement that is the published formula."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mosmed_edu import Volume
from mosmed_edu.agreement import agreement, category_probabilities
from mosmed_edu.grading import Case, Practice, _Screen, agreement_html, grading_practice, practice_questions
from mosmed_edu.grading import practice_studies as choose
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom.reading import category_of, read


def a_study(category="CT-2", percent=None, read_percent=30.0, number=9):
    hu = np.full((60, 50, 12), -1000, np.int16)
    hu[5:55, 5:45] = 40
    hu[12:48, 12:38, 2:10] = -850
    ct = Volume(hu, np.diag([-5.0, 5, 8, 1]))
    truth = None
    if percent is not None:
        record = pd.Series({"right_fraction": 0.5, "left_fraction": 0.25, "reader_1_percent": read_percent})
        truth = SimpleNamespace(fraction=percent / 100, record=record)
    return SimpleNamespace(
        id=number, category=category, is_synthetic=truth is not None, ct=lambda: ct, truth=lambda: truth
    )


def by_definition(first, second, power):
    """Kappa from the table of joint readings: 1 - observed over expected disagreement (Cohen 1968)."""
    a, b = ([CATEGORIES.index(name) for name in names] for names in (first, second))
    weight = (lambda x, y: float(x != y)) if power == 0 else (lambda x, y: abs(x - y) ** power)
    observed = np.mean([weight(x, y) for x, y in zip(a, b, strict=True)])
    expected = np.mean([weight(x, y) for x in a for y in b])
    return 1 - observed / expected


def test_agreement_is_kappa_by_its_definition():
    rng = np.random.default_rng(1)
    for _ in range(20):
        first, second = rng.choice(CATEGORIES, (2, 12)).tolist()
        found = agreement(first, second)
        assert found.plain == pytest.approx(by_definition(first, second, 0))
        assert found.weighted == pytest.approx(by_definition(first, second, 2))
        assert found.same == sum(a == b for a, b in zip(first, second, strict=True))


def test_agreement_of_one_category_is_not_called_perfect():
    found = agreement(["CT-1"] * 4, ["CT-1"] * 4)
    assert (found.same, found.plain, found.weighted) == (4, None, None)


def test_probabilities_are_those_of_the_simulated_reader():
    rng = np.random.default_rng(3)
    for fraction in (0.1, 0.27, 0.5, 0.7):
        names = [read(fraction, rng).category for _ in range(4000)]
        counted = [names.count(name) / 4000 for name in CATEGORIES[1:]]
        assert category_probabilities([fraction])[0] == pytest.approx(counted, abs=0.03)
    assert category_probabilities(np.linspace(0.01, 0.99, 9)).sum(axis=1) == pytest.approx(1)


class AFolder:
    """Studies of each category, numbered in order."""

    def __init__(self, *counts):
        names = [name for name, n in zip(CATEGORIES, counts, strict=True) for _ in range(n)]
        self.all = [a_study(name, number=n) for n, name in enumerate(names)]

    def studies(self, category):
        return [study for study in self.all if study.category == category]


def test_practice_takes_the_last_studies_of_every_category_and_hides_their_order():
    folder = AFolder(4, 8, 4, 2, 2)
    chosen = choose(folder, 8)
    assert [study.category for study in chosen] == [study.category for study in choose(folder, 8)]
    assert {study.category for study in chosen} == set(CATEGORIES)
    firsts = {folder.studies(name)[0].id for name in CATEGORIES}
    assert not firsts & {study.id for study in chosen}
    numbers = [study.id for study in chosen]
    assert len(set(numbers)) == 8 and numbers != sorted(numbers)


def test_practice_makes_do_with_few_studies():
    assert len(choose(AFolder(1, 2, 0, 0, 0), 8)) == 3


def test_right_is_what_was_measured_and_the_label_is_told():
    case = Case.of(a_study("CT-2", percent=18.0, read_percent=26.0))
    assert (case.measured, case.expected, case.label) == ("CT-1", "CT-1", "CT-2")
    told = case.feedback("CT-1")
    assert told.startswith("Right.") and "18.0 %" in told and "right lung 50 %" in told and "left lung 25 %" in told
    assert "The label is CT-2: its simulated reader saw 26 %." in told
    assert case.feedback("CT-2").startswith("Too high by one category.")
    assert case.feedback("CT-4").startswith("Too high by 3 categories.")
    assert case.feedback("CT-0").startswith("Too low by one category.")


@pytest.mark.parametrize(("percent", "near"), [(44.0, False), (46.0, True), (54.9, True), (2.0, False), (76.0, True)])
def test_feedback_warns_near_a_limit(percent, near):
    told = Case.of(a_study(category_of(percent / 100), percent=percent)).feedback("CT-1")
    assert ("where readers often part" in told) == near


def test_without_truth_the_label_counts_and_no_percentage_is_claimed():
    case = Case.of(a_study("CT-3"))
    assert case.expected == "CT-3"
    told = case.feedback("CT-2")
    assert told.startswith("Too low by one category.") and "no measurement" in told and "%" not in told


def test_summary_compares_with_measurement_and_label():
    studies = [a_study("CT-2", percent=18.0), a_study("CT-3", percent=60.0), a_study("CT-0", percent=0.0)]
    practice = Practice([Case.of(study) for study in studies])
    for answer in ("CT-2", "CT-3", "CT-0"):
        assert not practice.done
        practice.grade(answer)
    summary = practice.summary()
    assert practice.done
    assert "With the measurement: 2 of 3 the same" in summary
    assert "With the label: 3 of 3 the same; kappa 1.00, quadratic-weighted kappa 1.00" in summary
    assert summary.count("<table") == 2


def test_summary_without_truth_compares_with_the_label_alone():
    practice = Practice([Case.of(a_study("CT-1")), Case.of(a_study("CT-1"))], ["CT-1", "CT-1"])
    assert "measurement" not in practice.summary()
    assert "not defined" in practice.summary()


def test_widget_leads_through_all_cases(monkeypatch):
    monkeypatch.delenv("MOSMED_BOOK", raising=False)
    studies = [a_study("CT-2", percent=30.0), a_study("CT-1", percent=3.0)]
    screen = _Screen(Practice([Case.of(study) for study in studies]))
    assert "Study 1 of 2" in screen.heading.value and screen.onward.disabled
    assert "slice 5 of 12" in screen.picture.value
    screen.index.value = 8
    assert "slice 8 of 12" in screen.picture.value
    screen.buttons[2].click()
    assert screen.feedback.value.startswith("<p>Right.")
    assert all(button.disabled for button in screen.buttons) and not screen.onward.disabled
    screen.onward.click()
    assert "Study 2 of 2" in screen.heading.value and screen.feedback.value == ""
    screen.buttons[3].click()
    assert "Too high by 2 categories" in screen.feedback.value
    assert screen.onward.description == "Show my agreement"
    screen.onward.click()
    assert "1 of 2 the same" in screen.feedback.value


def test_widget_shows_nothing_that_gives_the_answer_away(monkeypatch):
    monkeypatch.delenv("MOSMED_BOOK", raising=False)
    box = grading_practice([a_study("CT-2", percent=30.0, number=255)])
    heading, _, picture, *_ = box.children
    shown = heading.value + re.sub(r'src="[^"]+"', "", picture.value)
    assert "CT-2" not in shown and "255" not in shown
    assert [button.description for button in box.children[3].children] == list(CATEGORIES)


def test_page_quiz_shows_a_picture_and_explains_every_answer():
    cases = [Case.of(a_study("CT-2", percent=30.0, number=255)), Case.of(a_study("CT-1", number=256))]
    questions = practice_questions(cases)
    for case, question in zip(cases, questions, strict=True):
        answers = question["answers"]
        assert [answer["correct"] for answer in answers] == [name == case.expected for name in CATEGORIES]
        assert all(len(answer["feedback"]) > 30 for answer in answers)
        assert re.search(r'<img[^>]* alt="[^"]{40,}"', question["question"])
        given = re.sub(r'src="[^"]+"', "", question["question"])
        assert "CT-" not in given and str(case.study.id) not in given


def test_page_computes_the_readers_agreement(monkeypatch, browser):
    """In a browser: click the quiz through, change one's mind once, and compare with the same answers graded here."""
    shown = []
    monkeypatch.setenv("MOSMED_BOOK", "1")
    monkeypatch.setattr("jupyterquiz.dynamic.display.display", shown.append)
    truths = (("CT-2", 18.0), ("CT-3", 60.0), ("CT-4", 70.0), ("CT-0", 0.0), ("CT-1", 3.0))
    studies = [a_study(name, percent=percent) for name, percent in truths]
    place = grading_practice(studies)
    answers = ["CT-2", "CT-3", "CT-3", "CT-1", "CT-1"]
    page_html = shown[0].data + place.data + f"<script>{shown[1].data}</script>"
    page = browser.new_page()
    page.set_content(page_html)
    status = page.locator("#mosmed-agreement")
    assert "5 studies" in status.inner_text()
    for n, answer in enumerate(answers):
        page.locator(".Quiz").nth(n).locator(".MCButton").nth(CATEGORIES.index(answer)).click()
        if n == 0:
            assert "Too high by one category." in page.locator(".Feedback").first.inner_text()
    page.locator(".Quiz").first.locator(".MCButton").nth(1).click()  # a second answer does not count
    said = status.inner_text().splitlines()
    page.close()
    cases = [Case.of(study) for study in studies]
    for line, reference in zip(said, Practice(cases).references().values(), strict=True):
        found = agreement(answers, reference)
        assert f"{found.same} of 5" in line
        assert f"kappa {found.plain:.2f}, quadratic-weighted kappa {found.weighted:.2f}" in line


def test_agreement_box_speaks_of_all_cases_and_holds_valid_numbers():
    html = agreement_html([Case.of(a_study("CT-3"))])
    references = json.loads(re.search(r"\}\)\((\{.*?\}), ", html)[1])
    assert references == {"the label": [3]}
    assert 'role="status"' in html
