"""What the commands share: exit codes, and what an argument may be."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from mosmed_edu.errors import MosMedError

#: Exit codes besides 0 (all is well) and argparse's 2 (wrong usage).
FAULT = 1
INTERRUPTED, PIPE_CLOSED = 128 + 2, 128 + 13  # as shells report SIGINT and SIGPIPE


def at_least_one(text: str) -> int:
    """A whole number of 1 or more."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Say which extra of the package is missing where an import of one of its libraries fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("mosmed_edu"):
            raise
        fault = f"needs the library {error.name}, which is not installed"
        raise MosMedError("this command", fault, f"pip install 'mosmed-edu[{extra}]'") from None
