"""What measuring costs, study by study: the clock, the processor, memory and disk."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from mosmed_edu.book import building_book
from mosmed_edu.dataset import Study
from mosmed_edu.errors import MosMedError
from mosmed_edu.features.cohort import measure_one
from mosmed_edu.features.pool import process_pool
from mosmed_edu.nifti import read_grid

_MB = 1e6


def measure_cost(studies: Iterable[Study], progress: bool = True) -> pd.DataFrame:
    """Measure studies one after the other in one fresh process, and note what each took. No cache is used.

    Parameters
    ----------
    studies : iterable of Study
    progress : bool
        Show a progress bar.

    Returns
    -------
    table : DataFrame, index study_id, in the order of the studies
        ``seconds`` by the clock and ``cpu_seconds`` of the processor; ``before_mb`` and ``peak_mb``, the most memory
        that the process had held before this study and after it (NaN where the system does not say); ``array_mb``, the
        voxels as int16; ``file_mb``, the file. MB are millions of bytes. A study that cannot be measured costs time,
        too; the sizes of a file that cannot be read are NaN.

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> from mosmed_edu.features import measure_cost
    >>> measure_cost(open_dataset().studies()[:3]).cpu_seconds.mean()     # doctest: +SKIP
    """
    studies = list(studies)
    hidden = not progress or building_book()
    rows = []
    with process_pool(1) as pool:
        pool.submit(peak_bytes).result()  # starting and importing is not the first study's cost
        for study in tqdm(studies, "Measuring", unit="study", disable=hidden):
            rows.append(pool.submit(_cost_of, study).result() | _sizes_of(study))
    columns = ["seconds", "cpu_seconds", "before_mb", "peak_mb", "array_mb", "file_mb"]
    index = pd.Index([study.id for study in studies], name="study_id", dtype=int)
    return pd.DataFrame(rows, index, columns, dtype=float)


def peak_bytes() -> float:
    """Most memory that this process has held at a time, in bytes; NaN where the system does not say.

    Examples
    --------
    >>> from mosmed_edu.features.cost import peak_bytes
    >>> peak_bytes() > 10e6                                               # doctest: +SKIP
    True
    """
    status = Path("/proc/self/status")
    if status.is_file():  # Linux hands the peak of the parent process on to `ru_maxrss`
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) * 1024.0
    if sys.platform == "darwin":
        import resource

        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return float("nan")


def _cost_of(study: Study) -> dict[str, float]:
    """Runs in the worker."""
    before, clock, cpu = peak_bytes(), time.perf_counter(), time.process_time()
    measure_one(study)
    return {
        "seconds": time.perf_counter() - clock,
        "cpu_seconds": time.process_time() - cpu,
        "before_mb": before / _MB,
        "peak_mb": peak_bytes() / _MB,
    }


def _sizes_of(study: Study) -> dict[str, float]:
    sizes = {}
    try:
        sizes["file_mb"] = study.study_path.stat().st_size / _MB
        i, j, k = read_grid(study.study_path).shape
        sizes["array_mb"] = 2 * i * j * k / _MB
    except (OSError, MosMedError):
        pass
    return sizes
