"""Cases of one's own: unlike any other class's, whole, and with the answers in the grader's folder alone."""

from __future__ import annotations

import json
import re
import shutil
import stat

import numpy as np
import pytest

from mosmed_edu.classroom import ASSIGNMENTS, hand_out, open_cases
from mosmed_edu.classroom.assignment import questions_of
from mosmed_edu.classroom.cases import Cases, find_cases, key_folder
from mosmed_edu.classroom.class_file import known_seed, read_class
from mosmed_edu.classroom.hand_out import draw_class
from mosmed_edu.classroom.seeds import EVERYONE, case_seed, new_class_seed
from mosmed_edu.errors import ClassroomError
from mosmed_edu.layout import TRUTH_TABLE
from mosmed_edu.nifti import read_nifti
from mosmed_edu.selfcheck import check, grade

each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)


def key_of(course, assignment, who=EVERYONE) -> dict:
    return json.loads((key_folder(course, assignment, who) / "key.json").read_text())


def values(answers: dict) -> dict:
    """Answers that are values: whoever copies a function has copied work, not an answer."""
    return {name: answer for name, answer in answers.items() if not callable(answer)}


def is_right(name, answer) -> bool:
    try:
        grade(name, answer)
    except AssertionError:
        return False
    return True


@each_assignment
def test_a_model_answer_is_right_in_its_class_and_wrong_in_another(assignment, classes, aids, tmp_path):
    answers = {}
    for seed in ("spring", "autumn"):
        course = classes(seed, assignment)
        with aids.graded_by(course, assignment, tmp_path / seed):
            answers[seed] = aids.answers_in(aids.model_of(course, assignment))
            assert [name for name, answer in answers[seed].items() if not is_right(name, answer)] == []
    copied = values(answers["spring"])
    with aids.graded_by(classes("autumn", assignment), assignment, tmp_path / "autumn"):
        still_right = [name for name, answer in copied.items() if is_right(name, answer)]
    # One word of three may be right in both classes by chance, and so may a reading with its tolerance; nothing else.
    readings = {f"{assignment}.{name}" for name, question in questions_of(assignment).items() if question.needs_key}
    words = {name for name, answer in copied.items() if isinstance(answer, str)}
    assert len(copied) >= 5 and set(still_right) <= readings | words and len(still_right) <= 2, still_right


@each_assignment
def test_a_student_gets_no_answer_with_the_cases(assignment, classes, monkeypatch, tmp_path, capsys):
    course = classes("spring", assignment)
    handout = course / "handout" / EVERYONE / assignment
    names = {path.relative_to(handout).as_posix() for path in handout.rglob("*") if path.is_file()}
    assert f"{assignment}.ipynb" in names and "cases/cases.json" in names
    assert not {name for name in names if re.search(r"key|truth|lobes|signs|class\.json|model", name)}
    secret = json.loads((course / "class.json").read_text())["class_seed"]
    seeds = [secret, str(case_seed(secret, assignment)), f"{case_seed(secret, assignment):x}"]
    for path in handout.rglob("*"):
        if path.is_file() and path.suffix != ".gz":
            assert not [seed for seed in seeds if seed.encode() in path.read_bytes()], path
    monkeypatch.chdir(handout)
    cases = open_cases(assignment)
    assert cases.folder == handout / "cases" and not cases["practice"] and "of your class" in repr(cases)
    if (cases.folder / "dataset").is_dir():
        assert cases.dataset.is_synthetic and cases.study.truth() is None
        assert not (cases.dataset.root / TRUTH_TABLE).exists()
    for question, truth in key_of(course, assignment).items():
        if question != "version" and not isinstance(truth, dict | list):
            check(f"{assignment}.{question}", truth)
            assert re.search("taken|right", capsys.readouterr().out)  # right where the cases themselves tell


def test_only_the_grader_may_read_the_secret(classes):
    assert stat.S_IMODE((classes("spring", "a1") / "class.json").stat().st_mode) == 0o600


def test_the_same_seed_draws_the_same_cases(classes, tmp_path):
    first = classes("spring", "a1")
    again = draw_class(tmp_path / "again", "spring", assignments=["a1"], notebooks=None, workers=1, progress=False)
    assert key_of(first, "a1") == key_of(again, "a1")
    for path in (key_folder(first, "a1") / "cases").rglob("*.nii.gz"):
        other = again / path.relative_to(first)
        assert np.array_equal(read_nifti(path).data, read_nifti(other).data)


def test_students_get_cases_of_their_own_and_more_can_come_later(tmp_path):
    course = tmp_path / "course"
    options = {"assignments": ["a4"], "workers": 1, "progress": False}
    draw_class(course, "secret", ["s01", "s02"], **options)
    first, second = (key_of(course, "a4", who) for who in ("s01", "s02"))
    assert first != second and first["q6"] != second["q6"]
    before = {path: path.stat().st_mtime_ns for path in (course / "key").rglob("key.json")}
    draw_class(course, "secret", ["s03"], **options)
    assert read_class(course)["students"] == ["s01", "s02", "s03"] and known_seed(course) == "secret"
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert {path.name for path in (course / "handout").iterdir()} == {"s01", "s02", "s03"}


def test_drawing_that_was_stopped_goes_on(tmp_path, monkeypatch):
    drawn = []

    def draw_and_stop(assignment, seed, folder, practice=False):
        drawn.append(assignment)
        (folder / "half").write_text("half")
        if len(drawn) == 2:
            raise KeyboardInterrupt
        real(assignment, seed, folder, practice)

    real = hand_out.draw_cases
    options = {"assignments": ["a4", "a1"], "notebooks": None, "workers": 1, "progress": False}
    monkeypatch.setattr(hand_out, "draw_cases", draw_and_stop)
    with pytest.raises(KeyboardInterrupt):
        draw_class(tmp_path / "course", "secret", **options)
    key = tmp_path / "course" / "key" / EVERYONE
    assert [path.name for path in key.iterdir()] == ["a4"]
    draw_class(tmp_path / "course", "secret", **options)
    assert drawn == ["a4", "a1", "a1"]
    assert sorted(path.name for path in key.iterdir()) == ["a1", "a4"]


def test_seeds_of_classes_assignments_and_students_are_apart():
    seeds = [
        case_seed(secret, assignment, who)
        for secret in ("a", "b", "a\0a1", new_class_seed())
        for assignment in ASSIGNMENTS
        for who in (EVERYONE, "s01", "s02")
    ]
    assert len(set(seeds)) == len(seeds) and min(seeds) > 2**96 and len(new_class_seed()) >= 24


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"students": ["../up"]}, "cannot be used as a folder's name"),
        ({"students": ["class"]}, "cannot be used as a folder's name"),
        ({"students": ["s01", "s01"]}, "named more than once"),
        ({"assignments": ["a9"]}, "is not known"),
        ({"class_seed": "other"}, "belongs to a class with another seed"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_anything_is_written(change, told, classes):
    course = classes("spring", "a1")
    before = sorted(course.rglob("*"))
    wanted = {"class_seed": "spring", "assignments": ["a1"], "progress": False, **change}
    with pytest.raises(ClassroomError, match=told):
        draw_class(course, **wanted)
    assert sorted(course.rglob("*")) == before


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ClassroomError, match="is no class's folder"):
        draw_class(tmp_path, "secret", progress=False)
    with pytest.raises(ClassroomError, match=r"has no class\.json"):
        read_class(tmp_path)


def test_a_class_of_another_version_is_not_graded_wrongly(classes, tmp_path):
    shutil.copytree(classes("spring", "a1"), tmp_path / "old")
    said = json.loads((tmp_path / "old" / "class.json").read_text())
    (tmp_path / "old" / "class.json").write_text(json.dumps({**said, "versions": [0, 0]}))
    with pytest.raises(ClassroomError, match="another version"):
        read_class(tmp_path / "old")


def test_cases_say_what_they_have(classes, monkeypatch):
    monkeypatch.chdir(classes("spring", "a1") / "handout" / EVERYONE / "a1")
    cases = open_cases("a1")
    with pytest.raises(ClassroomError, match="take one of A"):
        cases.case("Z")
    with pytest.raises(ClassroomError, match="assignment a1 has assignment, practice, study"):
        cases["nonsense"]
    with pytest.raises(ClassroomError, match="is not known"):
        find_cases("b1")
    case = cases.case("a")
    assert case.is_synthetic and case.mask() is None and case.ct().orientation == "LAS" and case.title == "case A"
    assert isinstance(cases, Cases)
