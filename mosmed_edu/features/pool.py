"""A process pool that fits this machine."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def process_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Processes to measure with.

    Parameters
    ----------
    workers : int, optional
        By default as many as there are cores and memory for, as far as this process may use them.

    Returns
    -------
    pool : ProcessPoolExecutor
        To be used in a ``with`` block. In a script, put that block under ``if __name__ == "__main__":``, because every
        worker starts afresh and reads the script first. A notebook needs nothing.

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> from mosmed_edu.features import measure_cohort, process_pool
    >>> with process_pool() as pool:                                      # doctest: +SKIP
    ...     table = measure_cohort(open_dataset("cohort").studies(), pool)
    """
    # here, because workers should not wait for its imports
    from mosmed_edu.phantom.workers import end_with_parent, worker_count

    # "spawn": a fork would copy the locks of a notebook kernel's threads in whatever state they are, and hang.
    return ProcessPoolExecutor(workers or worker_count(61), get_context("spawn"), end_with_parent)
