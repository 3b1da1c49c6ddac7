"""Notes on what is finished, which say so only while the files that it was made of have not changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def made_of(images: Iterable[Path], folder: Path, mask: Path | None = None) -> str:
    """A fingerprint of a study's files that is another one after any of them was written again. It names none of them.

    Their length and the time they were written tell that, as they do `make` and `rsync`; to read a series whole would
    take as long as to convert it.

    Parameters
    ----------
    images : iterable of Path
    folder : Path
        The images are known by their path from here, so that it does not matter from where the command is given.
    mask : Path, optional

    Returns
    -------
    fingerprint : str
    """
    states = sorted((path.relative_to(folder).as_posix(), *_state(path)) for path in images)
    return hashlib.sha256(repr((states, mask and _state(mask))).encode("utf-8", "surrogatepass")).hexdigest()


def write_record(path: Path, text: str, sources: str) -> None:
    """Write a note, whole or not at all.

    Parameters
    ----------
    path : Path
    text : str
    sources : str
        From `made_of`.
    """
    part = path.with_suffix(".part")
    part.write_text(f"{_seal(text, sources)}\n{text}", encoding="utf-8")
    part.replace(path)


def read_record(path: Path, sources: str) -> str | None:
    """The text of a note; None where there is none, a bit of it has changed, or it is of other sources.

    Parameters
    ----------
    path : Path
    sources : str
        From `made_of`.

    Returns
    -------
    text : str or None
    """
    try:
        seal, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if seal == _seal(text, sources) else None


def _seal(text: str, sources: str) -> str:
    return hashlib.sha256(f"{sources}\n{text}".encode()).hexdigest()


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except (OSError, ValueError):  # what is wrong with it is said by who reads it
        return -1, -1
    return state.st_size, state.st_mtime_ns
