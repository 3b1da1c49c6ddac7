"""nbgrader, as this course uses it: its settings from a class's folder, and one line where it is not installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mosmed_edu.errors import ClassroomError

#: nbgrader's settings, in the folder of the assignments and in every class's.
CONFIG = "nbgrader_config.py"


def open_nbgrader(course: Path, config_folder: Path | None = None, timeout: int | None = None):
    """nbgrader for a folder of source, submitted and autograded notebooks.

    Parameters
    ----------
    course : Path
    config_folder : Path, optional
        Where `CONFIG` lies; in the course's folder by default.
    timeout : int, optional
        Seconds for one cell, instead of what the settings say.

    Returns
    -------
    api : nbgrader.apps.NbGraderAPI

    Raises
    ------
    ClassroomError
        If nbgrader is not installed, or the settings are not there.
    """
    try:
        from nbgrader.apps import NbGraderAPI
    except ImportError:
        raise ClassroomError(
            "nbgrader", "is not installed", "install what grading needs: pip install -r requirements-grading.txt"
        ) from None
    from traitlets.config import PyFileConfigLoader

    folder = (config_folder or course).resolve()
    if not (folder / CONFIG).is_file():
        raise ClassroomError(folder, f"has no {CONFIG}", "make the class's folder with: mosmed-edu assignment")
    # nbgrader starts alembic by its name, which is found only where the environment is activated.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    config = PyFileConfigLoader(CONFIG, str(folder)).load_config()
    config.CourseDirectory.root = str(course.resolve())
    if timeout is not None:
        config.Execute.timeout = timeout
    return NbGraderAPI(config=config)
