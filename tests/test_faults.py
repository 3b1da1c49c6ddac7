"""A power cut, kill -9, a full disk, two runs at once: the next run is right, and nothing half-written is ever read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from mosmed_edu.check import check_dataset
from mosmed_edu.dataset import Dataset
from mosmed_edu.errors import CacheError
from mosmed_edu.features.cache import Rows
from mosmed_edu.nifti import read_nifti
from mosmed_edu.phantom import GENERATOR_VERSION, Plan, write_dataset
from mosmed_edu.viewer import export_scan

ROOT = Path(__file__).resolve().parents[1]
FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


def start(code: str, *arguments, **variables) -> subprocess.Popen:
    """A Python of its own that runs this code, in a process group of its own."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "book")])} | variables
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition, seconds: float = 90):
    """Wait for something to become true, and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def kill(process: subprocess.Popen) -> list[psutil.Process]:
    """kill -9 one process and not its children; give the children."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return children


def finished(process: subprocess.Popen) -> str:
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    return out


# ---- drawing

DRAW = """
import sys
from mosmed_edu.phantom import PLANS, Plan, cached_dataset, cohort
PLANS["sample"] = Plan("sample", (2, 1, 0, 0, 0), 64, 5)
cohort.worker_count = lambda jobs: 2
print(cached_dataset(progress=False))
"""


def test_drawing_that_was_killed_is_done_again_and_its_workers_end(tmp_path):
    cache = tmp_path / "мой кэш"
    first = start(DRAW, MOSMED_CACHE=str(cache))
    until(lambda: list(cache.glob(".*.partial/studies/*/*.nii.gz")) or first.poll() is not None)
    children = kill(first)
    assert not (cache / f"sample-v{GENERATOR_VERSION}").exists()
    root = Path(finished(start(DRAW, MOSMED_CACHE=str(cache))).strip())
    assert check_dataset(root, progress=False).ok
    drawn = write_dataset(Plan("sample", (2, 1, 0, 0, 0), 64, 5), tmp_path / "undisturbed", 1, progress=False)
    for path in drawn.rglob("*.nii.gz"):
        assert path.read_bytes() == (root / path.relative_to(drawn)).read_bytes()
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [root.name]
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


@needs_full
def test_a_disk_that_fills_up_while_drawing_is_one_line_and_leaves_nothing(tmp_path, fill_up):
    fill_up(".nii.gz")
    with pytest.raises(CacheError, match="no space left") as caught:
        write_dataset(Plan("s", (1, 0, 0, 0, 0), 64, 5), tmp_path / "drawn", workers=1, progress=False)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def fill_up(monkeypatch):
    """Let the kernel refuse the bytes of every file with this ending, as on a full disk."""

    def full(ending: str) -> None:
        real = Path.open

        def opened(self, mode="r", *more, **options):
            writes = set(mode) & set("wa+")
            return real(FULL if writes and ending in self.name else self, mode, *more, **options)

        monkeypatch.setattr(Path, "open", opened)

    return full


# ---- exporting

EXPORT = """
import os, signal, sys
from pathlib import Path
from mosmed_edu import open_dataset
from mosmed_edu.viewer import export
whole, killed_at = export.write_volume, sys.argv[3]
def half(volume, path):
    whole(volume, path)
    if killed_at in path.name:
        path.write_bytes(path.read_bytes()[:200])
        os.kill(os.getpid(), signal.SIGKILL)
export.write_volume = half
export.export_scan(open_dataset(sys.argv[1])[255], Path(sys.argv[2]))
"""


def test_an_export_that_was_killed_is_done_again(root, tmp_path):
    process = start(EXPORT, root, tmp_path / "scans", "-mask")
    process.communicate(timeout=90)
    assert process.returncode == -signal.SIGKILL
    study = Dataset(root)[255]
    about, expected = export_scan(study, tmp_path / "scans"), export_scan(study, tmp_path / "undisturbed")
    assert about == expected
    for name in (about["scan"], about["mask"]):
        assert (tmp_path / "scans" / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
        read_nifti(tmp_path / "scans" / name)


def test_exports_at_once_give_one_whole_scan(root, tmp_path):
    study, folders = Dataset(root)[255], [tmp_path / str(n) for n in range(20) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for folder, about in zip(folders, pool.map(lambda folder: export_scan(study, folder), folders), strict=True):
            read_nifti(folder / about["scan"])
    assert not list(tmp_path.rglob("*.part"))


@needs_full
@pytest.mark.parametrize("ending", [".nii.gz", ".json"])
def test_a_disk_that_fills_up_while_exporting_is_one_line_and_leaves_nothing(root, tmp_path, fill_up, ending):
    fill_up(ending)
    with pytest.raises(CacheError, match="No space left") as caught:
        export_scan(Dataset(root)[255], tmp_path / "scans")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "scans").glob("*.json")) and not list((tmp_path / "scans").glob("*.part"))


# ---- measuring


@needs_full
def test_a_full_disk_while_measuring_is_one_line(tmp_path):
    (tmp_path / "rows.jsonl").symlink_to(FULL)
    with pytest.raises(CacheError, match="No space left") as caught:
        Rows(tmp_path / "rows.jsonl").add("a scan", {"involved": 0.5})
    assert "\n" not in str(caught.value) and "MOSMED_CACHE" in str(caught.value)


def test_a_home_that_may_not_be_written_to_is_one_line_that_says_what_to_set(tmp_path):
    """`/dev/null` is no folder, so nothing can be made in it, by whoever runs this."""
    code = "from mosmed_edu.cli import main; import sys; sys.exit(main(['sample']))"
    variables = {"HOME": "/dev/null", "XDG_CACHE_HOME": "", "MOSMED_CACHE": ""}
    process = start(code, **variables)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 1 and out == ""
    assert "MOSMED_CACHE" in err and len(err.strip().splitlines()) == 1


# ---- executing

RUN = """
import os, signal, sys
from pathlib import Path
import execute
execute.os.cpu_count = lambda: 1
if sys.argv[2] == "half":
    whole = Path.write_text
    def half(path, text, *more, **options):
        if path.name == "base.ipynb":
            whole(path, text[: len(text) // 2], *more, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(path, text, *more, **options)
    Path.write_text = half
if sys.argv[2] == "none":
    whole = Path.mkdir
    def none(path, *more, **options):
        if path.parent.name == "executed":
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(path, *more, **options)
    Path.mkdir = none
folder = Path(sys.argv[1])
sys.exit(execute.run_notebooks(sorted(folder.glob("*.ipynb")), folder / "cache"))
"""
COUNT = "open('ran.txt', 'a').write('{0} '); print('{0}')"


def notebook(folder: Path, name: str, code: str) -> Path:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(code, id="0")], metadata=kernel), path)
    return path


def outputs(folder: Path, path: Path) -> str:
    from jupyter_cache import get_cache

    return get_cache(folder / "cache").merge_match_into_notebook(nbformat.read(path, 4))[1].cells[0].outputs[0].text


def test_a_run_of_the_notebooks_that_was_killed_takes_up_where_it_was(tmp_path):
    done = notebook(tmp_path, "b", COUNT.format("b"))  # the last one in the folder begins first
    slow = (
        "import pathlib, time\nif not pathlib.Path('go').exists():\n    open('began', 'w').close(); time.sleep(600)\n"
    )
    stopped = notebook(tmp_path, "a", slow + COUNT.format("a"))
    process = start(RUN, tmp_path, "")
    until(lambda: (tmp_path / "began").exists() or process.poll() is not None)
    kernels = kill(process)
    assert (tmp_path / "ran.txt").read_text().split() == ["b"]
    (tmp_path / "go").touch()
    finished(start(RUN, tmp_path, ""))
    assert (tmp_path / "ran.txt").read_text().split() == ["b", "a"]
    assert [outputs(tmp_path, path).strip() for path in (done, stopped)] == ["b", "a"]
    _, alive = psutil.wait_procs(kernels, timeout=30)
    assert alive == []


@pytest.mark.parametrize("killed_with", ["half", "none"])
def test_outputs_that_were_being_kept_when_it_was_killed_are_made_again(tmp_path, killed_with):
    """With half of the notebook on disk, and with an entry that has no notebook at all."""
    path = notebook(tmp_path, "a", COUNT.format("a"))
    process = start(RUN, tmp_path, killed_with)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    finished(start(RUN, tmp_path, ""))
    assert (tmp_path / "ran.txt").read_text().split() == ["a", "a"]
    assert outputs(tmp_path, path).strip() == "a"


def test_a_kernel_that_dies_is_named_and_what_others_did_is_kept(tmp_path):
    """For want of memory, most often. The slow one ends after it, and runs once."""
    slow = notebook(tmp_path, "a", "import time; time.sleep(3); " + COUNT.format("a"))
    notebook(tmp_path, "b", "import os; os._exit(9)")
    for _ in range(2):
        process = start(RUN, tmp_path, "")
        _, said = process.communicate(timeout=120)
        assert process.returncode == 1 and "b.ipynb: DeadKernelError" in said and "Traceback" not in said
    assert (tmp_path / "ran.txt").read_text().split() == ["a"] and outputs(tmp_path, slow).strip() == "a"


# ---- building

BUILD = """
import sys, time
from pathlib import Path
from alone import only_build
folder, name, go = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
def log(word):
    with open(folder / "log.txt", "a") as file: file.write(f"{word} {name}\\n")
with only_build(folder):
    log("begin")
    while not go.exists(): time.sleep(0.05)
    log("end")
"""


def test_a_second_build_waits_for_the_first_and_says_so(tmp_path):
    log, go = tmp_path / "log.txt", tmp_path / "go"
    first = start(BUILD, tmp_path, "first", go)
    until(log.exists)
    second = start(BUILD, tmp_path, "second", go)
    assert second.stdout.readline().startswith(f"Another build is running in {tmp_path}: waiting")
    go.touch()
    finished(first), finished(second)
    assert log.read_text().splitlines() == ["begin first", "end first", "begin second", "end second"]


def test_nobody_waits_for_a_build_that_was_killed(tmp_path):
    first = start(BUILD, tmp_path, "first", tmp_path / "never")
    until((tmp_path / "log.txt").exists)
    kill(first)
    assert finished(start(BUILD, tmp_path, "second", tmp_path)) == ""


@pytest.fixture
def build(monkeypatch, tmp_path):
    """The build script, working in a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    import build

    folder = tmp_path / "_build"
    folder.mkdir()
    monkeypatch.setattr(build, "BUILD", folder)
    monkeypatch.setattr(build, "HTML", folder / "html")
    monkeypatch.setattr(build, "PAGES", (folder / ".doctrees", folder / "html"))
    return build


@pytest.mark.parametrize("killed", [False, True])
def test_pages_that_a_killed_build_left_are_written_anew(build, monkeypatch, killed):
    page = build.HTML / "half.html"

    def run():
        if killed and not page.exists():
            page.parent.mkdir(exist_ok=True)
            page.write_text("half a pa")
            raise KeyboardInterrupt
        page.parent.mkdir(exist_ok=True)
        return 0

    monkeypatch.setattr(build, "run_jupyter_book", run)
    if killed:
        with pytest.raises(KeyboardInterrupt):
            build.write_pages()
        monkeypatch.setattr(build, "run_jupyter_book", lambda: int(page.exists()))
        assert build.write_pages() == 0
    else:
        page.parent.mkdir()
        page.write_text("a whole page")
        assert build.write_pages() == 0 and page.read_text() == "a whole page"


@pytest.mark.parametrize("code", [1, -9])
def test_pages_of_a_build_that_did_not_end_well_are_written_anew(build, monkeypatch, code):
    """Of a warning, which is said only while its page is written, and of what writes the pages being killed alone."""
    page = build.HTML / "faulty.html"

    def run():
        if page.is_file():
            return 0  # nothing to do, and nothing to warn of
        page.parent.mkdir(exist_ok=True)
        page.touch()
        return code

    monkeypatch.setattr(build, "run_jupyter_book", run)
    assert [build.write_pages() for _ in range(3)] == [code] * 3


SLOW_PAGES = """
import sys
from pathlib import Path
import build
if __name__ == "__main__":
    build.ROOT = Path(sys.argv[1])
    build.run_jupyter_book()
"""


SLOW_EXTENSION = """
import pathlib, time
def setup(app):
    pathlib.Path(__file__).with_name("began").touch()
    time.sleep(60)
"""


def test_what_writes_the_pages_ends_with_the_build_that_was_killed(tmp_path):
    """Or it would write on while the next build, no longer locked out, writes the same pages."""
    (tmp_path / "index.md").write_text("# A page\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (tmp_path / "_config.yml").write_text("sphinx:\n  local_extensions:\n    slow: .\n")
    (tmp_path / "slow.py").write_text(SLOW_EXTENSION)
    process = start(SLOW_PAGES, tmp_path)
    until(lambda: (tmp_path / "began").exists() or process.poll() is not None)
    _, alive = psutil.wait_procs(kill(process), timeout=30)
    assert alive == []


def test_a_full_disk_stops_the_build_with_one_line(build, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(build, "open_dataset", full)
    assert build.main() == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith("somewhere: No space left on device. Next: ") and "\n" not in said
