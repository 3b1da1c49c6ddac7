"""Rows that were measured before, in one text file that is only ever added to.

Each line is a whole JSON object, written as soon as its study is measured. A run that is killed loses at most the line
that it was writing, and such half a line is passed over.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from mosmed_edu.errors import CacheError
from mosmed_edu.features.names import FEATURES, VERSION


class Rows:
    """Measured rows on disk.

    Parameters
    ----------
    path : Path or None
        The file, made with the first row; None remembers nothing.

    Raises
    ------
    CacheError
        When a row cannot be written.
    """

    def __init__(self, path: Path | None):
        self.path = path

    def find(self, keys: Iterable[str]) -> dict[str, dict]:
        """Rows of these keys, as far as they were measured by this version."""
        wanted, rows = set(keys), {}
        if self.path is None or not self.path.is_file():
            return rows
        with self.path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, row = _parse(line)
                if key in wanted:
                    rows[key] = row
        return rows

    def add(self, key: str | None, row: dict) -> None:
        """Write one row to the end of the file."""
        if self.path is None or key is None:
            return
        # JSON knows no NaN.
        values = {name: None if isinstance(x, float) and math.isnan(x) else x for name, x in row.items()}
        line = json.dumps({"key": key, "row": values}) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock"), self.path.open("a+b") as file:
                if file.tell() and not _ends_whole(file):  # another run was killed in the middle of its line
                    line = "\n" + line
                file.write(line.encode())
        except OSError as error:
            todo = "set MOSMED_CACHE to a folder that you can write to, or name another file with cache=..."
            raise CacheError(self.path, f"cannot be written ({error.strerror or error})", todo) from error


def file_key(path: Path) -> str | None:
    """What a row is found by: the file's path, size and time of change, and the version of the features."""
    try:
        state = path.stat()
    except OSError:
        return None
    return f"v{VERSION} {state.st_size} {state.st_mtime_ns} {os.path.abspath(path)}"


def _parse(line: str) -> tuple[str | None, dict]:
    """Key and row of a line; no key where the line is not whole."""
    try:
        entry = json.loads(line)
        key, row = entry["key"], entry["row"]
        values = {name: math.nan if row[name] is None else row[name] for name in FEATURES}
        return key, values | {"doubts": row["doubts"]}
    except (ValueError, KeyError, TypeError):
        return None, {}


def _ends_whole(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
