"""A whole drawn study: exact, reproducible, and Hounsfield units where a real chest CT has them."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from mosmed_edu.errors import DrawingError
from mosmed_edu.nifti import read_nifti
from mosmed_edu.phantom import LOBES, SIGNS, Disease, Findings, Patient, draw
from mosmed_edu.phantom.calibrate import REAL, measure
from mosmed_edu.phantom.sheet import SHEETS, arrange, contact_sheet
from mosmed_edu.volume import Volume

REAL_SCAN = Path(__file__).resolve().parents[3] / "shared/real/chest_ct_lungdx_a0002.nii.gz"


@pytest.fixture(scope="module")
def ill():
    return draw(Patient(age=60, sex="F", bmi=27, seed=2), Disease("CT-2", 0.31, seed=2), matrix=192)


@pytest.fixture(scope="module")
def healthy():
    return draw(Patient(age=47, sex="M", bmi=25, seed=3), Disease(), matrix=256)


def test_everything_lies_on_one_grid(ill):
    for volume in (ill.mask, ill.lungs, ill.lobes, ill.labels):
        assert volume.same_grid(ill.ct)
    assert ill.ct.data.dtype == np.int16
    assert ill.ct.orientation == "LAS"
    assert ill.ct.spacing[2] == 8.0
    assert 0.58 <= ill.ct.spacing[0] * 192 / 512 <= 1.15  # as in the dataset, for a matrix of 512
    assert 33 <= ill.ct.shape[2] <= 53


def test_fraction_is_exact_and_the_mask_is_its_signs(ill):
    assert ill.fraction == pytest.approx(0.31, abs=1e-4)
    assert ill.fraction == ill.mask.data.sum() / ill.lungs.data.sum()
    names = {number: name for number, name in SIGNS.items() if (ill.labels.data[ill.mask.data] == number).any()}
    assert set(names.values()) <= {"ground-glass opacity", "consolidation", "crazy paving"}
    assert not (ill.mask.data & ~ill.lungs.data).any()
    assert not (ill.lobes.data > max(LOBES)).any()


def test_fractions_of_both_lungs_make_the_whole(ill):
    left = (ill.lobes.data >= 4).sum() / ill.lungs.data.sum()
    assert left * ill.left_fraction + (1 - left) * ill.right_fraction == pytest.approx(ill.fraction, abs=1e-9)


def test_lesions_are_denser_than_the_lung_round_them(ill):
    ct, mask = ill.ct.data, ill.mask.data
    assert np.median(ct[mask]) > np.median(ct[ill.lungs.data & ~mask]) + 150


def digest(seed=11, **options):
    drawing = draw(Patient.sample(seed), Disease.sample("CT-1", seed), Findings(motion=0.5, metal=True), **options)
    return hashlib.sha256(drawing.ct.data.tobytes(order="F") + drawing.labels.data.tobytes(order="F")).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process_with_other_threads():
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r}); import test_draw; print(test_draw.digest(matrix=96))"
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"OPENBLAS_NUM_THREADS": threads, "PATH": ""},
            capture_output=True,
            text=True,
        )
        for threads in ("1", "4")
    ]
    assert all(run.returncode == 0 for run in told), told[0].stderr
    assert {run.stdout.strip() for run in told} == {digest(matrix=96)}


def test_another_seed_gives_another_study():
    assert digest(11, matrix=64) != digest(12, matrix=64)


def test_slices_and_spacing_are_the_callers():
    thin = draw(Patient(seed=1), Disease("CT-1", 0.05, seed=1), matrix=64, slices=60, spacing_mm=4.0)
    assert thin.ct.shape == (64, 64, 60)
    assert thin.ct.spacing[2] == 4.0
    assert thin.fraction == pytest.approx(0.05, abs=1e-3)


def test_the_lungs_are_wholly_on_the_scan():
    for seed in range(8):
        lungs = draw(Patient.sample(seed), Disease(), matrix=64).lungs.data
        assert not lungs[..., 0].any() and not lungs[..., -1].any(), seed
        assert not lungs[0].any() and not lungs[-1].any() and not lungs[:, 0].any() and not lungs[:, -1].any()


# Hounsfield units, by the ranges of the literature: see the comments.


def test_lung_and_soft_tissue_have_their_hounsfield_units(healthy):
    ct, frame = healthy.ct.data, healthy.ct
    lungs = ndimage.binary_erosion(healthy.lungs.data, np.ones((5, 5, 1)))
    assert -900 < np.median(ct[lungs]) < -780  # a full breath in
    assert -1005 < np.median(ct[:10, -10:]) < -990  # air
    assert -120 < peak(ct, -160, -40) < -85  # fat
    assert 35 < peak(ct, 0, 120) < 70  # muscle, blood, liver
    assert 7 < noise_sd(ct) < 30
    assert frame.to_mm((0, 0, 0))[0] > 0  # i grows from the patient's right


def peak(hu, low, high):
    """The most frequent value in a range."""
    counts = np.bincount(hu[(hu >= low) & (hu < high)].astype(int) - low, minlength=high - low)
    return low + int(ndimage.gaussian_filter1d(counts.astype(float), 4).argmax())


def noise_sd(hu):
    """Standard deviation within flat soft tissue."""
    values = hu.astype(np.float32)
    mean = ndimage.uniform_filter(values, (7, 7, 1))
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(values**2, (7, 7, 1)) - mean**2, 0))
    return np.percentile(spread[(mean > 30) & (mean < 75)], 20)


def lungs_by_threshold(hu):
    """Air inside the body: an independent way to find the lungs."""
    parts, _ = ndimage.label(hu < -400)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    sizes[np.unique(np.concatenate([parts[[0, -1]].ravel(), parts[:, [0, -1]].ravel()]))] = 0
    return np.isin(parts, np.flatnonzero(sizes > 0.2 * sizes.max()))


def test_a_threshold_finds_the_same_lungs(healthy):
    found, truth = lungs_by_threshold(healthy.ct.data), healthy.lungs.data
    closed = ndimage.binary_closing(found, np.ones((7, 7, 1)))  # vessels belong to the lungs
    dice = 2 * (closed & truth).sum() / (closed.sum() + truth.sum())
    assert dice > 0.93


@pytest.mark.skipif(not REAL_SCAN.is_file(), reason="needs the real chest CT in shared/real")
def test_hounsfield_units_lie_where_a_real_scans_do(healthy):
    real, drawn = read_nifti(REAL_SCAN).data, healthy.ct.data
    for low, high, tolerance in ((-1000, -500, 70), (-160, -40, 20), (0, 120, 15)):
        assert abs(peak(drawn, low, high) - peak(real, low, high)) < tolerance, (low, high)
    assert 0.5 < noise_sd(drawn) / noise_sd(real) < 3


# What makes grading hard.


def pair(findings, seed=6, matrix=128):
    """The same patient without and with findings, the noise alike."""
    patient = Patient(age=60, sex="M", seed=seed)
    return draw(patient, Disease(), matrix=matrix), draw(patient, Disease(), findings, matrix=matrix)


def test_findings_are_recorded_and_off_by_default(ill):
    assert not any(ill.record["findings"].values())
    assert draw(Patient(seed=1), Disease(), Findings(nodules=3), matrix=64).record["findings"]["nodules"] == 3


def test_metal_is_brighter_than_any_bone_and_sends_out_streaks():
    plain, metal = pair(Findings(metal=True))
    assert metal.ct.data.max() > 2500 > plain.ct.data.max()
    k = int((metal.ct.data > 2500).sum((0, 1)).argmax())
    changed = np.abs(metal.ct.data[..., k].astype(int) - plain.ct.data[..., k]) > 40
    assert changed.mean() > 0.05
    assert np.argwhere(metal.ct.data[..., k] > 2500)[:, 0].mean() > 64  # on the patient's left


def test_motion_blurs_the_heart_and_leaves_the_top_alone():
    still, moved = pair(Findings(motion=1.0))
    change = np.abs(moved.ct.data.astype(int) - still.ct.data).mean((0, 1))
    with_lung = np.flatnonzero(still.lungs.data.any((0, 1)))
    low = with_lung[len(with_lung) // 3]
    assert change[low] > 3
    assert change[with_lung[-1]] == 0
    assert np.array_equal(moved.lungs.data, still.lungs.data)


def test_a_lobar_pneumonia_is_not_in_the_mask():
    _, filled = pair(Findings(lobar_pneumonia=3))
    assert not filled.mask.data.any()
    assert np.median(filled.ct.data[filled.lobes.data == 3]) > -400


# Sheets and calibration.


def test_sheets_show_what_they_promise():
    picture = contact_sheet("patients", matrix=64, progress=False)
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 4 * 384 + 3 * 3
    assert picture.std() > 40
    with pytest.raises(DrawingError, match=", ".join(SHEETS)):
        contact_sheet("nonsense")


def test_tiles_are_put_row_by_row():
    tiles = [np.full((10, 10), grey, np.uint8) for grey in (0, 100, 200)]
    sheet = arrange(tiles, 2)
    assert sheet[5, 5] == 0 and sheet[5, -5] == 100 and sheet[-5, 5] == 200


def test_measures_of_a_mask_known_by_geometry():
    """One box of 10 x 20 x 2 voxels on the left, and one single voxel on the right, at 1 x 1 x 8 mm."""
    data = np.zeros((100, 100, 11), bool)
    data[60:70, 40:60, 4:6] = True
    data[10, 49, 5] = True
    found = measure(Volume(data, np.diag([-1, 1, 8, 1.0])))
    assert set(found) == set(REAL)
    assert found["lesion volume, mL"] == pytest.approx([401 * 0.008])
    assert found["components"] == [2]
    assert found["largest component's share"] == pytest.approx([400 / 401])
    assert found["share of slices with lesion"] == pytest.approx([2 / 11])
    assert found["share on the left image half"] == pytest.approx([400 / 401])
    assert found["area per slice with lesion, mm2"] == [200, 201]
    assert found["solidity of 2-D components over 30 pixels"] == pytest.approx([1, 1])
    assert found["y centre of mass, mm in front of the image centre"] == pytest.approx([0], abs=0.01)
