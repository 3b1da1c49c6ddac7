"""`mosmed-edu grade`: grade what a class has handed in."""

from __future__ import annotations

import argparse
import sys

from mosmed_edu.cli.words import FAULT, at_least_one


def add(commands) -> None:
    """Say what may be typed."""
    command = commands.add_parser(
        "grade",
        help="grade what a class has handed in",
        description="Run and grade the notebooks in COURSE/submitted/STUDENT/ASSIGNMENT/, write COURSE/grades and\n"
        "COURSE/feedback. This runs students' code: do it in a container without network.",
        epilog="examples:\n"
        "  mosmed-edu grade spring-class\n"
        "  mosmed-edu grade spring-class --only a1 --timeout 120\n"
        "  mosmed-edu grade spring-class --export     after free texts were graded by hand\n"
        "\n"
        "exit code: 1 if any submission failed, is missing or waits for a reader",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("course", metavar="COURSE", help="the folder that `mosmed-edu assignment` made")
    command.add_argument("--only", metavar="A", nargs="+", help="assignments to grade (default: all)")
    command.add_argument(
        "--timeout", metavar="SECONDS", type=at_least_one, help="for one cell; an endless loop ends then (default: 60)"
    )
    command.add_argument("--export", action="store_true", help="run nothing: write tables and feedback again")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table of grades."""
    from mosmed_edu.classroom.grader import GRADES, grade_class
    from mosmed_edu.classroom.submission import GRADED

    grades = grade_class(options.course, options.only, options.timeout, options.export, progress=sys.stderr.isatty())
    print(grades.reset_index().to_string(index=False, na_rep="", float_format=lambda score: f"{score:g}"))
    print(f"\ntables: {options.course}/{GRADES}    feedback: {options.course}/feedback")
    return 0 if (grades["status"] == GRADED).all() else FAULT
