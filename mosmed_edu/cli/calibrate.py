"""`mosmed-edu calibrate`: drawn lesions against the dataset's."""

from __future__ import annotations

import argparse
import sys

from mosmed_edu.cli.words import FAULT, at_least_one


def add(commands) -> None:
    """Say what may be typed."""
    command = commands.add_parser(
        "calibrate",
        help="compare drawn lesions with the dataset's masks",
        description="Draw CT-1 studies and compare their masks with the dataset's 50, measure by measure.\n"
        "Exit code 1 if a median lies outside the real 25-75 % range.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--studies", metavar="N", type=at_least_one, default=50, help="studies to draw (default: 50)")
    command.add_argument("--workers", metavar="N", type=at_least_one, help="processes (default: all processors)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print how the masks of drawn CT-1 studies compare with the dataset's."""
    from mosmed_edu.phantom.calibrate import calibration_table

    calibration = calibration_table(options.studies, workers=options.workers, progress=sys.stderr.isatty())
    print(calibration)
    return 0 if calibration.within().all() else FAULT
