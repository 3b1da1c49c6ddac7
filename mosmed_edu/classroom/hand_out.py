"""Draw the cases of a class, or those to practise on: whole or not at all, and the answers for the grader alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import nbformat
from filelock import FileLock
from tqdm.auto import tqdm

from mosmed_edu.classroom.assignment import draw_cases
from mosmed_edu.classroom.cases import (
    ASSIGNMENTS,
    BESIDE,
    CASES_FILE,
    KEY_FILE,
    key_folder,
    require_assignment,
)
from mosmed_edu.classroom.class_file import opened_class, require_pseudonyms, require_seed
from mosmed_edu.classroom.keeping import Keeper
from mosmed_edu.classroom.model import model_answer
from mosmed_edu.classroom.nbgrading import CONFIG
from mosmed_edu.classroom.objects import read_object
from mosmed_edu.classroom.pencil import CASES_VERSION
from mosmed_edu.classroom.refusals import refusals
from mosmed_edu.classroom.seeds import EVERYONE, PRACTICE, case_seed
from mosmed_edu.errors import CacheError, ClassroomError
from mosmed_edu.paths import user_path
from mosmed_edu.phantom import GENERATOR_VERSION
from mosmed_edu.phantom.cohort import cache_folder
from mosmed_edu.phantom.place import whole_folder
from mosmed_edu.phantom.workers import run_all, worker_count

#: Where a class's notebooks lie in a clone of the course.
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"

_KEY_AWAY = "move its folder away and run the same again: the same cases are drawn anew"


def practice_cases(assignment: str) -> Path:
    """The folder of an assignment's public cases and their key, drawn into the user's cache folder on first use.

    Raises
    ------
    CacheError
        If the cache folder cannot be written.
    """
    require_assignment(assignment)
    cache = cache_folder()
    folder = cache / f"practice-v{GENERATOR_VERSION}.{CASES_VERSION}" / assignment
    if not _is_whole(folder):
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(cache / f".practice-{assignment}.lock"):
                if not _is_whole(folder):
                    shutil.rmtree(folder, ignore_errors=True)  # the cache is ours: what is damaged there goes
                    job = (assignment, case_seed(PRACTICE, assignment), folder, True)
                    for _ in tqdm([job], f"Drawing the cases of {assignment.upper()} (once)", unit="set"):
                        _draw_whole(job)
        except OSError as error:
            raise CacheError(
                cache, f"cannot be written ({error.strerror or error})", "set MOSMED_CACHE to a folder that can be"
            ) from None
    return folder


def draw_class(
    folder: str | Path,
    class_seed: str,
    students: Sequence[str] = (),
    assignments: Iterable[str] = ASSIGNMENTS,
    notebooks: Path | None = NOTEBOOKS,
    workers: int | None = None,
    progress: bool = True,
    tell: Callable[[str], object] = print,
) -> Path:
    """Draw the cases of a class.

    Only what is missing is drawn and written: a file that is there stays as it is.

    Parameters
    ----------
    folder : str or Path
        The class's folder: a new one, or one that was made with the same seed, to which assignments and students are
        added. In it, ``key`` is for the grader alone, and ``handout`` is what to give away.
    class_seed : str
        The class's secret.
    students : sequence of str
        Pseudonyms, where every student is to get cases of their own; otherwise all get the same.
    assignments : iterable of str
    notebooks : Path, optional
        Folder with ``source``, ``release`` and ``nbgrader_config.py``; by default that of the clone the library lies
        in. None hands out cases alone.
    workers : int, optional
        Processes to draw with.
    progress : bool
        Show a progress bar.
    tell : callable
        Gets one line that names the files that differ from what would be written, where there are any: they are kept.

    Returns
    -------
    folder : Path

    Raises
    ------
    ClassroomError
        If the folder is another class's, a pseudonym cannot be a folder's name, the notebooks are not there, or the
        folder cannot be written.

    Examples
    --------
    >>> from mosmed_edu.classroom.hand_out import draw_class
    >>> draw_class("../spring", "a secret of your own", students=["s01", "s02"])                 # doctest: +SKIP
    """
    folder, assignments = user_path(folder), list(dict.fromkeys(assignments))
    for assignment in assignments:
        require_assignment(assignment)
    require_seed(class_seed)
    require_pseudonyms(students)
    keeper, everyone = Keeper(folder), students or [EVERYONE]
    with refusals(folder):
        _require_notebooks(notebooks, assignments)
        with opened_class(folder, class_seed, students):
            jobs = [
                (name, case_seed(class_seed, name, who), key_folder(folder, name, who))
                for who in everyone
                for name in assignments
            ]
            _draw_missing(jobs, workers, progress)
            for name, _, key in jobs:
                _hand_out(keeper, key, folder / "handout" / key.parent.name / name, notebooks)
            if notebooks is not None:
                _copy_course(keeper, notebooks, folder, assignments)
    if keeper.kept:
        tell(keeper.line())
    return folder


def _draw_missing(jobs: list[tuple[str, int, Path]], workers: int | None, progress: bool) -> None:
    """Draw the cases that are not there. What lies in the place of some is somebody's: it is not drawn over."""
    missing = [job for job in jobs if not _is_whole(job[2])]
    for _, _, key in missing:
        if key.exists() and (not key.is_dir() or any(key.iterdir())):
            raise ClassroomError(key / KEY_FILE, "or the cases beside it are missing or damaged", _KEY_AWAY)
    drawn = run_all(_draw_whole, missing, workers or worker_count(len(missing)))
    for _ in tqdm(drawn, "Drawing the cases", len(missing), unit="set", disable=not progress):
        pass


def _is_whole(folder: Path) -> bool:
    """Whether cases were drawn here to their end: the key is written last."""
    try:
        version = read_object(folder / KEY_FILE, _KEY_AWAY).get("version")
    except ClassroomError:
        return False
    return version == CASES_VERSION and (folder / BESIDE / CASES_FILE).is_file()


def _draw_whole(job: tuple) -> None:
    """Draw beside the folder, then move it there. Runs in a worker process."""
    assignment, seed, folder, *practice = job
    with whole_folder(folder) as partial:
        draw_cases(assignment, seed, partial, *practice)


def _hand_out(keeper: Keeper, key: Path, target: Path, notebooks: Path | None) -> None:
    """A student's copy: everything but the answers, and the notebook. The grader gets the model answer."""
    keeper.lay_folder(key / BESIDE, target / BESIDE)
    if notebooks is not None:
        source, release = (_notebook(notebooks, kind, key.name) for kind in ("source", "release"))
        keeper.lay(target / release.name, release.read_bytes())
        model = model_answer(source, release, read_object(key / KEY_FILE, _KEY_AWAY))
        keeper.lay(key / "model.ipynb", f"{nbformat.writes(model)}\n".encode())


def _copy_course(keeper: Keeper, notebooks: Path, folder: Path, assignments: Iterable[str]) -> None:
    """What nbgrader needs to grade: its settings, and the notebooks with solutions and tests."""
    keeper.lay(folder / CONFIG, (notebooks / CONFIG).read_bytes())
    for assignment in assignments:
        source = _notebook(notebooks, "source", assignment)
        keeper.lay(_notebook(folder, "source", assignment), source.read_bytes())


def _notebook(folder: Path, kind: str, assignment: str) -> Path:
    return folder / kind / assignment / f"{assignment}.ipynb"


def _require_notebooks(notebooks: Path | None, assignments: Iterable[str]) -> None:
    for assignment in assignments if notebooks is not None else ():
        path = _notebook(notebooks, "release", assignment)
        if not path.is_file():
            raise ClassroomError(
                path, "is not there", "run this in a clone of the course, or draw cases alone with --cases-only"
            )
