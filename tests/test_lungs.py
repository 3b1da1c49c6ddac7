"""Lungs: found in drawn studies whose lungs are known, in a body made of ellipses, and never in what is no chest."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from mosmed_edu.errors import LungsNotFound, MosMedError
from mosmed_edu.lungs import LEFT, RIGHT, discs, segment_lungs
from mosmed_edu.lungs.outline import _quantile
from mosmed_edu.lungs.search import _sum_of_nine, fill_holes
from mosmed_edu.lungs.turned import Turned
from mosmed_edu.masks import dice, involvement
from mosmed_edu.phantom import Disease, Findings, Patient, draw
from mosmed_edu.volume import Volume

LAS = np.array([[-3.0, 0, 0, 190.0], [0, 3.0, 0, -150.0], [0, 0, 8.0, -100.0], [0, 0, 0, 1]])
SHAPE = (128, 100, 24)


def chest(**change):
    """A body of ellipses on a table, with a windpipe, bowel gas and arms: HU, and the two lungs."""
    i, j, k = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    x, y, z = (LAS[n, n] * index + LAS[n, 3] for n, index in enumerate((i, j, k)))
    hu = np.full(SHAPE, -1000.0)
    hu[((x / 150) ** 2 + (y / 100) ** 2) < 1] = 40  # trunk
    hu[((np.abs(x) - 172) / 18) ** 2 + (y / 20) ** 2 < 1] = 40  # arms
    hu[(y < -108) & (y > -114)] = -300  # table
    apart = change.get("apart", 62)
    lungs = {}
    for side, sign in ((RIGHT, 1), (LEFT, -1)):
        lungs[side] = (((x - sign * apart) / 58) ** 2 + (y / 75) ** 2 < 1) & (np.abs(z) < 72)
        if apart < 58:  # they touch behind the breastbone: a thin sheet between them
            lungs[side] &= sign * x > 1
        hu[lungs[side]] = -860
    hu[(x**2 + (y - 5) ** 2 < 9**2) & (z > 20)] = -1000  # windpipe
    gas = ((x + 50) / 25) ** 2 + ((y - 40) / 20) ** 2 + ((z + 86) / 12) ** 2 < 1
    hu[gas & ~(lungs[RIGHT] | lungs[LEFT])] = -990
    hu += np.random.default_rng(0).normal(0, 12, SHAPE)
    return Volume(hu.astype(np.int16), LAS), lungs


def overlap(found, wanted):
    return 2 * (found & wanted).sum() / (found.sum() + wanted.sum())


@pytest.mark.parametrize("mm", [(1.3, 1.3, 8.0), (0.7, 0.9, 8.0), (1.25, 1.25, 8.0)])
@pytest.mark.parametrize("radius", [0.4, 1.25, 2.5, 6.0, 20.0])
def test_discs_do_what_scipy_does(radius, mm):
    """Dilation, erosion and opening by footprint; closing also by distances, to the edge of the array and beyond."""
    rng = np.random.default_rng(0)
    i, j = (np.arange(-40, 41) * step for step in mm[:2])
    footprint = (np.hypot(i[:, None], j) <= radius)[..., None]
    clouds = ndimage.uniform_filter(rng.random((60, 45, 3)), (5, 5, 0))
    for share in (0.02, 0.5, 0.97):
        mask = clouds < np.quantile(clouds, share)
        assert np.array_equal(discs.dilate(mask, radius, mm), ndimage.binary_dilation(mask, footprint))
        eroded = ndimage.binary_erosion(mask, footprint, border_value=1)
        assert np.array_equal(discs.erode(mask, radius, mm), eroded)
        assert np.array_equal(discs.opening(mask, radius, mm), ndimage.binary_opening(mask, footprint))
        plane = mask[..., 0]
        near = ndimage.distance_transform_edt(~plane, sampling=mm[:2]) <= radius
        assert np.array_equal(discs.dilate(plane, radius, mm), near)
        if not near.all():  # else scipy has nothing to measure a distance to
            far = ndimage.distance_transform_edt(near, sampling=mm[:2]) > radius
            assert np.array_equal(discs.erode(near, radius, mm), far)


def test_ellipses_are_found_and_told_apart():
    ct, lungs = chest()
    found = segment_lungs(ct)
    for side in (RIGHT, LEFT):
        assert overlap(found.labels.data == side, lungs[side]) > 0.98
    assert found.trusted, found.doubts
    assert found.ml["both"] == pytest.approx(found.mask.data.sum() * ct.voxel_ml)
    assert found.ml["right"] + found.ml["left"] == pytest.approx(found.ml["both"])


def test_windpipe_bowel_gas_table_and_arms_stay_out():
    ct, lungs = chest()
    extra = segment_lungs(ct).mask.data & ~(lungs[RIGHT] | lungs[LEFT])
    assert extra.sum() * ct.voxel_ml < 15


def test_lungs_that_touch_are_cut_apart_at_the_sheet_between_them():
    ct, lungs = chest(apart=50)
    labels = segment_lungs(ct).labels.data
    wrong = (labels == LEFT) & lungs[RIGHT] | (labels == RIGHT) & lungs[LEFT]
    assert wrong.sum() < 0.005 * (lungs[RIGHT] | lungs[LEFT]).sum()


@pytest.mark.parametrize("depth_mm, kept", [(30, True), (70, False)])
def test_consolidation_at_the_wall_is_mended_as_far_as_documented(depth_mm, kept):
    ct, lungs = chest()
    x, y = (LAS[n, n] * np.arange(SHAPE[n]) + LAS[n, 3] for n in (0, 1))
    wide = 20 if kept else 90  # on the back wall of the right lung
    patch = lungs[RIGHT] & (np.abs(x[:, None, None] - 62) < wide / 2) & (y[None, :, None] < -75 + depth_mm)
    ct.data[patch] = 30
    found = segment_lungs(ct)
    assert (found.mask.data[patch].mean() > 0.8) == kept
    outside = found.mask.data & ~(lungs[RIGHT] | lungs[LEFT])
    assert outside.sum() * ct.voxel_ml < 30  # mending does not leak into the wall


@pytest.mark.parametrize("axes", ["RAS", "LPS", "ASR"])
def test_the_answer_does_not_depend_on_the_order_of_the_axes(axes):
    ct, _ = chest()
    image = nib.Nifti1Image(ct.data, ct.affine)
    change = nib.orientations.ornt_transform(nib.io_orientation(LAS), nib.orientations.axcodes2ornt(tuple(axes)))
    image = image.as_reoriented(change)
    turned = segment_lungs(Volume(np.asarray(image.dataobj), image.affine))
    back = nib.Nifti1Image(turned.labels.data, turned.labels.affine).as_reoriented(
        nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.io_orientation(LAS))
    )
    assert turned.labels.same_grid(Volume(np.asarray(image.dataobj), image.affine))
    assert np.array_equal(np.asarray(back.dataobj), segment_lungs(ct).labels.data)


def test_finer_pixels_give_the_same_lungs():
    """Beyond the size that the search needs, only the outline is drawn finer."""
    coarse, fine = (draw(Patient(seed=4), Disease("CT-1", 0.1, seed=4), matrix=n) for n in (256, 512))
    ml = [segment_lungs(study.ct).ml["both"] for study in (coarse, fine)]
    assert ml[0] == pytest.approx(ml[1], rel=0.02)


CASES = {
    "CT-0": (Disease(), 0.97),
    "CT-1": (Disease("CT-1", 0.15, seed=1), 0.97),
    "CT-2": (Disease("CT-2", 0.35, seed=2), 0.95),
    "CT-3": (Disease("CT-3", 0.6, seed=3), 0.88),
}


@pytest.mark.parametrize("category", CASES)
def test_lungs_of_drawn_studies(category):
    """One study each; medians over many are in the benchmark's table."""
    disease, wanted = CASES[category]
    study = draw(Patient(seed=7), disease, matrix=256)
    found = segment_lungs(study.ct)
    assert dice(found.mask, study.lungs) > wanted
    left = study.lobes.data >= 4
    assert (found.labels.data[left] == RIGHT).mean() < 0.005
    if category in ("CT-1", "CT-2"):
        assert involvement(study.mask, found.labels).loc["both", "share"] == pytest.approx(study.fraction, abs=0.05)


def test_the_whole_range_of_findings_does_not_break_it():
    findings = Findings(emphysema=1.0, effusion_left_ml=200, nodules=8, metal=True, motion=0.5)
    study = draw(Patient(seed=3), Disease("CT-1", 0.1, seed=3), findings, matrix=256)
    assert dice(segment_lungs(study.ct).mask, study.lungs) > 0.95


def test_thin_slices():
    study = draw(Patient(seed=2), Disease(), matrix=128, spacing_mm=2.5)
    assert dice(segment_lungs(study.ct).mask, study.lungs) > 0.95


def test_doubts_are_said():
    ct, lungs = chest()
    half = Volume(ct.data[:, :, :12], LAS)
    assert any("cuts through lung" in doubt for doubt in segment_lungs(half).doubts)
    one = ct.with_data(np.where(lungs[LEFT], np.int16(30), ct.data))
    assert any("much smaller" in doubt for doubt in segment_lungs(one).doubts)
    assert not segment_lungs(one).trusted


# What lies in or beside two lungs, each thing alone: x, y and z in mm to the patient's right, front and head.


def small_chest(mm=3.0):
    """Two lungs in a body of muscle and nothing else: HU, the lungs, the affine, and where each voxel lies."""
    shape = (round(240 / mm), round(180 / mm), 14)
    affine = np.diag([-mm, mm, 8.0, 1.0])
    affine[:3, 3] = mm * (shape[0] - 1) / 2, -mm * (shape[1] - 1) / 2, -52
    x, y, z = (affine[n, n] * index + affine[n, 3] for n, index in enumerate(np.ogrid[tuple(map(slice, shape))]))
    hu = np.full(shape, -1000.0)
    hu[np.broadcast_to((x / 112) ** 2 + (y / 82) ** 2 < 1, shape)] = 40
    lungs = {}
    for side, sign in ((RIGHT, 1), (LEFT, -1)):
        lungs[side] = (((x - sign * 50) / 42) ** 2 + (y / 60) ** 2 < 1) & (np.abs(z) < 49)
        hu[lungs[side]] = -860
    return hu, lungs, affine, (x, y, z)


def labels_of(hu, affine):
    """As found in the scan once it has its grain."""
    grain = np.random.default_rng(0).normal(0, 12, hu.shape)
    return segment_lungs(Volume((hu + grain).astype(np.int16), affine)).labels.data


def middle_of(mask):
    return np.array(ndimage.center_of_mass(mask))


@pytest.mark.parametrize("mm", [0.75, 0.5])
def test_ellipses_of_fine_pixels_are_found_to_the_pixel(mm):
    hu, lungs, affine, _ = small_chest(mm)
    labels = labels_of(hu, affine)
    for side in (RIGHT, LEFT):
        assert overlap(labels == side, lungs[side]) > 0.99
        assert np.abs(middle_of(labels == side) - middle_of(lungs[side])).max() < 0.1


@pytest.mark.parametrize("mm, step", [(0.5, 3), (0.3, 5)])
def test_mended_lung_lies_on_the_fine_pixels_where_it_lay_on_the_coarse_ones(mm, step):
    """Where nothing is aerated, its outline is not drawn anew. Of an even step, a fine pixel may lie between two."""
    i, j = np.ogrid[:300, :240]
    ellipse = ((((i - 160) / 90) ** 2 + ((j - 110) / 70) ** 2) < 1)[..., None]
    solid = Volume(np.full(ellipse.shape, 40, np.int16), np.diag([mm, mm, 8.0, 1.0]))
    turned, whole = Turned.of(solid), ellipse[::step, ::step].astype(np.uint8)
    labels = turned.refine(whole * np.uint8(LEFT), np.zeros_like(whole), np.zeros(whole.shape, bool))
    assert turned.step == step
    assert set(np.unique(labels)) == {0, LEFT}
    assert overlap(labels == LEFT, ellipse) > 0.98
    assert np.abs(middle_of(labels == LEFT) - middle_of(ellipse)).max() < 0.2


def test_emphysema_at_the_edge_of_a_lung_stays_in():
    """Free gas as in bowel, open to the mediastinum: had it been taken out, nothing would fill it."""
    hu, lungs, affine, (x, y, z) = small_chest()
    bulla = ((x - 25) ** 2 + y**2 < 16**2) & (np.abs(z) < 20) & lungs[RIGHT]
    hu[bulla] = -990
    assert (labels_of(hu, affine)[bulla] == RIGHT).mean() > 0.98


def test_bowel_gas_below_a_lung_stays_out_with_all_that_is_blurred_beside_it():
    hu, lungs, affine, (x, y, z) = small_chest()
    fold = ((x - 50) ** 2 + (y + 8) ** 2 < 9**2) & (z < -50)
    gas = ((x - 50) ** 2 + (y - 10) ** 2 < 14**2) & (z < -50)
    hu[fold], hu[gas] = -650, -995
    labels = labels_of(hu, affine)
    assert not labels[fold | gas].any()
    assert overlap(labels > 0, lungs[RIGHT] | lungs[LEFT]) > 0.99


def test_bowel_gas_that_touches_a_lung_stays_out_with_its_rim():
    """A rim that stayed would join the lung as a ring, and what a ring encloses is filled."""
    hu, lungs, affine, (x, y, z) = small_chest()
    both = lungs[RIGHT] | lungs[LEFT]
    gas = ((x + 10) ** 2 + (y - 58) ** 2 < 17**2) & (z < -10) & ~both
    hu[gas] = -995
    labels = labels_of(hu, affine)
    assert labels[gas].astype(bool).mean() < 0.05
    assert (labels[both] > 0).mean() > 0.97


def test_the_top_of_the_diaphragm_is_no_lung_and_a_mass_with_lung_below_it_is():
    hu, lungs, affine, (x, y, z) = small_chest()
    dome = (((x - 50) / 30) ** 2 + (y / 40) ** 2 + ((z + 52) / 30) ** 2 < 1) & lungs[RIGHT]
    mass = (x + 50) ** 2 + y**2 + (z + 16) ** 2 < 14**2
    hu[dome | mass] = 40
    labels = labels_of(hu, affine)
    assert labels[dome].astype(bool).mean() < 0.02
    assert (labels[mass] == LEFT).mean() > 0.98


def test_a_bubble_in_the_stomach_under_the_diaphragm_is_no_lung():
    """On the slice above it lies lung, and lung lies beside it and behind it."""
    hu, lungs, affine, (x, y, z) = small_chest()
    dome = (((x + 35) / 33) ** 2 + ((y - 20) / 42) ** 2 < 1) & (z < -28)
    bubble = ((x + 45) ** 2 + (y - 15) ** 2 < 8**2) & (z < -28) & (z > -48)
    hu[dome], hu[bubble] = 40, -800
    labels = labels_of(hu, affine)
    assert not labels[bubble].any()
    assert (labels[lungs[LEFT] & ~dome] == LEFT).mean() > 0.98


def test_aerated_lung_that_consolidation_cuts_off_is_not_lost():
    hu, lungs, affine, (x, y, z) = small_chest()
    patch = (((x - 65) / 24) ** 2 + ((y + 60) / 50) ** 2 < 1) & (np.abs(z) < 24) & lungs[RIGHT]
    island = ((x - 65) ** 2 + (y + 35) ** 2 < 10**2) & (np.abs(z) < 14)
    hu[patch], hu[island] = 30, -840
    assert (labels_of(hu, affine)[island] == RIGHT).mean() > 0.9


def test_air_beside_the_lungs_is_no_lung():
    hu, lungs, affine, (x, y, z) = small_chest()
    bowel = ((x - 13) ** 2 + (y - 54) ** 2 < 10**2) & (np.abs(z) < 20)  # in front of the right lung's inner edge
    hu[bowel] = -800
    assert not (bowel & lungs[RIGHT]).any()
    assert not labels_of(hu, affine)[bowel].any()


def test_the_tip_of_a_lung_is_not_lost_however_small():
    hu, lungs, affine, (x, y, z) = small_chest()
    top = lungs[RIGHT] & (z > 40)
    tip = top & ((x - 50) ** 2 + (y - 10) ** 2 < 8**2)
    hu[top & ~tip] = 40
    assert (labels_of(hu, affine)[tip] == RIGHT).mean() > 0.98


def test_a_windpipe_that_touches_a_lung_is_not_counted():
    hu, _, affine, (x, y, _) = small_chest(0.8)
    away = np.broadcast_to(np.hypot(x - 3, y), hu.shape)
    hu[away < 8] = -995  # the lung begins at x = 8
    assert not labels_of(hu, affine)[away < 7].any()  # its own rim is a matter of one pixel


NOT_A_CHEST = {
    "constant": np.zeros(SHAPE, np.int16),
    "air": np.full(SHAPE, -1000, np.int16),
    "a block of tissue": np.pad(
        np.full((60, 50, 24), 40, np.int16), ((30, 38), (25, 25), (0, 0)), constant_values=-1000
    ),
    "noise": np.random.default_rng(0).normal(0, 500, SHAPE).astype(np.int16),
    "one slice of nothing": np.zeros((16, 16, 1), np.int16),
}


@pytest.mark.parametrize("name", NOT_A_CHEST)
def test_what_is_no_chest_is_refused_in_one_line(name):
    with pytest.raises(LungsNotFound) as caught:
        segment_lungs(Volume(NOT_A_CHEST[name], LAS))
    assert "\n" not in str(caught.value) and "Next:" in str(caught.value)


def test_voxels_that_are_no_number_are_refused():
    ct, _ = chest()
    spoilt = ct.data.astype(np.float32)
    spoilt[40, 40, 10] = np.nan
    with pytest.raises(MosMedError, match="no number"):
        segment_lungs(ct.with_data(spoilt))


def test_holes_are_filled_as_scipy_fills_them():
    rng = np.random.default_rng(0)
    for _ in range(200):
        noise = ndimage.uniform_filter(rng.random(rng.integers(1, 40, 2)), 3)
        plane = noise > rng.uniform(0.4, 0.6)
        assert np.array_equal(fill_holes(plane), ndimage.binary_fill_holes(plane))


def test_neighbours_are_summed_as_scipy_averages_them():
    rng = np.random.default_rng(0)
    for shape in ((20, 17, 3), (1, 5, 2), (2, 1, 1)):
        hu = rng.integers(-1024, 3072, shape).astype(np.int16)
        mean = ndimage.uniform_filter(hu.astype(np.float64), (3, 3, 1))
        assert np.allclose(_sum_of_nine(hu), 9 * mean, rtol=0, atol=1e-6)


def test_quantiles_of_counts_are_those_of_the_numbers():
    rng = np.random.default_rng(0)
    for size in range(1, 60):
        numbers = rng.integers(0, 40, size)
        for share in (0.35, 0.5):
            assert _quantile(np.bincount(numbers), share) == pytest.approx(np.quantile(numbers, share), abs=1e-9)
