"""Folders like COVID19_1110 as people really have it: the published form, and those that mirrors give it.

What the files hold is drawn: no voxel of a patient is needed to test how a folder is read. What is like the real thing:
the registry of 1110 rows, paths with a leading slash, int16 voxels with axes LAS, a slope that is no number, 33 to 53
slices, pixels of 0.58 to 1.15 mm, and no ``extras/`` that would tell that it was drawn.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from mosmed_edu.layout import (
    CATEGORIES,
    PUBLISHED_MASKS,
    PUBLISHED_STUDIES,
    mask_file,
    study_file,
    write_registry,
    write_volume,
)
from mosmed_edu.phantom.plans import Job
from mosmed_edu.volume import Volume

#: Numbers run in order of category, and the first fifty of CT-1 have the masks.
PUBLISHED = dict(enumerate((c for c, count in PUBLISHED_STUDIES.items() for _ in range(count)), start=1))
MASKED = range(PUBLISHED_STUDIES["CT-0"] + 1, PUBLISHED_STUDIES["CT-0"] + 1 + PUBLISHED_MASKS)

#: A part of it, as many have on their disks: two masks, no CT-4.
DOWNLOADED = (7, 255, 258, 600, 951, 1070)

#: Drawn with few pixels, each of them three times each way, so that pixels are as small as in the
#: published files, and a study is drawn in a second.
_MATRIX, _REPEAT = 128, 3


def registry_rows(numbers=PUBLISHED) -> pd.DataFrame:
    """The registry, as `read_registry` returns it."""
    return pd.DataFrame(
        {
            "category": pd.Categorical([PUBLISHED[n] for n in numbers], CATEGORIES, ordered=True),
            "study_file": [study_file(n, PUBLISHED[n]).lstrip("/") for n in numbers],
            "mask_file": [mask_file(n).lstrip("/") if n in MASKED else "" for n in numbers],
        },
        index=pd.Index(numbers, name="study_id"),
    )


@cache
def registry_bytes(suffix: str, numbers: tuple[int, ...] = tuple(PUBLISHED)) -> bytes:
    """The registry as a file. Excel's takes a second to write, so it is written once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"dataset_registry{suffix}"
        write_registry(registry_rows(numbers), path)
        return path.read_bytes()


def write_scan(path: Path, data: np.ndarray, affine: np.ndarray) -> None:
    """Write voxels as int16 with the published header: codes 1, slope and intercept that are no numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(Volume(np.asfortranarray(data, np.int16), affine), path)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[112:120] = np.full(2, np.nan, "<f4").tobytes()  # scl_slope and scl_inter
    path.write_bytes(gzip.compress(bytes(raw), 1))


def box(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(HU, mask, affine) of a small box of noise with air round it: enough to read, not to look at."""
    hu = np.random.default_rng(number).integers(-1000, 400, (12, 10, 35))
    hu[0] = -1000
    return hu, hu > 200, np.array([[-0.7, 0, 0, 4.0], [0, 0.7, 0, -3.0], [0, 0, 8.0, -120.0], [0, 0, 0, 1]])


def chest(number: int, repeat: int = _REPEAT) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(HU, mask, affine) of a drawn chest; with `repeat=1` its pixels are larger than published ones, and few."""
    drawing = Job(number, PUBLISHED[number], 7000 + number, _MATRIX, number in MASKED, "A").draw()
    ct, mask = (np.repeat(np.repeat(volume.data, repeat, 0), repeat, 1) for volume in (drawing.ct, drawing.mask))
    smaller = np.diag([1 / repeat, 1 / repeat, 1, 1])
    smaller[:2, 3] = (1 / repeat - 1) / 2  # the middle of the first small pixel, in large ones
    return ct, mask, drawing.ct.affine @ smaller


def write_published(root: Path, numbers=DOWNLOADED, content: Callable = box) -> Path:
    """Write the published form, with these of its studies on disk."""
    root.mkdir(parents=True, exist_ok=True)
    registry = registry_rows(numbers)
    (root / "dataset_registry.xlsx").write_bytes(registry_bytes(".xlsx"))
    for name in ("README_EN.md", "README_RU.md", "LICENSE"):
        (root / name).write_text("MosMedData: CC BY-NC-ND 3.0\n", "utf-8")
    for number in numbers:
        hu, mask, affine = content(number)
        row = registry.loc[number]
        write_scan(root / row.study_file, hu, affine)
        if row.mask_file:
            write_scan(root / row.mask_file, mask, affine)
    return root


def with_csv(root: Path) -> Path:
    """The registry as a CSV with a byte-order mark."""
    (root / "dataset_registry.xlsx").unlink()
    (root / "dataset_registry.csv").write_bytes(registry_bytes(".csv"))
    return root


def with_own_registry(root: Path) -> Path:
    """A registry of only the studies that the mirror holds."""
    (root / "dataset_registry.xlsx").write_bytes(registry_bytes(".xlsx", DOWNLOADED))
    return root


def one_level_deeper(root: Path) -> Path:
    """What an archive gives that was packed with its folder."""
    inner = root.with_name("inner")
    root.rename(inner)
    root.mkdir()
    inner.rename(root / "COVID19_1110")
    return root


def unpacked(root: Path) -> Path:
    """Every file as .nii."""
    for path in sorted(root.rglob("*.nii.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    return root


def merged(root: Path) -> Path:
    """CT-2 and CT-3 in one folder; the registry knows nothing of it."""
    (root / "studies" / "CT-23").mkdir()
    for category in ("CT-2", "CT-3"):
        for path in (root / "studies" / category).iterdir():
            path.rename(root / "studies" / "CT-23" / path.name)
        (root / "studies" / category).rmdir()
    return root


def as_in_the_keras_example(root: Path) -> Path:
    """CT-0 and CT-23 beside each other, nothing else; the registry of the dataset was laid there later."""
    merged(root)
    for name in ("CT-0", "CT-23"):
        (root / "studies" / name).rename(root / name)
    for name in ("studies", "masks"):
        shutil.rmtree(root / name)
    return root


def without_registry(root: Path) -> Path:
    """As the Keras example unpacks it."""
    as_in_the_keras_example(root)
    (root / "dataset_registry.xlsx").unlink()
    return root


def everything(root: Path) -> Path:
    """All of it at once."""
    return one_level_deeper(unpacked(with_csv(merged(root))))
