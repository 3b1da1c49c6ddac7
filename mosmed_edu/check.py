"""Is this folder what it should be? What to run after a 20 GB download."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain
from pathlib import Path
from time import perf_counter

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.spatialimages import HeaderDataError
from tqdm.auto import tqdm

from mosmed_edu.check_report import Count, Remark, Report
from mosmed_edu.dataset import Dataset, Study, find_root
from mosmed_edu.errors import MosMedError, PathError, RegistryError, shown
from mosmed_edu.layout import (
    CATEGORIES,
    CONVERTED_MARK,
    DRAWN_MARK,
    PUBLISHED_MASKS,
    PUBLISHED_STUDIES,
    SLICE_SPACING_MM,
    TRUTH_TABLE,
    find_registry,
    is_drawn,
    lobes_file,
    locate,
    mask_file,
    places,
    read_mark,
    read_truth,
    signs_file,
    study_file,
)
from mosmed_edu.mirrors import describe_copy
from mosmed_edu.nifti import has_claimed_length, read_grid, read_header, read_nifti, require_binary, require_same_grid
from mosmed_edu.paths import is_file, unreadable, user_path
from mosmed_edu.volume import Grid, Volume

#: As in the headers of the published masks, which lie on their studies' grids.
ORIENTATION = "LAS"

#: What those headers span. A file beyond it is unusual and not at fault.
PIXEL_MM = (0.58, 1.15)
SLICES = (33, 53)

#: No chest CT is without air. Where the lowest value is above this, the voxels are no Hounsfield units.
_AIR_HU = -500

#: How the names end of scans, and of scans that a program has not finished downloading.
_SCAN_ENDS = (".nii", ".nii.gz", ".part", ".partial", ".crdownload", ".download", ".tmp")

#: Nobody has that many chest CTs in one folder: what says so does not know its folder.
_MOST_STUDIES = 10**9

_AGAIN = "download it again"
_DRAW_AGAIN = "delete the folder, and it is drawn again when it is next needed"
_NO_NEED = "nothing to mend; keep it in mind"


def check_dataset(root: str | Path, quick: bool = False, progress: bool = True, workers: int | None = None) -> Report:
    """Compare a dataset folder with what was published, and read every file of it to the end.

    Parameters
    ----------
    root : str or Path
        The folder, or one just above or below it.
    quick : bool
        Read only headers and lengths: finds missing files and most that are cut short, but no damaged voxel.
    progress : bool
        Show a progress bar on stderr.
    workers : int, optional
        How many files to read at a time; as many as there are processors if not given.

    Returns
    -------
    report : Report
        A drawn folder is compared with what it says of itself in ``extras/drawn.json``, one that `convert` made of
        DICOM with its ``converted.json``, any other one with version 1.0 of MosMedData COVID19_1110.

    Raises
    ------
    DatasetNotFound, PathError
        If there is no dataset at this place, or the folder may not be read.
    RegistryError
        If its registry cannot be trusted, so that there is nothing to compare the files with.

    Examples
    --------
    >>> from mosmed_edu.check import check_dataset
    >>> report = check_dataset("COVID19_1110")      # doctest: +SKIP
    >>> report.ok, report.total.on_disk             # doctest: +SKIP
    (True, 1110)
    """
    start = perf_counter()
    dataset = Dataset(find_root(root))
    files, remarks = _find_files(dataset)
    name, expected_studies, expected_masks = "MosMedData COVID19_1110", PUBLISHED_STUDIES, PUBLISHED_MASKS
    if is_drawn(dataset.root):
        name, expected_studies, expected_masks, faults = _said_of_itself(dataset)
        remarks += faults
    elif _is_converted(dataset.root):
        name, expected_studies, expected_masks, faults = _said_by_converter(dataset)
        remarks += faults
    studies, masks = _count(dataset, files, expected_studies, expected_masks)
    remarks += _compare_counts(dataset, studies, masks) + _check_registry(dataset)
    remarks += _missing(dataset, files) + _unlisted(dataset, files)
    remarks += _check_files(dataset, files, quick, progress, workers)
    present = [path for path in files.values() if path]
    return Report(
        root=str(dataset.root),
        name=name,
        copy="" if is_drawn(dataset.root) else _copy_words(user_path(root), dataset, present),
        synthetic=dataset.is_synthetic,
        quick=quick,
        studies=studies,
        masks=masks,
        missing=[relative for relative, path in files.items() if path is None],
        # Each once: a closed folder is come upon by several ways.
        remarks=sorted(dict.fromkeys(remarks), key=lambda remark: (remark.kind, remark.topic, remark.where)),
        files=len(present),
        bytes=sum(path.stat().st_size for path in present),
        seconds=round(perf_counter() - start, 3),
    )


def _copy_words(named: Path, dataset: Dataset, present: list[Path]) -> str:
    """What kind of copy of the dataset this is."""
    named, root = named.resolve(), dataset.root
    between = root.relative_to(named).as_posix() if root.is_relative_to(named) and root != named else ""
    found = [path.relative_to(root).as_posix() for path in present]
    return describe_copy(find_registry(root), found, between)


def _fault_of(root: Path, topic: str, error: MosMedError, todo: str = "") -> Remark:
    """A remark from an error, with the file's name relative to the dataset's folder."""
    where = "the folder" if error.where == str(root) else error.where.removeprefix(f"{root}{os.sep}")
    return Remark("fault", topic, where, error.fault, todo or error.todo)


def _files_of(study: Study) -> list[str]:
    """Every file that a study should have, the scan first."""
    extras = [lobes_file(study.id), signs_file(study.id)] if is_drawn(study.root) else []
    return [relative.lstrip("/") for relative in (study.study_file, study.mask_file, *extras) if relative]


def _find_files(dataset: Dataset) -> tuple[dict[str, Path | None], list[Remark]]:
    """Where each file is that the registry lists (None: nowhere), and which lead out of the folder or are closed."""
    files, remarks = {}, []
    for relative in chain.from_iterable(map(_files_of, dataset)):
        try:
            path = locate(dataset.root, relative)
        except MosMedError as error:
            topic = "file" if isinstance(error, PathError) else "registry"
            remarks.append(_fault_of(dataset.root, topic, error))
        else:
            files[relative] = path if is_file(path) else None
    return files, remarks


def _said_of_itself(dataset: Dataset) -> tuple[str, dict[str, int], int, list[Remark]]:
    """What a drawn folder should hold: name, studies, masks, and what is wrong with its own description."""
    rows, remarks = dataset.registry, []
    name, studies, masks = dataset.root.name, *_listed(rows)
    try:
        said = _read_numbers(dataset.root / DRAWN_MARK, "name", "masks")
        name, studies, masks = str(said["name"]), said["studies"], said["masks"]
    except RegistryError as error:
        remarks.append(_fault_of(dataset.root, "counts", error, _DRAW_AGAIN))
    try:
        unsaid = rows.index.difference(read_truth(dataset.root / TRUTH_TABLE).index)
        remarks += [
            Remark("fault", "registry", TRUTH_TABLE, f"says nothing of study {number}", _DRAW_AGAIN)
            for number in unsaid
        ]
    except RegistryError as error:
        remarks.append(_fault_of(dataset.root, "registry", error, _DRAW_AGAIN))
    return name, studies, masks, remarks


def _is_converted(root: Path) -> bool:
    """Whether these are somebody's own scans, which need not be as the published ones."""
    return is_file(root / CONVERTED_MARK)


def _said_by_converter(dataset: Dataset) -> tuple[str, dict[str, int], int, list[Remark]]:
    """What a folder converted from DICOM should hold. Masks may be added to it, so as many are right as it lists."""
    studies, masks = _listed(dataset.registry)
    try:
        said = _read_numbers(dataset.root / CONVERTED_MARK, "synthetic")
        name = f"{'Synthetic' if said['synthetic'] is True else 'Own'} scans, converted from DICOM,"
        return name, said["studies"], masks, []
    except RegistryError as error:
        remark = _fault_of(dataset.root, "counts", error, "convert the scans again")
        return "Scans, converted from DICOM,", studies, masks, [remark]


def _listed(rows: pd.DataFrame) -> tuple[dict[str, int], int]:
    """How many studies of each category, and how many masks, the registry lists."""
    return rows["category"].value_counts().to_dict(), int((rows["mask_file"] != "").sum())


def _read_numbers(path: Path, *needed: str) -> dict:
    """What a folder says of itself, with ``studies`` and ``masks`` that can be counted with."""
    said, fault = read_mark(path), "does not say what the folder should hold"
    missing = [name for name in ("studies", *needed) if name not in said]
    if missing:
        raise RegistryError(path, f"{fault} (it has no {missing[0]!r})", _AGAIN)
    studies = said["studies"]
    numbers = [*studies.values(), said.get("masks", 0)] if isinstance(studies, dict) else []
    odd = [number for number in numbers if type(number) is not int or not 0 <= number <= _MOST_STUDIES]
    odd += [] if isinstance(studies, dict) else [studies]
    if odd:
        raise RegistryError(path, f"{fault} ({shown(odd[0])} is no number of studies)", _AGAIN)
    return said


def _count(dataset: Dataset, files: dict, studies: dict, masks: int) -> tuple[dict[str, Count], Count]:
    def count(expected: int, relatives: pd.Series) -> Count:
        return Count(int(expected), len(relatives), sum(files.get(relative) is not None for relative in relatives))

    rows = dataset.registry
    by_category = {c: count(studies.get(c, 0), rows["study_file"][rows["category"] == c]) for c in CATEGORIES}
    return by_category, count(masks, rows["mask_file"][rows["mask_file"] != ""])


def _compare_counts(dataset: Dataset, studies: dict[str, Count], masks: Count) -> list[Remark]:
    """Whether the registry lists as many as there should be."""
    counts = {**studies, "masks": masks}.items()
    odd = [f"{name} {count.listed} of {count.expected}" for name, count in counts if count.listed != count.expected]
    if not odd:
        return []
    todo = "take the registry of the original download; pass over this if the folder is meant to be another selection"
    where = find_registry(dataset.root).name
    fault = f"lists other numbers than expected: {', '.join(odd)}"
    return [Remark("fault", "counts", where, fault, _DRAW_AGAIN if is_drawn(dataset.root) else todo)]


def _check_registry(dataset: Dataset) -> list[Remark]:
    """Whether each row names files of its own, where the layout has them."""
    remarks, owners = [], {}
    where = find_registry(dataset.root).name
    for study in dataset:
        expected = (study_file(study.id, study.category), mask_file(study.id))
        for relative, usual in zip((study.study_file, study.mask_file), expected, strict=True):
            if not relative:
                continue
            if relative in owners:
                fault = f"names {relative} for study {owners[relative]} and for study {study.id}"
                remarks.append(Remark("fault", "registry", where, fault, _AGAIN))
            elif relative not in places(usual.lstrip("/")):
                fault = f"has study {study.id}, {study.category}, at {relative} where {usual.lstrip('/')} is usual"
                remarks.append(Remark("note", "registry", where, fault, "make sure that its category is right"))
            owners[relative] = study.id
    return remarks


def _missing(dataset: Dataset, files: dict[str, Path | None]) -> list[Remark]:
    """A partial download, said once: how many of how many."""
    missing = [relative for relative, path in files.items() if path is None]
    if not missing:
        return []
    some = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
    fault = f"is partial: {len(files) - len(missing)} of {len(files)} files are on disk. Missing: {some}"
    finish = "finish the download; until then the chapters run on what is there"
    todo = _DRAW_AGAIN if is_drawn(dataset.root) else finish
    return [Remark("fault", "missing", "the folder", fault, todo)]


def _unlisted(dataset: Dataset, files: dict[str, Path | None]) -> list[Remark]:
    """Scans that are on disk and that nobody will read."""
    listed, remarks = set(files.values()), []
    fault, todo = "is not in the registry, and is never read", "delete it, or move it out of the dataset"

    def closed(error: OSError) -> None:
        remarks.append(_fault_of(dataset.root, "file", unreadable(error.filename, error)))

    for folder, _, names in os.walk(dataset.root, onerror=closed):
        paths = (Path(folder, name) for name in names if name.endswith(_SCAN_ENDS) and not name.startswith("."))
        try:
            extra = [path for path in paths if path not in listed and is_file(path)]
        except PathError as error:  # names can be read there, and nothing else
            remarks.append(_fault_of(dataset.root, "file", error))
            continue
        where = [path.relative_to(dataset.root).as_posix() for path in extra]
        remarks += [Remark("fault", "unlisted", name, fault, todo) for name in where]
    return remarks


def _check_files(dataset: Dataset, files: dict, quick: bool, progress: bool, workers: int | None) -> list[Remark]:
    """Check all studies, several at a time. Threads do: decompression leaves Python's lock alone."""
    executor = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        jobs = [executor.submit(_check_study, study, files, quick) for study in dataset]
        done = tqdm(as_completed(jobs), "Checking", len(jobs), unit=" studies", disable=not progress, leave=False)
        return [remark for job in done for remark in job.result()]
    finally:
        executor.shutdown(cancel_futures=True)  # after Ctrl-C, only what has begun is finished


def _check_study(study: Study, files: dict[str, Path | None], quick: bool) -> list[Remark]:
    """Whether the files of a study that are on disk are whole, of the right geometry, and on one grid."""
    remarks, first = [], None
    for relative in _files_of(study):
        path = files.get(relative)
        if path is None:
            continue
        try:
            grid = _read(path, quick)
            if relative == study.mask_file and isinstance(grid, Volume):
                require_binary(path, grid)
            if first is None:
                first = path
                own = _is_converted(study.root)
                remarks += _check_geometry(relative, path, grid, is_drawn(study.root), own)
            else:
                require_same_grid(path, grid, first)
        except MosMedError as error:
            remarks.append(_fault_of(study.root, "file", error))
            continue
        if relative == study.study_file and isinstance(grid, Volume) and grid.data.min() > _AIR_HU:
            fault = f"holds no air: its lowest value is {grid.data.min():g}, so these are no Hounsfield units"
            remarks.append(Remark("fault", "file", relative, fault, _AGAIN))
    return remarks


def _read(path: Path, quick: bool) -> Grid:
    """A volume, verified to its last byte; or in a hurry only its grid, where at least the length is right."""
    return read_grid(path) if quick and has_claimed_length(path) else read_nifti(path)


def _check_geometry(relative: str, path: Path, grid: Grid, drawn: bool, own: bool) -> list[Remark]:
    """Compare a header with what was published. Drawn studies choose their own matrix, own scans their slices."""
    faults, notes = [], []
    if grid.orientation != ORIENTATION:
        faults.append(f"has axes {grid.orientation} where {ORIENTATION} is expected")
    if abs(grid.spacing[2] - SLICE_SPACING_MM) > 0.01:
        apart = f"has slices {grid.spacing[2]:g} mm apart"
        if own:
            notes.append(f"{apart}, not {SLICE_SPACING_MM:g} mm,")
        else:
            faults.append(f"{apart} where {SLICE_SPACING_MM:g} mm is expected")
    if not _has_one_place(read_header(path), grid):
        faults.append("is placed differently by its qform and its sform")
    low, high = PIXEL_MM
    if not drawn and not all(low <= mm <= high for mm in np.round(grid.spacing[:2], 2)):
        notes.append("has pixels of {:.2f} x {:.2f} mm".format(*grid.spacing) + f", outside {low}-{high} mm,")
    if not drawn and not SLICES[0] <= grid.shape[2] <= SLICES[1]:
        notes.append(f"has {grid.shape[2]} slices, outside {SLICES[0]}-{SLICES[1]},")
    todo = "compare it with the original; it was changed after publication"
    return [Remark("fault", "geometry", relative, fault, todo) for fault in faults] + [
        Remark("note", "geometry", relative, f"{note} which the published masks span", _NO_NEED) for note in notes
    ]


def _has_one_place(header: nib.Nifti1Header, grid: Grid) -> bool:
    """Whether readers that take the qform and those that take the sform see the patient at the same place."""
    try:
        places = [header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]]
        return all(Grid(grid.shape, place).same_grid(grid, 0.1) for place in places if place is not None)
    except (ValueError, HeaderDataError):  # numbers that are no rotation, or place the voxels nowhere
        return False
