"""A JSON file that this course wrote, and that may have been damaged since."""

from __future__ import annotations

import json
from pathlib import Path

from mosmed_edu.errors import ClassroomError


def read_object(path: Path, todo: str) -> dict:
    """What a file of names and values holds.

    Parameters
    ----------
    path : Path
    todo : str
        What to do next where it cannot be read.

    Returns
    -------
    said : dict

    Raises
    ------
    ClassroomError
        If it cannot be read, or is no such file any more.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClassroomError(path, f"cannot be read ({error.strerror})", todo) from None
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested without end
        said = None
    if not isinstance(said, dict):
        raise ClassroomError(path, "is damaged", todo)
    return said
