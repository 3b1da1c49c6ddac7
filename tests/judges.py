"""Is what a reader made of any bytes right? For the tests that try a few hundred, and for `benchmarks/fuzz.py`.

A judge lets the reader read, and fails (AssertionError, or whatever the reader raised) unless the reader either gave
what an independent one gives, or said in one line of `mosmed_edu.errors` why it does not.
"""

from __future__ import annotations

import gzip
import logging
import tracemalloc
import warnings
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from mosmed_edu.errors import MosMedError, RegistryError
from mosmed_edu.layout import CATEGORIES, locate, read_registry
from mosmed_edu.nifti import read_nifti

# It warns of each odd header that it is asked to read for comparison.
logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)

#: What reading may take besides the array, in bytes: the buffers of the decompressor, nibabel's header.
_SPARE = 3_000_000

#: Deflate cannot pack better than this.
_BEST_RATIO = 1032


def judge_nifti(path: Path) -> str:
    """Read a file as a scan; 'read' or 'refused'."""
    packed = path.read_bytes()
    tracemalloc.start()
    try:
        volume = read_nifti(path)
    except MosMedError as error:
        _is_one_line(error)
        held = 0
    else:
        held = volume.data.nbytes
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    honest = 3 * held if held else len(packed) * _BEST_RATIO  # a scaled array stands beside the stored one
    assert peak <= honest + _SPARE, f"{peak:,} bytes for {len(packed):,} in the file"
    if not held:
        return "refused"
    raw = _unpacked(packed)
    assert raw is not None, "read what gzip finds damaged"
    expected = _as_nibabel_reads(raw)
    if expected is not None:
        same = np.allclose(volume.data, np.reshape(expected, volume.shape), rtol=1e-5, atol=1e-3, equal_nan=True)
        assert same, "other voxels than nibabel's"
    return "read"


def judge_registry(path: Path) -> str:
    """Read a file as a registry; 'read' or 'refused'."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a reader would see them
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            registry = read_registry(path)
        except RegistryError as error:
            _is_one_line(error)
            return "refused"
    assert len(registry) and registry.index.is_unique and registry.index.is_monotonic_increasing
    assert registry.index.dtype == np.int64 and (registry.index >= 0).all()
    assert set(registry["category"]) <= set(CATEGORIES)
    root = path.parent
    for relative in filter(None, [*registry["study_file"], *registry["mask_file"]]):
        assert locate(root, relative).resolve().is_relative_to(root.resolve()), relative
    return "read"


def _is_one_line(error: MosMedError) -> None:
    assert str(error).isprintable() and "Next: " in str(error)


def _unpacked(packed: bytes) -> bytes | None:
    """What Python's own gzip makes of it, checksum and all; None where it refuses."""
    if not packed.startswith(b"\x1f\x8b"):
        return packed
    try:
        return gzip.decompress(packed)
    except (EOFError, OSError, zlib.error):
        return None


def _as_nibabel_reads(raw: bytes) -> np.ndarray | None:
    """nibabel's voxels; None where it refuses the header."""
    sizes = [int.from_bytes(raw[:4], order) for order in ("little", "big")]
    kind = nib.Nifti2Image if 540 in sizes else nib.Nifti1Image
    try:
        with np.errstate(all="ignore"):
            return np.asanyarray(kind.from_bytes(raw).dataobj)
    except (HeaderDataError, ImageFileError, ValueError, OSError, EOFError, OverflowError, TypeError):
        return None
