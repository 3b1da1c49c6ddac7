"""Slices show as a radiologist expects, from however the array is stored.

The truth is a marker at a known place in the patient, in mm (x right, y front, z head). Nothing here is compared with
what the code itself says of orientation.
"""

from __future__ import annotations

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from mosmed_edu.errors import NiftiError, PlaneError
from mosmed_edu.volume import Volume

#: Half the size of the patient in mm along x (right), y (front), z (head), and the voxel size along each.
HALF, STEP = np.array([30.0, 24.0, 40.0]), np.array([3.0, 2.0, 8.0])

ORDERS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def build(order, signs, marker_mm, tilt=None) -> Volume:
    """A volume whose array axis n runs along the patient's axis order[n], with one bright voxel."""
    linear = np.zeros((3, 3))
    counts = np.round(2 * HALF / STEP).astype(int) + 1
    for n, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        linear[axis, n] = sign * STEP[axis]
    shape = tuple(int(counts[axis]) for axis in order)
    if tilt is not None:
        linear = tilt @ linear
    affine = np.eye(4)
    affine[:3, :3] = linear
    affine[:3, 3] = -linear @ ((np.array(shape) - 1) / 2)  # the middle of the box is the patient's origin
    data = np.zeros(shape, np.int16)
    index = np.linalg.solve(linear, np.asarray(marker_mm, float) - affine[:3, 3])
    data[tuple(np.rint(index).astype(int))] = 1
    return Volume(data, affine)


def where(picture) -> tuple[float, float]:
    """Place of the marker in a picture: 0 top or left, 1 bottom or right."""
    assert picture.sum() == 1
    row, column = np.argwhere(picture)[0]
    return row / (picture.shape[0] - 1), column / (picture.shape[1] - 1)


def the_slice_with_the_marker(volume, plane) -> np.ndarray:
    pictures = [getattr(volume, plane)(n) for n in range(volume.slice_count(plane))]
    return next(picture for picture in pictures if picture.any())


TILT = nib.eulerangles.euler2mat(np.radians(12), np.radians(-9), np.radians(7))


@pytest.mark.parametrize("tilt", [None, TILT], ids=["straight", "oblique"])
@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_a_marker_shows_where_a_radiologist_looks_for_it(order, signs, tilt):
    # Right, in front, towards the head: 2/3 of the way out along each axis.
    marker = np.array([18.0, 16.0, 24.0])
    volume = build(order, signs, marker if tilt is None else tilt @ marker, tilt)
    right, front, head = 0.5 - marker / HALF / 2  # from the right, front, head edge, 0 to 1
    near = {"abs": 0.03}
    assert where(the_slice_with_the_marker(volume, "axial")) == pytest.approx((front, right), **near)
    assert where(the_slice_with_the_marker(volume, "coronal")) == pytest.approx((head, right), **near)
    assert where(the_slice_with_the_marker(volume, "sagittal")) == pytest.approx((head, front), **near)


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_pixels_are_measured_in_mm(order, signs):
    volume = build(order, signs, (0, 0, 0))
    x, y, z = STEP
    assert volume.pixel_mm("axial") == (y, x)
    assert volume.pixel_mm("coronal") == (z, x)
    assert volume.pixel_mm("sagittal") == (z, y)
    assert [volume.slice_count(plane) for plane in ("sagittal", "coronal", "axial")] == [21, 25, 11]
    assert volume.voxel_ml == pytest.approx(x * y * z / 1000)
    assert sorted(volume.spacing) == sorted(STEP)


def test_slices_are_counted_as_the_array_counts_them():
    data = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    volume = Volume(data, np.diag([-1, 1, 8, 1]))
    for k in (0, 3, -1):
        assert set(volume.axial(k).ravel()) == set(data[:, :, k].ravel())
    for j in (0, 2, -3):
        assert set(volume.coronal(j).ravel()) == set(data[:, j].ravel())
    for i in (0, 1, -1):
        assert set(volume.sagittal(i).ravel()) == set(data[i].ravel())


def test_a_picture_is_a_view_and_costs_nothing():
    volume = build((0, 1, 2), (-1, 1, 1), (0, 0, 0))
    for plane in ("axial", "coronal", "sagittal"):
        assert np.shares_memory(getattr(volume, plane)(0), volume.data)


@pytest.mark.parametrize(
    ("signs", "name"), [((-1, 1, 1), "LAS"), ((-1, -1, 1), "LPS"), ((1, 1, 1), "RAS"), ((1, -1, -1), "RPI")]
)
def test_orientation_is_spelt_as_in_the_field(signs, name):
    assert build((0, 1, 2), signs, (0, 0, 0)).orientation == name


def test_mm_and_index_are_two_ways_to_say_the_same():
    affine = np.array([[-0.7, 0, 0, 10], [0, 0.7, 0, -20], [0, 0, 8, 30], [0, 0, 0, 1.0]])
    volume = Volume(np.zeros((5, 6, 7)), affine)
    np.testing.assert_allclose(volume.to_mm((0, 0, 0)), (10, -20, 30))
    np.testing.assert_allclose(volume.to_mm((2, 3, 4)), (8.6, -17.9, 62))
    np.testing.assert_allclose(volume.to_index((8.6, -17.9, 62)), (2, 3, 4))
    points = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_allclose(volume.to_index(volume.to_mm(points)), points)


def test_volume_of_an_oblique_voxel():
    volume = build((2, 0, 1), (1, -1, 1), (0, 0, 0), TILT)
    assert volume.voxel_ml == pytest.approx(3 * 2 * 8 / 1000)
    assert sorted(volume.spacing) == pytest.approx([2, 3, 8])


def test_same_grid():
    affine = np.diag([-0.7, 0.7, 8, 1])
    volume = Volume(np.zeros((512, 512, 40), np.uint8), affine)
    moved, stretched = affine.copy(), affine.copy()
    moved[0, 3] = 0.5
    stretched[0, 0] -= 1e-4  # 0.05 mm at the far side
    assert volume.same_grid(volume.with_data(np.ones((512, 512, 40), bool)))
    assert not volume.same_grid(Volume(volume.data, moved))
    assert not volume.same_grid(Volume(volume.data, stretched))
    assert not volume.same_grid(Volume(volume.data[:, :, :-1], affine))
    assert volume.same_grid(Volume(volume.data, affine + 1e-7 * np.eye(4)))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_slice_beyond_the_volume_is_refused(plane):
    volume = build((0, 1, 2), (-1, 1, 1), (0, 0, 0))
    count = volume.slice_count(plane)
    for index in (count, -count - 1):
        with pytest.raises(PlaneError, match=f"take a number from 0 to {count - 1}"):
            volume.picture(plane, index)


def test_an_unknown_plane_is_refused():
    with pytest.raises(PlaneError, match="axial, coronal, sagittal"):
        build((0, 1, 2), (-1, 1, 1), (0, 0, 0)).picture("transverse", 0)


@pytest.mark.parametrize(
    "affine", [np.full((4, 4), np.nan), np.diag([1, 1, 0, 1]), np.eye(3), np.diag([1, np.inf, 1, 1])]
)
def test_an_affine_that_places_voxels_nowhere_is_refused(affine):
    with pytest.raises(NiftiError, match="affine"):
        Volume(np.zeros((2, 2, 2)), affine)


@pytest.mark.parametrize("shape", [(2, 2), (2, 2, 2, 2)])
def test_other_than_three_axes_are_refused(shape):
    with pytest.raises(NiftiError, match="axes"):
        Volume(np.zeros(shape), np.eye(4))


def test_the_affine_is_nobody_elses():
    affine = np.eye(4)
    volume = Volume(np.zeros((2, 2, 2)), affine)
    affine[0, 0] = 5
    assert volume.spacing == (1, 1, 1)
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0, 0] = 5


def affine_of(i, j, k, place=(0, 0, 0)):
    """An affine with these columns."""
    return np.vstack([np.transpose([i, j, k, place]), (0, 0, 0, 1)])


@pytest.mark.parametrize(
    "affine",
    [
        affine_of((1e6, 0, 0), (1e6, 1e-20, 0), (0, 0, 1e6)),
        affine_of((1, 0, 0), (1, 1e-6, 0), (0, 0, 1)),
        affine_of((0.7, 0, 0), (0, 0.7, 0), (0, 0, 0)),
        affine_of((0.7, 0, 0), (0, 0.7, 0), (0, 0, 8), (np.inf, 0, 0)),
        affine_of((0.7, 0, 0), (0, 0.7, 0), (0, 0, 8), (1e20, 0, 0)),
        np.diag([1e38, 1e38, 1e38, 1]),
        np.diag([1e200, 1e200, 1e200, 1]),
        np.diag([0.7, 0.7, 8, 2]),
    ],
    ids=["one line", "nearly one line", "flat", "nowhere", "far away", "float32", "float64", "projection"],
)
def test_an_affine_that_places_no_voxels_is_refused_whatever_its_scale(affine):
    with pytest.raises(NiftiError, match="places voxels"):
        Volume(np.zeros((2, 2, 2), np.int16), affine)


@pytest.mark.parametrize(
    "affine",
    [np.diag([1e-5, 1e-5, 1e-5, 1]), np.diag([-1e5, 1e5, 1e5, 1]), affine_of((1, 0, 0), (1, 1, 0), (0, 1, 1))],
    ids=["small", "large", "sheared"],
)
def test_an_honest_affine_of_any_scale_has_an_orientation(affine):
    volume = Volume(np.zeros((2, 2, 2), np.int16), affine)
    assert len(volume.orientation) == 3 and min(volume.spacing) > 0 and volume.orientation in repr(volume)


@pytest.mark.parametrize("index", [None, 1.5, "1", [1], slice(0, 2), 10**30])
def test_what_is_no_number_of_a_slice_is_one_line(index):
    with pytest.raises(PlaneError, match="take a number from 0 to 1"):
        Volume(np.zeros((2, 2, 2), np.int16), np.eye(4)).axial(index)


def test_what_is_no_plane_is_one_line():
    with pytest.raises(PlaneError, match="take one of axial"):
        Volume(np.zeros((2, 2, 2), np.int16), np.eye(4)).picture(["axial"], 0)
