"""What a check of a dataset folder has found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby

from mosmed_edu.errors import one_line


@dataclass(frozen=True)
class Remark:
    """One thing that is not as expected.

    Attributes
    ----------
    kind : {'fault', 'note'}
        A fault is to be mended; a note is unusual and harmless.
    topic : {'registry', 'counts', 'missing', 'unlisted', 'file', 'geometry'}
    where : str
        The file, relative to the dataset's folder.
    fault : str
        What is wrong with it.
    todo : str
        What to do next.
    """

    kind: str
    topic: str
    where: str
    fault: str
    todo: str

    def __str__(self) -> str:
        return f"{self.kind:5}  {one_line(f'{self.where}: {self.fault}. Next: {self.todo}.')}"


@dataclass(frozen=True)
class Count:
    """How many there should be, how many the registry lists, and how many of these are on disk."""

    expected: int
    listed: int
    on_disk: int


@dataclass(frozen=True)
class Report:
    """What `check_dataset` has found.

    Attributes
    ----------
    root : str
    name : str
        What the folder was compared with: 'MosMedData COVID19_1110', or the name of a drawn dataset.
    copy : str
        What kind of copy of the dataset it is: as published, or in what a mirror differs; '' for a drawn one.
    synthetic : bool
        Whether the studies were drawn by this project and show no patient.
    quick : bool
        Whether only headers were read.
    studies : dict of Count, by category
    masks : Count
    missing : list of str
        Files that the registry lists and that are not on disk.
    remarks : list of Remark
        Faults first.
    files, bytes : int
        What was read.
    seconds : float
        How long it took.
    """

    root: str
    name: str
    synthetic: bool
    quick: bool
    studies: dict[str, Count]
    masks: Count
    copy: str = ""
    missing: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether everything is there and nothing is at fault."""
        return not self.faults

    @property
    def faults(self) -> list[Remark]:
        """What is to be mended."""
        return [remark for remark in self.remarks if remark.kind == "fault"]

    @property
    def total(self) -> Count:
        """The studies of all categories."""
        return Count(*(sum(numbers) for numbers in zip(*map(_numbers, self.studies.values()), strict=True)))

    def as_dict(self) -> dict:
        """Everything, in types that JSON knows."""
        return {"ok": self.ok, "partial": bool(self.missing), **asdict(self)}

    def lines(self, most_alike: int = 5) -> list[str]:
        """Everything for people: a table, what was found, and a verdict.

        Parameters
        ----------
        most_alike : int
            How many remarks on one topic to spell out before the rest are only counted.
        """
        return [*self._head(), "", *self._table(), "", *self._spelt_out(most_alike), *self._verdict()]

    def _head(self) -> Iterator[str]:
        yield one_line(f"{self.name} in {self.root}")
        if self.copy:
            yield f"This copy: {self.copy}."
        if self.synthetic:
            yield "Synthetic studies, drawn by MosMed-Edu. They show no patient."

    def _table(self) -> Iterator[str]:
        yield f"{'':8}{'expected':>10}{'listed':>10}{'on disk':>10}"
        for name, count in {**self.studies, "studies": self.total, "masks": self.masks}.items():
            differs = "   <" if len(set(_numbers(count))) > 1 else ""
            yield f"{name:8}" + "".join(f"{number:10}" for number in _numbers(count)) + differs

    def _spelt_out(self, most_alike: int) -> Iterator[str]:
        for (kind, _), alike in groupby(self.remarks, key=lambda remark: (remark.kind, remark.topic)):
            alike = list(alike)
            yield from map(str, alike[:most_alike])
            if len(alike) > most_alike:
                yield f"{kind:5}  ... and {len(alike) - most_alike} more like these (--json lists all)"
        if self.remarks:
            yield ""

    def _verdict(self) -> Iterator[str]:
        how = "their headers" if self.quick else "whole, checksums verified"
        yield f"Read {self.files} files ({self.bytes / 1e9:.2f} GB; {how}) in {self.seconds:.0f} s."
        if not self.ok:
            yield f"NOT OK: {len(self.faults)} fault{'s' * (len(self.faults) > 1)}."
        elif self.quick:
            yield "OK as far as headers tell. Next: run it without --quick to verify every voxel."
        else:
            yield "OK."


def _numbers(count: Count) -> tuple[int, int, int]:
    return count.expected, count.listed, count.on_disk
