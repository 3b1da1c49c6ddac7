"""`mosmed-edu dicom`: drawn scans as DICOM, to try the conversion on."""

from __future__ import annotations

import argparse
import sys

from mosmed_edu.cli.words import at_least_one, needs


def add(commands) -> None:
    """Say what may be typed."""
    command = commands.add_parser(
        "dicom",
        help="draw scans as DICOM, to try `convert` on",
        description="Draw synthetic patients as a hospital hands its scans over: a folder of DICOM files each, with\n"
        "a scout, some 400 thin slices of a BODY series, a LUNG and a coronal series. A list of categories and\n"
        "masks of CT-1 lie beside them. They show no patient; every name in them is made up.",
        epilog="examples:\n"
        "  mosmed-edu dicom export --studies 3\n"
        "  mosmed-edu convert export own-scans --category-from export/categories.csv",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("out", metavar="OUT", help="the folder to make")
    command.add_argument("--studies", metavar="N", type=at_least_one, default=5, help="how many (default: 5)")
    command.add_argument(
        "--matrix",
        metavar="N",
        type=at_least_one,
        default=256,
        help="pixels along each side of a slice (default: 256; 512 as in hospitals takes 280 MB a study)",
    )
    command.add_argument(
        "--slices", metavar="N", type=at_least_one, help="thin slices of each (default: as many as cover the lungs)"
    )
    command.add_argument("--workers", metavar="N", type=at_least_one, help="processes (default: all processors)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Draw, and print what to do next."""
    with needs("convert"):
        from mosmed_edu.phantom.export import CATEGORIES_FILE, write_export

    root = write_export(
        options.out,
        options.studies,
        options.matrix,
        options.slices,
        options.workers,
        progress=sys.stderr.isatty(),
    )
    print(root)
    print(f"Next: mosmed-edu convert {root} own-scans --category-from {root / CATEGORIES_FILE}")
    return 0
