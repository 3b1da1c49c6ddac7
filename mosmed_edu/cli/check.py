"""`mosmed-edu check`: is a dataset folder whole and undamaged?"""

from __future__ import annotations

import argparse
import json
import sys

from mosmed_edu.cli.words import FAULT, at_least_one


def add(commands) -> None:
    """Say what may be typed."""
    command = commands.add_parser(
        "check",
        help="is a dataset folder whole and undamaged?",
        description="Compare a folder with the published dataset (or a drawn folder with what it says of itself):\n"
        "layout, registry, counts, every file's checksum, geometry, masks.",
        epilog="examples:\n"
        "  mosmed-edu check ~/data/COVID19_1110\n"
        "  mosmed-edu check ~/data/COVID19_1110 --quick\n"
        "  mosmed-edu check ~/data/COVID19_1110 --json > report.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("root", metavar="ROOT", help="the folder that the dataset was unpacked to")
    command.add_argument("--json", action="store_true", help="print the whole report as JSON")
    command.add_argument("--quick", action="store_true", help="read headers and lengths only, not every voxel")
    command.add_argument(
        "--workers", metavar="N", type=at_least_one, help="files to read at a time (default: all processors)"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print whether a dataset folder is what it should be."""
    from mosmed_edu.check import check_dataset

    report = check_dataset(
        options.root, options.quick, progress=bool(sys.stderr) and sys.stderr.isatty(), workers=options.workers
    )
    print(json.dumps(report.as_dict(), indent=2) if options.json else "\n".join(report.lines()))
    return 0 if report.ok else FAULT
