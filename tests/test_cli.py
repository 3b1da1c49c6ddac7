"""What is typed in a terminal: exit codes, one-line errors, no traceback, ever."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

from mosmed_edu import __version__
from mosmed_edu.layout import DRAWN_NAMES


def run(*arguments, **options):
    """Run the command as a user would; a traceback fails every test."""
    options = {"capture_output": True, "text": True, "timeout": 120, **options}
    ran = subprocess.run([sys.executable, "-m", "mosmed_edu", *map(str, arguments)], **options)
    assert "Traceback" not in (ran.stderr or "") and "Exception ignored" not in (ran.stderr or "")
    return ran


def one_line(ran):
    """The error that a user sees."""
    assert ran.returncode == 1 and ran.stdout == ""
    assert re.fullmatch(r"mosmed-edu: .*Next: .*\.\n", ran.stderr), ran.stderr
    return ran.stderr


def test_version_and_help():
    assert run("--version").stdout == f"mosmed-edu {__version__}\n"
    text = run("--help").stdout
    assert "sample" in text and "check" in text and "examples:" in text and "exit code" in text
    assert "--quick" in run("check", "--help").stdout
    assert all(name in run("sample", "--help").stdout for name in DRAWN_NAMES)


def test_the_installed_command_is_the_same():
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="console_scripts", name="mosmed-edu")
    from mosmed_edu.cli import main

    assert entry.load() is main


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["check"], ["check", "a", "b"], ["check", "a", "--workers", "0"],
                  ["check", "a", "--workers", "two"], ["sample", "real"]],
)  # fmt: skip
def test_wrong_usage(arguments):
    ran = run(*arguments)
    assert ran.returncode == 2 and ran.stdout == "" and "usage: mosmed-edu" in ran.stderr


def test_check_prints_a_table_and_what_to_do(root):
    ran = run("check", root)
    assert ran.returncode == 1 and ran.stderr == ""
    assert re.search(r"CT-1 +684 +2 +2", ran.stdout) and "Next: " in ran.stdout and "NOT OK: 1 fault." in ran.stdout


@pytest.mark.parametrize("options", [[], ["--quick"], ["--workers", "1"]])
def test_check_for_machines(root, options):
    ran = run("check", root, "--json", *options)
    said = json.loads(ran.stdout)
    assert ran.returncode == 1 and said["ok"] is False
    assert said["studies"]["CT-1"] == {"expected": 684, "listed": 2, "on_disk": 2}
    assert said["remarks"][0]["todo"] and said["quick"] is ("--quick" in options)


def test_a_dataset_that_is_ok(tmp_path, tiny):
    from mosmed_edu.layout import lobes_file, signs_file, write_volume
    from mosmed_edu.volume import Volume

    root = tiny.write_dataset(tmp_path / "drawn", {1: "CT-0"}, ())
    for name in (lobes_file(1), signs_file(1)):
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True)
        write_volume(Volume(tiny.mask_of(5), tiny.AFFINE), path)
    (root / "extras/truth.csv").write_text("study_id,fraction\n1,0\n")
    (root / "extras/drawn.json").write_text(json.dumps({"name": "mine", "studies": {"CT-0": 1}, "masks": 0}))
    ran = run("check", root)
    assert ran.returncode == 0 and ran.stdout.endswith("OK.\n") and "show no patient" in ran.stdout
    assert json.loads(run("check", root, "--json").stdout)["ok"] is True


def test_errors_are_one_line(tmp_path, root):
    assert "nowhere: is no folder" in one_line(run("check", tmp_path / "nowhere"))
    registry = root / "dataset_registry.xlsx"
    registry.write_bytes(b"<html>")
    assert "is no readable table" in one_line(run("check", root))
    registry.unlink()
    assert "has no dataset_registry.xlsx" in one_line(run("check", root))
    assert "has no dataset_registry.xlsx" in one_line(run("check", root, "--json"))


def test_names_from_everywhere(tmp_path, tiny):
    root = tiny.write_dataset(tmp_path / "данные 数据 é", {1: "CT-0"}, ())
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = run("check", root, env=environment)
    assert ran.returncode == 1 and "CT-0" in ran.stdout


def test_a_closed_pipe_is_quiet(root):
    for arguments in (["check", root, "--json"], ["--help"]):
        read, write = os.pipe()
        os.close(read)
        ran = subprocess.run(
            [sys.executable, "-m", "mosmed_edu", *arguments], stdout=write, stderr=subprocess.PIPE, text=True
        )
        os.close(write)
        assert ran.stderr == "" and ran.returncode in (141, 0)  # argparse itself passes over a pipe that is closed


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child")
def test_ctrl_c_is_quiet(root):
    code = (
        "import sys, time, mosmed_edu.check as c\n"
        "c._check_study = lambda *_: (print('begun', flush=True), time.sleep(10)) and []\n"
        "from mosmed_edu.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "check", str(root), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == ""
    assert out.count("begun") <= 1, "what had not begun was begun after Ctrl-C"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_progress_is_shown_to_people_only(root):
    import pty
    import select
    import termios

    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))  # a terminal without columns has no room for a bar
    ran = run("check", root, stdout=subprocess.PIPE, stderr=follower, capture_output=False)
    ready, _, _ = select.select([leader], [], [], 0)
    assert ready and b"Checking" in os.read(leader, 10_000)
    os.close(follower)
    os.close(leader)
    assert "Checking" not in ran.stdout


def test_a_sample_that_cannot_be_written_is_one_line(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    environment = {**os.environ, "XDG_CACHE_HOME": str(blocked), "HOME": str(blocked), "LOCALAPPDATA": str(blocked)}
    one_line(run("sample", env=environment))


def test_sample_prints_where_it_is(monkeypatch, capsys, root):
    from mosmed_edu import cli

    asked = []
    monkeypatch.setattr("mosmed_edu.phantom.cached_dataset", lambda name: asked.append(name) or root)
    assert cli.main(["sample"]) == 0 and cli.main(["sample", "cohort"]) == 0
    assert capsys.readouterr().out == f"{root}\n{root}\n" and asked == ["sample", "cohort"]


def test_a_sheet_is_a_picture(tmp_path, monkeypatch, capsys):
    from PIL import Image

    from mosmed_edu import cli
    from mosmed_edu.phantom import sheet

    monkeypatch.setattr(sheet, "contact_sheet", partial(sheet.contact_sheet, matrix=64))
    out = tmp_path / "patients.png"
    assert cli.main(["sheet", str(out), "--kind", "patients"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    with Image.open(out) as picture:
        assert picture.mode == "L" and min(picture.size) > 500
    assert list(tmp_path.iterdir()) == [out]


def test_a_sheet_that_cannot_be_written_is_one_line(tmp_path):
    assert "lies in no folder" in one_line(run("sheet", tmp_path / "nowhere" / "x.png"))
    assert "is not known" in one_line(run("sheet", tmp_path / "x.png", "--kind", "nonsense"))
    assert list(tmp_path.iterdir()) == []


def test_a_sheet_leaves_other_files_of_a_like_name_alone(tmp_path, monkeypatch, capsys):
    from mosmed_edu import cli
    from mosmed_edu.phantom import sheet

    monkeypatch.setattr(sheet, "contact_sheet", lambda *args, **kwargs: np.zeros((8, 8), np.uint8))
    (tmp_path / "x.png.part").write_text("words")
    assert cli.main(["sheet", str(tmp_path / "x.png")]) == 0
    assert (tmp_path / "x.png.part").read_text() == "words"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.png", "x.png.part"]


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_sheet_needs_the_name_of_a_file(name):
    assert one_line(run("sheet", name))


def test_help_names_every_kind_of_sheet():
    from mosmed_edu.phantom.sheet import SHEETS

    text = run("sheet", "--help").stdout
    assert all(kind in text for kind in SHEETS)


def test_calibration_prints_every_measure(capsys):
    from mosmed_edu import cli
    from mosmed_edu.phantom.calibrate import REAL

    code = cli.main(["calibrate", "--studies", "2", "--workers", "1"])
    printed = capsys.readouterr().out
    assert all(measure in printed for measure in REAL)
    assert code == (1 if " NO" in printed else 0)


def test_a_class_is_drawn_and_said_in_two_lines(tmp_path):
    ran = run("assignment", tmp_path / "class", "--only", "a4", "--student", "s01", "--class-seed", "secret")
    assert ran.returncode == 0 and re.fullmatch(r"give away: .*handout\nkeep: .*key, .*class\.json\n", ran.stdout)
    handout = tmp_path / "class" / "handout" / "s01" / "a4"
    assert {path.name for path in handout.iterdir()} == {"a4.ipynb", "cases"}
    again = run("assignment", tmp_path / "class", "--only", "a4", "--student", "s01")  # the secret is kept there
    assert again.returncode == 0 and again.stdout == ran.stdout
    other = run("assignment", tmp_path / "class", "--only", "a4", "--class-seed", "other")
    assert "belongs to a class with another seed" in one_line(other)


def test_a_class_without_a_seed_gets_one_that_nobody_guesses(tmp_path):
    assert run("assignment", tmp_path / "class", "--only", "a4", "--cases-only").returncode == 0
    seed = json.loads((tmp_path / "class" / "class.json").read_text())["class_seed"]
    assert len(seed) >= 24
    assert "has no nbgrader_config.py" in one_line(run("grade", tmp_path / "class"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["assignment", "{tmp}/new", "--only", "a7"], "take one of a1, a2, a3, a4"),
        (["assignment", "{tmp}/new", "--student", "a/b"], "cannot be used as a folder's name"),
        (["assignment", "{tmp}"], "is no class's folder"),
        (["grade", "{tmp}"], "has no class.json"),
        (["grade", "{tmp}/nowhere"], "has no class.json"),
    ],
)
def test_what_a_teacher_mistypes(arguments, told, tmp_path):
    (tmp_path / "something").write_text("")
    assert told in one_line(run(*(text.format(tmp=tmp_path) for text in arguments)))
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_full_disk_is_one_line(root):
    with open("/dev/full", "w") as full:
        ran = run("check", root, "--quick", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert ran.returncode == 1 and re.fullmatch(r"mosmed-edu: standard output: .*No space left.*\n", ran.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes a stream")
@pytest.mark.parametrize(
    ("closed", "out", "err"),
    [(">&-", "", r"mosmed-edu: standard output: is closed.*\n"), ("2>&-", r"(?s).*NOT OK: 1 fault\.\n", "")],
)
def test_a_closed_stream_is_no_traceback(root, closed, out, err):
    script = f'"$0" -m mosmed_edu check "$1" --quick {closed}'
    ran = subprocess.run(["sh", "-c", script, sys.executable, root], capture_output=True, text=True)
    assert ran.returncode == 1 and re.fullmatch(out, ran.stdout) and re.fullmatch(err, ran.stderr)


def test_the_command_line_loads_nothing_that_takes_a_while_before_it_can_be_interrupted():
    code = "import sys, mosmed_edu.cli; print(*sys.modules)"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert {"mosmed_edu", "mosmed_edu.cli", "mosmed_edu.errors"} <= loaded
    assert loaded.isdisjoint({"numpy", "pandas", "nibabel", "mosmed_edu.dataset", "mosmed_edu.cli.check"})


@pytest.mark.parametrize("place", ["~nosuchuser/x", "x" * 5000])
def test_what_is_no_path_is_one_line(place):
    assert "is no usable path" in one_line(run("check", place))
