"""Make the assignments that are handed out from their sources: solutions and hidden tests cut away by nbgrader."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from mosmed_edu.classroom import ASSIGNMENTS
from mosmed_edu.classroom.nbgrading import open_nbgrader

FOLDER = Path(__file__).resolve().parents[1] / "notebooks" / "assignments"


def write_release(target: Path) -> list[Path]:
    """Write every assignment without its solutions.

    Parameters
    ----------
    target : Path
        Gets a folder for each assignment. What is there of the same name is replaced.

    Returns
    -------
    paths : list of Path
    """
    written = []
    with TemporaryDirectory() as course:
        shutil.copytree(FOLDER / "source", Path(course) / "source")
        api = open_nbgrader(Path(course), FOLDER)
        for name in ASSIGNMENTS:
            result = api.generate_assignment(name)
            if not result["success"]:
                raise SystemExit(f"{name} cannot be released:\n{result['log']}")
            path = target / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(course) / "release" / name / path.name, path)
            written.append(path)
    return written


if __name__ == "__main__":
    for path in write_release(FOLDER / "release"):
        print(path.relative_to(FOLDER.parents[1]))
