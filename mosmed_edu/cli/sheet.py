"""`mosmed-edu sheet`: a picture of how the synthetic studies are drawn."""

from __future__ import annotations

import argparse
import sys
from uuid import uuid4

from mosmed_edu.cli.words import at_least_one
from mosmed_edu.errors import DrawingError
from mosmed_edu.paths import user_path


def add(commands) -> None:
    """Say what may be typed."""
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
    command.add_argument("--seed", type=at_least_one, default=1, help="another number draws other patients")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write a contact sheet of synthetic slices as a PNG."""
    from PIL import Image

    from mosmed_edu.phantom.sheet import contact_sheet

    path = user_path(options.out)
    if path.is_dir():
        raise DrawingError(path, "is a folder", "name the picture to write, such as sheet.png")
    if not path.parent.is_dir():
        raise DrawingError(path, "lies in no folder that exists", "create the folder, or write somewhere else")
    picture = Image.fromarray(contact_sheet(options.kind, options.seed, progress=sys.stderr.isatty()))
    # Written under a name that nobody has first, so that a full disk leaves no half picture behind.
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        picture.save(partial, format="PNG", optimize=True)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DrawingError(path, f"cannot be written ({error.strerror})", "choose another folder") from None
    print(path)
    return 0
