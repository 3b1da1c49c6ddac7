"""Paths that others gave, a user or a registry: whether they name something, and whether we may look at it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from os import PathLike
from pathlib import Path, PurePosixPath

from mosmed_edu.errors import FileMissing, MosMedError, PathError, RegistryError, shown

#: What the file systems in use allow for one name, in bytes.
_LONGEST_NAME = 255

#: What the system says of a name that it could never have: EINVAL is how Windows refuses a letter.
_NEVER = (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, *_NEVER)


def user_path(text: str | PathLike, said_by: str = "") -> Path:
    """Path that a user gave, with ``~`` for the home folder. Nothing need be there.

    Parameters
    ----------
    text : str or path
    said_by : str
        What stands before it in an error, for example ``"$MOSMED_ROOT = "``.

    Returns
    -------
    path : Path

    Raises
    ------
    PathError
        If it is empty, no path at all, longer than the file system takes, or in the home of an unknown user.

    Examples
    --------
    >>> from mosmed_edu.paths import user_path
    >>> user_path("course/COVID19_1110").name
    'COVID19_1110'
    >>> user_path("")
    Traceback (most recent call last):
    mosmed_edu.errors.PathError: '': is no usable path (it is empty). Next: give the name of a file or folder.
    """
    try:
        if not isinstance(text, (str, PathLike)):
            raise TypeError(f"it is of type {type(text).__name__}")
        if not os.fspath(text):
            raise ValueError("it is empty")
        path = Path(text).expanduser()
        os.lstat(path)
    except OSError as error:
        if error.errno not in _NEVER:
            return path
        reason = error.strerror
    except (RuntimeError, TypeError, ValueError) as error:  # an unknown user, bytes, a NUL in the name
        reason = str(error).rstrip(".")
    else:
        return path
    raise PathError(f"{said_by}{shown(text)}", f"is no usable path ({reason})", "give the name of a file or folder")


def is_file(path: Path) -> bool:
    """Whether a file is there, or a link to one.

    Raises
    ------
    PathError
        If that cannot be told, because its folder may not be entered. (pathlib answers that differently from one
        version of Python to the next.)
    """
    return _is(path, stat.S_ISREG)


def is_folder(path: Path) -> bool:
    """Whether a folder is there, or a link to one.

    Raises
    ------
    PathError
        As `is_file`.
    """
    return _is(path, stat.S_ISDIR)


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(path.stat().st_mode)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return False
        closed = (folder for folder in reversed(path.parents) if not os.access(folder, os.X_OK))
        raise unreadable(next(closed, path.parent), error) from None
    except ValueError:  # a NUL in the name
        return False


def unreadable(folder: str | Path, error: OSError) -> PathError:
    """The error of a folder that the system keeps closed, for whoever raises or reports it."""
    return PathError(folder, f"cannot be read ({error.strerror})", "check its permissions")


def unwritable(kind: type[MosMedError], where: str | Path, error: OSError, elsewhere: str) -> MosMedError:
    """The error of work that the system stopped, and that goes on where it stopped once there is room.

    Parameters
    ----------
    kind : type of MosMedError
    where : str or Path
    error : OSError
    elsewhere : str
        What to do next where room is not what is missing.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    todo = "free some space and run the same again: it goes on where it stopped" if full else elsewhere
    return kind(where, f"cannot be written ({error.strerror or error})", todo)


def present(path: Path) -> Path:
    """The path of a file of the registry, made sure that the file is there.

    Raises
    ------
    FileMissing, PathError
    """
    if is_file(path):
        return path
    raise FileMissing(path, "is listed in the registry and not on disk", "finish the download, or pick another study")


def relative_path(registry: Path, text: str) -> str:
    """A path of the registry, relative to the root. pathlib would throw the root away at the leading slash.

    Raises
    ------
    RegistryError
        If there is none, or it is no file name, or leads out of the dataset folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> from mosmed_edu.paths import relative_path
    >>> relative_path(Path("dataset_registry.csv"), "/studies/CT-1/study_0255.nii.gz")
    'studies/CT-1/study_0255.nii.gz'
    """
    relative, todo = PurePosixPath(text.replace("\\", "/").lstrip("/")), "compare it with the original download's"
    if not relative.parts:
        raise RegistryError(registry, "has a row without a study_file", todo)
    if ".." in relative.parts or ":" in str(relative):
        raise RegistryError(registry, f"lists {shown(text)}, which leads out of the dataset folder", todo)
    longest = max(len(part.encode("utf-8", "replace")) for part in relative.parts)
    if longest > _LONGEST_NAME or len(str(relative)) > 4 * _LONGEST_NAME or not str(relative).isprintable():
        raise RegistryError(registry, f"lists {shown(text)}, which is no file name", todo)
    return str(relative)


def inside(root: Path, relative: str) -> Path:
    """Path of a file of the dataset, made sure not to leave the dataset folder.

    Raises
    ------
    RegistryError
        If a link leads out of the folder, or nowhere because it leads to itself.
    """
    path = root / relative
    try:
        within = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # links in a ring, names that the system refuses
        reason = getattr(error, "strerror", None) or error
        raise RegistryError(path, f"cannot be followed ({reason})", "replace the link by the file") from None
    if not within:
        raise RegistryError(
            path, "leads out of the dataset folder", "replace the link by the file, or move the whole dataset there"
        )
    return path
