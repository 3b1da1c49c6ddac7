"""What sorting and geometry need of a DICOM file's header, and nothing else.

Every other attribute is left in the file: what is never read cannot be passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import MediaStorageDirectoryStorage
from tqdm.auto import tqdm

from mosmed_edu.errors import ConversionError
from mosmed_edu.paths import is_folder, user_path

#: All that is read. The identifiers tell patients, studies and series apart, and are not kept.
TAGS = (
    "BitsAllocated",
    "BitsStored",
    "BurnedInAnnotation",
    "Columns",
    "HighBit",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "ImageType",
    "InstanceNumber",
    "Manufacturer",
    "Modality",
    "NumberOfFrames",
    "PatientID",
    "PhotometricInterpretation",
    "PixelPaddingRangeLimit",
    "PixelPaddingValue",
    "PixelRepresentation",
    "PixelSpacing",
    "QualityControlSubject",
    "RecognizableVisualFeatures",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "Rows",
    "SOPClassUID",
    "SamplesPerPixel",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "StudyInstanceUID",
)


@dataclass(frozen=True)
class Header:
    """One DICOM file.

    Attributes
    ----------
    path : Path
    patient, study, series : str
        PatientID, StudyInstanceUID and SeriesInstanceUID.
    description : str
        SeriesDescription.
    series_number, number, rows, columns, frames : int or None
        `number` is the InstanceNumber.
    sop_class, modality, photometric, rescale_type, manufacturer : str
    image_type : tuple of str
    position : tuple of 3 float or None
        Place of the first pixel's centre, in DICOM's mm: x grows to the patient's left, y to the back, z to the head.
    orientation : tuple of 6 float or None
        Where a row runs to, then a column.
    spacing : tuple of 2 float or None
        Between rows, then between columns, in mm.
    slope, intercept : float or None
        From stored value to Hounsfield units.
    samples, bits_allocated, bits_stored, high_bit : int or None
        How a pixel is stored.
    padding : tuple of 2 int or None
        Lowest and highest stored value that marks a pixel beyond the scanner's field of view.
    burned_in : bool
        Whether the header warns of text, or of a face, in the pixels.
    phantom : bool
        Whether the header says that the subject is a phantom.
    """

    path: Path
    patient: str
    study: str
    series: str
    description: str
    series_number: int | None
    number: int | None
    rows: int | None
    columns: int | None
    frames: int
    sop_class: str
    modality: str
    photometric: str
    rescale_type: str
    manufacturer: str
    image_type: tuple[str, ...]
    position: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float] | None
    slope: float | None
    intercept: float | None
    samples: int | None
    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    padding: tuple[int, int] | None
    burned_in: bool
    phantom: bool


@dataclass(frozen=True)
class Found:
    """What lies in a folder.

    Attributes
    ----------
    headers : list of Header
        In the order of their paths.
    others : list of Path
        Files that are no DICOM image.
    damaged : list of Path
        DICOM files whose header cannot be read.
    """

    headers: list[Header]
    others: list[Path]
    damaged: list[Path]


def read_headers(folder: str | Path, progress: bool = True) -> Found:
    """Read the header of every DICOM file in a folder and below it.

    Parameters
    ----------
    folder : str or Path
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    found : Found

    Raises
    ------
    ConversionError, PathError
        If it is no folder, or holds no DICOM image.

    Examples
    --------
    >>> import tempfile
    >>> from mosmed_edu.convert import read_headers
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin, write_study
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_study(thin.ct, folder)
    ...     found = read_headers(folder, progress=False)
    >>> len(found.headers) == len(written), found.headers[0].modality
    (True, 'CT')
    """
    folder = user_path(folder)
    if not is_folder(folder):
        raise ConversionError(folder, "is no folder", "give the folder that holds the DICOM files")
    found = Found([], [], [])
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with quiet():
        for path in tqdm(paths, "Reading headers", unit=" files", disable=not progress, leave=False):
            _sort_in(path, found)
    if not found.headers:
        seen = f"{len(paths)} file{'s' * (len(paths) != 1)}"
        raise ConversionError(folder, f"holds no DICOM image ({seen} looked at)", "give the folder of the export")
    return found


def _sort_in(path: Path, found: Found) -> None:
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
        if data.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            found.others.append(path)  # DICOMDIR: the table of contents of a CD
            return
        found.headers.append(_header(path, data))
    except InvalidDicomError:
        found.others.append(path)
    except Exception:  # pydicom raises many kinds on bytes that are no header, and its words may repeat a name
        (found.damaged if path.stat().st_size else found.others).append(path)


def _header(path: Path, data: Dataset) -> Header:
    """A header that says at least whose and of which series it is; KeyError if not."""
    return Header(
        path=path,
        patient=_text(data, "PatientID"),
        study=str(data["StudyInstanceUID"].value),
        series=str(data["SeriesInstanceUID"].value),
        description=_text(data, "SeriesDescription"),
        series_number=_whole(data, "SeriesNumber"),
        number=_whole(data, "InstanceNumber"),
        rows=_whole(data, "Rows"),
        columns=_whole(data, "Columns"),
        frames=_whole(data, "NumberOfFrames") or 1,
        sop_class=_text(data, "SOPClassUID"),
        modality=_text(data, "Modality"),
        photometric=_text(data, "PhotometricInterpretation"),
        rescale_type=_text(data, "RescaleType"),
        manufacturer=_text(data, "Manufacturer"),
        image_type=tuple(map(str, _several(data, "ImageType"))),
        position=_decimals(data, "ImagePositionPatient", 3),
        orientation=_decimals(data, "ImageOrientationPatient", 6),
        spacing=_decimals(data, "PixelSpacing", 2),
        slope=(_decimals(data, "RescaleSlope", 1) or (None,))[0],
        intercept=(_decimals(data, "RescaleIntercept", 1) or (None,))[0],
        samples=_whole(data, "SamplesPerPixel"),
        bits_allocated=_whole(data, "BitsAllocated"),
        bits_stored=_whole(data, "BitsStored"),
        high_bit=_whole(data, "HighBit"),
        padding=_padding(data),
        burned_in="YES" in (_text(data, "BurnedInAnnotation"), _text(data, "RecognizableVisualFeatures")),
        phantom=_text(data, "QualityControlSubject") == "YES",
    )


def _several(data: Dataset, name: str) -> list:
    """The values of an attribute; none where it is missing or empty."""
    value = data.get(name)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (list, pydicom.multival.MultiValue)) else [value]


def _text(data: Dataset, name: str) -> str:
    return "\\".join(map(str, _several(data, name))).strip()


def _whole(data: Dataset, name: str) -> int | None:
    values = _several(data, name)
    return int(values[0]) if len(values) == 1 else None


def _decimals(data: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    values = tuple(map(float, _several(data, name)))
    return values if len(values) == count else None


def _padding(data: Dataset) -> tuple[int, int] | None:
    first = _whole(data, "PixelPaddingValue")
    if first is None:
        return None
    limit = _whole(data, "PixelPaddingRangeLimit")
    ends = [first, first if limit is None else limit]
    if _whole(data, "PixelRepresentation") == 1:  # some scanners write the bits of a negative number as a positive one
        ends = [end - 2**16 if end >= 2**15 else end for end in ends]
    return min(ends), max(ends)


@contextmanager
def quiet() -> Iterator[None]:
    """Let pydicom neither check values nor print the ones it dislikes: they may be names."""
    logger = logging.getLogger("pydicom")
    before, logger.disabled = logger.disabled, True
    try:
        with config.disable_value_validation():
            yield
    finally:
        logger.disabled = before
