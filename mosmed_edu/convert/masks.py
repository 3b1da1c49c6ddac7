"""A mask that somebody drew on a scan, cut to the slices that are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mosmed_edu.convert.pixels import turn
from mosmed_edu.errors import ConversionError, MosMedError
from mosmed_edu.nifti import read_nifti
from mosmed_edu.volume import Volume

#: How far a voxel of the mask may lie from that of the scan, as a share of the voxel.
_OFF = 0.05


def read_mask(path: Path, scan: Volume, name: str = "the study") -> Volume:
    """Read a NIfTI mask that was drawn on the whole series, or on the slices that are kept.

    Parameters
    ----------
    path : Path
    scan : Volume
        From `read_volume`.
    name : str
        What to call the study in an error.

    Returns
    -------
    mask : Volume, int16
        0 and 1, on the scan's grid. Of the file's header nothing is taken.

    Raises
    ------
    ConversionError
        If it cannot be read, has other values than 0 and 1, or does not have all slices of the scan.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from mosmed_edu import Volume
    >>> from mosmed_edu.convert import read_mask
    >>> from mosmed_edu.layout import write_volume
    >>> kept = Volume(np.zeros((4, 4, 2), np.int16), np.diag([-1, 1, 8, 1]))
    >>> on_all_slices = Volume(np.ones((4, 4, 11), np.int16), np.diag([-1, 1, 0.8, 1]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_volume(on_all_slices, Path(folder) / "mask.nii.gz")
    ...     read_mask(Path(folder) / "mask.nii.gz", kept).shape
    (4, 4, 2)
    """
    try:
        if path.exists() and not path.is_file():  # a pipe, say, would be waited for without end
            raise ConversionError(path, "is no file", "")
        mask = turn(read_nifti(path))
    except (MosMedError, OSError, ValueError) as error:  # ValueError: a NUL in its name
        fault = f"{getattr(error, 'fault', 'cannot be read')} ({name})"
        raise ConversionError(path, fault, "check the column mask of the list") from None
    if not np.isin(mask.data, (0, 1)).all():
        raise ConversionError(path, f"has values other than 0 and 1 ({name})", "mark every lesion with 1")
    slices = _slices(mask, scan)
    if slices is None:
        todo = "draw it on the same series, and save it without resampling"
        raise ConversionError(path, f"does not lie on the slices of the scan ({name})", todo)
    return scan.with_data(np.asfortranarray(mask.data[..., slices].astype(np.int16)))


def _slices(mask: Volume, scan: Volume) -> list[int] | None:
    """Which slices of the mask are those of the scan; None where they do not lie on each other."""
    count = scan.shape[2]
    ends = [
        mask.to_index(scan.to_mm((*end, k))) for k in range(count) for end in ((0, 0), np.array(scan.shape[:2]) - 1)
    ]
    found = np.rint(ends).astype(int)
    inside = (found >= 0).all() and (found < mask.shape).all()
    whole = mask.shape[:2] == scan.shape[:2] and (found[::2, :2] == 0).all()
    return found[::2, 2].tolist() if inside and whole and np.abs(ends - found).max() < _OFF else None
