"""Write a drawn dataset to disk, whole or not at all, and keep the course's two in the user's cache folder."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd
from filelock import FileLock
from platformdirs import user_cache_path
from tqdm.auto import tqdm

from mosmed_edu.book import building_book
from mosmed_edu.errors import CacheError, DrawingError
from mosmed_edu.layout import (
    DRAWN_MARK,
    TRUTH_TABLE,
    lobes_file,
    make_registry,
    mask_file,
    signs_file,
    study_file,
    write_registry,
    write_volume,
)
from mosmed_edu.paths import user_path
from mosmed_edu.phantom.lung_space import LOBES
from mosmed_edu.phantom.place import whole_folder
from mosmed_edu.phantom.plans import GENERATOR_VERSION, Job, Plan, find_plan, truth_row
from mosmed_edu.phantom.signs import IN_MASK, SIGNS
from mosmed_edu.phantom.workers import run_all, worker_count

#: The environment variable that names another cache folder.
CACHE_VARIABLE = "MOSMED_CACHE"

#: Room that a study takes on disk, in bytes per voxel.
_BYTES_PER_VOXEL = 1.4


def cached_dataset(name: str | Plan = "sample", progress: bool | None = None) -> Path:
    """Folder of a drawn dataset, drawn into the user's cache on first use.

    Parameters
    ----------
    name : str or Plan
        'sample', 'cohort', or a plan of your own. What was drawn by another plan of the same name is drawn anew.
    progress : bool, optional
        Show a progress bar while it is drawn; by default everywhere but on the pages of the book.

    Returns
    -------
    root : Path
        A complete dataset of this plan and this version of the generator.

    Raises
    ------
    CacheError
        If the cache folder cannot be written; ``MOSMED_CACHE`` names another one.

    Examples
    --------
    >>> from mosmed_edu.phantom import cached_dataset
    >>> cached_dataset("sample")                                              # doctest: +SKIP
    """
    plan = find_plan(name)
    cache = cache_folder()
    root = cache / f"{plan.name}-v{GENERATOR_VERSION}"
    if is_complete(root, plan):
        return root
    with _one_line(cache):
        cache.mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache / f".{root.name}.lock")
        with lock:
            # Another process may have drawn it while this one waited.
            if not is_complete(root, plan):
                shutil.rmtree(root, ignore_errors=True)
                write_dataset(plan, root, progress=not building_book() if progress is None else progress)
    return root


def cache_folder() -> Path:
    """Where drawn datasets are kept: ``$MOSMED_CACHE``, or the system's place for caches."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return user_path(chosen, f"${CACHE_VARIABLE} = ") if chosen else user_cache_path("mosmed-edu")


def is_complete(root: Path, plan: Plan) -> bool:
    """Whether a folder was drawn by this plan, by this version of the generator, and written to its end."""
    try:
        mark = json.loads((root / DRAWN_MARK).read_text())
        return (mark["generator_version"], mark["plan"]) == (GENERATOR_VERSION, _as_kept(plan))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _as_kept(plan: Plan) -> dict:
    """A plan as JSON gives it back."""
    return json.loads(json.dumps(asdict(plan), default=int))


def write_dataset(name: str | Plan, root: str | Path, workers: int | None = None, progress: bool = True) -> Path:
    """Draw a dataset into a folder that does not exist yet.

    It is drawn beside the folder and moved there when it is whole, so a folder of this name is always complete.

    Parameters
    ----------
    name : str or Plan
        'sample', 'cohort', or a plan of your own.
    root : str or Path
        The folder to make.
    workers : int, optional
        Processes to draw with; by default as many as cores and memory allow. The files do not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    root : Path

    Raises
    ------
    DrawingError
        If the folder exists and is not empty, or there is no such plan.
    CacheError
        If it cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from mosmed_edu import open_dataset
    >>> from mosmed_edu.phantom import Plan, write_dataset
    >>> two = Plan("two", counts=(1, 0, 1, 0, 0), matrix=64, first_seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     open_dataset(write_dataset(two, Path(folder) / "two", workers=1, progress=False))
    Dataset(two: 2 synthetic studies, CT-0 1, CT-1 0, CT-2 1, CT-3 0, CT-4 0)
    """
    plan, root = find_plan(name), user_path(root)
    jobs = list(plan.jobs())
    if not jobs:
        raise DrawingError(f"plan {plan.name!r}", "holds no study", "give at least one study to draw")
    with _one_line(root), whole_folder(root) as partial:
        _check_space(plan, root.parent)
        _draw_into(partial, plan, jobs, workers or worker_count(len(jobs)), progress)
    return root


@dataclass(frozen=True)
class _Task:
    """A job and the folder it goes to: what a worker process is given."""

    root: Path
    job: Job

    def folders(self) -> set[Path]:
        """Folders that the study's files go to."""
        return {path.parent for path in self.paths().values()}

    def paths(self) -> dict[str, Path]:
        """Where each file of the study goes."""
        job = self.job
        names = {
            "ct": study_file(job.study_id, job.category),
            "lobes": lobes_file(job.study_id),
            "labels": signs_file(job.study_id),
        }
        if job.with_mask:
            names["mask"] = mask_file(job.study_id)
        return {name: self.root / text.lstrip("/") for name, text in names.items()}


def _draw_into(root: Path, plan: Plan, jobs: list[Job], workers: int, progress: bool) -> None:
    """Write every file of a dataset; the mark that says it is complete comes last."""
    tasks = [_Task(root, job) for job in jobs]
    for folder in sorted({folder for task in tasks for folder in task.folders()}):
        folder.mkdir(parents=True, exist_ok=True)
    title = f"Drawing the synthetic {plan.name}"
    results = run_all(_draw_study, tasks, workers)
    rows = list(tqdm(results, title, len(tasks), unit="study", disable=not progress))
    table = pd.DataFrame(rows).sort_values("study_id")
    table.to_csv(root / TRUTH_TABLE, index=False, lineterminator="\n")
    registry = make_registry((job.study_id, job.category, job.with_mask) for job in jobs)
    write_registry(registry, root / "dataset_registry.xlsx")
    for name in ("LICENSE", "README_EN.md", "README_RU.md"):
        shutil.copyfile(files("mosmed_edu.phantom") / "folder" / name, root / name)
    mark = {
        "name": plan.name,
        "generator_version": GENERATOR_VERSION,
        "plan": _as_kept(plan),
        "studies": dict(sorted(Counter(job.category for job in jobs).items())),
        "masks": sum(job.with_mask for job in jobs),
        "lobes": LOBES,
        "signs": SIGNS,
        "signs_in_mask": list(IN_MASK),
        "synthetic": "Drawn by a program. Shows no patient. Not for diagnosis.",
    }
    (root / DRAWN_MARK).write_text(json.dumps(mark, indent=1) + "\n")


def _draw_study(task: _Task) -> dict:
    """Draw one study and write its files; return its row of the truth table. Runs in a worker process."""
    drawing = task.job.draw()
    for name, path in task.paths().items():
        volume = getattr(drawing, name)
        write_volume(volume.with_data(volume.data.astype("int16")) if name == "mask" else volume, path)
    return truth_row(task.job, drawing)


def _check_space(plan: Plan, folder: Path) -> None:
    """Refuse before an hour's work is lost."""
    needed = _BYTES_PER_VOXEL * sum(plan.counts) * plan.matrix**2 * 41
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:.0f} MB are needed")


@contextmanager
def _one_line(folder: Path):
    """Say what the operating system refused in one line."""
    elsewhere = f"set {CACHE_VARIABLE} to a folder that you can write to"
    try:
        yield
    except CacheError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fault, todo = "has no space left for the drawn studies", f"free some space, or {elsewhere}"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            fault, todo = "may not be written to", elsewhere
        else:
            fault, todo = f"cannot be written ({error.strerror or error})", elsewhere
        raise CacheError(folder, fault, todo) from error
