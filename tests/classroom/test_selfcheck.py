"""One line, whatever the answer: right, not answered yet, or a hint. Never a traceback, never the answer."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mosmed_edu.classroom import ASSIGNMENTS, open_cases
from mosmed_edu.classroom.assignment import questions_of
from mosmed_edu.classroom.cases import read_key
from mosmed_edu.selfcheck import check, grade

each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)


@pytest.fixture(autouse=True)
def practice(request, capsys):
    """The cases to practise on, drawn before a test listens to what is printed."""
    for name in request.node.callspec.params.values() if hasattr(request.node, "callspec") else ASSIGNMENTS:
        if str(name)[:2] in ASSIGNMENTS:
            open_cases(str(name)[:2])
    capsys.readouterr()


class Spiteful:
    """An object that fails at everything."""

    def __getattr__(self, name):
        raise RuntimeError("no\nsecond line")

    def __eq__(self, other):
        raise ValueError("never")

    def __call__(self, *arguments):
        raise SystemError("I am broken")

    __hash__ = None


def endless_words(*arguments):
    raise ValueError("word " * 500)


ODD = [
    None, ..., "", "text", 0, -1, 1e300, float("nan"), float("inf"), True, [], {}, (), [1, 2, 3], (1, 2), {"CT-0": 1},
    {"right": 1, "left": "a"}, {"lung": None, "mediastinum": 1}, b"bytes", object(), Spiteful(), np.zeros((3, 3)),
    np.array(["a"]), pd.DataFrame({"a": [1]}), len, lambda: 1, lambda *a: None, lambda *a: 1, lambda *a: a[0],
    lambda *a: "text", lambda *a: [None], endless_words, int, 10**400, "Bone", "CT-9",
]  # fmt: skip


def line_of(capsys, name, answer) -> str:
    check(name, answer)
    out, err = capsys.readouterr()
    assert err == "" and out.count("\n") == 1 and out.startswith(f"{name}: ") and len(out) < 400, out
    assert "Traceback" not in out
    return out.removeprefix(f"{name}: ").strip()


@each_assignment
def test_any_answer_gets_one_line(assignment, capsys):
    for question in questions_of(assignment):
        name = f"{assignment}.{question}"
        for answer in ODD:
            line = line_of(capsys, name, answer)
            assert line in ("right.", "not answered yet.") or line.startswith("not yet. Hint: "), (answer, line)
        assert line_of(capsys, name, None) == "not answered yet."


@each_assignment
def test_the_answer_is_never_told(assignment, capsys):
    """No line on a wrong answer holds the right one, in whatever rounding."""
    key = read_key(open_cases(assignment))
    for question, judged in questions_of(assignment).items():
        if question not in key or isinstance(key[question], list):
            continue
        options = line_of(capsys, f"{assignment}.{question}", object())  # a choice may list all there is to choose
        for answer in ODD:
            line = line_of(capsys, f"{assignment}.{question}", answer)
            if line == "right." or line == options:
                continue
            values = key[question].values() if isinstance(key[question], dict) else [key[question]]
            for value in values:
                told = [value] if isinstance(value, str) else [f"{value:.1f}", f"{value:.2f}"]
                assert not [one for one in told if str(one) in line], line
        assert judged.needs_key or question == "q3"


@each_assignment
def test_the_public_solutions_are_right_for_practice(assignment, capsys, monkeypatch, tmp_path, aids):
    monkeypatch.chdir(tmp_path)
    answers = aids.answers_in(aids.source_of(assignment))
    assert len(answers) == len(questions_of(assignment))
    for name, answer in answers.items():
        assert line_of(capsys, name, answer) == "right."
        grade(name, answer)


def dice_of_empty_is_one(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum()) if (a | b).any() else 1.0


def split_by_row(table, share, seed):
    return table.iloc[: -len(table) // 3], table.iloc[-len(table) // 3 :]


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("a1.q2", lambda cases: 1000 * cases.study.ct().voxel_ml, "cubic millimetres"),
        ("a1.q3", lambda cases: np.multiply(cases["voxel"], cases.study.ct().spacing), "zero point"),
        ("a1.q3", lambda cases: cases.study.ct().to_mm(cases["voxel"]) * [-1, 1, 1], "sign"),
        ("a1.q4", lambda cases: lambda hu, low, high: float(np.mean((hu > low) & (hu < high))), "included"),
        ("a2.q1", lambda cases: lambda hu, level, width: hu, "uint8"),
        ("a2.q2", lambda cases: (cases["black"], cases["white"]), "middle"),
        ("a3.q1", lambda cases: int(cases.study.mask().data.sum()), "number of voxels"),
        ("a3.q3", lambda cases: dice_of_empty_is_one, "nan"),
        ("a4.q2", lambda cases: split_by_row, "patient|share"),
        ("a4.q5", lambda cases: np.zeros(len(cases.table("unseen")), bool), "balanced accuracy"),
        ("a4.q5", lambda cases: [True], "rows"),
    ],
)  # fmt: skip
def test_common_mistakes_get_their_own_hint(name, answer, hint, capsys):
    line = line_of(capsys, name, answer(open_cases(name.split(".")[0])))
    assert line.startswith("not yet. Hint: ") and re.search(hint, line), line


def test_a_function_that_spoils_its_array_is_told_so(capsys):
    def spoil(hu, low, high):
        share = float(np.mean((hu >= low) & (hu <= high)))
        hu[...] = 0
        return share

    assert "changes the array" in line_of(capsys, "a1.q4", spoil)


def test_hidden_examples_go_further():
    """Right on what is shown, and overflowing on a whole scan in another window."""

    def overflows(hu, level, width):
        if hu.size < 10:
            low = level - width / 2
            return np.rint((np.clip(hu.astype(float), low, low + width) - low) * 255 / width).astype(np.uint8)
        return ((hu - np.int16(level - width / 2)) * np.int16(255) // np.int16(width)).astype(np.uint8)

    check("a2.q1", overflows)
    with pytest.raises(AssertionError, match="whole scan"):
        grade("a2.q1", overflows)


def test_no_such_question(capsys):
    assert "is no question of this course" in line_of(capsys, "a1.q99", 1)
    assert "is no question of this course" in line_of(capsys, "nonsense", 1)


def test_grade_says_what_check_says(capsys):
    with pytest.raises(AssertionError, match=r"a1\.q2: not answered yet"):
        grade("a1.q2", None)
    assert check("a1.q2", 5) is None  # a number on a test's last line would become its score


def test_cases_that_lie_beside_the_wrong_notebook(capsys, monkeypatch, tmp_path):
    import shutil

    shutil.copytree(open_cases("a4").folder, tmp_path / "cases")
    monkeypatch.chdir(tmp_path)
    assert "holds the cases of assignment a4" in _whole_line(capsys, "a1.q2", 1)
    (Path("cases") / "cases.json").write_text("{")
    assert "is damaged" in _whole_line(capsys, "a1.q2", 1)


def _whole_line(capsys, name, answer):
    check(name, answer)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and "Next: " in out
    return out
