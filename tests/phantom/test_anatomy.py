"""The healthy chest: where things lie, what they measure, and that it does not depend on the grid."""

import numpy as np
import pytest
from scipy import ndimage

from mosmed_edu.phantom import LOBES, Findings, Patient
from mosmed_edu.phantom.anatomy import build_anatomy
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.frame import Frame

PATIENT = Patient(age=50, sex="M", bmi=25, seed=4)
FRAME = Frame(192, 2.0, 42, bottom_mm=-212.0, center_y_mm=-12)


@pytest.fixture(scope="module")
def anatomy():
    return build_anatomy(PATIENT, FRAME)


def middle_of(mask, frame=FRAME):
    """Centre of mass in mm: x left, y front, z head."""
    i, j, k = ndimage.center_of_mass(mask)
    return np.interp(i, range(frame.matrix), frame.x_mm), np.interp(j, range(frame.matrix), frame.y_mm), k


def test_arrays_share_the_frame(anatomy):
    for array in (anatomy.hu, anatomy.lungs, anatomy.lobes, anatomy.pleura_mm):
        assert array.shape == FRAME.shape
        assert array.flags.f_contiguous
    assert anatomy.hu.dtype == anatomy.pleura_mm.dtype == np.float32
    assert np.isfinite(anatomy.hu).all()


def test_lungs_hold_litres_and_the_right_is_larger(anatomy):
    litres = np.bincount(anatomy.lobes.ravel(), minlength=6) * FRAME.voxel_ml / 1000
    assert 2.5 < litres[1:].sum() < 7.5  # total lung capacity of adults, supine, without the airways
    assert litres[1:4].sum() > litres[4:].sum()
    # The middle lobe is the smallest, about a tenth.
    assert litres[2] == litres[1:].min()
    assert 0.04 < litres[2] / litres[1:].sum() < 0.16


def test_lobes_lie_where_anatomy_puts_them(anatomy):
    assert set(np.unique(anatomy.lobes)) == {0, *LOBES}
    assert np.array_equal(anatomy.lobes > 0, anatomy.lungs)
    place = {number: middle_of(anatomy.lobes == number) for number in LOBES}
    assert all(place[n][0] < 0 for n in (1, 2, 3)) and all(place[n][0] > 0 for n in (4, 5))  # x grows to the left
    assert place[1][2] > place[2][2] and place[1][2] > place[3][2] and place[4][2] > place[5][2]
    assert place[2][1] > place[3][1] and place[4][1] > place[5][1]  # lower lobes lie behind


def test_each_lobe_is_one_piece(anatomy):
    for number in LOBES:
        parts, count = ndimage.label(anatomy.lobes == number)
        sizes = np.bincount(parts.ravel())[1:]
        assert sizes.max() > 0.995 * sizes.sum(), f"lobe {number} has {count} parts"


def test_lobe_at_says_what_the_grid_says(anatomy):
    rng = np.random.default_rng(0)
    index = np.argwhere(ndimage.binary_erosion(anatomy.lungs, iterations=4))
    index = index[rng.integers(len(index), size=2000)]
    points = np.stack([FRAME.x_mm[index[:, 0]], FRAME.y_mm[index[:, 1]], FRAME.z_mm[index[:, 2]]], axis=1)
    assert np.array_equal(anatomy.lobe_at(points), anatomy.lobes[tuple(index.T)])
    assert not anatomy.lobe_at(np.array([[0.0, -60, -30], [400, 0, 0], [0, 0, 300]])).any()


def test_depth_below_the_pleura_is_a_distance(anatomy):
    """Against an exact Euclidean distance to the outside of the lungs, where the mediastinum is not nearer."""
    exact = ndimage.distance_transform_edt(anatomy.lungs, sampling=FRAME.spacing_mm)
    assert (anatomy.pleura_mm[anatomy.lungs] >= 0).all()
    assert not anatomy.pleura_mm[~anatomy.lungs].any()
    lateral = anatomy.lungs.copy()
    x = np.abs(FRAME.x_mm)[:, None, None]
    lateral &= (x > 75) & (FRAME.z_mm > -60) & (FRAME.z_mm < 30)
    error = np.abs(anatomy.pleura_mm - exact)[lateral]
    assert np.median(error) < 3
    assert np.corrcoef(anatomy.pleura_mm[lateral], exact[lateral])[0, 1] > 0.95


def test_hila_point_outwards(anatomy):
    for side, sign in (("right", -1), ("left", 1)):
        hilum = anatomy.hila[side]
        for inlet in (hilum.artery, hilum.vein, hilum.upper_vein, hilum.bronchus):
            assert sign * inlet.point[0] > 15
            assert sign * inlet.direction[0] > 0
            assert np.isclose(np.linalg.norm(inlet.direction), 1)
            assert 3 < inlet.radius < 14


def test_liver_is_on_the_right_and_stomach_gas_on_the_left(anatomy):
    k = int(np.argmin(np.abs(FRAME.z_mm + 150)))
    right, left = FRAME.x_mm < -30, FRAME.x_mm > 20
    liver = np.abs(anatomy.hu[..., k] - Chest.of(PATIENT, Findings()).abdomen.liver_hu) < 0.5
    assert liver[right].sum() > 5 * liver[left].sum()
    inside = ndimage.binary_fill_holes(anatomy.hu[..., k] > -300)
    gas = inside & (anatomy.hu[..., k] < -900) & ~anatomy.lungs[..., k]
    assert gas[left].sum() > gas[right].sum()


def test_a_finer_grid_shows_the_same_chest(anatomy):
    """Thin slices, as for reformats: volumes agree, and the shared slices show the same lungs."""
    fine = build_anatomy(PATIENT, Frame(192, 2.0, 42 * 4, slice_mm=2.0, bottom_mm=-212.0, center_y_mm=-12))
    assert np.array_equal(fine.lungs[..., ::4], anatomy.lungs)
    assert np.allclose(fine.hu[..., ::4], anatomy.hu, atol=1e-3)
    assert np.isclose(fine.lungs.sum() / 4, anatomy.lungs.sum(), rtol=0.02)


def test_breathing_out_makes_lungs_smaller_and_denser(anatomy):
    out = build_anatomy(PATIENT, FRAME, Findings(expiration=1.0))
    assert out.lungs.sum() < 0.85 * anatomy.lungs.sum()
    assert np.median(out.hu[out.lungs]) > np.median(anatomy.hu[anatomy.lungs]) + 80


@pytest.mark.parametrize(("left", "right"), [(150, 0), (0, 300)])
def test_effusion_holds_the_millilitres_asked_for(anatomy, left, right):
    wet = build_anatomy(PATIENT, FRAME, Findings(effusion_left_ml=left, effusion_right_ml=right))
    lost = anatomy.lungs & ~wet.lungs
    assert not (wet.lungs & ~anatomy.lungs).any()
    x = FRAME.x_mm[:, None, None]
    on_left, on_right = (lost & (x > 0)).sum() * FRAME.voxel_ml, (lost & (x < 0)).sum() * FRAME.voxel_ml
    assert on_left == pytest.approx(left, rel=0.35, abs=3)
    assert on_right == pytest.approx(right, rel=0.35, abs=3)
    deep = ndimage.binary_erosion(lost, np.ones((3, 3, 1)))
    assert -10 < np.median(wet.hu[deep]) < 25  # simple fluid
    assert middle_of(lost)[1] < middle_of(anatomy.lungs)[1] - 15  # it lies at the back


def test_calcium_is_seen_in_the_aorta_only_when_asked_for(anatomy):
    chalk = build_anatomy(PATIENT, FRAME, Findings(aortic_calcification=1.0))
    new = (chalk.hu > 250) & (anatomy.hu < 120)
    assert new.sum() > 20
    assert np.array_equal(chalk.lungs, anatomy.lungs)


def test_patients_differ_in_more_than_size():
    """The aortic arch of two patients, in the standard body, lies in different places."""
    chests = [Chest.of(Patient(age=50, sex="M", bmi=25, seed=seed), Findings()) for seed in range(12)]
    tops = [chest.mediastinum["aorta"].points[:, 2].max() for chest in chests]
    hearts = [chest.mediastinum["left ventricle"].centre for chest in chests]
    assert np.std(tops) > 1.5
    assert (np.std(hearts, axis=0) > 1.5).all()


def test_age_widens_the_aorta_and_thins_the_bone():
    young, old = (
        [Chest.of(Patient(age=age, seed=seed), Findings()).mediastinum["aorta"].points[0, 3] for seed in range(40)]
        for age in (25, 85)
    )
    assert np.mean(old) > np.mean(young) + 1


def test_many_patients_have_sound_lungs():
    """The largest, the smallest, the fattest, the oldest: two lungs, no leak, a believable volume."""
    coarse = Frame(96, 4.4, 44, bottom_mm=-220.0, center_y_mm=-12)
    for patient in (
        Patient(age=18, sex="F", bmi=14, habitus=-2, seed=1),
        Patient(age=97, sex="M", bmi=60, habitus=2, seed=2),
        Patient(age=97, sex="F", bmi=17, habitus=-2, seed=3),
        *(Patient.sample(seed) for seed in range(6)),
    ):
        drawn = build_anatomy(patient, coarse)
        litres = drawn.lungs.sum() * coarse.voxel_ml / 1000
        assert 2 < litres < 9, patient
        right, left = drawn.lobes[drawn.lobes > 0] <= 3, drawn.lobes[drawn.lobes > 0] > 3
        assert 0.4 < left.sum() / right.sum() < 1.15, patient
