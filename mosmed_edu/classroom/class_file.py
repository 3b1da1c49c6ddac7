"""What a class's folder says of itself: the secret, who is in the class, and which version drew its cases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mosmed_edu.classroom.keeping import PARTIAL, write_whole
from mosmed_edu.classroom.objects import read_object
from mosmed_edu.classroom.pencil import CASES_VERSION
from mosmed_edu.classroom.refusals import refusals
from mosmed_edu.classroom.seeds import EVERYONE
from mosmed_edu.errors import ClassroomError
from mosmed_edu.paths import user_path
from mosmed_edu.phantom import GENERATOR_VERSION

#: What a class's folder says of itself, the secret included.
CLASS_FILE = "class.json"

#: Held while a class is drawn: two that draw it at once would write the same files.
_LOCK = ".mosmed-edu.lock"

#: What a run leaves that was stopped before it could write anything else.
_LEFT = {_LOCK, f".{CLASS_FILE}{PARTIAL}"}

#: A pseudonym: it becomes a folder's name, and nbgrader's and a gradebook's id.
_PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_RESTORE = "restore it from your backup: without it these cases cannot be drawn again"


def read_class(folder: str | Path) -> dict:
    """What a class's folder says of itself.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    said : dict
        ``class_seed``, ``students`` (none where all have the same cases) and ``versions`` of the drawing.

    Raises
    ------
    ClassroomError
        If it is no class's folder, its file is damaged, or it was drawn by another version, whose answers would differ.
    """
    path = user_path(folder) / CLASS_FILE
    if not _is_there(path):
        raise ClassroomError(
            path.parent, f"is no class's folder: it has no {CLASS_FILE}", "make one with: mosmed-edu assignment"
        )
    said = read_object(path, _RESTORE)
    versions = said.get("versions")
    if not isinstance(versions, list) or not all(type(version) is int for version in versions):
        raise ClassroomError(path, "is damaged: it names no versions", _RESTORE)
    if versions != _versions():
        raise ClassroomError(
            path, "was drawn by another version of the course", "grade with the version it was drawn with"
        )
    if not _is_seed(said.get("class_seed")):
        raise ClassroomError(path, "is damaged: its class_seed is no text", _RESTORE)
    students = said.get("students")
    if not isinstance(students, list) or not all(map(_is_pseudonym, students)):
        raise ClassroomError(path, "is damaged: its students are no list of pseudonyms", _RESTORE)
    return said


def known_seed(folder: str | Path) -> str | None:
    """The secret of a class whose folder is there already."""
    return read_class(folder)["class_seed"] if _is_there(user_path(folder) / CLASS_FILE) else None


@contextmanager
def opened_class(folder: Path, class_seed: str, students: Sequence[str]) -> Iterator[None]:
    """Make a class's folder, or make sure that it is this class's; note who is in it; and hold it, alone.

    Parameters
    ----------
    folder : Path
    class_seed : str
    students : sequence of str
        Those in the class so far stay in it.

    Raises
    ------
    ClassroomError
        If the folder is another class's or none's, or another process holds it.
    """
    _said_by(folder, class_seed)  # before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ClassroomError(folder, "is being written by another process", "wait until it is done") from None
    try:
        before = _said_by(folder, class_seed)
        everyone = sorted({*before.get("students", ()), *students}) if before else list(students)
        said = {**before, "class_seed": class_seed, "students": everyone, "versions": _versions()}
        if said != before:
            write_whole(folder / CLASS_FILE, (json.dumps(said, indent=1) + "\n").encode(), mode=0o600)
        yield
    finally:
        lock.release()


def require_seed(class_seed: str) -> None:
    """Refuse a secret that nothing can be drawn from."""
    if not _is_seed(class_seed):
        raise ClassroomError("the class's seed", "is empty or no text (UTF-8)", "give one of letters and digits")


def require_pseudonyms(students: Sequence[str]) -> None:
    """Refuse names that cannot be a folder's, or that two would have."""
    for student in students:
        if not _is_pseudonym(student):
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


def _said_by(folder: Path, class_seed: str) -> dict:
    """What the folder says of itself: nothing if it is new."""
    if _is_there(folder / CLASS_FILE):
        said = read_class(folder)
        if said["class_seed"] != class_seed:
            raise ClassroomError(folder, "belongs to a class with another seed", "name a new folder, or give its seed")
        return said
    if folder.exists() and (not folder.is_dir() or any(path.name not in _LEFT for path in folder.iterdir())):
        raise ClassroomError(folder, "exists and is no class's folder", "name a new folder")
    return {}


def _is_there(path: Path) -> bool:
    with refusals(path):
        return path.exists()


def _versions() -> list[int]:
    return [GENERATOR_VERSION, CASES_VERSION]


def _is_seed(seed) -> bool:
    try:
        return isinstance(seed, str) and seed.encode() != b""
    except UnicodeEncodeError:  # bytes of a terminal that are no UTF-8
        return False


def _is_pseudonym(name) -> bool:
    return isinstance(name, str) and name != EVERYONE and bool(_PSEUDONYM.fullmatch(name))
