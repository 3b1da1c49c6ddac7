"""Who can be drawn, and what is refused."""

import math

import numpy as np
import pytest

from mosmed_edu.errors import DrawingError
from mosmed_edu.phantom import Disease, Distribution, Findings, Patient, Shares, draw
from mosmed_edu.phantom.frame import Frame


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Patient(age=-3),
        lambda: Patient(age=math.nan),
        lambda: Patient(age="47"),
        lambda: Patient(sex="X"),
        lambda: Patient(bmi=5),
        lambda: Patient(seed=-1),
        lambda: Patient(seed=1.5),
        lambda: Disease("CT-1", fraction=1.2),
        lambda: Disease("CT-1", fraction=-0.1),
        lambda: Disease("CT-5"),
        lambda: Disease("CT-0", fraction=0.1),
        lambda: Disease.sample("CT-7", 1),
        lambda: Shares(consolidation=0.7, crazy_paving=0.6),
        lambda: Distribution(left=1.4),
        lambda: Findings(expiration=2),
        lambda: Findings(nodules=-1),
        lambda: Findings(lobar_pneumonia=6),
        lambda: Frame(0, 1.0, 10),
        lambda: draw(Patient(), Disease(), slices=0),
        lambda: draw(Patient(), Disease(), slices=2.5),
        lambda: draw(Patient(), Disease(), matrix=7),
        lambda: draw(Patient(), Disease(), matrix=128, spacing_mm=-8),
    ],
)
def test_impossible_requests_are_refused_in_one_line(wrong):
    with pytest.raises(DrawingError) as caught:
        wrong()
    assert "\n" not in str(caught.value)
    assert "Next:" in str(caught.value)


def test_patients_are_like_the_datasets():
    patients = [Patient.sample(seed) for seed in range(600)]
    ages = np.array([patient.age for patient in patients])
    assert 43 < np.median(ages) < 53  # 47 in the dataset
    assert ages.min() >= 18 and ages.max() <= 97
    assert 0.5 < np.mean([patient.sex == "F" for patient in patients]) < 0.64  # 56 of 98 whose sex is given


def test_a_seed_gives_the_same_person_and_its_neighbours_others():
    assert Patient.sample(3) == Patient.sample(3)
    assert Disease.sample("CT-2", 3) == Disease.sample("CT-2", 3)
    assert len({Patient.sample(seed).bmi for seed in range(20)}) > 10


def test_severer_categories_are_fuller():
    means = [
        np.mean([Disease.sample(name, seed).fraction for seed in range(60)])
        for name in ("CT-1", "CT-2", "CT-3", "CT-4")
    ]
    assert means == sorted(means)
    assert means[0] < 0.1 and means[-1] > 0.55


def test_calcified_vessels_come_with_age():
    def share(age):
        patient = Patient(age=age)
        drawn = [Findings.sample(patient, Disease(), seed) for seed in range(300)]
        return np.mean([findings.aortic_calcification > 0 for findings in drawn])

    assert share(30) == 0
    assert share(85) > 0.5


def test_only_healthy_studies_get_a_bacterial_pneumonia():
    patient = Patient()
    ill = [Findings.sample(patient, Disease.sample("CT-2", 1), seed).lobar_pneumonia for seed in range(300)]
    well = [Findings.sample(patient, Disease(), seed).lobar_pneumonia for seed in range(300)]
    assert not any(ill)
    assert any(well)


def test_shown_names_what_is_there():
    assert Findings().shown() == {}
    assert Findings(metal=True, nodules=2).shown() == {"metal": True, "nodules": 2}
