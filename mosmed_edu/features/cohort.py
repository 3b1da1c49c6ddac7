"""Measure many studies, one row each, with whatever executor there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, wait
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from mosmed_edu.book import building_book
from mosmed_edu.dataset import Study
from mosmed_edu.errors import LungsNotFound, MosMedError
from mosmed_edu.features.cache import Rows, file_key
from mosmed_edu.features.names import FEATURES
from mosmed_edu.features.study import measure_study
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.lungs import segment_lungs
from mosmed_edu.paths import user_path

#: Studies handed to an executor at a time. More would only fill a scheduler's queue: a million studies are no more
#: work for it than a thousand.
_IN_FLIGHT = 256


def measure_cohort(
    studies: Iterable[Study],
    executor: Executor | None = None,
    progress: bool = True,
    cache: str | Path | bool = True,
) -> pd.DataFrame:
    """Measure studies into a table.

    A study that cannot be measured gets a row that says why, and the rest goes on. Rows are kept as soon as they are
    there, so a run that was stopped, or whose workers died, takes up where it ended.

    Parameters
    ----------
    studies : iterable of Study
    executor : concurrent.futures.Executor, optional
        Who measures: a process pool (`process_pool`), ``client.get_executor()`` of a Dask cluster, an MPI pool.
        Without one, this process does, one study after the other. A worker holds one study at a time; workers on other
        machines must see the files under the same paths.
    progress : bool
        Show a progress bar.
    cache : str, Path or bool
        The file that keeps measured rows: one in the user's cache folder (True), one of your own, or none (False). A
        row is found by the scan's path, size and time of change and the version of the features. Faults are not kept.

    Returns
    -------
    table : DataFrame, index study_id, in the order of the studies
        ``category`` (ordered); every name of `FEATURES` as float, NaN where it could not be measured; ``doubts``, why
        the lungs should not be trusted ('' for no reason); ``error``, what was wrong ('' for nothing).

    Raises
    ------
    CacheError
        If a row cannot be kept.

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> from mosmed_edu.features import measure_cohort
    >>> table = measure_cohort(open_dataset("sample").studies())    # doctest: +SKIP
    >>> table.query("error == ''").involved.describe()              # doctest: +SKIP
    """
    studies = list(studies)
    store = Rows(_cache_file(cache))
    keys = [file_key(_place(study)) for study in studies] if store.path else [None] * len(studies)
    known = store.find(key for key in keys if key)
    rows = {n: known[key] for n, key in enumerate(keys) if key in known}
    left = [n for n in range(len(studies)) if n not in rows]
    hidden = not progress or not left or building_book()  # a page keeps no bar that has run
    with tqdm(desc="Measuring", total=len(studies), initial=len(rows), unit="study", disable=hidden) as bar:
        for n, row in _measure_all(studies, left, executor):
            rows[n] = row
            if not row.get("error"):
                store.add(keys[n], row)
            bar.update()
    return _as_table(studies, [rows[n] for n in range(len(studies))])


def _cache_file(cache: str | Path | bool) -> Path | None:
    if not isinstance(cache, bool):
        return user_path(cache) if cache is not None else None
    from mosmed_edu.phantom.cohort import cache_folder  # here, because workers should not wait for its imports

    return cache_folder() / "features.jsonl" if cache else None


def _as_table(studies: list[Study], rows: list[dict]) -> pd.DataFrame:
    index = pd.Index([study.id for study in studies], name="study_id", dtype=int)
    columns = {"category": pd.Categorical([study.category for study in studies], CATEGORIES, ordered=True)}
    columns |= {name: np.array([row.get(name, np.nan) for row in rows], float) for name in FEATURES}
    columns |= {name: pd.array([row.get(name, "") for row in rows], "str") for name in ("doubts", "error")}
    return pd.DataFrame(columns, index)


def measure_one(study: Study) -> dict:
    """Row of one study: its features and `doubts`, or what was wrong as `error`. Runs in a worker."""
    try:
        ct = study.ct()
        lungs = segment_lungs(ct)
        return {**measure_study(ct, lungs), "doubts": "; ".join(lungs.doubts)}
    except LungsNotFound as error:
        return _fault(study, f"shows no lungs; it {error.fault}", error.todo)
    except MosMedError as error:  # what was found in the voxels does not know the file, so the file is named here
        return _fault(study, error.fault, error.todo)
    except Exception as error:  # whatever it is, it is this study's fault and not that of the others
        return _fault(study, f"{type(error).__name__}: {error}", "check this file")


def _measure_all(studies: list[Study], left: list[int], executor: Executor | None) -> Iterator[tuple[int, dict]]:
    """Position and row of each of the studies that are left, as they are ready."""
    if executor is None:
        yield from ((n, measure_one(studies[n])) for n in left)
        return
    waiting, running = iter(left), {}
    try:
        while True:
            for n in islice(waiting, _IN_FLIGHT - len(running)):
                try:
                    running[executor.submit(measure_one, studies[n])] = n
                except BrokenExecutor:
                    yield n, _lost(studies[n])
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                n = running.pop(future)
                yield n, _row_of(future, studies[n])
    finally:
        for future in running:  # whoever stops the run does not wait for what has not begun
            future.cancel()


def _row_of(future, study: Study) -> dict:
    """What a worker returned, or that it ended without returning anything."""
    try:
        return future.result()
    except Exception as error:  # each executor has its own error for a worker that died
        return _lost(study, type(error).__name__)


def _lost(study: Study, reason: str = "BrokenExecutor") -> dict:
    fault = f"was not measured, because a worker ended before it was done ({reason}), perhaps for want of memory"
    return _fault(study, fault, "run it again, with fewer workers; measured rows are kept")


def _fault(study: Study, fault: str, todo: str) -> dict:
    return {"error": str(MosMedError(_place(study), fault, todo))}


def _place(study: Study) -> Path:
    """Where the scan is, or where it should be if nobody may look: `measure_one` says what is wrong."""
    try:
        return study.study_path
    except MosMedError:
        return study.root / study.study_file
