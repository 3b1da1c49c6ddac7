"""Scans small enough for a web page: every second pixel, cut to the body, grey values in steps of a few HU."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np

from mosmed_edu.errors import CacheError
from mosmed_edu.layout import write_volume
from mosmed_edu.plotting.places import BODY_HU, largest_part
from mosmed_edu.plotting.words import WORDS, say
from mosmed_edu.volume import Volume

#: Pixels along each side of an axial slice at most.
MAX_PIXELS = 256

#: What one scan may weigh on a page, in bytes.
MAX_BYTES = 2_500_000

#: Grey values are multiples of the first of these that makes the file small enough, in HU.
HU_STEPS = (4, 8, 16, 32)

_MARGIN_MM = 10

#: Part of the files' names: another way to make them must not be taken for this one.
_VERSION = b"1"


@dataclass(frozen=True)
class WebScan:
    """A scan as a page gets it, and how its voxels follow from those of the file.

    Voxel (i, j, k) of ``ct`` is voxel ``origin + step * (i, j, k)`` of the file.

    Attributes
    ----------
    ct : Volume, int16
        Hounsfield units, not rounded yet.
    mask : Volume of bool, or None
    origin, step : tuple of 3 int
    """

    ct: Volume
    mask: Volume | None
    origin: tuple[int, int, int]
    step: tuple[int, int, int]


def web_scan(ct: Volume, mask: Volume | None = None) -> WebScan:
    """Thin a scan within its slices and cut it to the body. No slice is lost, and no value is changed.

    Parameters
    ----------
    ct : Volume, int16
    mask : Volume of bool, optional

    Returns
    -------
    scan : WebScan

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu import Volume
    >>> from mosmed_edu.viewer import web_scan
    >>> block = Volume(np.zeros((512, 512, 3), np.int16), np.diag([0.7, 0.7, 8, 1]))
    >>> scan = web_scan(block)
    >>> scan.ct.shape, scan.step, scan.ct.spacing
    ((256, 256, 3), (2, 2, 1), (1.4, 1.4, 8.0))
    """
    along = ct.axis("S")
    step = tuple(1 if axis == along else -(-n // MAX_PIXELS) for axis, n in enumerate(ct.shape))
    thin = tuple(slice(None, None, n) for n in step)
    box = _body_box(_part(ct, thin), along)
    cut = tuple(slice(b.start * n, (b.stop - 1) * n + 1, n) for b, n in zip(box, step, strict=True))
    origin = tuple(one.start for one in cut)
    return WebScan(_part(ct, cut), None if mask is None else _part(mask, cut), origin, step)


def export_scan(study, folder: Path) -> dict:
    """Write a study's scan, and its mask where it has one, at web size; once, however often it is asked for.

    The names of the files follow from the contents of the study's own files, so what is there already is right.

    Parameters
    ----------
    study : Study
    folder : Path
        Made where it is not there.

    Returns
    -------
    about : dict
        ``scan`` and ``mask`` (names of files; no mask: None), ``bytes`` of both, ``origin`` and ``step`` as in
        `WebScan`, ``hu`` (values are multiples of it), ``aspect`` (width of an axial slice over its height).

    Raises
    ------
    FileMissing, NiftiError, MaskError
        If the study cannot be read.
    CacheError
        If the files cannot be written.
    """
    name = f"study-{study.id:04d}-{_digest(study)}"
    record = folder / f"{name}.json"
    if record.is_file():  # written last
        about = json.loads(record.read_text())
        if all((folder / about[key]).is_file() for key in ("scan", "mask") if about[key]):
            return about
    scan = web_scan(study.ct(), study.mask())
    about = {"scan": f"{name}.nii.gz", "mask": f"{name}-mask.nii.gz" if scan.mask else None}
    for hu in HU_STEPS:
        rounded = scan.ct.with_data(round_hu(scan.ct.data, hu))
        size = _write(rounded, folder / about["scan"])
        if size <= MAX_BYTES:
            break
    if scan.mask:
        size += _write(scan.mask.with_data(scan.mask.data.astype(np.uint8)), folder / about["mask"])
    high, wide = np.multiply(scan.ct.axial(0).shape, scan.ct.pixel_mm("axial"))
    about |= {"bytes": size, "origin": scan.origin, "step": scan.step, "hu": hu, "aspect": round(float(wide / high), 3)}
    _replace(record, lambda path: path.write_text(json.dumps(about)))
    return about


def round_hu(data: np.ndarray, step: int) -> np.ndarray:
    """Round Hounsfield units to multiples of a step; a half goes to the even multiple.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.viewer.export import round_hu
    >>> round_hu(np.array([-1024, -3, 1, 2, 6, 41], np.int16), 4)
    array([-1024,    -4,     0,     0,     8,    40], dtype=int16)
    """
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(data / np.float32(step)) * step, limits.min, limits.max - limits.max % step).astype(np.int16)


def grid_words(about: dict) -> str:
    """Say how a scan on a page differs from the file: 'Grey values are rounded to 4 HU, ...'."""
    nth = max(about["step"])
    return say("viewer_grid", hu=about["hu"], pixel=WORDS.get(f"viewer_every_{nth}") or say("viewer_every", n=nth))


def _part(volume: Volume, cut: tuple[slice, slice, slice]) -> Volume:
    """Some of the voxels, at the places where they were."""
    matrix = np.diag([*(one.step or 1 for one in cut), 1.0])
    matrix[:3, 3] = [one.start or 0 for one in cut]
    return Volume(np.asfortranarray(volume.data[cut]), volume.affine @ matrix)


def _body_box(ct: Volume, along: int) -> tuple[slice, slice, slice]:
    """The part of the axial slices that holds the body in all of them, with a margin; all slices."""
    body = largest_part(ct.data > BODY_HU)
    if not body.any():
        return tuple(slice(0, n) for n in ct.shape)
    box = []
    for axis, (n, mm) in enumerate(zip(ct.shape, ct.spacing, strict=True)):
        inside = np.flatnonzero(body.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = round(_MARGIN_MM / mm)
        whole = slice(0, n)
        low, high = int(inside[0]) - margin, int(inside[-1]) + margin + 1
        box.append(whole if axis == along else slice(max(low, 0), min(high, n)))
    return tuple(box)


def _digest(study) -> str:
    """What the exported files depend on, in twelve letters."""
    digest = hashlib.sha256(_VERSION)
    digest.update(repr((MAX_PIXELS, MAX_BYTES, HU_STEPS)).encode())
    for path in (study.study_path, study.mask_path):
        if path is not None and path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _write(volume: Volume, path: Path) -> int:
    """Write a volume under its name once it is whole; return its size in bytes."""
    _replace(path, lambda partial: write_volume(volume, partial))
    return path.stat().st_size


def _replace(path: Path, write) -> None:
    """Write beside the file and then take its place, so that nobody reads half of it."""
    partial = path.with_name(f"{path.name}.{uuid4().hex[:8]}.part")  # two builds never write to one file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(path)
    except OSError as error:
        fault = f"cannot be written ({error.strerror or error})"
        raise CacheError(path, fault, "free some space, or see who may write there; then build again") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
