"""The dataset folder while it is made: beside its final place, study by study, so that nobody reads half of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from filelock import FileLock, Timeout

from mosmed_edu.convert.categories import Wanted
from mosmed_edu.convert.records import read_record, write_record
from mosmed_edu.errors import ConversionError, MosMedError
from mosmed_edu.layout import CONVERTED_MARK, make_registry, mask_file, study_file, write_registry, write_volume
from mosmed_edu.nifti import read_nifti
from mosmed_edu.paths import is_folder, unreadable, unwritable
from mosmed_edu.volume import Volume

#: Raised when the same files would be converted to other voxels: what an older version left behind is done again.
_VERSION = 2

#: What the workplace holds. Its notes lie beside the dataset, so that none has to go before the folder gets its name.
_DATASET, _PLAN, _DONE, _LOCK = "dataset", ".plan", ".done", ".lock"


@dataclass(frozen=True)
class Converted:
    """A study that was converted. Names no patient.

    Attributes
    ----------
    id : int
    category : str
    with_mask : bool
    shape : tuple of 3 int
    spacing : tuple of 3 float
        In mm.
    thin_count : int
        Slices that the series had.
    thin_mm : float
        How far they were apart.
    drawn : bool
        Whether the files said that they were drawn by this project.
    notes : list of str
        What is unusual.
    """

    id: int
    category: str
    with_mask: bool
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    thin_count: int
    thin_mm: float
    drawn: bool
    notes: list[str]


class Workplace:
    """Where a dataset folder is made.

    Parameters
    ----------
    out : Path
        Its final place.
    source : Path
        The folder of DICOM files.
    wanted : list of Wanted
    series : str
    keep_every : int
        What was asked for. Studies that an interrupted run has finished are taken over if it was asked for the same.

    Raises
    ------
    ConversionError, PathError
        If `out` exists and is not empty, is a link, or has no name of its own.
    """

    def __init__(self, out: Path, source: Path, wanted: list[Wanted], series: str, keep_every: int):
        _require_free(out)
        self.out, self.partial = out, out.with_name(f".{out.name}.partial")
        self.dataset = self.partial / _DATASET
        self.series, self.keep_every = series, keep_every
        asked = [
            _VERSION,
            os.path.realpath(source),  # pathlib's `resolve` raises on links in a ring
            series,
            keep_every,
            [(one.id, one.key, one.category, str(one.mask)) for one in wanted],
        ]
        # A fingerprint, so that not even the workplace holds what the list calls a patient.
        self.plan = hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Take the workplace, alone; keep what is finished there if it was asked for the same."""
        with self._one_line():
            self.partial.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.partial / _LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise ConversionError(
                    self.out, "is being written by another process", "wait until it is done"
                ) from None
            try:
                self._clear_unless_same()
                yield
            finally:
                lock.release()

    def finished(self, one: Wanted, sources: str) -> Converted | None:
        """A study that an interrupted run has left whole, of the same files (see `made_of`), if it has."""
        text = read_record(self._record(one.id), sources)
        if text is None:
            return None
        said = json.loads(text)
        done = Converted(**{name: tuple(v) if name in ("shape", "spacing") else v for name, v in said.items()})
        return done if all(_is_whole(self._place(file), done.shape) for file in _files(done)) else None

    def keep(self, done: Converted, volume: Volume, mask: Volume | None, sources: str) -> None:
        """Write a study; the record that says it is whole comes last."""
        with self._one_line():
            for relative, written in zip(_files(done), (volume, mask), strict=False):
                path = self._place(relative)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_volume(written, path)
            write_record(self._record(done.id), json.dumps(asdict(done)), sources)

    def close(self, studies: list[Converted]) -> None:
        """Write registry, notes and mark, give the folder its name, and tidy up: what fails can be gone on from."""
        with self._one_line():
            self._remove_unfinished(studies)
            registry = make_registry((done.id, done.category, done.with_mask) for done in studies)
            write_registry(registry, self.dataset / "dataset_registry.xlsx")
            self._write_notes(studies)
            mark = self._about(studies)
            (self.dataset / CONVERTED_MARK).write_text(json.dumps(mark, indent=1) + "\n", encoding="utf-8")
            self.dataset.replace(self.out)
        self.discard()

    def discard(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def _place(self, relative: str) -> Path:
        return self.dataset / relative.lstrip("/")

    def _record(self, study_id: int) -> Path:
        return self.partial / _DONE / f"{study_id}.json"

    def _clear_unless_same(self) -> None:
        plan = self.partial / _PLAN
        if not (plan.is_file() and plan.read_bytes() == self.plan.encode()):
            for path in self.partial.iterdir():
                if path.name != _LOCK:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            plan.write_text(self.plan, encoding="utf-8")
        for name in (_DATASET, _DONE):
            (self.partial / name).mkdir(exist_ok=True)

    def _remove_unfinished(self, studies: list[Converted]) -> None:
        """A scan that was cut short by an interruption, and then could not be converted again."""
        listed = {self._place(relative) for done in studies for relative in _files(done)}
        for path in list(self.dataset.rglob("*.nii.gz")):
            if path not in listed:
                path.unlink()

    def _about(self, studies: list[Converted]) -> dict:
        return {
            "name": "own scans, converted from DICOM",
            "studies": dict(sorted(Counter(done.category for done in studies).items())),
            "masks": sum(done.with_mask for done in studies),
            "series": self.series,
            "keep_every": self.keep_every,
            "synthetic": all(done.drawn for done in studies),
        }

    def _write_notes(self, studies: list[Converted]) -> None:
        about, notes = self._about(studies), files("mosmed_edu.convert") / "notes"
        shutil.copyfile(notes / "LICENSE", self.dataset / "LICENSE")
        table = "\n".join(f"| {category} | {count} |" for category, count in about["studies"].items())
        origins = json.loads((notes / "origin.json").read_text(encoding="utf-8"))
        for name, origin in origins.items():
            text = (notes / name).read_text(encoding="utf-8")
            said = origin["drawn" if about["synthetic"] else "scanned"]
            text = text.format(origin=said, series=self.series, keep_every=self.keep_every, table=table)
            (self.dataset / name).write_text(text, encoding="utf-8")

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        """Say in one line what the operating system refused."""
        try:
            yield
        except OSError as error:
            raise unwritable(ConversionError, self.out, error, "name a folder that you can write to") from None


def _files(done: Converted) -> list[str]:
    """Paths of a study's scan and, where it has one, its mask."""
    return [study_file(done.id, done.category), *([mask_file(done.id)] if done.with_mask else [])]


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether a scan or mask is there to its last bit: after a power cut, a file may be empty that was written."""
    try:
        return read_nifti(path).shape == shape
    except (MosMedError, OSError):
        return False


def _require_free(out: Path) -> None:
    """Refuse a place that the folder could not take in the end, before hours of work."""
    if out.name in ("", ".."):
        raise ConversionError(out, "is no name of a folder", "name a new folder")
    if os.path.islink(out):
        raise ConversionError(out, "is a link", "name a new folder, or the one that it leads to")
    try:
        free = not os.path.lexists(out) or (is_folder(out) and not any(out.iterdir()))
    except OSError as error:
        raise unreadable(out, error) from None
    if not free:
        raise ConversionError(out, "exists already", "name a new folder, or remove this one")
