"""A folder of drawn patients as a hospital would hand it over: DICOM, and a list of their categories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES, write_volume
from mosmed_edu.paths import user_path
from mosmed_edu.phantom.dicom import Person, draw_thin, write_study
from mosmed_edu.phantom.people import Disease, Findings, Patient
from mosmed_edu.phantom.place import whole_folder
from mosmed_edu.phantom.workers import run_all, worker_count

#: Name of the list, and what it is called with: the columns that `mosmed_edu.convert` reads.
CATEGORIES_FILE = "categories.csv"

#: Study n is drawn from this seed + n.
_FIRST_SEED = 9000

#: Memory that drawing takes, in bytes: for each voxel, and besides. Measured at 128, 160 and 256 pixels, 430 slices.
_VOXEL_BYTES, _BASE_BYTES = 25, 250e6

#: Their names have four digits.
_MOST_STUDIES = 9999

#: Thin slices of a tall patient.
_MOST_SLICES = 480

_FAMILY = ("ASH", "BIRCH", "CEDAR", "ELM", "FIR", "HAZEL", "LARCH", "MAPLE", "OAK", "PINE")


@dataclass(frozen=True)
class _Task:
    """A study and the folder of the export: what a worker process is given."""

    root: Path
    number: int
    category: str
    matrix: int
    slices: int | None

    @property
    def mask(self) -> str:
        """Path of its mask from the list's folder; as in the dataset, only CT-1 has any."""
        return f"masks/{_id(self.number)}.nii.gz" if self.category == "CT-1" else ""


def write_export(
    root: str | Path,
    studies: int = 5,
    matrix: int = 256,
    slices: int | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Draw patients and write them as DICOM, several series each, in a folder each, with a list of their categories.

    Parameters
    ----------
    root : str or Path
        The folder to make. It must not exist, or be empty.
    studies : int
        How many; their categories take turns, CT-0 first.
    matrix : int
        Pixels along each side of a slice, 64 to 1024.
    slices : int, optional
        Thin slices of each; by default as many as cover the lungs, about 400.
    workers : int, optional
        Processes to draw with; by default as many as cores and memory allow. The files do not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    root : Path
        It holds the folders SYN-0001, SYN-0002 and so on, ``categories.csv``, and ``masks`` of the CT-1 studies, on the
        grid of their thin slices.

    Raises
    ------
    DrawingError
        If the folder exists, cannot be written, or this cannot be drawn.
    """
    root = user_path(root).absolute()
    if not 1 <= studies <= _MOST_STUDIES:
        raise DrawingError(f"{studies} studies", "cannot be drawn", f"ask for 1 to {_MOST_STUDIES}")
    try:
        with whole_folder(root) as partial:
            tasks = [
                _Task(partial, n, CATEGORIES[(n - 1) % len(CATEGORIES)], matrix, slices) for n in range(1, studies + 1)
            ]
            voxels = matrix**2 * (slices or _MOST_SLICES)
            workers = workers or worker_count(len(tasks), _BASE_BYTES + _VOXEL_BYTES * voxels)
            results = run_all(_draw_study, tasks, workers)
            list(tqdm(results, "Drawing scans as DICOM", len(tasks), unit="study", disable=not progress))
            rows = [(_id(task.number), task.category, task.mask) for task in tasks]
            table = pd.DataFrame(rows, columns=["study", "category", "mask"])
            table.to_csv(partial / CATEGORIES_FILE, index=False, lineterminator="\n")
    except OSError as error:
        fault = f"cannot be written ({error.strerror or error})"
        raise DrawingError(root, fault, "free some space, or name another folder") from None
    return root


def _draw_study(task: _Task) -> None:
    """Draw one patient and write the files. Runs in a worker process."""
    seed = _FIRST_SEED + task.number
    patient, disease = Patient.sample(seed), Disease.sample(task.category, seed)
    thin = draw_thin(patient, disease, Findings.sample(patient, disease, seed), task.matrix, task.slices)
    name = f"SYNTHETIC {_FAMILY[task.number % len(_FAMILY)]}^NUMBER {task.number}"
    born = f"{2020 - int(patient.age)}0101"
    write_study(thin.ct, task.root / _id(task.number), Person(name, _id(task.number), born, sex=patient.sex))
    if task.mask:
        path = task.root / task.mask
        path.parent.mkdir(exist_ok=True)
        write_volume(thin.mask.with_data(thin.mask.data.astype("int16")), path)


def _id(number: int) -> str:
    return f"SYN-{number:04d}"
