"""A folder that is there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        Does not exist yet; its parent does.

    Raises
    ------
    DrawingError
        If the folder exists and is not empty.
    OSError
        If it cannot be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DrawingError(root, "exists already", "name a new folder, or remove this one")
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left over from a run that was killed
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        partial.replace(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
