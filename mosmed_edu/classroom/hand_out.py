"""Draw the cases of a class, or those to practise on: whole or not at all, and the answers for the grader alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from filelock import FileLock
from tqdm.auto import tqdm

from mosmed_edu.classroom.assignment import draw_cases
from mosmed_edu.classroom.cases import (
    ASSIGNMENTS,
    BESIDE,
    KEY_FILE,
    key_folder,
    require_assignment,
)
from mosmed_edu.classroom.model import write_model_answer
from mosmed_edu.classroom.pencil import CASES_VERSION
from mosmed_edu.classroom.seeds import EVERYONE, PRACTICE, case_seed
from mosmed_edu.errors import CacheError, ClassroomError
from mosmed_edu.phantom import GENERATOR_VERSION
from mosmed_edu.phantom.cohort import cache_folder
from mosmed_edu.phantom.place import whole_folder
from mosmed_edu.phantom.workers import run_all, worker_count

#: What a class's folder says of itself, the secret included.
CLASS_FILE = "class.json"

#: Where a class's notebooks lie in a clone of the course.
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"

#: A pseudonym: it becomes a folder's name, and nbgrader's and a gradebook's id.
_PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
) -> Path:
    """Draw the cases of a class.

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

    Returns
    -------
    folder : Path

    Raises
    ------
    ClassroomError
        If the folder is another class's, a pseudonym cannot be a folder's name, or the notebooks are not there.

    Examples
    --------
    >>> from mosmed_edu.classroom.hand_out import draw_class
    >>> draw_class("../spring", "a secret of your own", students=["s01", "s02"])                 # doctest: +SKIP
    """
    folder, assignments = Path(folder), list(assignments)
    for assignment in assignments:
        require_assignment(assignment)
    _require_pseudonyms(students)
    _require_notebooks(notebooks, assignments)
    _begin(folder, class_seed, students)
    wanted = [
        (assignment, case_seed(class_seed, assignment, who), key_folder(folder, assignment, who), False)
        for who in (students or [EVERYONE])
        for assignment in assignments
    ]
    missing = [job for job in wanted if not _is_whole(job[2])]
    drawn = run_all(_draw_whole, missing, workers or worker_count(len(missing)))
    for _ in tqdm(drawn, "Drawing the cases", len(missing), unit="set", disable=not progress):
        pass
    for assignment, _, key, _ in wanted:
        _hand_out(key, folder / "handout" / key.parent.name / assignment, assignment, notebooks)
        if notebooks is not None:
            source, release = (notebooks / kind / assignment / f"{assignment}.ipynb" for kind in ("source", "release"))
            write_model_answer(source, release, key / KEY_FILE, key / "model.ipynb")
    if notebooks is not None:
        _copy_course(notebooks, folder, assignments)
    return folder


def read_class(folder: str | Path) -> dict:
    """What a class's folder says of itself.

    Returns
    -------
    said : dict
        ``class_seed``, ``students`` (none where all have the same cases) and ``versions`` of the drawing.

    Raises
    ------
    ClassroomError
        If it is no class's folder, or was drawn by another version, whose answers would differ.
    """
    path = Path(folder) / CLASS_FILE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = said["versions"]
    except FileNotFoundError:
        raise ClassroomError(
            path.parent, f"is no class's folder: it has no {CLASS_FILE}", "make one with: mosmed-edu assignment"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ClassroomError(path, "is damaged", "take it from your backup, or draw the class again") from None
    if found != _versions():
        raise ClassroomError(
            path, "was drawn by another version of the course", "grade with the version it was drawn with"
        )
    return said


def known_seed(folder: str | Path) -> str | None:
    """The secret of a class whose folder is there already."""
    return read_class(folder)["class_seed"] if (Path(folder) / CLASS_FILE).is_file() else None


def _versions() -> list[int]:
    return [GENERATOR_VERSION, CASES_VERSION]


def _begin(folder: Path, class_seed: str, students: Sequence[str]) -> None:
    """Make a class's folder, or make sure that it is this class's, and note who is in it."""
    if (folder / CLASS_FILE).is_file():
        said = read_class(folder)
        if said["class_seed"] != class_seed:
            raise ClassroomError(folder, "belongs to a class with another seed", "name a new folder, or give its seed")
        students = sorted({*said["students"], *students})
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ClassroomError(folder, "exists and is no class's folder", "name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    said = {"class_seed": class_seed, "students": list(students), "versions": _versions()}
    partial = folder / f".{CLASS_FILE}.part"
    partial.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    partial.chmod(0o600)
    partial.replace(folder / CLASS_FILE)


def _is_whole(folder: Path) -> bool:
    """Whether cases were drawn here to their end: the key is written last."""
    try:
        return json.loads((folder / KEY_FILE).read_text(encoding="utf-8"))["version"] == CASES_VERSION
    except (OSError, ValueError, KeyError):
        return False


def _draw_whole(job: tuple[str, int, Path, bool]) -> None:
    """Draw beside the folder, then move it there. Runs in a worker process."""
    assignment, seed, folder, practice = job
    shutil.rmtree(folder, ignore_errors=True)  # of an older version
    with whole_folder(folder) as partial:
        draw_cases(assignment, seed, partial, practice)


def _hand_out(key: Path, target: Path, assignment: str, notebooks: Path | None) -> None:
    """A student's copy: everything but the answers, and the notebook."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(key / BESIDE, target / BESIDE)
    if notebooks is not None:
        shutil.copyfile(notebooks / "release" / assignment / f"{assignment}.ipynb", target / f"{assignment}.ipynb")


def _copy_course(notebooks: Path, folder: Path, assignments: Iterable[str]) -> None:
    """What nbgrader needs to grade: its settings, and the notebooks with solutions and tests."""
    shutil.copyfile(notebooks / "nbgrader_config.py", folder / "nbgrader_config.py")
    for assignment in assignments:
        target = folder / "source" / assignment
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(notebooks / "source" / assignment / f"{assignment}.ipynb", target / f"{assignment}.ipynb")


def _require_pseudonyms(students: Sequence[str]) -> None:
    for student in students:
        if not _PSEUDONYM.fullmatch(student) or student == EVERYONE:
            raise ClassroomError(
                f"student {student!r}",
                "cannot be used as a folder's name",
                "use letters, digits, '.', '-' and '_', such as s01",
            )
    repeated = {student for student in students if list(students).count(student) > 1}
    if repeated:
        raise ClassroomError(
            f"student {min(repeated)!r}", "is named more than once", "give every student one pseudonym"
        )


def _require_notebooks(notebooks: Path | None, assignments: Iterable[str]) -> None:
    for assignment in assignments if notebooks is not None else ():
        path = notebooks / "release" / assignment / f"{assignment}.ipynb"
        if not path.is_file():
            raise ClassroomError(
                path, "is not there", "run this in a clone of the course, or draw cases alone with --cases-only"
            )
