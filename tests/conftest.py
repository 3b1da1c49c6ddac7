"""Shared by all tests: a small dataset in MosMed's shape, real files where somebody has put them, a browser."""

from __future__ import annotations

import os

# Tests run side by side, and so do the kernels that some of them start: threads of small matrices would only wait.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from mosmed_edu.layout import CATEGORIES, mask_file, study_file, write_registry, write_volume
from mosmed_edu.volume import Volume

#: Files whose tests take longest.
LONGEST = ("test_grading_chain.py", "test_notebooks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, or one of them would run when all others are done."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


#: Numbers as in the release, where they run in order of category.
STUDIES = {1: "CT-0", 2: "CT-0", 255: "CT-1", 256: "CT-1", 939: "CT-2", 1064: "CT-3", 1109: "CT-4"}
MASKED = (255, 256)
SHAPE = (12, 10, 35)
AFFINE = np.array([[-0.7, 0, 0, 4.0], [0, 0.7, 0, -3.0], [0, 0, 8.0, -120.0], [0, 0, 0, 1]])


def scan_of(number: int) -> np.ndarray:
    """Hounsfield units of a small box with air round it, different for each number, as in a file: Fortran order."""
    hu = np.random.default_rng(number).integers(-1000, 400, SHAPE).astype(np.int16)
    hu[0] = -1000
    return np.asfortranarray(hu)


def mask_of(number: int) -> np.ndarray:
    """A mask with `number` voxels."""
    mask = np.zeros(np.prod(SHAPE), np.int16)
    mask[:number] = 1
    return mask.reshape(SHAPE, order="F")


def registry_of(studies: dict[int, str], masked=()) -> pd.DataFrame:
    """A registry as `read_registry` returns it."""
    return pd.DataFrame(
        {
            "category": pd.Categorical(studies.values(), CATEGORIES, ordered=True),
            "study_file": [study_file(*row).lstrip("/") for row in studies.items()],
            "mask_file": [mask_file(n).lstrip("/") if n in masked else "" for n in studies],
        },
        index=pd.Index(studies, name="study_id"),
    )


def write_dataset(root: Path, studies: dict[int, str] = STUDIES, masked=MASKED, suffix: str = ".xlsx") -> Path:
    """A whole folder."""
    registry = registry_of(studies, masked)
    root.mkdir(parents=True, exist_ok=True)
    write_registry(registry, root / f"dataset_registry{suffix}")
    for number, row in registry.iterrows():
        for relative, voxels in ((row.study_file, scan_of), (row.mask_file, mask_of)):
            if relative:
                (root / relative).parent.mkdir(parents=True, exist_ok=True)
                write_volume(Volume(voxels(number), AFFINE), root / relative)
    return root


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """`made_once("name", make)`: what `make(folder)` returned, called by whichever worker of the run comes first.

    The others wait for it. Whatever it writes lies in a folder that all share, so no test may change it.
    """
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared

    def get(name: str, make: Callable[[Path], Path | str]) -> str:
        done = shared / f"{name}.made"
        with FileLock(shared / f"{name}.lock"):
            if not done.is_file():
                done.write_text(str(make(shared / name)), "utf-8")
        return done.read_text("utf-8")

    return get


@pytest.fixture
def root(tmp_path):
    """A small dataset folder that a test may spoil."""
    return write_dataset(tmp_path / "COVID19_1110")


@pytest.fixture(scope="session")
def tiny():
    """How the small dataset is made: `tiny.scan_of(255)`, `tiny.write_dataset(folder)` ..."""
    return SimpleNamespace(
        STUDIES=STUDIES,
        MASKED=MASKED,
        SHAPE=SHAPE,
        AFFINE=AFFINE,
        scan_of=scan_of,
        mask_of=mask_of,
        registry_of=registry_of,
        write_dataset=write_dataset,
    )


@pytest.fixture(autouse=True)
def no_root_from_outside(monkeypatch):
    """Tests mean the folder they name, also where whoever runs them has the real dataset."""
    monkeypatch.delenv("MOSMED_ROOT", raising=False)


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of a few real files, which are no part of the project."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("needs the real files in ../shared/real, which are no part of the project")
    return folder


@pytest.fixture(scope="session")
def tool():
    """Path of a Debian program. On a machine without it a test skips; in CI it fails."""

    def find(*names: str, package: str) -> str:
        path = next(filter(None, map(shutil.which, names)), None)
        if path is None:
            message = f"no {names[0]} on this machine. Next: apt install {package}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        return path

    return find


@pytest.fixture(scope="session")
def browser(tool):
    """Debian's Chromium: WebGL2 is drawn by the processor, and the pages without OpenGL, which would take it longer."""
    path = tool("chromium", "chromium-browser", "google-chrome", package="chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
        chromium = playwright.chromium.launch(executable_path=path, args=options)
        yield chromium
        chromium.close()
