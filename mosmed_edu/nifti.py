"""Read a NIfTI file fast and strictly: never a voxel that has not been verified.

Common readers return wrong voxels silently when a bit of the file has flipped or its end is cut off, because they stop
reading once they have enough bytes, before the checksum at the end. Here the stream is read to its end, so gzip's
CRC-32 and length are always checked.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from math import prod
from pathlib import Path

import nibabel as nib
import numpy as np

try:
    from isal import igzip as gzip  # twice as fast
    from isal.isal_zlib import error as isal_error
except ImportError:
    import gzip

    isal_error = zlib.error

from mosmed_edu.errors import FileMissing, MaskError, NiftiError
from mosmed_edu.paths import user_path
from mosmed_edu.volume import Grid, Volume, is_usable_affine

_REDO = "download or copy the file again"

#: Deflate cannot pack better than this, so a header that claims more than this times the file's size lies.
_BEST_DEFLATE_RATIO = 1032

#: Bytes to decompress at a time: they stay in the processor's cache until they are copied. (`readinto` on the whole
#: array would be no better: a gzip file object then decompresses everything into a second array first.)
_PIECE = 2**18

_HEADERS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}

#: What is refused besides damage: pictures, complex numbers, and floats wider than a double.
_NUMBER_KINDS = "iuf"


def read_nifti(path: str | Path) -> Volume:
    """Read one 3-D volume from ``.nii.gz`` or ``.nii``.

    The header is parsed by nibabel; the affine is its choice too (sform first, then qform). A slope and an intercept
    are applied. Trailing axes of length 1 are dropped.

    Parameters
    ----------
    path : str or Path
        The file. Whether it is compressed is decided by its content, not by its name.

    Returns
    -------
    volume : Volume
        With the stored integers or floats in the machine's byte order, in Fortran order as in the file; where the
        header has a slope other than 1 or an intercept other than 0, scaled float32 (float64 if stored so, or where
        float32 would lose integers).

    Raises
    ------
    FileMissing, PathError
        If there is no such file, or could be none.
    NiftiError
        If it is no NIfTI file, is damaged, cut short or longer than its header says, has more than three axes, or an
        affine that places it nowhere.

    Notes
    -----
    The bytes are decompressed straight into the array that is returned, so the memory needed is the array and about
    a megabyte. A header that promises more than the file could hold is refused before any memory is taken.

    Examples
    --------
    >>> from mosmed_edu import open_dataset, read_nifti
    >>> path = open_dataset().first().study_path      # doctest: +SKIP
    >>> read_nifti(path).orientation                       # doctest: +SKIP
    'LAS'
    """
    with _opened(path) as (path, stream, most):
        header, grid = _read_header(path, stream, most)
        return Volume(_scale(path, _read_voxels(path, stream, grid.shape, header), header), grid.affine)


def read_grid(path: str | Path) -> Grid:
    """Read only where the voxels of a file lie: a few hundred bytes, in no time. The voxels stay unverified.

    Raises
    ------
    FileMissing, NiftiError
        As `read_nifti`.
    """
    with _opened(path) as (path, stream, most):
        return _read_header(path, stream, most)[1]


def read_header(path: str | Path) -> nib.Nifti1Header:
    """Read only the header, in no time. It stays unverified.

    Returns
    -------
    header : Nifti1Header or Nifti2Header

    Raises
    ------
    FileMissing, NiftiError
        As `read_nifti`.
    """
    with _opened(path) as (path, stream, most):
        return _read_header(path, stream, most)[0]


def has_claimed_length(path: str | Path) -> bool:
    """Whether a file is as long as its header claims, as far as can be told in no time: finds most cut-off downloads.

    gzip notes the length in its last four bytes. A false answer may also come from several gzip members or from
    padding, which are allowed: then only `read_nifti` can tell.

    Raises
    ------
    FileMissing, NiftiError
        As `read_nifti`.
    """
    with _opened(path) as (path, stream, most):
        header, grid = _read_header(path, stream, most)
        claimed = int(header["vox_offset"]) + header.get_data_dtype().itemsize * prod(grid.shape)
        if not isinstance(stream, gzip.GzipFile):
            return claimed == most
        stream.fileobj.seek(-4, SEEK_END)
        return claimed % 2**32 == int.from_bytes(stream.fileobj.read(4), "little")


def require_binary(path: Path, mask: Volume) -> None:
    """Refuse a mask with values other than 0 and 1.

    Raises
    ------
    MaskError
    """
    data = mask.data
    if not (data.min() >= 0 and data.max() <= 1) or (data.dtype.kind == "f" and (data % 1).any()):
        raise MaskError(path, "has values other than 0 and 1", "download it again, or take a label map apart first")


def require_same_grid(path: Path, grid: Grid, other: Path) -> None:
    """Refuse a volume whose voxels do not lie where those of another file lie.

    Raises
    ------
    MaskError
    """
    if not grid.same_grid(read_grid(other)):
        raise MaskError(path, f"does not lie on the grid of {other.name}", "download both files again; do not resample")


@contextmanager
def _opened(path: str | Path):
    """Open a file, give (path, byte stream, most bytes it can hold), and say in one line what is wrong with it."""
    path = user_path(path)
    try:
        with path.open("rb") as raw:
            size, start = path.stat().st_size, raw.read(512)
            raw.seek(0)
            if start.startswith(b"\x1f\x8b"):
                yield path, gzip.GzipFile(fileobj=raw, mode="rb"), size * _BEST_DEFLATE_RATIO
            else:
                _refuse_impostors(path, start)
                yield path, raw, size
    except FileNotFoundError:
        raise FileMissing(path, "does not exist", "check the path") from None
    except (EOFError, zlib.error, isal_error, gzip.BadGzipFile) as error:
        raise NiftiError(path, _damage(path, error), _REDO) from None
    except MemoryError:
        raise NiftiError(path, "does not fit into memory", "close other programs, or use a larger machine") from None
    except OSError as error:
        raise NiftiError(path, f"cannot be read ({error.strerror})", "check the file and its permissions") from None


def _damage(path: Path, error: Exception) -> str:
    if _goes_on_after_its_end(path):
        return "has bytes after its end that are no compressed data"
    if isinstance(error, EOFError):
        return "is cut short: the compressed data end before their checksum"
    return f"is damaged ({error})"


def _goes_on_after_its_end(path: Path) -> bool:
    """Whether the compressed data are whole and something else follows: gzip libraries call it one thing or another."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        with path.open("rb") as raw:
            piece = raw.read(_PIECE)
            while piece and not unpacker.eof:
                unpacker.decompress(piece, _PIECE)
                piece = unpacker.unconsumed_tail or (b"" if unpacker.eof else raw.read(_PIECE))
            rest = unpacker.unused_data or raw.read(2)
    except (OSError, zlib.error):
        return False
    return unpacker.eof and bool(rest.strip(b"\0")) and not rest.startswith(b"\x1f\x8b")


def _refuse_impostors(path: Path, start: bytes) -> None:
    """Name what is saved under a scan's name most often when a download went wrong."""
    if not start:
        raise NiftiError(path, "is empty", _REDO)
    if start.startswith(b"version https://git-lfs"):
        raise NiftiError(path, "is a git-lfs pointer, not the scan itself", "run `git lfs pull` where it came from")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise NiftiError(
            path, "is a web page, not a scan", "download it again; the server has sent an error or a login page"
        )


def _read_header(path: Path, stream, most: int):
    """Parse the header, either version and either byte order, and move on to the voxels."""
    block = stream.read(348)
    sizes = [int.from_bytes(block[:4], order) for order in ("little", "big")]
    kind = next((_HEADERS[size] for size in sizes if size in _HEADERS), None)
    if kind is None or len(block) < 348:
        raise NiftiError(path, "is not a NIfTI file", _REDO)
    block += stream.read(kind.sizeof_hdr - 348)
    try:
        header = kind.from_fileobj(BytesIO(block), check=False)
        affine, stored = header.get_best_affine(), header.get_data_dtype()
    except Exception as error:  # nibabel raises many kinds on a header full of nonsense
        raise NiftiError(path, f"has a broken header ({error})", _REDO) from None
    if not bytes(header["magic"]).startswith((b"n+1", b"n+2")):
        raise NiftiError(path, "keeps its voxels in a second file", "save it as a single .nii.gz")
    if stored.kind not in _NUMBER_KINDS or stored.itemsize > 8:
        raise NiftiError(path, f"holds {stored} where numbers are needed", "save it as int16")
    shape, offset = _shape(path, header), float(header["vox_offset"])
    if not (offset.is_integer() and kind.sizeof_hdr <= offset <= most):
        raise NiftiError(path, f"has a broken header (vox_offset {offset:g})", _REDO)
    claimed = int(offset) + stored.itemsize * prod(shape)
    if claimed > most:
        size = " x ".join(map(str, shape))
        raise NiftiError(path, f"claims {size} voxels, {claimed:,} bytes, more than the file can hold", _REDO)
    if not is_usable_affine(affine):
        fault = "has an affine that places its voxels nowhere (NaN, flat or out of reach)"
        raise NiftiError(path, fault, "convert it again from the original")
    _skip(path, stream, int(offset) - kind.sizeof_hdr)
    return header, Grid(shape, affine)


def _skip(path: Path, stream, count: int) -> None:
    """Read past header extensions, a piece at a time so that a false offset takes no memory."""
    while count:
        piece = stream.read(min(count, _PIECE))
        if not piece:
            raise NiftiError(path, "ends before the voxels begin", _REDO)
        count -= len(piece)


def _shape(path: Path, header) -> tuple[int, int, int]:
    axes = int(header["dim"][0])
    if not 1 <= axes <= 7:
        raise NiftiError(path, f"has a broken header (dim[0] is {axes})", _REDO)
    shape = [int(n) for n in header["dim"][1 : axes + 1]]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) != 3:
        raise NiftiError(path, f"has {len(shape)} axes where 3 are needed", "save one 3-D volume per file")
    if min(shape) < 1:
        raise NiftiError(path, f"has a broken header (shape {' x '.join(map(str, shape))})", _REDO)
    return tuple(shape)


def _read_voxels(path: Path, stream, shape: tuple, header) -> np.ndarray:
    """Fill one array from the stream, then read on to the end, which is where gzip checks its checksum."""
    stored = header.get_data_dtype()
    flat = np.empty(prod(shape), stored)
    room = memoryview(flat).cast("B")
    filled = 0
    while filled < len(room):
        piece = stream.read(min(_PIECE, len(room) - filled))
        if not piece:
            raise NiftiError(path, f"ends after {filled:,} of {len(room):,} bytes of voxels", _REDO)
        room[filled : filled + len(piece)] = piece
        filled += len(piece)
    if stream.read(1):
        raise NiftiError(path, "holds more than its header says", _REDO)
    if not stored.isnative:
        flat = flat.byteswap(inplace=True).view(stored.newbyteorder("="))
    return flat.reshape(shape, order="F")


def _scale(path: Path, data: np.ndarray, header) -> np.ndarray:
    """Apply slope and intercept. A slope of 0 or NaN means that there is none."""
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):
        return data
    if not np.isfinite(inter):
        raise NiftiError(path, f"has a broken header (intercept {inter})", _REDO)
    if (slope, inter) == (1, 0):
        return data
    scaled = data.astype(np.result_type(data.dtype, np.float32), order="F")
    scaled *= slope
    scaled += inter
    return scaled
