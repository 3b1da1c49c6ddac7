"""How many studies can be drawn side by side here, and the pool that draws them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from types import ModuleType

from mosmed_edu.errors import DrawingError

#: Memory that one worker takes with a 512x512x47 study, in bytes, with room to spare.
WORKER_BYTES = 700e6

#: Where a container's memory limit stands (cgroup version 2, then 1).
_LIMIT_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

#: One thread for each worker: the matrices are small, and more would only wait for each other.
_SINGLE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def worker_count(jobs: int, worker_bytes: float = WORKER_BYTES) -> int:
    """Workers for a number of jobs: as many as there are cores and memory, as far as this process may use them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _number(os.environ.get("CPU_LIMIT"))  # JupyterHub says so to its servers
    if limit:
        cores = min(cores, max(round(limit), 1))
    return max(min(jobs, cores, int(_memory_bytes() * 0.8 / worker_bytes)), 1)


def run_all(function: Callable, jobs: Iterable, workers: int) -> Iterator:
    """Results of `function(job)` for every job, in the order in which they are ready.

    Workers are started afresh ("spawn"): a fork would copy the locks of a notebook kernel's threads in whatever state
    they are, and hang. A spawned worker would normally import the caller's script, which runs it again where it has no
    ``if __name__ == "__main__"``; ours need nothing from it, so the script is hidden while they start.
    """
    jobs = list(jobs)
    if workers == 1:
        yield from map(function, jobs)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), end_with_parent)
    try:
        with _hidden_script(), _environment(_SINGLE_THREAD):
            futures = [pool.submit(function, job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool:
        raise DrawingError(
            "a drawing process", "was ended from outside, perhaps for want of memory", "draw again, with workers=1"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def end_with_parent() -> None:
    """Let a worker end when the process that started it does, however it does. Run by each worker as it starts.

    One that was killed (kill -9) cannot tell its workers; without this they would draw on and then wait for ever.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


def _memory_bytes() -> float:
    """Memory that this process may use: the least of the limits that are set."""
    limits = [_number(os.environ.get("MEM_LIMIT"))]
    for name in _LIMIT_FILES:
        path = Path(name)
        limits.append(_number(path.read_text()) if path.is_file() else None)
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min((limit for limit in limits if limit), default=8e9)


def _number(text: str | None) -> float | None:
    """A number above zero from a setting that may be missing or a word such as 'max'."""
    try:
        return float(text) or None
    except (TypeError, ValueError):
        return None


@contextmanager
def _hidden_script() -> Iterator[None]:
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
