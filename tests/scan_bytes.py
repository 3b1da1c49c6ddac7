"""Scans by what is in a file, whatever it is called and however it is packed."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

#: Where formats of scans and of arrays have their magic word.
MAGIC = {
    "NIfTI-1": (344, (b"n+1\0", b"ni1\0")),
    "NIfTI-2": (4, (b"n+2\0", b"ni2\0")),
    "DICOM": (128, (b"DICM",)),
    "NumPy": (0, (b"\x93NUMPY",)),
    "NRRD": (0, (b"NRRD0",)),
    "MetaImage": (0, (b"ObjectType =", b"NDims =")),
    "HDF5": (0, (b"\x89HDF\r\n\x1a\n",)),
}

#: Archives within archives are opened to this depth, and this much of each.
_DEPTH, _MOST_BYTES = 3, 50_000_000

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ico"}


def scans_in(content: bytes, depth: int = _DEPTH) -> set[str]:
    """The kinds of scans or arrays that a file is or holds: `{'NIfTI-1'}`; an empty set for none."""
    found = {kind for kind, (at, words) in MAGIC.items() if content[at : at + 16].startswith(words)}
    if depth:
        for part in _parts(content):
            found |= scans_in(part, depth - 1)
    return found


class Runs:
    """Thousands of runs of bytes to be looked for at once: by their most varied eight bytes, then as a whole.

    A regular expression of so many tries each of them at each byte of a file.
    """

    def __init__(self, runs: Iterable[bytes]):
        self.having = defaultdict(list)
        for run in runs:
            at = max(range(len(run) - 7), key=lambda start: len(set(run[start : start + 8])))
            self.having[int.from_bytes(run[at : at + 8], "little")].append((at, run))
        self.words = np.sort(np.fromiter(self.having, np.uint64))

    def any_in(self, content: bytes) -> bool:
        """Whether one of the runs lies anywhere in a file."""
        for shift in range(min(8, len(content) - 7)):
            words = np.frombuffer(content, "<u8", (len(content) - shift) // 8, shift)
            near = self.words[np.minimum(np.searchsorted(self.words, words), len(self.words) - 1)]
            for n in np.flatnonzero(near == words):
                for at, run in self.having[int(words[n])]:
                    start = shift + 8 * int(n) - at
                    if start >= 0 and content.startswith(run, start):
                        return True
        return False


def unpacked(content: bytes) -> bytes:
    """The file, and what it holds if it is packed, one after the other."""
    return b"".join([content, *_parts(content)])


def _parts(content: bytes) -> list[bytes]:
    """What is packed in a file."""
    if content.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(io.BytesIO(content)) as stream:
                return [stream.read(_MOST_BYTES)]
        except (OSError, EOFError, zlib.error):
            return []
    if content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                return [archive.open(name).read(_MOST_BYTES) for name in archive.namelist()]
        except (zipfile.BadZipFile, OSError, RuntimeError):
            return []
    if content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = [archive.extractfile(member) for member in archive if member.isfile()]
            return [file.read(_MOST_BYTES) for file in files]
    return []


def files_of(folder: Path) -> list[Path]:
    """Every file of a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
