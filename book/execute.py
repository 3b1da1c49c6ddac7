"""Run notebooks and pages with code cells side by side and keep their outputs where the book looks for them.

The book would run them too, one after the other. A notebook that has been run stays run: when a build is stopped
half-way, the next one takes up what is left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from pages import read_page
from tqdm import tqdm

#: As in _config.yml: no cell of ours comes near it.
_TIMEOUT = 600

#: They measure time and need the machine for themselves: the book runs them when the others are done.
ALONE = ("14-the-whole-cohort",)


def run_notebooks(paths: Sequence[Path], cache_folder: Path) -> str | None:
    """Run those notebooks whose outputs are not kept yet.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks, or pages of Markdown. The last ones begin first.
    cache_folder : Path
        Of Jupyter's cache, as the book reads it.

    Returns
    -------
    failed : str or None
        Name and traceback of the first notebook that failed, if one did. What had been begun is finished and kept.
    """
    cache = get_cache(cache_folder)
    drop_half_written(cache)
    # What takes longest begins first, or it would run when the others are long done.
    waiting = [path for path in reversed(paths) if path.stem not in ALONE and not _is_kept(cache, path)]
    if not waiting:
        return None
    failed = None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(_run, path): path for path in waiting}
        for done in tqdm(as_completed(running), "Running notebooks", total=len(running), unit="notebook"):
            why = _keep(cache, running[done], done)
            if why and not failed:
                failed = why
                # Those in their kernels go on and are kept below; those still waiting need not begin.
                for other in running:
                    other.cancel()
    return failed


def drop_half_written(cache) -> None:
    """Forget outputs that cannot be read: a build that is killed while it keeps them leaves an entry without its file,
    or with half of it, and the book would stop there."""
    for record in cache.list_cache_records():
        try:
            cache.get_cache_bundle(record.pk)
        except Exception:  # the file is missing, or no notebook
            shutil.rmtree(Path(cache.path) / "executed" / record.hashkey, ignore_errors=True)
            NbCacheRecord.remove_records([record.pk], cache.db)


def _is_kept(cache, path: Path) -> bool:
    try:
        cache.match_cache_notebook(read_page(path))
    except KeyError:
        return False
    return True


def _run(path: Path) -> ExecutionResult:
    """Run one notebook in a kernel of its own, from the folder it lies in."""
    return single_nb_execution(read_page(path), str(path.parent), _TIMEOUT, allow_errors=False)


def _keep(cache, path: Path, done: Future) -> str | None:
    if done.cancelled():
        return None
    try:
        result = done.result()
    except Exception as error:  # a kernel that died, for want of memory perhaps, gives no result
        return f"{path.name}: {type(error).__name__}: {error}"
    if result.err:
        return f"{path.name}: {result.exc_string}"
    bundle = CacheBundleIn(result.nb, str(path), data={"execution_seconds": result.time})
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return None
