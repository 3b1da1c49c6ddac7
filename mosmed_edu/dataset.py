"""Find and open a dataset folder: the real COVID19_1110, a part of it, or one that was drawn."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd

from mosmed_edu.errors import (
    DatasetNotFound,
    NiftiError,
    RegistryError,
    SelectionError,
    StudyNotFound,
    shown,
)
from mosmed_edu.layout import (
    CATEGORIES,
    DRAWN_NAMES,
    REGISTRY_NAMES,
    TRUTH_TABLE,
    find_registry,
    lobes_file,
    locate,
    read_registry,
    read_truth,
    shows_no_patient,
    signs_file,
)
from mosmed_edu.mirrors import scans_without_registry
from mosmed_edu.nifti import read_nifti, require_binary, require_same_grid
from mosmed_edu.paths import is_file, is_folder, present, user_path
from mosmed_edu.volume import Volume

#: The environment variable that points to the real dataset.
ROOT_VARIABLE = "MOSMED_ROOT"


def open_dataset(root: str | Path | None = None) -> Dataset:
    """Open a dataset.

    Parameters
    ----------
    root : str or Path, optional
        A folder in MosMedData's layout, or one just above or below it. The names ``"sample"`` (20 studies to look at)
        and ``"cohort"`` (160 smaller ones to count with) stand for the synthetic datasets, which are drawn into the
        user's cache folder on first use. Where the environment variable ``MOSMED_ROOT`` is set, both names, and no
        argument, mean the folder it points to; otherwise no argument means ``"sample"``.

    Returns
    -------
    dataset : Dataset

    Raises
    ------
    DatasetNotFound, PathError
        If there is no dataset at this place, or it may not be read.
    RegistryError
        If its registry cannot be trusted.
    CacheError
        If the synthetic studies cannot be written.

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> ds = open_dataset("sample")                     # doctest: +SKIP
    >>> ds.registry.category.value_counts(sort=False)   # doctest: +SKIP
    """
    from_environment = os.environ.get(ROOT_VARIABLE)
    if root is not None and str(root) not in DRAWN_NAMES:
        return Dataset(find_root(root))
    if from_environment:
        return Dataset(find_root(from_environment, said_by=f"${ROOT_VARIABLE} = "))
    from mosmed_edu.phantom import cached_dataset  # here, because only those who draw should wait for its imports

    return Dataset(cached_dataset(str(root or DRAWN_NAMES[0])))


def find_root(place: str | Path, said_by: str = "") -> Path:
    """Find the folder that holds the registry: at a place, above it, or up to two folders below it.

    Raises
    ------
    DatasetNotFound, PathError
        If there is none, or more than one below; or if the folder may not be read.
    """
    place = user_path(place, said_by)
    where = f"{said_by}{place}"
    if not is_folder(place):
        raise DatasetNotFound(where, "is no folder", "give the folder that holds " + REGISTRY_NAMES[0])
    place = place.resolve()
    for candidate in (place, *list(place.parents)[:2]):
        if find_registry(candidate):
            return candidate
    below = sorted(
        {path.parent for name in REGISTRY_NAMES for depth in ("*", "*/*") for path in place.glob(f"{depth}/{name}")}
    )
    if len(below) == 1:
        return below[0]
    if below:
        raise DatasetNotFound(where, f"holds {len(below)} datasets", f"name one of them, for example {below[0]}")
    fault = f"has no {REGISTRY_NAMES[0]}, neither in it nor just above or below"
    known = scans_without_registry(place)
    raise DatasetNotFound(where, *(known or (fault, "give the folder that the dataset was unpacked to")))


class Dataset:
    """A folder in MosMedData's layout.

    Parameters
    ----------
    root : Path
        The folder that holds the registry. `open_dataset` finds it.

    Attributes
    ----------
    root : Path
    registry : DataFrame, index study_id (int)
        ``category`` (ordered: CT-0 < ... < CT-4), ``study_file``, ``mask_file`` ('' where there is none).

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> ds = open_dataset("sample")                                           # doctest: +SKIP
    >>> ds.studies(category="CT-1", with_mask=True)                           # doctest: +SKIP
    """

    def __init__(self, root: Path):
        self.root = user_path(root)
        path = find_registry(self.root)
        if path is None:
            raise DatasetNotFound(
                self.root, f"has no {REGISTRY_NAMES[0]}", "give the folder that the dataset was unpacked to"
            )
        self.registry = read_registry(path)

    def __repr__(self) -> str:
        counts = self.registry["category"].value_counts(sort=False)
        kind = "synthetic studies" if self.is_synthetic else "studies"
        return f"Dataset({self.root.name}: {len(self)} {kind}, {', '.join(f'{c} {n}' for c, n in counts.items())})"

    def __len__(self) -> int:
        return len(self.registry)

    def __iter__(self) -> Iterator[Study]:
        return iter(self.studies(on_disk=False))

    def __contains__(self, study_id: object) -> bool:
        return isinstance(study_id, Real) and study_id in self.registry.index

    def __getitem__(self, study_id: int) -> Study:
        """The study of this number.

        Raises
        ------
        StudyNotFound
            If the registry has none, with the nearest numbers that it has.
        """
        if study_id in self:
            row = self.registry.loc[study_id]
            return Study(int(study_id), str(row.category), self.root, row.study_file, row.mask_file)
        raise StudyNotFound(
            f"study {shown(study_id)}", f"is not in the registry of {self.root}", f"take {self._nearest(study_id)}"
        )

    def _nearest(self, study_id: object) -> str:
        ids = self.registry.index.to_list()
        if not isinstance(study_id, Real):
            return f"a whole number, for example {ids[0]}"
        near = sorted(ids, key=lambda n: abs(n - min(max(ids[0], study_id), ids[-1])))[:3]
        return "for example " + ", ".join(map(str, sorted(near)))

    @cached_property
    def is_synthetic(self) -> bool:
        """Whether the studies were drawn by this project and show no patient."""
        return shows_no_patient(self.root)

    @property
    def has_truth(self) -> bool:
        """Whether it is on record what was drawn, so that `Study.truth` gives it."""
        return is_file(self.root / TRUTH_TABLE)

    def studies(
        self,
        category: str | Iterable[str] | None = None,
        with_mask: bool | None = None,
        on_disk: bool = True,
    ) -> list[Study]:
        """Studies in the order of their numbers.

        Parameters
        ----------
        category : str or several, optional
            Only these, for example ``"CT-1"`` or ``["CT-3", "CT-4"]``.
        with_mask : bool, optional
            Only studies with a mask (True) or without one (False).
        on_disk : bool
            Leave out studies whose scan (or mask, with ``with_mask=True``) has not been downloaded. The default.

        Returns
        -------
        studies : list of Study

        Raises
        ------
        SelectionError
            If a category is unknown, or ``with_mask`` is neither True nor False.
        PathError
            If a folder of the dataset may not be entered, so that nobody can tell what is on disk.
        """
        rows = self.registry
        if category is not None:
            wanted = [category] if isinstance(category, str) or not isinstance(category, Iterable) else list(category)
            unknown = [name for name in wanted if name not in CATEGORIES]
            if unknown:
                known = ", ".join(CATEGORIES)
                raise SelectionError("studies", f"unknown category {shown(unknown[0])}", f"take some of {known}")
            rows = rows[rows["category"].isin(wanted)]
        if with_mask not in (None, True, False):
            raise SelectionError("with_mask", f"is {shown(with_mask)}", "give True, False or None")
        if with_mask is not None:
            rows = rows[(rows["mask_file"] != "") == with_mask]
        studies = [self[study_id] for study_id in rows.index]
        if not on_disk:
            return studies
        return [s for s in studies if is_file(s.study_path) and not (with_mask and not is_file(s.mask_path))]

    def first(self, category: str | Iterable[str] | None = None, with_mask: bool | None = None) -> Study:
        """The study with the lowest number that fits and is on disk.

        Parameters
        ----------
        category, with_mask : optional
            As for `studies`.

        Returns
        -------
        study : Study

        Raises
        ------
        StudyNotFound
            If none fits, as in a folder with a part of the dataset.
        """
        fitting = self.studies(category, with_mask)
        if fitting:
            return fitting[0]
        names = [category] if isinstance(category, str) else list(category or ())
        kind = "study" + (f" of {' or '.join(names)}" if names else "")
        mask = {None: "", True: " with a mask", False: " without a mask"}[with_mask]
        raise StudyNotFound(self.root, f"has no {kind}{mask} on disk", "download more of the dataset, masks included")


@dataclass(frozen=True)
class Study:
    """One patient's scan, its category and, for some, a mask. Nothing is read until asked for, and nothing is kept.

    Attributes
    ----------
    id : int
    category : str
        ``"CT-0"`` to ``"CT-4"``.
    root : Path
        The dataset's folder.
    study_file, mask_file : str
        As in the registry; ``mask_file`` is '' where there is none.

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> study = open_dataset("sample").first(category="CT-2")                 # doctest: +SKIP
    >>> ct, mask = study.ct(), study.mask()                                   # doctest: +SKIP
    """

    id: int
    category: str
    root: Path
    study_file: str
    mask_file: str = ""

    @property
    def study_path(self) -> Path:
        """Where the scan is, or would be had it been downloaded."""
        return locate(self.root, self.study_file)

    @property
    def mask_path(self) -> Path | None:
        """Where the mask is; None where the study has none."""
        return locate(self.root, self.mask_file) if self.mask_file else None

    @property
    def is_synthetic(self) -> bool:
        """Whether the study was drawn by this project and shows no patient."""
        return shows_no_patient(self.root)

    def ct(self) -> Volume:
        """Read the scan.

        Returns
        -------
        ct : Volume, int16
            Hounsfield units. Values stored as floats are rounded, and clipped to what int16 holds.

        Raises
        ------
        FileMissing, NiftiError
            If the file is missing, or not a whole and undamaged volume.
        """
        volume = read_nifti(present(self.study_path))
        if volume.data.dtype == np.int16:
            return volume
        if np.issubdtype(volume.data.dtype, np.floating) and not np.isfinite(volume.data).all():
            raise NiftiError(
                self.study_path, "has voxels that are no number (NaN)", "convert it again from the original"
            )
        limits = np.iinfo(np.int16)
        return volume.with_data(np.clip(np.rint(volume.data), limits.min, limits.max).astype(np.int16))

    def mask(self) -> Volume | None:
        """Read the mask: True where a reader outlined ground glass or consolidation.

        Returns
        -------
        mask : Volume of bool, on the same grid as the scan; None where the study has no mask

        Raises
        ------
        FileMissing, NiftiError
            If the file is missing, or not a whole and undamaged volume.
        MaskError
            If it has other values than 0 and 1, or another grid than the scan.
        """
        path = self.mask_path
        if path is None:
            return None
        volume = read_nifti(present(path))
        require_binary(path, volume)
        require_same_grid(path, volume, present(self.study_path))
        return volume.with_data(volume.data.astype(bool))

    def truth(self) -> Truth | None:
        """What is known of a drawn study because we drew it; None for the real dataset, and where it was left out.

        Returns
        -------
        truth : Truth or None

        Raises
        ------
        RegistryError
            If the table of the truth is damaged, or says nothing of the study.
        """
        path = self.root / TRUTH_TABLE
        if not is_file(path):
            return None  # no drawing, or the cases of a class, whose truth the grader has
        table = read_truth(path)
        if self.id not in table.index:
            raise RegistryError(path, f"says nothing of study {self.id}", "draw the dataset again")
        record = table.loc[self.id]
        lobes = read_nifti(locate(self.root, lobes_file(self.id).lstrip("/")))
        labels = read_nifti(locate(self.root, signs_file(self.id).lstrip("/")))
        return Truth(lobes.with_data(lobes.data > 0), lobes, labels, float(record["fraction"]), record)


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth behind a drawn study.

    Attributes
    ----------
    lungs : Volume of bool
    lobes : Volume of uint8
        0 outside the lungs; the numbers of the lobes are in `mosmed_edu.phantom.LOBES`.
    labels : Volume of uint8
        0 no sign; the numbers of the signs are in `mosmed_edu.phantom.SIGNS`.
    fraction : float
        Share of the lungs' volume that is involved, 0 to 1.
    record : Series
        All that is known of the study: the patient, the seeds, what else was drawn.
    """

    lungs: Volume
    lobes: Volume
    labels: Volume
    fraction: float
    record: pd.Series
