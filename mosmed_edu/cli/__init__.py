"""`mosmed-edu`: what a teacher types. A module per command: `add` says what may be typed, `run` gives the exit code."""

from __future__ import annotations

import argparse
import os
import sys

from mosmed_edu import __version__
from mosmed_edu.cli.words import FAULT, INTERRUPTED, PIPE_CLOSED
from mosmed_edu.errors import MosMedError

_EXAMPLES = """\
examples:
  mosmed-edu sample                        draw the synthetic studies, or say where they are
  mosmed-edu check ~/data/COVID19_1110     is the download whole and undamaged?
  mosmed-edu check "$(mosmed-edu sample)"
  mosmed-edu dicom export --studies 3      draw scans as DICOM, to try the next command on
  mosmed-edu convert export own-scans --category-from export/categories.csv
  mosmed-edu assignment spring-class       draw unseen cases for a class
  mosmed-edu grade spring-class            grade what came back
  mosmed-edu sheet signs.png --kind signs  see how the synthetic studies are drawn

exit code: 0 if all is well, 1 if anything is off, 2 for wrong usage
For learning only: not for diagnosis."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : list of str, optional
        What follows the program's name; ``sys.argv`` if not given.

    Returns
    -------
    code : int
        0 if all is well, 1 if anything is off, 2 for wrong usage, 130 after Ctrl-C.
    """
    try:
        if sys.stdout is None:
            raise MosMedError("standard output", "is closed", "open it, be it to /dev/null")
        if hasattr(sys.stdout, "reconfigure"):  # a name that the terminal cannot show is no reason to stop
            sys.stdout.reconfigure(errors="backslashreplace")
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except MosMedError as error:
        return _say(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # nobody reads on, as after `| head`
        _drop_output()
        return PIPE_CLOSED
    except OSError as error:
        if error.filename is None:  # as of a write into what was opened before
            _drop_output()
        fault, todo = f"cannot be used ({error.strerror or error})", "check the space on the disk, and permissions"
        return _say(MosMedError(error.filename or "standard output", fault, todo))


def _say(error: MosMedError) -> int:
    if sys.stderr is not None:
        print(f"mosmed-edu: {error}", file=sys.stderr)
    return FAULT


def _drop_output() -> None:
    """Send nowhere what Python still flushes at exit, or it would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has printed help, the version or what is wrong with the usage
        return int(stop.code or 0)
    return options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mosmed-edu",
        description="The tools of MosMed-Edu, a course on chest CT in COVID-19.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mosmed-edu {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    # Here, because what they import takes a while, and Ctrl-C may come meanwhile.
    from mosmed_edu.cli import assignment, calibrate, check, convert, dicom, grade, sample, sheet

    for command in (sample, check, convert, dicom, assignment, grade, sheet, calibrate):  # the order of the help text
        command.add(commands)
    return parser
