"""Whether a page of the book is being made: it has no kernel for a slider to talk to, and keeps no bar that has run."""

from __future__ import annotations

import os

#: Set to "1" by the build of the book.
BOOK_VARIABLE = "MOSMED_BOOK"


def building_book() -> bool:
    """Whether what is shown now is for a page."""
    return os.environ.get(BOOK_VARIABLE) == "1"
