"""What a user gives that is no folder, no list and no mask: one line each, and never a wait without end."""

from __future__ import annotations

import os

import numpy as np
import pytest

from mosmed_edu.cli import main
from mosmed_edu.convert import convert, read_categories
from mosmed_edu.errors import ConversionError, MosMedError

UNUSABLE = ["~nosuchuser/x", "x" * 5000, "a\0b"]


def said(call, *given, **options) -> str:
    with pytest.raises(MosMedError) as caught:
        call(*given, **options)
    assert caught.value.todo and len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# ---- paths


@pytest.mark.parametrize("path", UNUSABLE, ids=["user", "long", "NUL"])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["folder", "out", "list"])
def test_a_path_that_is_none(two, path, which):
    given = [two.root, two.out, two.list]
    given[which] = path
    assert "is no usable path" in said(convert, *given, progress=False) and not two.out.exists()


@pytest.mark.parametrize("name", [".", "/", ".."])
def test_out_has_no_name_of_its_own(two, tmp_path, monkeypatch, name):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert f"{name}: is no name of a folder" in said(convert, two.root, name, two.list, progress=False)


@pytest.mark.parametrize("to", ["nowhere", "empty", "own"])
def test_out_is_a_link(two, to):
    """Whether it leads nowhere, to an empty folder or to itself, the folder could not be put there in the end."""
    (two.out.parent / "empty").mkdir()
    two.out.symlink_to(to)
    assert "is a link. Next: name a new folder, or the one" in said(two.run)
    assert two.out.is_symlink() and not two.partial.exists()


def test_the_folder_is_a_link_to_itself(two, tmp_path):
    (tmp_path / "ring").symlink_to("ring")
    assert "is no folder" in said(convert, tmp_path / "ring", two.out, two.list, progress=False)


# ---- how many


@pytest.mark.parametrize("number", [2.5, 2.0, "2", None])
def test_keep_every_is_a_whole_number(two, number):
    assert f"keep_every {number!r}: is no whole number" in said(two.run, keep_every=number)


def test_keep_every_may_come_out_of_an_array(two):
    assert two.run(keep_every=np.int64(5)).studies[0].shape[2] == 4


# ---- the list


@pytest.mark.parametrize(
    "text",
    [
        "study;category\r\nA;CT-1;\r\nB;CT-0;\r\n",
        "study;category\r\nA;CT-1;;;\r\nB;CT-0\r\n",
        "study,category,,\r\nA,CT-1,,\r\nB,CT-0,,\r\n",
        "\nstudy,category\n\nA,CT-1,\n\nB,CT-0\n\n",
    ],
)
def test_a_list_whose_rows_end_with_separators(tmp_path, text):
    (tmp_path / "list.csv").write_text(text, newline="")
    wanted = read_categories(tmp_path / "list.csv")
    assert [(one.key, one.category, one.mask) for one in wanted] == [("B", "CT-0", None), ("A", "CT-1", None)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("study,category\nA,CT-1\nB,CT-0,x\n", "row 3 has more cells than the first row has columns"),
        ("study,category,study\nA,CT-1,B\n", "has the column 'study' more than once"),
        ('study,category\n"A,CT-1\nB,CT-0\n', "is no readable table"),
        (" " * 20_000_001, "holds 20,000,001 bytes, far more than any list"),
    ],
)
def test_a_list_that_says_two_things(tmp_path, text, fault):
    (tmp_path / "list.csv").write_text(text)
    assert fault in said(read_categories, tmp_path / "list.csv")


def test_a_list_that_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        assert "is no file" in said(read_categories, path)


# ---- masks


@pytest.mark.parametrize("mask", ["pipe", "P1", "a\0b", "x" * 5000])
def test_a_mask_that_is_no_file_fails_its_study_only(two, mask):
    os.mkfifo(two.root / "pipe")
    two.list.write_text(f"study,category,mask\nP1,CT-0,\nP2,CT-1,{mask}\n")
    done = two.run()
    ((name, error),) = done.failed
    assert name == "P2" and "(P2)" in str(error) and str(error).isprintable() and isinstance(error, ConversionError)
    assert [one.id for one in done.studies] == [1]


# ---- in a terminal


def test_no_name_of_a_file_can_forge_a_line_of_the_report(two, capsys):
    out, damaged = two.out.with_name("own\x1b[31m\nforged"), two.root / "IM\x1b[2J\n9 converted, 0 failed."
    damaged.write_bytes(b"\0" * 128 + b"DICM" + b"\x08\x00")
    assert main(["convert", str(two.root), str(out), "--category-from", str(two.list)]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text and r"own\x1b[31m forged" in text and r"IM\x1b[2J 9 converted" in text
    assert not any(line.startswith(("forged", "9 converted")) for line in text.splitlines())
