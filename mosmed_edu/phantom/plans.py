"""What a drawn dataset holds: which studies, and how each of them comes about from its seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.phantom.draw import Drawing, draw, sample_scanner
from mosmed_edu.phantom.people import Disease, Findings, Patient
from mosmed_edu.phantom.reading import category_of, read

#: Raised whenever the drawn studies change: every cached dataset is then drawn anew.
GENERATOR_VERSION = 3

#: Stage numbers of the two readers in a study's seed sequence.
_READERS = (41, 42)


@dataclass(frozen=True)
class Plan:
    """A dataset to draw.

    Parameters
    ----------
    name : str
    counts : tuple of 5 int
        Studies of each category, CT-0 first.
    matrix : int
        Pixels along each side of a slice.
    first_seed : int
        Study n is drawn from the seed `first_seed` + n.
    masks : tuple of str
        Categories whose studies get a mask file.
    second_site : tuple of str
        Categories whose studies come from another scanner: noisier, with a sharper kernel and a larger field of view.
        None by default; a plan that has some shows how a classifier learns the scanner instead of the disease.
    """

    name: str
    counts: tuple[int, int, int, int, int]
    matrix: int
    first_seed: int
    masks: tuple[str, ...] = ("CT-1",)
    second_site: tuple[str, ...] = ()

    def __post_init__(self):
        whole = all(isinstance(count, (int, np.integer)) and count >= 0 for count in self.counts)
        if not whole or len(self.counts) != len(CATEGORIES):
            raise DrawingError(f"counts {self.counts!r}", "cannot be drawn", "give five whole numbers, CT-0 first")

    def jobs(self) -> Iterator[Job]:
        """The studies, numbered in order of category as in the dataset."""
        study_id = 0
        for category, count in zip(CATEGORIES, self.counts, strict=True):
            for _ in range(count):
                study_id += 1
                with_mask, site = category in self.masks, "B" if category in self.second_site else "A"
                yield Job(study_id, category, self.first_seed + study_id, self.matrix, with_mask, site)


@dataclass(frozen=True)
class Job:
    """One study of a plan."""

    study_id: int
    category: str
    seed: int
    matrix: int
    with_mask: bool
    site: str = "A"

    def describe(self) -> tuple[Patient, Disease, Findings]:
        """Who and what is drawn."""
        patient = Patient.sample(self.seed)
        disease = Disease.sample(self.category, self.seed)
        return patient, disease, Findings.sample(patient, disease, self.seed)

    def draw(self) -> Drawing:
        """Draw the study."""
        patient, disease, findings = self.describe()
        scanner = sample_scanner(patient)
        if self.site == "B":
            scanner = replace(scanner, noise_hu=scanner.noise_hu + 9, sharpness=0.62, blur_mm=0.35, field=1.15)
        return draw(patient, disease, findings, matrix=self.matrix, scanner=scanner)


#: The datasets that come with the course: `sample` to look at, `cohort` to count with (the dataset's proportions).
PLANS = {
    "sample": Plan("sample", (4, 8, 4, 2, 2), 512, first_seed=1000),
    "cohort": Plan("cohort", (37, 98, 18, 5, 2), 256, first_seed=5000),
}


def find_plan(name: str | Plan) -> Plan:
    """A plan given as itself or by its name."""
    if isinstance(name, Plan):
        return name
    if name not in PLANS:
        raise DrawingError(f"dataset {name!r}", "is not one that we draw", f"take {' or '.join(PLANS)}, or give a Plan")
    return PLANS[name]


def truth_row(job: Job, drawing: Drawing) -> dict:
    """Everything known of a study, as a row of the truth table.

    The first reader's category is the one in the registry; the second reads the same study independently.
    """
    first = read(drawing.fraction, np.random.default_rng([job.seed, _READERS[0]]), job.category)
    second = read(drawing.fraction, np.random.default_rng([job.seed, _READERS[1]]))
    record, voxel_ml = drawing.record, drawing.ct.voxel_ml
    row = {
        "study_id": job.study_id,
        "category": job.category,
        "fraction": drawing.fraction,
        "left_fraction": drawing.left_fraction,
        "right_fraction": drawing.right_fraction,
        "category_by_fraction": category_of(drawing.fraction),
        "category_by_worse_lung": category_of(max(drawing.left_fraction, drawing.right_fraction)),
        "reader_1": first.category,
        "reader_1_percent": first.percent,
        "reader_2": second.category,
        "reader_2_percent": second.percent,
        "site": job.site,
        "lungs_ml": round(float(drawing.lungs.data.sum() * voxel_ml), 1),
        "lesion_ml": round(float(drawing.mask.data.sum() * voxel_ml), 2),
    }
    row |= record["patient"]
    row |= {f"share_{name}": value for name, value in record["disease"]["shares"].items()}
    row |= record["findings"]
    row |= {f"scanner_{name}": value for name, value in record["scanner"].items()}
    return row
