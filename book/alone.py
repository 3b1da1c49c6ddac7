"""One build at a time in one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def only_build(folder: Path) -> Iterator[None]:
    """Wait for a build that works in the same folder: pages of one dataset must not get pictures of another.

    The system gives the lock back when a build ends, however it ends.
    """
    lock = FileLock(folder / ".building.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"Another build is running in {folder}: waiting for it (Ctrl-C stops this one)", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
