"""`mosmed-edu convert`: a folder of DICOM to a dataset folder."""

from __future__ import annotations

import argparse
import sys

from mosmed_edu.cli.words import FAULT, at_least_one, needs
from mosmed_edu.errors import one_line

_MOST_ALIKE = 10


def add(commands) -> None:
    """Say what may be typed."""
    command = commands.add_parser(
        "convert",
        help="make a dataset folder of your own DICOM scans",
        description="Make a dataset folder of DICOM scans, as MosMedData COVID19_1110 was made: one CT series a\n"
        "patient, every tenth slice of it, Hounsfield units, no name. Every chapter then reads it.",
        epilog="the CSV has a row for each study and these columns:\n"
        "  study     the name of the folder that it lies in, its PatientID, or its StudyInstanceUID\n"
        "  category  CT-0, CT-1, CT-2, CT-3 or CT-4\n"
        "  mask      may be left out: a NIfTI mask drawn on that series, its path from the CSV's folder;\n"
        "            many chapters look for a CT-1 study that has one\n\n"
        "Of the DICOM header only the geometry is kept. Text that is burned into the pixels is not removed:\n"
        "look through every study before you show it. Studies that fail are listed, the rest is converted.\n"
        "After an interruption the same command goes on where it stopped.\n\n"
        "examples:\n"
        "  mosmed-edu convert ~/export own-scans --category-from categories.csv\n"
        "  mosmed-edu convert ~/export own-scans --category-from categories.csv --series '%B30f%' --keep-every 1\n"
        "  mosmed-edu check own-scans\n"
        "  MOSMED_ROOT=own-scans make lab\n"
        "no scans at hand? mosmed-edu dicom draws some",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("folder", metavar="DICOM_FOLDER", help="searched to its bottom; other files are passed over")
    command.add_argument("out", metavar="OUT", help="the dataset folder to make")
    command.add_argument("--category-from", metavar="CSV", required=True, help="which study has which category")
    command.add_argument(
        "--series",
        metavar="LIKE",
        default="%BODY%",
        help="which SeriesDescription to take, as in SQL: %% for any letters, _ for one (default: '%%BODY%%')",
    )
    command.add_argument(
        "--keep-every",
        metavar="N",
        type=at_least_one,
        default=10,
        help="keep the slices whose InstanceNumber is a multiple of N (default: 10)",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Convert, and print what came of it."""
    with needs("convert"):
        from mosmed_edu.convert import convert

    done = convert(
        options.folder,
        options.out,
        options.category_from,
        options.series,
        options.keep_every,
        progress=sys.stderr.isatty(),
    )
    print("\n".join(_lines(done)))
    return FAULT if done.failed else 0


def _lines(done) -> list[str]:
    """What was made, what was not, and what to look at."""
    lines = [one_line(str(done.root))]
    for one in done.studies:
        size = " x ".join(map(str, one.shape)) + ", " + " x ".join(f"{mm:.3g}" for mm in one.spacing) + " mm"
        lines.append(f"study {one.id}  {one.category}  {size}, from {one.thin_count} slices {one.thin_mm:.3g} mm apart")
        lines += [f"  {one_line(note)}" for note in one.notes]
    lines += [f"FAILED  {error}" for _, error in done.failed]
    lines += [f"damaged, passed over: {one_line(str(path))}" for path in done.damaged[:_MOST_ALIKE]]
    if len(done.damaged) > _MOST_ALIKE:
        lines.append(f"... and {len(done.damaged) - _MOST_ALIKE} more damaged files")
    if done.others:
        lines.append(f"no DICOM images, passed over: {done.others} files")
    if done.unnamed:
        lines.append(f"not in the list, passed over: {done.unnamed} studies")
    lines.append(
        f"{len(done.studies)} converted, {len(done.failed)} failed. Look through every study for burned-in text."
    )
    return lines
