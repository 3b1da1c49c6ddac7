"""`mosmed-edu`: what a teacher types. One function per command; each returns the exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from mosmed_edu import __version__
from mosmed_edu.errors import DrawingError, MosMedError
from mosmed_edu.layout import DRAWN_NAMES

#: Exit codes besides 0 (all is well) and argparse's 2 (wrong usage).
_FAULT = 1
_INTERRUPTED, _PIPE_CLOSED = 128 + 2, 128 + 13  # as shells report SIGINT and SIGPIPE

_EXAMPLES = """\
examples:
  mosmed-edu sample                        draw the synthetic studies, or say where they are
  mosmed-edu check ~/data/COVID19_1110     is the download whole and undamaged?
  mosmed-edu check "$(mosmed-edu sample)"
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
    if hasattr(sys.stdout, "reconfigure"):  # a name that the terminal cannot show is no reason to stop
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except MosMedError as error:
        print(f"mosmed-edu: {error}", file=sys.stderr)
        return _FAULT
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on, as after `| head`. What Python still flushes at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED


def _run(arguments: list[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has printed help, the version or what is wrong with the usage
        return int(stop.code or 0)
    return options.run(options)


def sample(options: argparse.Namespace) -> int:
    """Print where a synthetic dataset is, drawn first where it is not there yet."""
    from mosmed_edu.phantom import cached_dataset  # here, because only those who draw should wait for its imports

    print(cached_dataset(options.name))
    return 0


def sheet(options: argparse.Namespace) -> int:
    """Write a contact sheet of synthetic slices as a PNG."""
    from PIL import Image

    from mosmed_edu.phantom.sheet import contact_sheet

    path = Path(options.out)
    if not path.parent.is_dir():
        raise DrawingError(path, "lies in no folder that exists", "create the folder, or write somewhere else")
    picture = Image.fromarray(contact_sheet(options.kind, options.seed, progress=sys.stderr.isatty()))
    # Written under another name first, so that a full disk leaves no half picture behind.
    partial = path.with_name(path.name + ".part")
    try:
        picture.save(partial, format="PNG", optimize=True)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DrawingError(path, f"cannot be written ({error.strerror})", "choose another folder") from None
    print(path)
    return 0


def calibrate(options: argparse.Namespace) -> int:
    """Print how the masks of drawn CT-1 studies compare with the dataset's."""
    from mosmed_edu.phantom.calibrate import calibration_table

    calibration = calibration_table(options.studies, workers=options.workers, progress=sys.stderr.isatty())
    print(calibration)
    return 0 if calibration.within().all() else _FAULT


def check(options: argparse.Namespace) -> int:
    """Print whether a dataset folder is what it should be."""
    from mosmed_edu.check import check_dataset

    report = check_dataset(options.root, options.quick, progress=sys.stderr.isatty(), workers=options.workers)
    print(json.dumps(report.as_dict(), indent=2) if options.json else "\n".join(report.lines()))
    return 0 if report.ok else _FAULT


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="mosmed-edu",
        description="The tools of MosMed-Edu, a course on chest CT in COVID-19.",
        epilog=_EXAMPLES,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"mosmed-edu {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = commands.add_parser(
        "sample",
        help="draw the synthetic studies, or say where they are",
        description="Draw a synthetic dataset into the user's cache folder, once, and print where it is.",
    )
    command.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        choices=DRAWN_NAMES,
        default=DRAWN_NAMES[0],
        help="'sample': 20 studies to look at (the default); 'cohort': 160 smaller ones to count with",
    )
    command.set_defaults(run=sample)

    command = commands.add_parser(
        "check",
        help="is a dataset folder whole and undamaged?",
        description="Compare a folder with the published dataset (or a drawn folder with what it says of itself):\n"
        "layout, registry, counts, every file's checksum, geometry, masks.",
        epilog="examples:\n"
        "  mosmed-edu check ~/data/COVID19_1110\n"
        "  mosmed-edu check ~/data/COVID19_1110 --quick\n"
        "  mosmed-edu check ~/data/COVID19_1110 --json > report.json",
        formatter_class=raw,
    )
    command.add_argument("root", metavar="ROOT", help="the folder that the dataset was unpacked to")
    command.add_argument("--json", action="store_true", help="print the whole report as JSON")
    command.add_argument("--quick", action="store_true", help="read headers and lengths only, not every voxel")
    command.add_argument(
        "--workers", metavar="N", type=_at_least_one, help="files to read at a time (default: all processors)"
    )
    command.set_defaults(run=check)

    command = commands.add_parser(
        "sheet",
        help="write a contact sheet of synthetic slices",
        description="Draw synthetic studies and put slices of them on one picture (PNG). They show no patient.",
    )
    command.add_argument("out", metavar="OUT.png", help="the picture to write")
    command.add_argument(
        "--kind",
        default="categories",
        help="categories (the default), mediastinum, coronal, signs, patients or findings",
    )
    command.add_argument("--seed", type=_at_least_one, default=1, help="another number draws other patients")
    command.set_defaults(run=sheet)

    command = commands.add_parser(
        "calibrate",
        help="compare drawn lesions with the dataset's masks",
        description="Draw CT-1 studies and compare their masks with the dataset's 50, measure by measure.\n"
        "Exit code 1 if a median lies outside the real 25-75 % range.",
        formatter_class=raw,
    )
    command.add_argument("--studies", metavar="N", type=_at_least_one, default=50, help="studies to draw (default: 50)")
    command.add_argument("--workers", metavar="N", type=_at_least_one, help="processes (default: all processors)")
    command.set_defaults(run=calibrate)
    return parser


def _at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)
