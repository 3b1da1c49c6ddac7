"""Draw one synthetic study: the anatomy, its vessels, the disease, and the scanner's view of it all."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import SLICE_SPACING_MM
from mosmed_edu.phantom.anatomy import Anatomy, build_anatomy
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.compose import fill_lungs
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.image import Artefacts, Scanner, form_image
from mosmed_edu.phantom.lesions import Lesions, place_disease
from mosmed_edu.phantom.lung_findings import add_findings
from mosmed_edu.phantom.people import Disease, Findings, Patient
from mosmed_edu.phantom.signs import IN_MASK
from mosmed_edu.phantom.vessels import grow_trees
from mosmed_edu.phantom.voxels import ravel
from mosmed_edu.threads import one_thread
from mosmed_edu.volume import Volume

#: Number of this stage in a patient's seed sequence.
_STAGE = 21


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn study and the truth behind it, all on one grid.

    Attributes
    ----------
    ct : Volume, int16
        Hounsfield units.
    mask : Volume, bool
        Ground glass, consolidation and crazy paving, as the dataset defines its masks.
    lungs : Volume, bool
    lobes : Volume, uint8
        Numbers of `LOBES`, 0 outside the lungs.
    labels : Volume, uint8
        Numbers of `SIGNS`, 0 where there is none.
    fraction : float
        Involved share of the lungs' volume: mask voxels over lung voxels.
    left_fraction, right_fraction : float
        The same of each lung.
    record : dict
        Patient, disease, findings and scanner, as they were drawn; under "marks" the signs that take several labels
        (halo, reversed halo), with their place in mm.
    """

    ct: Volume
    mask: Volume
    lungs: Volume
    lobes: Volume
    labels: Volume
    fraction: float
    left_fraction: float
    right_fraction: float
    record: dict


def draw(
    patient: Patient,
    disease: Disease,
    findings: Findings | None = None,
    matrix: int = 512,
    slices: int | None = None,
    spacing_mm: float = SLICE_SPACING_MM,
    scanner: Scanner | None = None,
) -> Drawing:
    """Draw a synthetic chest CT. It shows no patient and is not for diagnosis.

    Parameters
    ----------
    patient : Patient
    disease : Disease
    findings : Findings, optional
        What else is to be seen; nothing by default.
    matrix : int
        Pixels along each side of a slice, 64 to 1024.
    slices : int, optional
        Number of slices, 1 to 1000; chosen to cover the lungs by default.
    spacing_mm : float
        Distance between slices.
    scanner : Scanner, optional
        Noise and sharpness; chosen by the patient's seed by default.

    Returns
    -------
    drawing : Drawing

    Raises
    ------
    DrawingError
        If the study cannot be drawn.

    Examples
    --------
    >>> from mosmed_edu.phantom import Disease, Patient, draw
    >>> study = draw(Patient(seed=1), Disease("CT-2", fraction=0.3, seed=1), matrix=96)
    >>> study.ct.orientation, round(study.fraction, 3)
    ('LAS', 0.3)
    """
    with one_thread():
        return _draw(patient, disease, findings or Findings(), matrix, slices, spacing_mm, scanner)


def _draw(patient, disease, findings, matrix, slices, spacing_mm, scanner) -> Drawing:
    """As `draw`."""
    chest = Chest.of(patient, findings)
    scanner = scanner or sample_scanner(patient)
    frame = fit_frame(chest, matrix, slices, spacing_mm, scanner.field)
    anatomy = build_anatomy(patient, frame, findings, chest)
    trees = grow_trees(patient, anatomy)
    lesions = _lay_over(anatomy, trees, disease, findings, patient)
    ct = form_image(anatomy.hu, frame, scanner, patient.seed, Artefacts.of(chest, frame), anatomy.body)
    described = {"patient": patient, "disease": disease, "findings": findings, "scanner": scanner}
    record = {name: asdict(value) for name, value in described.items()} | {"marks": lesions.marks}
    return _drawing(anatomy, ct, lesions.labels, record)


def fit_frame(chest: Chest, matrix: int, slices: int | None, spacing_mm: float, field: float = 1.0) -> Frame:
    """Choose a grid that holds the lungs from apex to base and the chest from side to side.

    Pixel size and number of slices are spread as in the dataset's 50 masks.
    """
    for name, value in (("matrix", matrix), ("slices", slices)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1):
            raise DrawingError(f"{name} {value!r}", "is no whole number above 0", f"give {name} as a number such as 40")
    rng = np.random.default_rng(np.random.SeedSequence([chest.patient.seed, _STAGE]))
    widest = 2 * (150 + chest.fat_mm) * chest.pose.scale[0]
    field_mm = np.clip(widest * rng.uniform(1.02, 1.2) * field, 297, 588)
    low, high = (height * chest.pose.scale[2] for height in chest.space.reach())
    wanted = int(np.clip(np.rint(rng.normal(41, 2.5)), 35, 47)) * SLICE_SPACING_MM
    spare = max(wanted - (high - low), 0)
    count = slices or max(int(np.rint(max(wanted, high - low) / spacing_mm)), 1)
    middle = (low + high) / 2 + spare * rng.uniform(-0.3, 0.1)
    return Frame(
        int(matrix),
        float(field_mm / matrix),
        int(count),
        float(spacing_mm),
        float(middle - spacing_mm * (count - 1) / 2),
        float(rng.normal(-14, 8)),
    )


def sample_scanner(patient: Patient) -> Scanner:
    """Noise and sharpness of the study; a larger patient is a noisier one."""
    rng = np.random.default_rng(np.random.SeedSequence([patient.seed, _STAGE, 1]))
    noise = np.clip(rng.normal(13 + 0.35 * (patient.bmi - 26), 2.5), 8, 26)
    return Scanner(round(float(noise), 1), 0.5, round(float(rng.uniform(0.36, 0.5)), 3))


def _lay_over(anatomy: Anatomy, trees, disease: Disease, findings: Findings, patient: Patient) -> Lesions:
    """Draw vessels, airways, disease and findings into the lungs."""
    lesions = place_disease(disease, anatomy, trees, anatomy.frame, patient.seed)
    add_findings(findings, lesions, patient.seed)
    fill_lungs(anatomy, trees, lesions, anatomy.frame)
    return lesions


def _drawing(anatomy: Anatomy, ct: np.ndarray, labels: np.ndarray, record: dict) -> Drawing:
    """Put the pieces on one grid and count."""
    affine = anatomy.frame.affine
    counted = np.zeros(256, bool)
    counted[list(IN_MASK)] = True
    mask = counted[labels]
    lobes = ravel(anatomy.lobes)
    involved = np.bincount(lobes[ravel(mask)], minlength=6)
    whole = np.bincount(lobes[ravel(anatomy.lungs)], minlength=6)
    right, left = slice(1, 4), slice(4, 6)
    volumes = [Volume(data, affine) for data in (ct, mask, anatomy.lungs, anatomy.lobes, labels)]
    return Drawing(
        *volumes,
        float(involved.sum() / max(whole.sum(), 1)),
        float(involved[left].sum() / max(whole[left].sum(), 1)),
        float(involved[right].sum() / max(whole[right].sum(), 1)),
        record,
    )
