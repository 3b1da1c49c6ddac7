"""A class that is drawn again: what is missing is written, and nothing of the teacher's is changed or lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from mosmed_edu import cli
from mosmed_edu.classroom import hand_out, keeping
from mosmed_edu.classroom.cases import key_folder
from mosmed_edu.classroom.hand_out import draw_class
from mosmed_edu.classroom.pencil import CASES_VERSION
from mosmed_edu.errors import ClassroomError


@pytest.fixture
def course(classes, tmp_path):
    """A copy of a class's folder that a test may change."""
    return Path(shutil.copytree(classes("spring", "a1"), tmp_path / "course"))


@pytest.fixture
def sketched(monkeypatch):
    """Cases that are drawn at once: two small files and a key. Holds the assignments that were drawn."""
    drawn = []

    def sketch(assignment, seed, folder, practice=False):
        drawn.append(assignment)
        (folder / "cases" / "dataset").mkdir(parents=True)
        (folder / "cases" / "dataset" / "scan").write_text(f"drawn from {seed}")
        (folder / "cases" / "cases.json").write_text(json.dumps({"assignment": assignment}))
        (folder / "key.json").write_text(json.dumps({"version": CASES_VERSION}))

    monkeypatch.setattr(hand_out, "draw_cases", sketch)
    return drawn


def again(course: Path, **options) -> list[str]:
    """Draw it once more; the lines that are told."""
    told: list[str] = []
    draw_class(course, "spring", assignments=["a1"], workers=1, progress=False, tell=told.append, **options)
    return told


def sketch_class(folder: Path) -> Path:
    return draw_class(folder, "secret", assignments=["a1"], notebooks=None, workers=1, progress=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_running_again_changes_nothing_and_says_nothing(course):
    before = contents(course)
    assert again(course) == [] and contents(course) == before


def test_what_a_teacher_changed_or_added_stays_and_is_named(course, capsys):
    changed = ["handout/class/a1/a1.ipynb", "key/class/a1/model.ipynb", "nbgrader_config.py", "source/a1/a1.ipynb"]
    for name in changed:
        with (course / name).open("a") as file:
            file.write("# mine\n")
    (course / "handout" / "class" / "a1" / "notes.txt").write_text("mine")
    before = contents(course)
    assert cli.main(["assignment", str(course), "--only", "a1"]) == 0
    assert contents(course) == before
    last = capsys.readouterr().out.splitlines()[-1]
    assert all(name in last for name in changed) and "notes.txt" not in last
    assert "remove or rename them" in last and "run the same again" in last


def test_the_new_version_comes_when_the_old_one_is_renamed(course, aids):
    handed_out = course / "handout" / "class" / "a1" / "a1.ipynb"
    handed_out.write_text("mine")
    handed_out.rename(handed_out.with_name("old.ipynb"))
    assert again(course) == []
    assert handed_out.read_bytes() == aids.release_of("a1").read_bytes()
    assert handed_out.with_name("old.ipynb").read_text() == "mine"


def test_a_case_that_is_not_the_keys_is_named_and_kept(course):
    case = course / "handout" / "class" / "a1" / "cases" / "cases.json"
    case.write_text("{}")
    (line,) = again(course)
    assert "handout/class/a1/cases/cases.json" in line and case.read_text() == "{}"


def test_a_line_stays_short_however_much_was_kept(tmp_path):
    keeper = keeping.Keeper(tmp_path)
    for number in range(30):
        (tmp_path / f"{number}\n").write_text("old")
        keeper.lay(tmp_path / f"{number}\n", b"new")
    assert "and 22 more" in keeper.line() and "\n" not in keeper.line()


@pytest.mark.parametrize("link", [True, False])
def test_a_link_or_a_folder_in_the_place_of_a_file_is_kept(tmp_path, link):
    place, keeper = tmp_path / "a1.ipynb", keeping.Keeper(tmp_path)
    place.symlink_to("nowhere") if link else place.mkdir()
    keeper.lay(place, b"new")
    assert keeper.kept == [place] and place.is_symlink() == link


def test_a_copy_that_was_killed_is_made_whole(course):
    """As kill -9 leaves it: files that are not there, and one that is there by half under its temporary name."""
    before = contents(course)
    cases = course / "handout" / "class" / "a1" / "cases"
    half = cases / f".case_a.nii.gz{keeping.PARTIAL}"
    half.write_bytes((cases / "case_a.nii.gz").read_bytes()[:100])
    (cases / "case_a.nii.gz").unlink()
    shutil.rmtree(cases / "dataset")
    assert again(course) == [] and contents(course) == before


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path, monkeypatch, sketched):
    """Looked at whenever a file gets its name: all that stands there under a name of its own is whole."""
    whole = contents(sketch_class(tmp_path / "whole"))
    replace, seen = Path.replace, []

    def look(path, target):
        now = {name: text for name, text in contents(tmp_path / "course").items() if "/." not in f"/{name}"}
        seen.append(now)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", look)
    sketch_class(tmp_path / "course")
    assert len(seen) > 3 and all(whole[name] == text for now in seen for name, text in now.items())


def test_a_first_run_that_was_killed_at_once_can_be_run_again(tmp_path, sketched):
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / f".class.json{keeping.PARTIAL}").write_text('{"class')
    sketch_class(folder)
    assert {path.name for path in folder.iterdir() if path.suffix != ".lock"} == {"class.json", "handout", "key"}


@pytest.mark.parametrize("damage", ["key.json", "cases/cases.json"])
def test_a_key_that_was_damaged_is_not_drawn_over(tmp_path, sketched, damage):
    key = key_folder(sketch_class(tmp_path / "course"), "a1")
    (key / "notes.txt").write_text("mine")
    (key / damage).unlink()
    with pytest.raises(ClassroomError, match="missing or damaged"):
        sketch_class(tmp_path / "course")
    assert (key / "notes.txt").read_text() == "mine" and sketched == ["a1"]
    key.rename(tmp_path / "away")
    sketch_class(tmp_path / "course")
    assert sketched == ["a1", "a1"] and (key / damage).is_file()


def test_two_do_not_draw_a_class_at_once(tmp_path, sketched):
    course = sketch_class(tmp_path / "course")
    (lock,) = course.glob(".*.lock")
    with FileLock(lock), pytest.raises(ClassroomError, match="being written by another process"):
        sketch_class(course)
    sketch_class(course)


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(tmp_path, monkeypatch, sketched):
    def full(keeper, source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeper, "lay_folder", full)
        with pytest.raises(ClassroomError, match=r"No space left.*goes on where it stopped"):
            sketch_class(tmp_path / "course")
    sketch_class(tmp_path / "course")
    assert sketched == ["a1"]  # the cases were there
    assert (tmp_path / "course" / "handout" / "class" / "a1" / "cases" / "dataset" / "scan").is_file()


def test_a_file_that_could_not_be_written_leaves_nothing_of_it(tmp_path, monkeypatch):
    def refuse(path, target):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        keeping.write_whole(tmp_path / "x", b"words")
    assert list(tmp_path.iterdir()) == []
