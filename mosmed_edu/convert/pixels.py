"""The slices that are kept, as one volume in Hounsfield units.

SimpleITK reads the pixels. Its GDCM decodes JPEG (lossless too), JPEG-LS, JPEG 2000 and RLE without a plug-in, turns
every slice into Hounsfield units by that slice's own slope and intercept, masks bits that hold an overlay, and refuses
a file that ends before its pixels do. Whether they are as many as the header claims it does not ask: `stored` does.
dicom2nifti, the other candidate, sorts and stacks on its own, writes 64-bit floats, and needs a second package for
compressed files. The affine is not SimpleITK's, which stacks a tilted series as if it were straight, but `stack`'s,
where everything that does not fit is refused.
"""

from __future__ import annotations

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from mosmed_edu.convert.headers import Header
from mosmed_edu.convert.stack import Stack
from mosmed_edu.convert.stored import require_sound
from mosmed_edu.errors import ConversionError
from mosmed_edu.volume import Volume

#: Axes of the dataset's files.
ORIENTATION = "LAS"

#: What is written where the scanner saw nothing: the lowest value of a 12-bit scan.
OUTSIDE_HU = -1024

#: No chest is without air. Where the lowest value is above this, the values are no Hounsfield units.
_AIR_HU = -500

_LIMITS = np.iinfo(np.int16)


def read_volume(stack: Stack, name: str = "the study") -> tuple[Volume, list[str]]:
    """Read the slices of a stack.

    Parameters
    ----------
    stack : Stack
    name : str
        What to call the study in an error.

    Returns
    -------
    volume : Volume, int16
        Hounsfield units, rounded where a slope gives fractions; axes LAS as in the dataset.
    notes : list of str
        What is unusual and harmless. Names no patient.

    Raises
    ------
    ConversionError
        If a file cannot be read to its end or holds other pixels than its header says, a slice is there in two
        versions, or the values are no Hounsfield units.

    Examples
    --------
    >>> import tempfile
    >>> from mosmed_edu.convert import choose_series, read_headers, read_volume, stack_slices
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin, write_study
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_study(thin.ct, folder)
    ...     series = choose_series(read_headers(folder, progress=False).headers)
    ...     volume, notes = read_volume(stack_slices(series, keep_every=1))
    >>> bool((volume.data == thin.ct.data).all()), notes
    (True, [])
    """
    for one in (one for group in stack.slices for one in group):
        require_sound(one, name)
    outside = clipped = 0
    for k, group in enumerate(stack.slices):
        hu, beyond = _slice_of(group, name)
        if k == 0:  # not before one is read: what a header claims could take any memory
            data = np.empty((*hu.T.shape, len(stack.slices)), np.int16, order="F")
        outside += beyond
        clipped += int(((hu < _LIMITS.min) | (hu > _LIMITS.max)).sum())
        data[..., k] = np.clip(np.rint(hu), _LIMITS.min, _LIMITS.max).T
    if data.min() > _AIR_HU:
        fault = f"holds no air: its lowest value is {data.min()}, so these are no Hounsfield units"
        raise ConversionError(name, fault, "export the original CT series")
    notes = _notes(stack, outside, clipped)
    return turn(Volume(data, stack.affine)), notes


def turn(volume: Volume) -> Volume:
    """The same voxels with the axes of the dataset."""
    have, want = nib.io_orientation(volume.affine), nib.orientations.axcodes2ornt(ORIENTATION)
    turn = nib.orientations.ornt_transform(have, want)
    data = nib.orientations.apply_orientation(volume.data, turn)
    return Volume(np.asfortranarray(data), volume.affine @ nib.orientations.inv_ornt_aff(turn, volume.shape))


def _notes(stack: Stack, outside: int, clipped: int) -> list[str]:
    images = [one for group in stack.slices for one in group]
    notes = []
    if outside:
        notes.append(f"{outside} voxels beyond the scanner's field of view were set to {OUTSIDE_HU}")
    if clipped:
        notes.append(f"{clipped} values beyond {_LIMITS.min} to {_LIMITS.max} were clipped")
    if any(one.burned_in for one in images):
        notes.append("WARNING: its header says that text, or a face, is burned into the pixels; look at every slice")
    elif any("SECONDARY" in one.image_type or "DERIVED" in one.image_type for one in images):
        notes.append("WARNING: it was made from other images, and may have text burned into the pixels; look at it")
    return notes


def _slice_of(group: list[Header], name: str) -> tuple[np.ndarray, int]:
    """Hounsfield units (rows, columns) of a slice, and how many pixels were beyond the field of view."""
    hu = _read(group[0], name)
    for copy in group[1:]:
        if not np.array_equal(hu, _read(copy, name)):
            fault = f"has two different images of one slice, {group[0].path.name} and {copy.path.name}"
            raise ConversionError(name, fault, "export one scan of the patient by itself")
    one = group[0]
    if one.padding is None:
        return hu, 0
    low, high = np.sort(np.multiply(one.padding, one.slope) + one.intercept)
    padded = (hu >= low - 1e-3) & (hu <= high + 1e-3) & (hu != OUTSIDE_HU)
    hu[padded] = OUTSIDE_HU
    return hu, int(padded.sum())


def _read(one: Header, name: str) -> np.ndarray:
    if one.rescale_type.upper() not in ("", "HU", "US"):  # US: unspecified
        fault = f"holds {one.rescale_type!r}, no Hounsfield units"
        raise ConversionError(name, fault, "choose the original CT series with --series")
    try:
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(one.path), sitk.sitkFloat64, "GDCMImageIO"))
    except RuntimeError:
        fault = f"cannot be read to its end ({name})"
        raise ConversionError(one.path, fault, "copy or export it again; it is cut short or damaged") from None
    pixels = pixels.reshape(pixels.shape[-2:]) if pixels.size == one.rows * one.columns else pixels
    if pixels.shape != (one.rows, one.columns):
        raise ConversionError(one.path, f"holds another image than its header says ({name})", "export it again")
    return pixels
