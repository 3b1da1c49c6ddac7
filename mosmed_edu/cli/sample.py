"""`mosmed-edu sample`: draw the synthetic studies, or say where they are."""

from __future__ import annotations

import argparse

from mosmed_edu.layout import DRAWN_NAMES


def add(commands) -> None:
    """Say what may be typed."""
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
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print where a synthetic dataset is, drawn first where it is not there yet."""
    from mosmed_edu.phantom import cached_dataset  # here, because only those who draw should wait for its imports

    print(cached_dataset(options.name))
    return 0
