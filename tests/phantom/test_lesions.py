"""Lesions and lung findings: exact amounts, where they may lie, what they look like, and the real masks' measures."""

import hashlib
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from mosmed_edu.phantom.anatomy import build_anatomy
from mosmed_edu.phantom.compose import fill_lungs
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lesions import place_disease
from mosmed_edu.phantom.lung_findings import add_findings
from mosmed_edu.phantom.people import Disease, Distribution, Findings, Patient, Shares
from mosmed_edu.phantom.signs import IN_MASK, SIGN, SIGNS
from mosmed_edu.phantom.vessels import grow_trees
from mosmed_edu.phantom.voxels import ravel

REAL_MASKS = Path(__file__).resolve().parents[3] / "shared/real/masks"
FRAME = Frame(192, 1.9, 34, bottom_mm=-178.0)
PATIENT = Patient(seed=3)


@pytest.fixture(scope="module")
def anatomy():
    return build_anatomy(PATIENT, FRAME)


@pytest.fixture(scope="module")
def trees(anatomy):
    return grow_trees(PATIENT, anatomy)


def lay(anatomy, disease, seed=3):
    """A disease on the anatomy; its bronchi and vessels play no part in the place."""
    return place_disease(disease, anatomy, None, FRAME, seed)


def disease(fraction=0.2, shares=None, seed=1, **distribution):
    """A disease of any fraction; the category plays no part in the drawing."""
    return Disease("CT-2", fraction, shares or Shares(), Distribution(**distribution), seed)


@pytest.mark.parametrize("fraction", [1e-7, 0.001, 0.02, 0.2, 0.5, 0.85, 1.0])
def test_involved_fraction_is_exact_and_lies_in_the_lungs(anatomy, fraction):
    labels = lay(anatomy, disease(fraction, Shares(0.2, 0.2, 0.5, 0.5, 1, 1))).labels
    mask = np.isin(labels, IN_MASK)
    assert mask.sum() == round(fraction * anatomy.lungs.sum())
    assert not labels[~anatomy.lungs].any()


@pytest.mark.parametrize("left", [0.0, 0.3, 0.47, 1.0])
def test_the_left_lungs_share_is_exact(anatomy, left):
    mask = np.isin(lay(anatomy, disease(0.15, left=left)).labels, IN_MASK)
    assert mask[anatomy.lobes >= 4].sum() == round(left * mask.sum())


def test_what_does_not_fit_one_lung_goes_to_the_other(anatomy):
    mask = np.isin(lay(anatomy, disease(0.7, left=1.0)).labels, IN_MASK)
    left = anatomy.lobes >= 4
    assert mask.sum() == round(0.7 * anatomy.lungs.sum())
    assert 0.95 < mask[left].mean() <= 1


@pytest.mark.parametrize("shares", [Shares(0, 0), Shares(0.3, 0.1), Shares(1, 0), Shares(0.2, 0.8)])
def test_shares_of_the_signs_are_exact(anatomy, shares):
    labels = lay(anatomy, disease(0.2, shares)).labels
    total = np.isin(labels, IN_MASK).sum()
    assert (labels == SIGN["consolidation"]).sum() == pytest.approx(shares.consolidation * total, abs=1)
    assert (labels == SIGN["crazy paving"]).sum() == pytest.approx(shares.crazy_paving * total, abs=2)


def test_no_disease_changes_nothing(anatomy):
    lesions = lay(anatomy, Disease())
    assert not lesions.labels.any()
    assert np.array_equal(lesions.hu, ravel(anatomy.hu)[lesions.voxels.flat])


@pytest.mark.parametrize(
    "name, measure",
    [
        ("peripheral", lambda a, v: -a.pleura_mm[v].mean()),
        ("posterior", lambda a, v: -FRAME.y_mm[np.nonzero(v)[1]].mean()),
        ("basal", lambda a, v: -FRAME.z_mm[np.nonzero(v)[2]].mean()),
    ],
)
def test_distribution_steers(anatomy, name, measure):
    means = []
    for wish in (-1, 1):
        masks = [np.isin(lay(anatomy, disease(0.1, seed=seed, **{name: wish})).labels, IN_MASK) for seed in range(5)]
        means.append(np.mean([measure(anatomy, mask) for mask in masks]))
    assert means[1] > means[0] + 5  # mm


def test_signs_have_their_density(anatomy):
    lesions = lay(anatomy, disease(0.3, Shares(0.3, 0.2)))
    label = ravel(lesions.labels)[lesions.voxels.flat]
    median = {
        name: np.median(lesions.hu[label == SIGN[name]])
        for name in ("ground-glass opacity", "consolidation", "crazy paving")
    }
    assert -750 < median["ground-glass opacity"] < -400
    assert -150 < median["consolidation"] < 80
    assert median["ground-glass opacity"] - 60 < median["crazy paving"] < median["consolidation"]
    healthy = lesions.hu[(label == 0) & (lesions.haze == 0)]
    assert np.array_equal(healthy, ravel(anatomy.hu)[lesions.voxels.flat][(label == 0) & (lesions.haze == 0)])


def test_crazy_paving_has_lines_that_ground_glass_has_not(anatomy):
    lesions = lay(anatomy, disease(0.5, Shares(0, 0.5)))
    label = ravel(lesions.labels)[lesions.voxels.flat]
    rough = {name: lesions.hu[label == SIGN[name]].std() for name in ("ground-glass opacity", "crazy paving")}
    assert rough["crazy paving"] > 1.15 * rough["ground-glass opacity"]


@pytest.mark.parametrize("share, name", [("reticulation", "reticulation"), ("subpleural_lines", "subpleural line")])
def test_lines_are_thin_dense_and_outside_the_mask(anatomy, share, name):
    fine = Frame(384, 0.95, 3, bottom_mm=-80.0)
    chest = build_anatomy(PATIENT, fine)
    lesions = place_disease(disease(0.03, Shares(0.1, 0, **{share: 1.0})), chest, None, fine, 3)
    lines = lesions.labels == SIGN[name]
    assert lines.sum() > 200
    eroded = np.stack([ndimage.binary_erosion(lines[..., k], np.ones((5, 5))) for k in range(3)], axis=-1)
    assert eroded.sum() < 0.05 * lines.sum()  # hardly anywhere 5 voxels thick, where lines cross or a wall lies flat
    label = ravel(lesions.labels)[lesions.voxels.flat]
    assert lesions.hu[label == SIGN[name]].mean() > lesions.hu[label == 0].mean() + 150


@pytest.mark.parametrize("share, name, middle", [("reversed_halos", "reversed halo", 1), ("halos", "halo", 2)])
def test_halo_and_reversed_halo(anatomy, share, name, middle):
    lesions = lay(anatomy, disease(0.1, Shares(0.4, 0, **{share: 2})))
    assert lesions.marks
    for mark in lesions.marks:
        assert mark["sign"] == name
        place = np.array(mark["center_mm"])
        distance = np.linalg.norm(lesions.voxels.points - place, axis=1) / mark["radius_mm"]
        label = ravel(lesions.labels)[lesions.voxels.flat]
        core, rim = label[distance < 0.35], label[(distance > 0.76) & (distance < 0.88)]
        assert (core == middle).mean() > 0.9
        assert (rim == 3 - middle).mean() > 0.5  # rings are ragged and seldom complete
        assert (rim == middle).mean() < 0.45
    total = np.isin(lesions.labels, IN_MASK).sum()
    assert (lesions.labels == 2).sum() == pytest.approx(0.4 * total, abs=1)


def test_vessels_show_in_ground_glass_and_bronchi_in_consolidation(anatomy, trees):
    solid = Shares(1, 0)
    for shares, expected in ((Shares(0, 0), "vessel"), (solid, "bronchus")):
        lesions = lay(anatomy, disease(0.6, shares))
        before = anatomy.hu.copy(order="F")
        fill_lungs(anatomy, trees, lesions, FRAME)
        drawn = ravel(anatomy.hu)[lesions.voxels.flat]
        anatomy.hu[:] = before
        inside = (lesions.haze > 0.99) & (lesions.voxels.pleura > 15)
        change = drawn[inside] - lesions.hu[inside]
        if expected == "vessel":
            assert (change > 200).mean() > 0.01
        else:
            assert (change < -200).mean() > 0.002


@pytest.mark.parametrize(
    "finding, name, sign",
    [
        ({"dependent_atelectasis": 1.0}, "dependent atelectasis", 1),
        ({"emphysema": 1.0}, "emphysema", -1),
        ({"apical_scars": 1.0}, "scar", 1),
        ({"nodules": 6}, "nodule", 1),
        ({"lobar_pneumonia": 3}, "lobar pneumonia", 1),
    ],
)
def test_findings_change_the_tissue_but_never_the_mask(anatomy, finding, name, sign):
    lesions = lay(anatomy, disease(0.1))
    mask, before = np.isin(lesions.labels, IN_MASK), lesions.hu.copy()
    add_findings(Findings(**finding), lesions, seed=3)
    assert np.array_equal(np.isin(lesions.labels, IN_MASK), mask)
    assert not lesions.labels[~anatomy.lungs].any()
    found = ravel(lesions.labels)[lesions.voxels.flat] == SIGN[name]
    assert found.sum() > 20
    assert sign * (lesions.hu - before)[found].mean() > 60


def test_findings_lie_where_they_belong(anatomy):
    def where(**finding):
        lesions = lay(anatomy, Disease())
        add_findings(Findings(**finding), lesions, seed=3)
        return lesions.voxels, ravel(lesions.labels)[lesions.voxels.flat] > 0

    voxels, band = where(dependent_atelectasis=1.0)
    assert voxels.y[band].mean() < voxels.y.mean() - 35
    voxels, scars = where(apical_scars=1.0)
    assert voxels.z[scars].min() > np.quantile(voxels.z, 0.8)
    voxels, lobe = where(lobar_pneumonia=5)
    assert set(voxels.lobe[lobe]) == {5}
    assert 0.3 < lobe[voxels.lobe == 5].mean() <= 1


def test_findings_off_change_nothing(anatomy):
    lesions = lay(anatomy, disease(0.1))
    before, labels = lesions.hu.copy(), lesions.labels.copy()
    add_findings(Findings(), lesions, seed=3)
    assert np.array_equal(lesions.hu, before) and np.array_equal(lesions.labels, labels)


def test_sign_numbers_start_with_what_the_mask_holds():
    assert [SIGNS[number] for number in IN_MASK] == ["ground-glass opacity", "consolidation", "crazy paving"]
    assert len(set(SIGNS.values())) == len(SIGNS)


_HASH = """
import hashlib
from mosmed_edu.phantom.anatomy import build_anatomy
from mosmed_edu.phantom.compose import fill_lungs
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lesions import place_disease
from mosmed_edu.phantom.people import Disease, Patient, Shares
from mosmed_edu.phantom.vessels import grow_trees
from mosmed_edu.threads import one_thread
frame, patient = Frame(128, 2.8, 12, bottom_mm=-120.0), Patient(seed=8)
with one_thread():  # as everything is drawn: some processors round otherwise
    anatomy = build_anatomy(patient, frame)
    trees = grow_trees(patient, anatomy)
    disease = Disease("CT-2", 0.3, Shares(0.2, 0.2, 0.5, 0.5, 1, 1), seed=2)
    lesions = place_disease(disease, anatomy, trees, frame, 8)
    fill_lungs(anatomy, trees, lesions, frame)
print(hashlib.sha256(anatomy.hu.tobytes() + lesions.labels.tobytes()).hexdigest())
"""


def test_same_seed_same_bytes_in_two_processes_with_one_or_two_threads():
    root = str(Path(__file__).resolve().parents[2])
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _HASH],
            stdout=subprocess.PIPE,
            text=True,
            env={"OPENBLAS_NUM_THREADS": threads, "PATH": "", "PYTHONPATH": root},
        )
        for threads in ("1", "2")
    ]
    first, second = (run.communicate()[0].strip() for run in runs)
    assert len(first) == len(hashlib.sha256().hexdigest())
    assert first == second


def outline(mask, spacing):
    """Measures of a mask that the recipe's table of the real masks gives."""
    volume = np.bincount(ndimage.label(mask, np.ones((3, 3, 3)))[0].ravel())[1:] * np.prod(spacing) / 1000
    slices = mask.any(axis=(0, 1)).mean()
    height = np.average(np.arange(mask.shape[2]) / (mask.shape[2] - 1), weights=mask.sum(axis=(0, 1)))
    return np.array([len(volume), volume.max() / volume.sum(), slices, height]), volume


def test_crumbs_blobs_and_heights_are_like_the_real_masks():
    rows, crumbs = [], []
    for seed in range(6):
        patient = Patient.sample(seed)
        chest = build_anatomy(patient, Frame(384, 0.95, 40, bottom_mm=-205.0))
        sick = Disease.sample("CT-1", seed)
        labels = place_disease(sick, chest, None, chest.frame, seed).labels
        row, volumes = outline(np.isin(labels, IN_MASK), chest.frame.spacing_mm)
        rows.append(row)
        crumbs.append(volumes)
    count, largest, slices, height = np.median(rows, axis=0)
    # 25 and 75 % of the 50 real masks; fewer crumbs are resolved on this coarser grid
    assert 10 <= count <= 73
    assert 0.35 <= largest <= 0.81
    assert 0.25 <= slices <= 0.51
    assert 0.37 <= height <= 0.52
    assert 0.6 < (np.concatenate(crumbs) < 0.1).mean() < 0.85


@pytest.mark.skipif(not REAL_MASKS.is_dir(), reason="the optional folder ../shared/real with real masks is absent")
def test_the_measures_above_are_those_of_the_real_masks():
    rows, crumbs = [], []
    for path in sorted(REAL_MASKS.glob("*.nii.gz")):
        image = nib.load(path)
        row, volumes = outline(np.asarray(image.dataobj) > 0, image.header.get_zooms())
        rows.append(row)
        crumbs.append(volumes)
    count, largest, slices, height = np.median(rows, axis=0)
    assert 18 <= count <= 73 and 0.35 <= largest <= 0.81 and 0.25 <= slices <= 0.51 and 0.37 <= height <= 0.52
    assert 0.65 < (np.concatenate(crumbs) < 0.1).mean() < 0.85


@pytest.mark.parametrize(
    "frame",
    [Frame(64, 5.6, 1, bottom_mm=-60.0), Frame(64, 5.6, 1, bottom_mm=-400.0), Frame(96, 3.0, 6, 0.8, bottom_mm=80.0)],
    ids=["one slice", "beside the lungs", "thin slices at the apex"],
)
def test_frames_that_show_little_or_no_lung(frame):
    chest = build_anatomy(PATIENT, frame)
    vessels = grow_trees(PATIENT, chest)
    lesions = place_disease(disease(0.4, Shares(0.3, 0.3, 1, 1, 2, 2)), chest, vessels, frame, 3)
    add_findings(Findings(0.5, 0, 0.5, 0.5, 3, lobar_pneumonia=4), lesions, seed=3)
    fill_lungs(chest, vessels, lesions, frame)
    assert np.isin(lesions.labels, IN_MASK).sum() == round(0.4 * chest.lungs.sum())
    assert np.isfinite(chest.hu).all()
