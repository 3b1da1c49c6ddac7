"""The quizzes on the pages, clicked through in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browsing import open_page

QUIZZES = sorted((Path(__file__).resolve().parents[2] / "notebooks" / "quizzes").glob("*.json"))


def _open(page, site, path):
    open_page(page, f"{site}notebooks/{path.stem}.html")
    last = json.loads(path.read_text("utf-8"))[-1]["question"]
    page.locator(".Quiz", has_text=last).first.wait_for()


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_every_answer_right_or_wrong_has_its_own_feedback(site, tab, path):
    _open(tab, site, path)
    for question in json.loads(path.read_text("utf-8")):
        quiz = tab.locator(".Quiz").filter(has=tab.get_by_text(question["question"], exact=True))
        for answer in question["answers"]:
            quiz.locator(".MCButton").filter(has=tab.get_by_text(answer["answer"], exact=True)).click()
            feedback = quiz.locator(".Feedback")
            assert feedback.inner_text().strip() == answer["feedback"].strip()
            assert feedback.evaluate("f => f.classList.contains('correct')") == answer["correct"]
            if answer["correct"]:
                break  # what comes after the right answer is not asked any more


def test_answers_are_kept_in_this_browser_and_can_be_dropped(site, tab):
    path = QUIZZES[0]
    first, second = json.loads(path.read_text("utf-8"))[:2]
    _open(tab, site, path)
    assert tab.locator("#quiz-progress").is_hidden()
    chosen = [
        next(a["answer"] for a in q["answers"] if a["correct"] == right) for q, right in ((first, 1), (second, 0))
    ]
    for answer in chosen:
        tab.locator(".Quiz .MCButton").filter(has=tab.get_by_text(answer, exact=True)).click()
    count = len(json.loads(path.read_text("utf-8")))
    said = f"Right: 1 of {count}."
    tab.get_by_text(said).wait_for()
    _open(tab, site, path)
    tab.get_by_text(said).wait_for()
    feedback = tab.locator(".Quiz .Feedback:not(:empty)")
    assert feedback.count() == 2
    tab.get_by_role("button", name="Start again").click()
    tab.wait_for_load_state("networkidle")
    assert tab.locator("#quiz-progress").is_hidden()
    assert tab.evaluate("localStorage.getItem('mosmed-edu-quiz')") == "{}"


def test_the_keyboard_answers(site, tab):
    _open(tab, site, QUIZZES[0])
    group = tab.get_by_role("radiogroup").first
    group.locator("input").first.focus()
    tab.keyboard.press("Space")
    assert group.locator("xpath=..").locator(".Feedback").inner_text().strip()
