"""Masks: against shapes whose answer is known by geometry, and against SimpleITK."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from mosmed_edu.errors import MaskError
from mosmed_edu.masks import (
    dice,
    involvement,
    iou,
    lesion_table,
    surface_dice,
    surface_distances,
    volume_error,
)
from mosmed_edu.volume import Volume

#: As in the dataset: fine pixels, slices far apart; i runs to the patient's left, j to the front, k to the head.
LAS = np.array([[-0.8, 0, 0, 60.0], [0, 0.7, 0, -40.0], [0, 0, 8.0, -100.0], [0, 0, 0, 1]])
SHAPE = (60, 50, 20)


def blank(dtype=bool, affine=LAS, shape=SHAPE):
    return Volume(np.zeros(shape, dtype), affine)


def box(*ranges, affine=LAS, shape=SHAPE):
    volume = blank(affine=affine, shape=shape)
    volume.data[tuple(slice(*r) for r in ranges)] = True
    return volume


def ball(centre, radius_mm, affine=LAS, shape=SHAPE):
    volume = blank(affine=affine, shape=shape)
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    away = np.linalg.norm(volume.to_mm(index) - volume.to_mm(centre), axis=-1)
    return volume.with_data(away <= radius_mm)


def image_of(mask):
    """The same for SimpleITK, which has its axes the other way round."""
    image = sitk.GetImageFromArray(mask.data.astype(np.uint8).transpose(2, 1, 0))
    image.SetSpacing(mask.spacing)
    return image


# --- The list of lesions ------------------------------------------------------------------------------------------


def test_table_of_two_boxes_is_what_was_drawn():
    mask = box((5, 15), (10, 20), (3, 6)).data | box((40, 44), (10, 12), (10, 11)).data
    ct = blank(np.int16).with_data(np.where(mask, np.int16(-600), np.int16(-850)))
    ct.data[5:15, 10:20, 3] = 0  # a third of the first box is dense
    table = lesion_table(blank().with_data(mask), ct)
    assert table["volume_ml"].tolist() == pytest.approx([300 * 0.00448, 8 * 0.00448])
    assert table["slices"].tolist() == [3, 1]
    assert table.loc[1, ["x_mm", "y_mm", "z_mm"]].tolist() == pytest.approx([60 - 0.8 * 9.5, -40 + 0.7 * 14.5, -68])
    assert table["side"].tolist() == ["right", "left"]
    assert table["hu_mean"].tolist() == pytest.approx([-400, -600])
    assert table["consolidation"].tolist() == pytest.approx([1 / 3, 0])


def test_pieces_that_touch_at_a_corner_are_one():
    mask = box((5, 7), (5, 7), (5, 6)).data | box((7, 9), (7, 9), (6, 7)).data
    assert len(lesion_table(blank().with_data(mask))) == 1
    apart = box((5, 7), (5, 7), (5, 6)).data | box((7, 9), (7, 9), (7, 8)).data
    assert len(lesion_table(blank().with_data(apart))) == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_table_agrees_with_simpleitk(seed):
    rng = np.random.default_rng(seed)
    mask = blank().with_data(rng.random(SHAPE) < 0.02)
    if not mask.data.any():
        return
    labels = sitk.ConnectedComponent(image_of(mask), True)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(labels)
    theirs = sorted((shapes.GetPhysicalSize(n) / 1000 for n in shapes.GetLabels()), reverse=True)
    table = lesion_table(mask)
    assert table["volume_ml"].tolist() == pytest.approx(theirs)
    biggest = [n for n in shapes.GetLabels() if shapes.GetPhysicalSize(n) / 1000 == pytest.approx(theirs[0])]
    centres = [np.array(shapes.GetCentroid(n)) / mask.spacing for n in biggest]
    ours = mask.to_index(table.loc[1, ["x_mm", "y_mm", "z_mm"]].to_numpy(float))
    assert min(np.abs(centre - ours).max() for centre in centres) < 1e-6


def test_distance_from_the_pleura_is_that_of_the_drawing():
    lungs = box((10, 50), (10, 40), (2, 18))
    touching = box((10, 12), (20, 22), (5, 6)).data
    deep = box((30, 31), (20, 21), (9, 10)).data  # 10 rows of 0.7 mm from the edge j = 10, i. e. 10 voxels between
    table = lesion_table(blank().with_data(touching | deep), lungs=lungs).sort_values("pleura_mm")
    assert table["pleura_mm"].tolist() == pytest.approx([0.8 - 0.7, 11 * 0.7 - 0.7], abs=1e-5)


def test_a_lesion_that_the_lungs_leave_out_lies_as_deep_as_one_that_they_hold():
    lungs, lesion = box((10, 50), (10, 40), (2, 18)), box((28, 32), (20, 23), (5, 8))
    holed = lungs.with_data(lungs.data & ~lesion.data)
    deep = 10 * 0.7  # ten voxels lie between it and the edge at j = 10
    for either in (lungs, holed):
        assert lesion_table(lesion, lungs=either)["pleura_mm"].tolist() == pytest.approx([deep], abs=1e-5)


def test_consolidation_begins_at_its_limit():
    lesion = box((5, 9), (10, 20), (3, 4))
    ct = blank(np.int16).with_data(np.full(SHAPE, -301, np.int16))
    ct.data[5, 10:20, 3] = -300  # a quarter of it
    ct.data[6, 10:20, 3] = -100  # another
    assert lesion_table(lesion, ct)["consolidation"].tolist() == [1 / 2]
    assert lesion_table(lesion, ct, consolidation_hu=-100)["consolidation"].tolist() == [1 / 4]


def test_sides_are_those_of_lungs_that_lie_off_the_middle_of_the_picture():
    lungs = box((2, 12), (5, 45), (2, 18)).data | box((16, 26), (5, 45), (2, 18)).data  # of 60 columns
    mask = box((4, 8), (10, 20), (3, 6)).data | box((20, 24), (10, 14), (9, 11)).data
    assert lesion_table(blank().with_data(mask), lungs=blank().with_data(lungs))["side"].tolist() == ["right", "left"]
    assert lesion_table(blank().with_data(mask))["side"].tolist() == ["right", "right"]  # the half of the picture


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SAR", "PIR"])
def test_the_answer_does_not_depend_on_the_order_of_the_axes(axes):
    import nibabel as nib

    lesion, lungs = box((8, 20), (10, 30), (3, 7)), blank(np.uint8)
    lungs.data[4:25, 5:45, 2:18], lungs.data[35:56, 5:45, 2:18] = 1, 2
    turned = []
    for volume in (lesion, lungs):
        image = nib.Nifti1Image(volume.data.astype(np.uint8), volume.affine)
        change = nib.orientations.ornt_transform(nib.io_orientation(LAS), nib.orientations.axcodes2ornt(tuple(axes)))
        image = image.as_reoriented(change)
        turned.append(Volume(np.asarray(image.dataobj).astype(volume.data.dtype), image.affine))
    assert turned[0].orientation == axes
    first, second = lesion_table(lesion, lungs=lungs), lesion_table(turned[0], lungs=turned[1])
    assert first.drop(columns="side").to_numpy() == pytest.approx(second.drop(columns="side").to_numpy(), abs=1e-4)
    assert first["side"].tolist() == second["side"].tolist() == ["right"]
    assert involvement(*turned).to_numpy() == pytest.approx(involvement(lesion, lungs).to_numpy())


def test_empty_mask_gives_a_table_without_rows():
    table = lesion_table(blank(), blank(np.int16), box((5, 9), (5, 9), (5, 9)))
    assert len(table) == 0
    assert {"volume_ml", "pleura_mm", "hu_mean", "consolidation"} <= set(table.columns)


def test_a_mask_of_everything_is_one_lesion():
    everything = blank().with_data(~blank().data)
    table = lesion_table(everything, lungs=everything)
    assert table["volume_ml"].tolist() == pytest.approx([np.prod(SHAPE) * 0.00448])
    assert table["slices"].tolist() == [SHAPE[2]]


# --- Involvement --------------------------------------------------------------------------------------------------


def test_involvement_by_side_and_height_is_counted_right():
    lungs = blank(np.uint8)
    lungs.data[5:25, 5:45, 2:14], lungs.data[35:55, 5:45, 2:14] = 1, 2  # twelve slices: four for each third
    mask = box((5, 15), (5, 45), (2, 6))  # half of the right lung's lowest third
    table = involvement(mask, lungs)
    assert table.index.tolist() == ["both", "right", "left", "upper", "middle", "lower"]
    assert table["share"].tolist() == pytest.approx([1 / 12, 1 / 6, 0, 0, 0, 1 / 4])
    assert table.loc["both", "lung_ml"] == pytest.approx(2 * 20 * 40 * 12 * 0.00448)
    told_by_place = involvement(mask, lungs.with_data(lungs.data > 0))
    assert told_by_place.to_numpy() == pytest.approx(table.to_numpy())


def test_lesion_outside_the_lungs_does_not_count():
    lungs = box((5, 25), (5, 45), (2, 14))
    mask = box((0, 10), (5, 45), (2, 14))
    assert involvement(mask, lungs).loc["both", "share"] == pytest.approx(5 / 20)


def test_one_lung_only_leaves_the_other_undefined():
    lungs = blank(np.uint8)
    lungs.data[5:25, 5:45, 2:14] = 1
    table = involvement(blank(), lungs)
    assert table.loc["right", "share"] == 0 and math.isnan(table.loc["left", "share"])


def test_no_lungs_is_said():
    with pytest.raises(MaskError, match="lungs: are empty"):
        involvement(blank(), blank())


# --- How two masks agree ------------------------------------------------------------------------------------------


def test_overlap_of_two_boxes_by_arithmetic():
    a, b = box((0, 10), (0, 10), (0, 10)), box((5, 15), (0, 10), (0, 10))
    assert dice(a, b) == pytest.approx(0.5) and iou(a, b) == pytest.approx(1 / 3)
    assert volume_error(a, b) == (0, 0)
    half = box((0, 5), (0, 10), (0, 10))
    assert volume_error(half, a) == pytest.approx((-500 * 0.00448, -0.5))
    assert volume_error(a, half) == pytest.approx((500 * 0.00448, 1.0))


@pytest.mark.parametrize("axis, step", [(0, 0.8), (1, 0.7), (2, 8.0)])
def test_a_shifted_plate_lies_as_far_away_as_it_was_shifted(axis, step):
    ranges = [(20, 40), (20, 40), (4, 16)]
    ranges[axis] = (8, 9)
    a = box(*ranges)
    b = a.with_data(np.roll(a.data, 3, axis=axis))
    found = surface_distances(a, b)
    assert found == pytest.approx((3 * step,) * 3)
    assert surface_dice(a, b, 3 * step) == 1
    assert surface_dice(a, b, 2.9 * step) == 0


def test_balls_in_one_another_are_apart_by_the_difference_of_radii():
    affine, shape = np.diag([-1.0, 1.0, 1.0, 1.0]), (60, 60, 60)
    small, large = (ball((30, 30, 30), radius, affine, shape) for radius in (15, 20))
    found = surface_distances(small, large)
    assert found.mean == pytest.approx(5, abs=0.5) and found.hausdorff == pytest.approx(5, abs=1.0)
    assert surface_dice(small, large, 3.9) == 0 and surface_dice(small, large, 6.1) == 1
    assert dice(small, large) == pytest.approx(2 * 15**3 / (15**3 + 20**3), abs=0.01)


def by_simpleitk(a, b):
    """Distances between contours through signed distance maps, as SimpleITK's own notebooks compare segmentations."""
    images = [image_of(mask) for mask in (a, b)]
    contours = [sitk.LabelContour(image, False) for image in images]
    maps = [sitk.Abs(sitk.SignedMaurerDistanceMap(c, squaredDistance=False, useImageSpacing=True)) for c in contours]
    arrays = [sitk.GetArrayViewFromImage(image) for image in (*contours, *maps)]
    return arrays[3][arrays[0] == 1], arrays[2][arrays[1] == 1]


@pytest.mark.parametrize("seed", range(4))
def test_distances_and_overlap_agree_with_simpleitk(seed):
    rng = np.random.default_rng(seed)
    centres, radii = rng.uniform((35, 35, 6), (55, 55, 13), (2, 3)), rng.uniform(9, 20, 2)
    a, b = (ball(centre, radius, shape=(90, 90, 20)) for centre, radius in zip(centres, radii, strict=True))
    there, back = by_simpleitk(a, b)
    found = surface_distances(a, b)
    assert found.mean == pytest.approx(np.concatenate([there, back]).mean(), rel=1e-4)
    assert found.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), rel=1e-4)
    assert found.hausdorff == pytest.approx(max(there.max(), back.max()), rel=1e-4)
    near = (there <= 2.001).sum() + (back <= 2.001).sum()
    assert surface_dice(a, b, 2.0) == pytest.approx(near / (there.size + back.size), abs=0.02)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(image_of(mask) for mask in (a, b)))
    assert dice(a, b) == pytest.approx(overlap.GetDiceCoefficient())
    assert iou(a, b) == pytest.approx(overlap.GetJaccardCoefficient())


def test_the_edge_of_the_array_is_a_surface_too():
    a, b = box((0, 1), (0, 1), (0, 1)), box((0, 1), (0, 1), (1, 2))
    assert surface_distances(a, b).hausdorff == pytest.approx(8)
    whole = blank().with_data(~blank().data)
    assert surface_distances(whole, whole) == (0, 0, 0) and surface_dice(whole, whole, 0) == 1


def test_empty_masks_are_never_silently_perfect():
    empty, full = blank(), box((5, 9), (5, 9), (5, 9))
    for measure in (dice, iou, lambda a, b: surface_dice(a, b, 1), lambda a, b: volume_error(a, b).relative):
        assert math.isnan(measure(empty, empty))
    assert all(math.isnan(value) for value in surface_distances(empty, empty))
    for pair in ((empty, full), (full, empty)):
        assert dice(*pair) == iou(*pair) == surface_dice(*pair, 1) == 0
        assert surface_distances(*pair) == (math.inf,) * 3
    assert volume_error(full, empty).relative == math.inf and volume_error(empty, full).relative == -1


def test_masks_of_zeros_and_ones_are_taken_as_they_are():
    a = box((5, 9), (5, 9), (5, 9))
    assert dice(a, a.with_data(a.data.astype(np.int16))) == 1


@pytest.mark.parametrize(
    "spoil, fault",
    [
        (lambda a: a.with_data(a.data * np.int16(2)), "values other than 0 and 1"),
        (lambda a: a.with_data(np.where(a.data, np.nan, 0.0)), "values other than 0 and 1"),
        (lambda a: Volume(a.data, LAS + np.eye(4, k=3) * 0.5), "another grid"),
        (lambda a: Volume(a.data[:-1], LAS), "another grid"),
    ],
    ids=["labels", "nan", "moved", "cropped"],
)
@pytest.mark.parametrize(
    "measure",
    [dice, iou, surface_distances, volume_error, lambda a, b: surface_dice(a, b, 1)],
    ids=["dice", "iou", "surface_distances", "volume_error", "surface_dice"],
)
def test_what_cannot_be_compared_is_refused_in_one_line(measure, spoil, fault):
    a = box((5, 9), (5, 9), (5, 9))
    with pytest.raises(MaskError, match=fault) as caught:
        measure(a, spoil(a))
    assert "\n" not in str(caught.value) and "Next:" in str(caught.value)


@pytest.mark.parametrize("tolerance", [-1, float("nan")])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    a = box((5, 9), (5, 9), (5, 9))
    with pytest.raises(MaskError, match="not a distance"):
        surface_dice(a, a, tolerance)


def test_a_scan_on_another_grid_is_refused():
    a = box((5, 9), (5, 9), (5, 9))
    with pytest.raises(MaskError, match="scan: lies on another grid"):
        lesion_table(a, Volume(a.data[:, :, 1:].astype(np.int16), LAS))
    with pytest.raises(MaskError, match="lungs: lies on another grid"):
        involvement(a, Volume(a.data[:, :, 1:], LAS))
