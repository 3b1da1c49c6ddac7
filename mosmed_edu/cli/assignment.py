"""`mosmed-edu assignment`: draw the cases of a class."""

from __future__ import annotations

import argparse
import sys

from mosmed_edu.classroom.cases import ASSIGNMENTS


def add(commands) -> None:
    """Say what may be typed."""
    command = commands.add_parser(
        "assignment",
        help="draw the cases of a class, or of each student",
        description="Draw unseen synthetic cases for a class into a folder. COURSE/handout is what to give away;\n"
        "COURSE/key and COURSE/class.json hold the answers and the secret: keep them to yourself.",
        epilog="examples:\n"
        "  mosmed-edu assignment spring-class                          one set of cases for all\n"
        "  mosmed-edu assignment spring-class --student s01 s02 s03    cases of their own for each\n"
        "  mosmed-edu assignment spring-class --only a1 --class-seed 'a long secret'\n"
        "Run it again to add students or assignments: what is there stays as it is, your own changes too.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("course", metavar="COURSE", help="the class's folder: a new one, or one made before")
    command.add_argument(
        "--class-seed",
        metavar="S",
        help="the class's secret; the same secret draws the same cases (default: a new one, kept in COURSE/class.json)",
    )
    command.add_argument(
        "--student", metavar="ID", nargs="+", default=[], help="pseudonyms of students who get cases of their own"
    )
    command.add_argument("--only", metavar="A", nargs="+", default=list(ASSIGNMENTS), help="a1 to a4 (default: all)")
    command.add_argument("--cases-only", action="store_true", help="hand out cases without the notebooks")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print where the cases are, and what was kept though it differs."""
    from mosmed_edu.classroom.class_file import known_seed
    from mosmed_edu.classroom.hand_out import NOTEBOOKS, draw_class
    from mosmed_edu.classroom.seeds import new_class_seed

    seed = options.class_seed
    if seed is None:
        seed = known_seed(options.course) or new_class_seed()
    notebooks = None if options.cases_only else NOTEBOOKS
    kept: list[str] = []
    folder = draw_class(
        options.course,
        seed,
        options.student,
        options.only,
        notebooks,
        progress=sys.stderr.isatty(),
        tell=kept.append,
    )
    print(f"give away:  {folder / 'handout'}\nkeep:       {folder / 'key'}, {folder / 'class.json'}")
    print(*kept, sep="\n", end="\n" if kept else "")
    return 0
