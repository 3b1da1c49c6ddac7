"""A class's folder and its file: damage, no place and no secret are said in one line, before anything is done."""

from __future__ import annotations

import json

import pytest

from mosmed_edu import cli
from mosmed_edu.classroom.class_file import read_class
from mosmed_edu.classroom.hand_out import draw_class
from mosmed_edu.classroom.pencil import CASES_VERSION
from mosmed_edu.errors import ClassroomError, MosMedError
from mosmed_edu.phantom import GENERATOR_VERSION

WHOLE = {"class_seed": "s", "students": ["s01"], "versions": [GENERATOR_VERSION, CASES_VERSION]}


def one_line(capsys) -> str:
    """What was said: one line on standard error, and nothing else."""
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("mosmed-edu: ") and error.count("\n") == 1, (out, error)
    return error


DAMAGED = {
    "not all": json.dumps({"versions": WHOLE["versions"]}).encode(),
    "a number for a seed": json.dumps({**WHOLE, "class_seed": 5}).encode(),
    "a seed that is no text": json.dumps({**WHOLE, "class_seed": "\ud800"}).encode(),
    "no students": json.dumps({**WHOLE, "students": None}).encode(),
    "a student that leads elsewhere": json.dumps({**WHOLE, "students": ["../up"]}).encode(),
    "no versions": json.dumps({**WHOLE, "versions": 3}).encode(),
    "a list": b"[]",
    "nested": b"[" * 100_000,
    "cut": json.dumps(WHOLE).encode()[:20],
    "empty": b"",
    "no UTF-8": b'{"class_seed": "\xff\xfe"}',
}


@pytest.mark.parametrize("command", ["assignment", "grade"])
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_class_file_is_named_with_what_to_do(command, content, tmp_path, capsys):
    (tmp_path / "class.json").write_bytes(content)
    assert cli.main([command, str(tmp_path)]) == 1
    told = one_line(capsys)
    assert "class.json: is damaged" in told and "restore it" in told and "cannot be drawn again" in told
    assert [path.name for path in tmp_path.iterdir()] == ["class.json"]


def test_a_class_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "class.json").mkdir()
    with pytest.raises(ClassroomError, match=r"class\.json: cannot be read"):
        read_class(tmp_path)


@pytest.mark.parametrize("seed", ["", "\udcff\udcfe"])  # the second: bytes that a terminal gave and that are no text
def test_a_secret_that_nothing_can_be_drawn_from_is_refused_before_anything_is_written(seed, tmp_path, capsys):
    assert cli.main(["assignment", str(tmp_path / "course"), "--class-seed", seed]) == 1
    assert "the class's seed" in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["assignment", "grade"])
@pytest.mark.parametrize("name", ["~nosuchuser/x", "x" * 300, ""])
def test_what_can_be_no_folder_is_one_line(command, name, capsys):
    assert cli.main([command, name]) == 1
    assert "no usable path" in one_line(capsys)


@pytest.mark.parametrize("call", [read_class, lambda folder: draw_class(folder, "secret", progress=False)])
def test_a_home_of_nobody_is_no_folder_to_make(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MosMedError, match="no usable path"):
        call("~nosuchuser/x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("parent", ["/proc", "/dev/null"])
def test_a_place_where_no_folder_can_be_made_is_one_line(parent, capsys):
    assert cli.main(["assignment", f"{parent}/course"]) == 1
    assert "cannot be written" in one_line(capsys)


def test_a_folder_that_the_system_refuses_to_show_is_one_line(tmp_path, monkeypatch):
    """As one without the right to enter it, which a test that runs as root would have."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.exists", refuse)
    with pytest.raises(MosMedError, match="Permission denied"):
        read_class(tmp_path)
