"""What anyone who clones the repository relies on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.parse import urlparse

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_ci_runs_the_commands_of_the_readme():
    shell = "".join(re.findall(r"```sh\n(.*?)```", README, flags=re.S))
    promised = [line.split("#")[0].strip() for line in shell.splitlines() if line.startswith("make ")]
    run = (ROOT / ".ci" / "run").read_text().splitlines()
    assert promised == ["make book", "make test"]
    assert [line for line in run if line in promised] == promised


def test_every_make_target_that_the_pages_name_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    pages = [README, *(path.read_text(encoding="utf-8") for path in (ROOT / "book").glob("*.md"))]
    assert set(re.findall(r"`make ([a-z-]+)", "".join(pages))) <= targets


def test_the_hooks_leave_the_released_assignments_alone(tmp_path):
    """Git names files to the hooks one by one, also those that `make lint` leaves out."""
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    commands = [hook["entry"].split() for hook in repo["hooks"] if "/ruff " in hook["entry"]]
    assert len(commands) == 2
    copy = tmp_path / "notebooks" / "assignments" / "release"
    shutil.copytree(ROOT / "notebooks" / "assignments" / "release", copy)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    before = {path: path.read_bytes() for path in copy.rglob("*.ipynb")}
    assert before
    for _, *options in commands:
        ran = subprocess.run([sys.executable, "-m", "ruff", *options, *before], cwd=tmp_path, capture_output=True)
        assert ran.returncode == 0, ran.stdout
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("kind", ["", "-book", "-grading", "-test"])
def test_requirements_are_pinned_and_name_no_index(kind):
    lines = [
        line
        for line in (ROOT / f"requirements{kind}.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert lines and all(re.match(r"[A-Za-z0-9._-]+==\S+", line) for line in lines)


def test_binder_does_not_get_what_only_teachers_need():
    """nbgrader brings a database and a server extension that every reader's session would start."""
    listed = {name: (ROOT / name).read_text() for name in ("requirements.txt", "requirements-grading.txt")}
    assert "nbgrader==" in listed["requirements-grading.txt"] and "nbgrader==" not in listed["requirements.txt"]


def test_requirements_cover_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [re.match(r"[a-z0-9-]+", line)[0] for line in project["dependencies"]]
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert set(wanted) <= pinned


def test_each_list_of_requirements_goes_on_where_the_last_one_ended():
    """What the tests run is what a reader gets; and a reader does not get what only builds pages."""
    names = ("requirements.txt", "requirements-book.txt", "requirements-test.txt")
    course, book, test = ({line.split(" ;")[0] for line in (ROOT / name).read_text().splitlines()} for name in names)
    assert course < book < test
    assert not any(line.startswith(("sphinx", "nodejs", "jupyter-book")) for line in course)


def test_binder_gets_a_python_that_is_new_enough():
    version = (ROOT / "runtime.txt").read_text().strip()
    assert version == "python-3.11"
    assert not (ROOT / "binder").exists(), "a binder folder would hide requirements.txt from repo2docker"


def test_the_readme_leads_to_binder_at_the_address_of_the_configuration():
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    place = urlparse(config["repository"]["url"]).path
    binder = f"{config['launch_buttons']['binderhub_url']}/v2/gh{place}/{config['repository']['branch']}"
    assert re.findall(r"\((https://mybinder\S+)\)", README) == [f"{binder}?urlpath=lab/tree/notebooks"]


def test_the_readme_shows_a_small_picture_that_is_called_synthetic():
    alt, name = re.search(r"!\[(.*)\]\((\S+)\)", README).groups()
    assert "Synthetic" in alt and (ROOT / name).stat().st_size < 150_000


def test_repo2docker_takes_our_steps_in_this_order(tmp_path, monkeypatch):
    """Requirements, the package itself and not a link to it, then the studies; `make binder` takes these steps."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import binder

    python, steps = binder.steps(binder.clone_into(tmp_path))
    assert python == (ROOT / "runtime.txt").read_text().strip().removeprefix("python-")
    pip = "${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir"
    assert steps == [f'{pip} -r "requirements.txt"', f"{pip} .", "chmod +x postBuild", "./postBuild"]


def test_a_benchmark_that_is_measured_again_takes_the_place_of_its_last_run_alone(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from kept import keep

    def run(date: str, *names: str) -> dict:
        rows = [{"benchmark": name, "name": f"{name} of {date}"} for name in names]
        return {"date": date, "benchmarks": list(names), "rows": rows}

    path = tmp_path / "bench.json"
    for one in (run("Monday", "book", "cohort"), run("Tuesday", "book", "cold"), run("Friday", "cohort")):
        keep(one, path)
    shown = [[one["date"], *(row["name"] for row in one["rows"])] for one in json.loads(path.read_text())["runs"]]
    assert shown == [["Friday", "cohort of Friday"], ["Tuesday", "book of Tuesday", "cold of Tuesday"]]


def test_what_binder_installs_carries_its_data(tmp_path):
    """Not editable: every file of the package that is no Python has to be declared."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path]
    subprocess.run([*command, clone(tmp_path / "source")], check=True, capture_output=True)
    held = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    files = [path for path in (ROOT / "mosmed_edu").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {path.relative_to(ROOT).as_posix() for path in files} <= held


def clone(folder: Path) -> Path:
    shutil.copytree(ROOT / "mosmed_edu", folder / "mosmed_edu", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def test_jupyterlab_loads_what_shows_the_chapters_boxes_and_exercises():
    """One that does not fit the version of JupyterLab is left out without a word, and readers see raw directives."""
    listed = subprocess.run([sys.executable, "-m", "jupyter", "labextension", "list"], capture_output=True, text=True)
    plain = re.sub(r"\x1b\[\d+m", "", listed.stdout + listed.stderr)
    assert re.search(r"jupyterlab-myst \S+ enabled +OK", plain), plain


def test_no_scan_database_or_build_output_is_tracked(tracked):
    unwanted = re.compile(r"\.(nii|nii\.gz|dcm|mha|db)$|(^|/)(_build|node_modules|\.venv)/")
    assert [path for path in tracked if unwanted.search(path.relative_to(ROOT).as_posix())] == []
    # A scan under another name: NIfTI's magic word, or DICOM's.
    starts = {path: path.read_bytes()[:348] for path in tracked}
    assert [path for path, start in starts.items() if start[344:347] == b"n+1" or start[128:132] == b"DICM"] == []


def test_no_path_of_somebodys_machine_and_no_registry_address_is_tracked(tracked):
    # Spelt in pieces, so that this file does not find itself.
    unwanted = re.compile("|".join(["/roo" + "t/", "/hom" + "e/[a-z]", "pypi" + r"\.org", "registry\\.npm" + "js"]))
    texts = {path: path.read_bytes().decode("utf-8", "ignore") for path in tracked}
    assert [path for path, text in texts.items() if unwanted.search(text)] == []


def test_configuration_is_read_by_jupyter_book_1():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(re.match(r"jupyter-book.*<2$", line) for line in project["optional-dependencies"]["book"])
    assert yaml.safe_load((ROOT / "_toc.yml").read_text())["format"] == "jb-book"
