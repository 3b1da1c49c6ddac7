"""Write a drawn study as a scanner would send it: a DICOM file a slice, several series, a header full of names.

What the pipeline from DICOM to the dataset can be tried on without anybody's scans. The names are made up, and every
file says that its subject is a phantom. Attributes follow the CT Image IOD, DICOM PS3.3 A.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat
from scipy.ndimage import affine_transform, gaussian_filter

from mosmed_edu.phantom.draw import Drawing, draw
from mosmed_edu.phantom.people import Disease, Findings, Patient
from mosmed_edu.volume import Volume

#: Added to stored values to give Hounsfield units, as most scanners have it: 12 bits without sign hold -1024 to 3071.
INTERCEPT = -1024

#: Thin slices: about 400 from apex to base. Every tenth of them is 8 mm from the next.
THIN_MM = 0.8

#: Distance between slices of the series for the lungs, and between the coronal ones.
_LUNG_MM, _CORONAL_MM = 5.0, 10.0

#: How much a kernel for the lungs raises what is finer than a pixel or two.
_SHARPEN = 1.5

_AIR_HU = -1000
_VERSION_UID = generate_uid(entropy_srcs=["mosmed_edu.phantom.dicom"])


@dataclass(frozen=True)
class Person:
    """Who the header says was scanned. All of it is made up, so that learners see what anonymisation has to remove.

    Parameters
    ----------
    name : str
        As DICOM writes it: family name, ``^``, given name.
    id : str
        The hospital's number of the patient.
    birth_date, study_date : str
        YYYYMMDD.
    sex : {'F', 'M', 'O'}
    """

    name: str = "SYNTHETIC^FIRST"
    id: str = "SYN-0001"
    birth_date: str = "19700101"
    study_date: str = "20200401"
    sex: str = "O"


@dataclass(frozen=True)
class Series:
    """One series of a study.

    Parameters
    ----------
    number : int
    description : str
        What the console calls it. The dataset's series has BODY in it.
    kernel : str
        Name of the reconstruction kernel.
    image_type : tuple of str
    """

    number: int
    description: str
    kernel: str = "BODY"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL")


#: What a chest CT leaves behind: the scout, the thin soft-tissue series, one for the lungs, a coronal reformation.
SCOUT = Series(1, "SCOUT", "SCOUT", ("ORIGINAL", "PRIMARY", "LOCALIZER"))
#: The thin soft-tissue series, which the dataset takes.
BODY = Series(2, "CHEST 0.8 BODY")
LUNG = Series(3, "CHEST 5.0 LUNG", "LUNG")
CORONAL = Series(4, "CHEST CORONAL", "BODY", ("DERIVED", "SECONDARY", "REFORMATTED"))


def draw_thin(
    patient: Patient, disease: Disease, findings: Findings | None = None, matrix: int = 256, slices: int | None = None
) -> Drawing:
    """Draw a patient in thin slices, as a scanner reconstructs them before the dataset keeps every tenth.

    Parameters
    ----------
    patient : Patient
    disease : Disease
    findings : Findings, optional
    matrix : int
        Pixels along each side of a slice.
    slices : int, optional
        Number of slices; by default as many as cover the lungs, about 400.

    Returns
    -------
    drawing : Drawing

    Examples
    --------
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin
    >>> draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20).ct.spacing[2]
    0.8
    """
    return draw(patient, disease, findings, matrix, slices, THIN_MM)


def write_study(thin: Volume, folder: str | Path, person: Person | None = None) -> list[Path]:
    """Write a drawn study with all its series into one folder, as a scanner's export or a CD has them.

    Parameters
    ----------
    thin : Volume, int16
        The scan of a drawing from `draw_thin`. It becomes the BODY series voxel by voxel; the other series are made
        from it.
    folder : str or Path
        Made where it is missing. The files are called ``IM00001`` and so on, and their names do not tell the series.
    person : Person, optional

    Returns
    -------
    paths : list of Path

    Examples
    --------
    >>> import tempfile
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin, write_study
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(len(write_study(thin.ct, folder)) > 20)
    True
    """
    folder, person = Path(folder), person or Person()
    folder.mkdir(parents=True, exist_ok=True)
    lungs = axial_images(_for_lungs(thin), LUNG, person)
    images = chain([_scout(thin, person)], axial_images(thin, BODY, person), lungs, _coronal_images(thin, person))
    return save(images, folder)


def axial_images(volume: Volume, series: Series, person: Person | None = None) -> Iterator[Dataset]:
    """A DICOM image for each slice of a volume, numbered from head to foot.

    Parameters
    ----------
    volume : Volume, int16
        Hounsfield units from -1024 to 3071; axes LAS.
    series : Series
    person : Person, optional

    Yields
    ------
    image : pydicom Dataset
    """
    last = volume.shape[2] - 1
    for k in range(last, -1, -1):
        corner = volume.to_mm((0, volume.shape[1] - 1, k))
        yield _image(
            volume.axial(k), last - k + 1, series, person or Person(), corner, (1, 0, 0, 0, 1, 0), volume.spacing
        )


def tilted_images(volume: Volume, degrees: float, series: Series, person: Person | None = None) -> list[Dataset]:
    """The same patient, taken with the gantry tilted: the table still moves along the body, the slices lean.

    Parameters
    ----------
    volume : Volume, int16
        As for `axial_images`. Voxels are interpolated linearly; what no slice of it reaches is air.
    degrees : float
        How far the top of the gantry leans to the patient's feet.
    series : Series
    person : Person, optional

    Returns
    -------
    images : list of pydicom Dataset

    Examples
    --------
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import BODY, draw_thin, tilted_images
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> images = tilted_images(thin.ct, 15, BODY)
    >>> len(images), float(images[0].GantryDetectorTilt)
    (20, 15.0)
    """
    angle, (_, pixel, step) = np.deg2rad(degrees), volume.spacing
    middle = (volume.shape[1] - 1) / 2
    # Index (i, j, k) of the leaning slices -> index of the volume. j runs forwards along the slice, k along the table.
    lean = np.array([[1, 0, 0], [0, np.cos(angle), 0], [0, -np.sin(angle) * pixel / step, 1]])
    offset = np.array([0, middle, 0]) - lean @ [0, middle, 0]
    data = affine_transform(volume.data, lean, offset, order=1, cval=_AIR_HU)
    images = list(axial_images(volume.with_data(np.asfortranarray(data)), series, person))
    top = volume.shape[1] - 1
    for image, k in zip(images, range(volume.shape[2] - 1, -1, -1), strict=True):
        image.ImageOrientationPatient = _numbers((1, 0, 0, 0, np.cos(angle), np.sin(angle)))
        image.ImagePositionPatient = _numbers(_to_lps(volume.to_mm(lean @ [0, top, k] + offset)))
        image.GantryDetectorTilt = _numbers([degrees])[0]
    return images


def save(images: Iterable[Dataset], folder: Path) -> list[Path]:
    """Write images as ``IM00001`` and so on, in their order.

    Returns
    -------
    paths : list of Path

    Raises
    ------
    OSError
        If they cannot be written.
    """
    paths = []
    for n, image in enumerate(images, start=1):
        paths.append(folder / f"IM{n:05d}")
        try:
            image.save_as(paths[-1], enforce_file_format=True)
        except OSError as error:  # pydicom puts a traceback into its words; the reason is that of the first error
            first = error.__cause__ if isinstance(error.__cause__, OSError) else error
            raise OSError(first.errno, first.strerror) from None
    return paths


def _scout(ct: Volume, person: Person) -> Dataset:
    """The overview from the front on which the scan is planned: what the rays have crossed, summed up."""
    seen = ct.with_data(np.asfortranarray(ct.data.mean(axis=1, keepdims=True).astype(np.int16)))
    corner = ct.to_mm((0, ct.shape[1] / 2, ct.shape[2] - 1))
    spacing = (ct.spacing[0], ct.spacing[2], ct.spacing[1] * ct.shape[1])
    return _image(seen.coronal(0), 1, SCOUT, person, corner, (1, 0, 0, 0, 0, -1), spacing)


def _coronal_images(ct: Volume, person: Person) -> Iterator[Dataset]:
    step = max(round(_CORONAL_MM / ct.spacing[1]), 1)
    spacing = (ct.spacing[0], ct.spacing[2], ct.spacing[1] * step)
    for n, j in enumerate(range(ct.shape[1] - 1, -1, -step), start=1):
        corner = ct.to_mm((0, j, ct.shape[2] - 1))
        yield _image(ct.coronal(j), n, CORONAL, person, corner, (1, 0, 0, 0, 0, -1), spacing)


def _for_lungs(ct: Volume) -> Volume:
    """Slabs of several thin slices, their edges and grain raised as a kernel for the lungs raises them."""
    each = max(round(_LUNG_MM / ct.spacing[2]), 1)
    count = ct.shape[2] // each
    slabs = ct.data[..., : count * each].reshape(*ct.shape[:2], count, each).mean(axis=3)
    sharp = slabs + _SHARPEN * (slabs - gaussian_filter(slabs, (1, 1, 0)))
    affine = ct.affine.copy()
    affine[:3, 3] = ct.to_mm((0, 0, (each - 1) / 2))
    affine[:3, 2] *= each
    return Volume(np.clip(np.rint(sharp), INTERCEPT, 3071).astype(np.int16), affine)


def _image(hu: np.ndarray, number: int, series: Series, person: Person, corner, orientation, spacing) -> Dataset:
    """One image with everything that the standard asks of a CT.

    `hu` is the picture, `corner` the place of its first pixel in NIfTI's mm, `spacing` between columns, rows, slices.
    """
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = _uid(person.id, series.number, number)
    _describe_study(image, person)
    _describe_series(image, series, person)
    image.ImageType = list(series.image_type)
    image.InstanceNumber = number
    image.AcquisitionNumber = series.number
    image.ContentDate, image.ContentTime = person.study_date, "120000"
    image.AcquisitionDate, image.AcquisitionTime = person.study_date, "120000"
    image.ImagePositionPatient = _numbers(_to_lps(corner))
    image.ImageOrientationPatient = _numbers(orientation)
    image.PixelSpacing = _numbers((spacing[1], spacing[0]))  # between rows first
    image.SliceThickness = _numbers([spacing[2]])[0]
    image.KVP, image.ConvolutionKernel = 120, series.kernel
    image.BurnedInAnnotation = "NO"
    _store(image, hu)
    return image


def _describe_study(image: Dataset, person: Person) -> None:
    image.PatientName, image.PatientID = person.name, person.id
    image.PatientBirthDate, image.PatientSex = person.birth_date, person.sex
    image.QualityControlSubject = "YES"  # the standard's word for a phantom
    image.StudyInstanceUID = _uid(person.id)
    image.StudyDate, image.StudyTime, image.StudyID = person.study_date, "120000", "1"
    image.ReferringPhysicianName, image.AccessionNumber = "SYNTHETIC^REFERRER", f"A{person.id}"
    image.StudyDescription = "CHEST CT, DRAWN BY A PROGRAM"


def _describe_series(image: Dataset, series: Series, person: Person) -> None:
    image.Modality, image.SeriesNumber, image.SeriesDescription = "CT", series.number, series.description
    image.SeriesInstanceUID = _uid(person.id, series.number)
    image.FrameOfReferenceUID, image.PositionReferenceIndicator = _uid(person.id, "frame"), ""
    image.PatientPosition, image.BodyPartExamined = "HFS", "CHEST"
    image.Manufacturer, image.InstitutionName = "MosMed-Edu", "SYNTHETIC HOSPITAL"
    image.ManufacturerModelName, image.SoftwareVersions = "mosmed_edu.phantom", "1"


def _store(image: Dataset, hu: np.ndarray) -> None:
    """Pixels as 12 bits without sign, and how they become Hounsfield units again."""
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = hu.shape
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = INTERCEPT, 1, "HU"
    image.WindowCenter, image.WindowWidth = 40, 400
    stored = np.clip(hu.astype(np.int32) - INTERCEPT, 0, 4095)
    image.PixelData = stored.astype("<u2").tobytes()


def _uid(*parts) -> str:
    """The same identifier for the same parts, wherever and whenever it is drawn."""
    return generate_uid(entropy_srcs=[_VERSION_UID, *map(str, parts)])


def _to_lps(point: np.ndarray) -> np.ndarray:
    """From NIfTI's world, whose x and y grow to the right and the front, to DICOM's, where both go the other way."""
    return np.asarray(point, float) * (-1, -1, 1)


def _numbers(values) -> list[DSfloat]:
    """Decimals as DICOM writes them: 16 characters at most."""
    with config.disable_value_validation():
        return [DSfloat(float(value) + 0.0, auto_format=True) for value in values]
