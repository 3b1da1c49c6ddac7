"""A folder that is there whole or not at all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from mosmed_edu.errors import DrawingError


@contextmanager
def whole_folder(root: Path) -> Iterator[Path]:
    """A place beside a new folder to write into; moved there when the block ends, removed if it fails.

    Parameters
    ----------
    root : Path
        The folder to make. It must not exist, or be empty.

    Yields
    ------
    partial : Path
        An empty folder.

    Raises
    ------
    DrawingError
        If the folder exists and is not empty.
    OSError
        If it cannot be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DrawingError(root, "exists already", "name a new folder, or remove this one")
    root.parent.mkdir(parents=True, exist_ok=True)
    with _partial_folder(root) as partial:
        yield partial
        partial.replace(root)


@contextmanager
def _partial_folder(root: Path) -> Iterator[Path]:
    """A folder beside `root` to draw into; it is gone afterwards, and so are those that killed runs have left.

    A lock tells a run that was killed from one that is drawing now: the system takes it from whoever dies.
    """
    for left in _left_behind(root):
        with suppress(Timeout), FileLock(f"{left}.lock", blocking=False):
            shutil.rmtree(left, ignore_errors=True)
            Path(f"{left}.lock").unlink(missing_ok=True)
    partial = root.with_name(f".{root.name}.{uuid4().hex[:8]}.partial")
    lock = FileLock(f"{partial}.lock")
    try:
        with lock:
            partial.mkdir()
            yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        Path(lock.lock_file).unlink(missing_ok=True)


def _left_behind(root: Path) -> list[Path]:
    """Folders of killed runs. By their whole name and by a lock, which is there before: what is not ours stays."""
    ours = re.compile(rf"\.{re.escape(root.name)}\.[0-9a-f]{{8}}\.partial")
    named = [path for path in root.parent.iterdir() if ours.fullmatch(path.name)]
    return [path for path in named if path.with_name(f"{path.name}.lock").is_file()]
