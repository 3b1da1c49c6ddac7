"""What the operating system refuses, said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mosmed_edu.errors import ClassroomError, MosMedError
from mosmed_edu.paths import unwritable


@contextmanager
def refusals(folder: Path) -> Iterator[None]:
    """Work on a class's folder.

    Parameters
    ----------
    folder : Path
        What an error names where the system names no file.

    Raises
    ------
    ClassroomError
        For any refusal: no space, no right, no such place.
    """
    try:
        yield
    except (MosMedError, BrokenPipeError):  # both may be an OSError, and are said elsewhere
        raise
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else folder
        elsewhere = "make it writable, or name another folder, and run the same again"
        raise unwritable(ClassroomError, where, error, elsewhere) from None
