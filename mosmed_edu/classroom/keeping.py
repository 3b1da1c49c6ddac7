"""Files of a class's folder: what is missing is written, whole or not at all; what is there is never touched."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mosmed_edu.errors import one_line

#: Ends the name of a file that is being written. One that a killed run has left is written anew under the same name.
PARTIAL = ".mosmed-edu-partial"

#: Files that the line names; of more it says how many.
_MOST_NAMED = 8


class Keeper:
    """Fills a class's folder, and remembers what it kept.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    kept : list of Path
        Files that are there, and differ from what would have been written.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self.kept: list[Path] = []

    def lay(self, path: Path, content: bytes) -> None:
        """Write a file, unless something of its name is there."""
        if not os.path.lexists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        elif not path.is_file() or path.read_bytes() != content:
            self.kept.append(path)

    def lay_folder(self, source: Path, target: Path) -> None:
        """Write copies of a folder's files. File by file, so that a copy that was cut short is made whole."""
        for path in sorted(source.rglob("*")):
            if path.is_file():
                self.lay(target / path.relative_to(source), path.read_bytes())

    def line(self) -> str:
        """What was kept and how to get what is new, or '' where nothing was."""
        if not self.kept:
            return ""
        names = [path.relative_to(self._folder).as_posix() for path in self.kept]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return one_line(
            f"kept as they are, though they differ from what would be written: {', '.join(names[:_MOST_NAMED])}{more}. "
            f"For the new version, remove or rename them in {self._folder} and run the same again."
        )


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write beside a file, then move it there: whoever ends this leaves no half of it under its name."""
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        partial.unlink(missing_ok=True)
        with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
