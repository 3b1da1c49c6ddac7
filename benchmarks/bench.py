"""How fast and how lean, as ratios measured side by side in one run: `make bench`.

Seconds say more of the machine than of the code, so everything is compared with something that everybody has.
Contenders take turns, and the median of each is taken. A benchmark is a function that returns rows: add it to
BENCHMARKS.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from binder import clone_into
from kept import keep
from machine import this_run
from tqdm import tqdm

from mosmed_edu import WINDOWS, apply_window, read_nifti
from mosmed_edu.layout import DRAWN_MARK, write_volume
from mosmed_edu.lungs import segment_lungs
from mosmed_edu.masks import involvement, lesion_table
from mosmed_edu.volume import Volume

ROOT = Path(__file__).resolve().parent.parent
SHAPE = (512, 512, 40)
MB = 2**20


@dataclass
class Row:
    """One line of the table: how much of what it is compared with, and at most how much it should be."""

    name: str
    ours: float
    other: float
    unit: str
    target: float
    right: bool = True

    @property
    def ratio(self) -> float:
        return self.ours / self.other

    @property
    def met(self) -> bool:
        return self.right and self.ratio <= self.target

    def __str__(self) -> str:
        verdict = ("met" if self.met else "MISSED") if self.right else "WRONG VALUES"
        return (
            f"{self.name:52}{self.ours:9.1f}{self.other:9.1f} {self.unit:3}{self.ratio:8.2f}"
            f"{self.target:8.2f}  {verdict}"
        )


HEAD = f"{'':52}{'ours':>9}{'other':>9} {'':3}{'ratio':>8}{'target':>8}"


def take_turns(contenders: dict[str, Callable[[], object]], rounds: int, clock=time.process_time) -> dict[str, float]:
    """Median milliseconds of each, of the processor unless told otherwise, because other programs share the machine."""
    spent = {name: [] for name in contenders}
    for _ in tqdm(range(rounds), "Measuring", leave=False, disable=not sys.stderr.isatty()):
        for name, run in contenders.items():
            start = clock()
            run()
            spent[name].append(1000 * (clock() - start))
    return {name: statistics.median(times) for name, times in spent.items()}


def reading(folder: Path, rounds: int) -> list[Row]:
    """A study with the noise of a real one, which is what makes it slow to unpack."""
    path, hu = write_noisy_study(folder)
    contenders = {
        "ours": lambda: read_nifti(path),
        "nibabel, int16": lambda: np.asarray(nib.load(path).dataobj),
        "nibabel, get_fdata": lambda: nib.load(path).get_fdata(),
        "SimpleITK": lambda: sitk.ReadImage(path),
        **_large_libraries(path),
        **raw_decompression(path, 352 + hu.nbytes),
    }
    right = np.array_equal(read_nifti(path).data, hu)
    spent = take_turns(contenders, rounds)
    raw = min((name for name in spent if name.startswith("raw")), key=spent.get)
    against = {raw: 1.3, "nibabel, int16": 0.5, "nibabel, get_fdata": 0.5, "SimpleITK": 0.8}
    against |= {name: 0.8 for name in spent if name in LARGE}
    return [
        Row(f"read {'x'.join(map(str, SHAPE))} / {other}", spent["ours"], spent[other], "ms", target, right)
        for other, target in against.items()
    ]


#: Libraries that bring PyTorch, which nothing here needs: measured where somebody has installed them.
LARGE = ("torchio", "MONAI")


def _large_libraries(path: Path) -> dict[str, Callable[[], object]]:
    found = {}
    if find_spec("torchio"):
        import torchio

        found["torchio"] = lambda: torchio.ScalarImage(path).load()
    if find_spec("monai"):
        from monai.transforms import LoadImage

        found["MONAI"] = LoadImage(reader="NibabelReader", image_only=True)
        found["MONAI"] = partial(found["MONAI"], str(path))
    return found


def write_noisy_study(folder: Path) -> tuple[Path, np.ndarray]:
    path = folder / "study_0001.nii.gz"
    hu = np.asfortranarray(np.random.default_rng(0).normal(-700, 60, SHAPE).astype(np.int16))
    if not path.exists():
        write_volume(Volume(hu, np.diag([-0.7, 0.7, 8, 1])), path)
    return path, hu


def raw_decompression(path: Path, size: int) -> dict[str, Callable[[], object]]:
    """Unpack the whole file into bytes with what is installed; the fastest is what we are compared with."""
    contenders = {}
    try:
        from isal import isal_zlib

        contenders["raw decompression (isal)"] = lambda: isal_zlib.decompress(path.read_bytes(), 31, size)
    except ImportError:
        import zlib

        contenders["raw decompression (zlib)"] = lambda: zlib.decompress(path.read_bytes(), 31, size)
    try:  # `pip install deflate`, for who wants to know
        import deflate

        contenders["raw decompression (libdeflate)"] = lambda: deflate.gzip_decompress(path.read_bytes(), size)
    except ImportError:
        pass
    return contenders


#: Linux hands the peak of the parent process on to `ru_maxrss`, so there the kernel's own account is read.
PEAK = """
import re, resource, sys
from pathlib import Path

def peak():
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def held():
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")  # importing took more for a moment: the peak is counted anew
    return peak()

"""
PEAK_OF_READING = """
from mosmed_edu import read_nifti
before = held()
volume = read_nifti(sys.argv[1])
print(peak() - before, volume.data.nbytes)
"""
PEAK_OF_DRAWING = """
from mosmed_edu.phantom import Disease, Patient, draw
drawing = draw(Patient.sample(1), Disease.sample("CT-2", 1), slices=40)
print(peak(), drawing.ct.data.nbytes)
"""
PEAK_OF_MEASURING = """
from mosmed_edu import read_nifti
from mosmed_edu.lungs import segment_lungs
from mosmed_edu.masks import involvement, lesion_table
ct, mask = map(read_nifti, sys.argv[1:])
lungs = segment_lungs(ct)
lesion_table(mask, ct, lungs.labels)
involvement(mask, lungs.labels)
print(peak())
"""


def measured_alone(code: str, *arguments) -> list[int]:
    """Run code in a fresh process and return the whole numbers that it prints."""
    ran = subprocess.run([sys.executable, "-c", PEAK + code, *arguments], capture_output=True, text=True, check=True)
    return [int(number) for number in ran.stdout.split()]


def measuring(folder: Path, rounds: int) -> list[Row]:
    """One study through lungs, lesion table and involvement, on one core, beside what we allow it."""
    from threadpoolctl import threadpool_limits

    from mosmed_edu.phantom import Disease, Patient, draw

    study = draw(Patient.sample(1), Disease.sample("CT-2", 1), slices=40)
    ct = study.ct.with_data(study.ct.data.copy())

    def measure() -> None:
        lungs = segment_lungs(ct)
        lesion_table(study.mask, ct, lungs.labels)
        involvement(study.mask, lungs.labels)

    with threadpool_limits(1):
        spent = take_turns({"ours": measure}, min(rounds, 5))["ours"]
    path, mask = folder / "measured.nii.gz", folder / "measured_mask.nii.gz"
    write_volume(ct, path)
    write_volume(study.mask.with_data(study.mask.data.astype(np.int16)), mask)
    (peak,) = measured_alone(PEAK_OF_MEASURING, path, mask)
    return [
        Row("lungs, lesions, involvement 512x512x40 / 3000 ms", spent, 3000, "ms", 1.0),
        Row("peak memory of the same / 600 MB", peak / MB, 600, "MB", 1.0),
    ]


def memory(folder: Path, rounds: int) -> list[Row]:
    """How far a fresh process grows while it reads: the array itself and a little more. And while it draws."""
    path, _ = write_noisy_study(folder)
    grown, array = measured_alone(PEAK_OF_READING, path)
    right = grown > array / 2  # less would mean that it was not measured
    peak, array_drawn = measured_alone(PEAK_OF_DRAWING)
    return [
        Row("peak memory of reading / array + 8 MB", grown / MB, array / MB + 8, "MB", 1.0, right),
        Row("peak memory of drawing 512x512x40 / 450 MB", peak / MB, 450, "MB", 1.0, peak > array_drawn),
    ]


def drawing(folder: Path, rounds: int) -> list[Row]:
    """One study on one core, by the processor's clock, beside what we allow it."""
    from threadpoolctl import threadpool_limits

    from mosmed_edu.phantom import Disease, Patient, draw

    patients = [(Patient.sample(seed), Disease.sample("CT-2", seed)) for seed in range(4)]
    rows = []
    for matrix, allowed in ((512, 2500), (256, 700)):
        turns = {str(n): partial(draw, *one, matrix=matrix, slices=40) for n, one in enumerate(patients)}
        with threadpool_limits(1):
            draw(*patients[0], matrix=matrix, slices=40)  # the first time, imports and tables are paid for
            spent = statistics.median(take_turns(turns, 1).values())
        rows.append(Row(f"draw {matrix}x{matrix}x40 / {allowed} ms", spent, allowed, "ms", 1.0))
    return rows


def windowing(folder: Path, rounds: int) -> list[Row]:
    """A whole study to grey, against the formula as one would type it."""
    _, hu = write_noisy_study(folder)
    window = WINDOWS["lung"]

    def naive() -> np.ndarray:
        clipped = np.clip(hu.astype(float), window.low, window.high)
        return np.round((clipped - window.low) / window.width * 255).astype(np.uint8)

    spent = take_turns({"ours": lambda: apply_window(hu, window), "naive": naive}, rounds)
    # The formula in floating point rounds some true halves the wrong way, so both are held against exact whole numbers:
    # round(n / d), half to even, as n // d and what remains.
    values = np.clip(np.arange(-3000, 3000), window.low, window.high).astype(np.int64)
    quotient, rest = np.divmod((values - int(window.low)) * 255, int(window.width))
    exact = quotient + ((2 * rest > window.width) | ((2 * rest == window.width) & (quotient % 2 == 1)))
    right = np.array_equal(apply_window(hu, window), exact.astype(np.uint8)[hu.astype(np.int64) + 3000])
    differ = np.count_nonzero(naive() != apply_window(hu, window))
    name = f"lung window to uint8 / naive float64 ({differ} voxels differ)"
    return [Row(name, spent["ours"], spent["naive"], "ms", 0.15, right)]


def datasets(folder: Path, rounds: int) -> list[Row]:
    """Both drawn datasets, by the clock on the wall, on two cores."""
    from mosmed_edu.phantom import PLANS, write_dataset

    start, roots = time.perf_counter(), []
    for name in PLANS:
        roots.append(write_dataset(name, folder / name, workers=2, progress=sys.stderr.isatty()))
    spent = time.perf_counter() - start
    whole = all((root / DRAWN_MARK).is_file() for root in roots)
    return [Row("draw both datasets, two workers / 180 s", spent, 180, "s", 1.0, whole)]


def cohort(folder: Path, rounds: int) -> list[Row]:
    """Many studies to a table: two workers against one process by the clock, and memory at 40 and at 160 studies."""
    from dask.distributed import Client, LocalCluster

    from mosmed_edu import open_dataset
    from mosmed_edu.features import measure_cohort, measure_cost, process_pool

    studies = open_dataset("cohort").studies()
    some = studies[:: len(studies) // 24]
    quiet = {"cache": False, "progress": False}
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1")
    with process_pool(2) as pool, cluster, Client(cluster) as client:
        who = {"pool of 2": pool, "Dask, 2 workers": client.get_executor(), "one process": None}
        # Starting the workers is paid for once, not for each cohort.
        tables = {name: measure_cohort(some[:4], executor, **quiet) for name, executor in who.items()}
        turns = {name: partial(measure_cohort, some, executor, **quiet) for name, executor in who.items()}
        spent = take_turns(turns, min(rounds, 3), time.perf_counter)  # the workers' time is not this processor's
    alone = tables.pop("one process")
    peaks = measure_cost(studies, progress=sys.stderr.isatty()).peak_mb
    return [
        *(
            Row(f"cohort, {name} / one process", spent[name], spent["one process"], "ms", 1 / 1.5, table.equals(alone))
            for name, table in tables.items()
        ),
        Row("peak memory after all studies / after 40", peaks.iloc[-1], peaks.iloc[39], "MB", 1.1, len(peaks) >= 160),
    ]


def book(folder: Path, rounds: int) -> list[Row]:
    """The book once more when nothing has changed, by the clock on the wall; where it was built before."""
    if not (ROOT / "_build" / "html" / "index.html").is_file():
        return []
    command = [sys.executable, ROOT / "book" / "build.py"]
    subprocess.run(command, capture_output=True, check=True)  # now nothing has changed
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    spent = time.perf_counter() - start
    heaviest = max(len(gzip.compress(page.read_bytes())) for page in (ROOT / "_build/html").glob("[bn]*/*.html"))
    return [
        Row("make book, nothing changed / 30 s", spent, 30, "s", 1.0),
        Row("text of the heaviest page, compressed / 200 kB", heaviest / 1000, 200, "kB", 1.0),
    ]


def cold(folder: Path, rounds: int) -> list[Row]:
    """The book in a fresh clone with nothing drawn, nothing kept, by the clock on the wall; all but installing."""
    clone = clone_into(folder)
    env = {name: value for name, value in os.environ.items() if name != "MOSMED_ROOT"}
    env |= {"MOSMED_CACHE": str(folder / "cache"), "PYTHONPATH": str(clone)}
    start = time.perf_counter()
    subprocess.run([sys.executable, clone / "book" / "build.py"], env=env, capture_output=True, check=True)
    return [Row("make book, cold, Python installed / 480 s", time.perf_counter() - start, 480, "s", 1.0)]


_ALL = (reading, windowing, drawing, measuring, memory, datasets, cohort, book, cold)
BENCHMARKS = {function.__name__: function for function in _ALL}


def run_of(rows: dict[str, list[Row]]) -> dict:
    """What is kept of a run: when, on what machine, with what, and every row of each benchmark."""
    named = ("numpy", "scipy", "nibabel", "simpleitk", "isal", "torchio", "monai")
    there = {name: version(name) for name in named if find_spec({"simpleitk": "SimpleITK"}.get(name, name))}
    return {
        **this_run(),
        "versions": {"Python": platform.python_version(), **there},
        "not measured": [name for name in LARGE if name.lower() not in there],
        "benchmarks": [name for name, some in rows.items() if some],  # the book may not be there to be measured
        "rows": [_kept_row(name, row) for name, some in rows.items() for row in some],
    }


def _kept_row(name: str, row: Row) -> dict:
    return {"benchmark": name, **asdict(row), "right": bool(row.right), "ratio": row.ratio, "met": bool(row.met)}


def main() -> int:
    """Run the benchmarks and print the table; the exit code is 1 only where a value is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=15, help="turns that every contender takes (default: 15)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also keep the run in this file of runs")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    rows = {}
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="mosmed-bench-") as folder:
        for name in options.names or BENCHMARKS:
            rows[name] = BENCHMARKS[name](Path(folder), options.rounds)
            for row in rows[name]:
                print(row, flush=True)
    missing = [name for name in LARGE if not find_spec(name.lower())]
    if missing:
        print(f"Not installed, so not measured: {', '.join(missing)}")
    if options.json:
        keep(run_of(rows), options.json)
    return 0 if all(row.right for some in rows.values() for row in some) else 1


if __name__ == "__main__":
    sys.exit(main())
