"""Where every voxel lies: however the slices are numbered, turned, doubled or lost, right or refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from mosmed_edu.errors import ConversionError
from mosmed_edu.phantom.dicom import BODY, CORONAL, axial_images, tilted_images
from mosmed_edu.volume import Volume


def refused(ct, images, **options) -> str:
    """The one line that a user reads."""
    with pytest.raises(ConversionError) as caught:
        ct.convert(images, **options)
    assert caught.value.todo
    return str(caught.value)


def numbers(values):
    return [f"{value:.10g}" for value in values]


def place(image, row, column):
    """Where a pixel lies, by DICOM PS3.3 C.7.6.2.1.1, written out once more."""
    along, down = np.reshape(np.array(image.ImageOrientationPatient, float), (2, 3))
    between_rows, between_columns = map(float, image.PixelSpacing)
    corner = np.array(image.ImagePositionPatient, float)
    return corner + along * between_columns * column + down * between_rows * row


def turn(image, move):
    """Store the same slice another way round: `move` turns and mirrors an array."""
    pixels = image.pixel_array
    rows, columns = map(move, np.indices(pixels.shape))
    corner, right, below = (place(image, rows[at], columns[at]) for at in ((0, 0), (0, 1), (1, 0)))
    spacing = np.linalg.norm([below - corner, right - corner], axis=1)
    image.PixelData = np.ascontiguousarray(move(pixels)).tobytes()
    image.Rows, image.Columns = rows.shape
    image.ImagePositionPatient = numbers(corner)
    image.ImageOrientationPatient = numbers([*(right - corner) / spacing[1], *(below - corner) / spacing[0]])
    image.PixelSpacing = numbers(spacing)
    return image


def test_every_tenth_slice_voxel_for_voxel_and_millimetre_for_millimetre(ct):
    volume, notes = ct.convert(ct.images())
    ct.same(volume, ct.wanted)
    assert volume.spacing == pytest.approx((0.7, 0.9, 8.0), abs=1e-5) and notes == []


@pytest.mark.parametrize("every", [1, 4, 20])
def test_another_number_keeps_other_slices_as_far_apart(ct, every):
    volume, _ = ct.convert(ct.images(), keep_every=every)
    ct.same(volume, ct.wanted_every(every))
    assert volume.spacing[2] == pytest.approx(0.8 * every)


def test_files_in_any_order_give_the_same(ct):
    images = ct.images()
    np.random.default_rng(3).shuffle(images)
    ct.same(ct.convert(images)[0], ct.wanted)


def test_numbered_from_foot_to_head(ct):
    images = ct.images()
    for image in images:
        image.InstanceNumber = len(images) + 1 - image.InstanceNumber
    slices = [k for k in range(len(images)) if (k + 1) % 10 == 0]
    ct.same(ct.convert(images)[0], ct.truth(ct.volume, slices))


def test_numbers_need_not_begin_at_one(ct):
    images = ct.images()
    for image in images:
        image.InstanceNumber += 300
    ct.same(ct.convert(images)[0], ct.wanted)


#: The eight ways to lay a rectangle on itself or on its side: prone, on either side, mirrored ...
TURNS = {
    "supine": lambda a: a,
    "prone": lambda a: a[::-1, ::-1],
    "left side": lambda a: np.rot90(a),
    "right side": lambda a: np.rot90(a, 3),
    "mirrored": lambda a: a[:, ::-1],
    "upside down": lambda a: a[::-1],
    "transposed": lambda a: a.T,
    "transposed and turned": lambda a: np.rot90(a.T, 2),
}


@pytest.mark.parametrize("move", TURNS.values(), ids=TURNS)
def test_however_a_slice_is_laid_down_it_comes_out_in_the_datasets_axes(ct, move):
    images = [turn(image, move) for image in ct.images()]
    ct.same(ct.convert(images)[0], ct.wanted)


def test_feet_first_and_prone(ct):
    """What a scanner writes then: rows run to the right, columns to the front, and the feet come first."""
    images = [turn(image, TURNS["prone"]) for image in ct.images()]
    for image in images:
        image.PatientPosition = "FFP"
        image.InstanceNumber = len(images) + 1 - image.InstanceNumber
    assert [float(x) for x in images[0].ImageOrientationPatient] == [-1, 0, 0, 0, -1, 0]
    slices = [k for k in range(len(images)) if (k + 1) % 10 == 0]
    ct.same(ct.convert(images)[0], ct.truth(ct.volume, slices))


def rotate(images, degrees, axis):
    """Turn the whole patient, about the place of the first pixel, in DICOM's axes."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    a, b = [n for n in range(3) if n != axis]
    turned = np.eye(3)
    turned[a, a], turned[a, b], turned[b, a], turned[b, b] = c, -s, s, c
    for image in images:
        vectors = np.reshape(np.array(image.ImageOrientationPatient, float), (2, 3))
        image.ImageOrientationPatient = numbers((vectors @ turned.T).ravel())
        image.ImagePositionPatient = numbers(turned @ np.array(image.ImagePositionPatient, float))
    return images


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_small_rotation_is_kept(ct, axis):
    images = rotate(ct.images(), 0.5, axis)
    volume, _ = ct.convert(images)
    np.testing.assert_array_equal(volume.data, ct.wanted.data)
    for at in ((0, 0, 0), (39, 31, 3), (5, 2, 1)):
        image = next(one for one in images if one.InstanceNumber == 40 - 10 * at[2])
        there = place(image, ct.volume.shape[1] - 1 - at[1], at[0]) * (-1, -1, 1)
        np.testing.assert_allclose(volume.to_mm(at), there, atol=1e-4)


@pytest.mark.parametrize(
    ("axis", "words"),
    [(0, "is oblique: its slices lean by 5.0 degrees"), (1, "is oblique"), (2, "turned in its")],
)
def test_a_larger_one_is_refused(ct, axis, words):
    assert words in refused(ct, rotate(ct.images(), 5, axis))


@pytest.mark.parametrize(("axis", "words"), [(0, "is coronal, not axial"), (1, "is sagittal, not axial")])
def test_another_plane_is_refused(ct, axis, words):
    assert words in refused(ct, rotate(ct.images(), 90, axis))


@pytest.mark.parametrize("degrees", [-20, 5, 12])
def test_a_tilted_gantry_is_refused_by_name(ct, degrees):
    assert f"gantry tilted by {abs(degrees)}.0 degrees" in refused(ct, tilted_images(ct.volume, degrees, BODY))


def test_a_tilt_that_moves_no_voxel_by_half_of_itself_is_none(ct):
    volume, _ = ct.convert(tilted_images(ct.volume, 0.2, BODY))
    assert volume.same_grid(ct.wanted, tolerance_mm=0.35)


def test_slices_shifted_sideways_are_refused(ct):
    images = ct.images()
    for image in images[20:]:
        image.ImagePositionPatient[0] += 0.5
    assert "shifted sideways by up to 0.5 mm" in refused(ct, images)


# ---- missing, doubled, uneven


@pytest.mark.parametrize("lost", [[3], [9, 11], [15, 16, 17]])
def test_a_lost_slice_that_is_not_kept_does_no_harm_and_is_said(ct, lost):
    images = [image for image in ct.images() if image.InstanceNumber not in lost]
    volume, notes = ct.convert(images)
    ct.same(volume, ct.wanted)
    assert notes == [f"{len(lost)} of 40 slices are missing, none of them one that is kept"]


def test_a_lost_slice_that_would_be_kept_is_refused_by_name(ct):
    images = [image for image in ct.images() if image.InstanceNumber != 20]
    line = refused(ct, images, keep_every=5)
    assert "is uneven: slices are 4.00 mm apart, but 8.00 mm between InstanceNumber 25 and 15" in line


def test_slices_thicker_in_one_half_are_refused(ct):
    images = ct.images()
    for image in images[:20]:
        image.ImagePositionPatient[2] += 0.8 * (20 - image.InstanceNumber)
    assert "is uneven" in refused(ct, images)


def test_positions_rounded_to_a_tenth_are_even_enough(ct):
    images = ct.images()
    for image in images:
        image.ImagePositionPatient[2] = round(float(image.ImagePositionPatient[2]), 1)
    volume, _ = ct.convert(images)
    np.testing.assert_array_equal(volume.data, ct.wanted.data)
    assert volume.same_grid(ct.wanted, tolerance_mm=0.051)


def test_the_same_file_twice_is_one_slice(ct):
    images = ct.images()
    volume, notes = ct.convert([*images, images[9], images[29], images[4]])
    ct.same(volume, ct.wanted)
    assert notes == ["3 images are there more than once"]


def test_two_different_images_of_one_slice_are_refused(ct):
    other = ct.images()[9]
    other.PixelData = bytes(len(other.PixelData))
    other.SOPInstanceUID = "2.25.1"
    line = refused(ct, [*ct.images(), other])
    assert "two different images of one slice, IM00010 and IM00041" in line


def test_a_number_at_two_places_is_refused(ct):
    images = ct.images()
    images[12].InstanceNumber = 10
    assert "several images with the InstanceNumber 10 at different places" in refused(ct, images)


def test_two_numbers_at_one_place_are_refused(ct):
    other = ct.images()[9]
    other.InstanceNumber = 50
    assert "different InstanceNumbers at the same place" in refused(ct, [*ct.images(), other])


def test_without_numbers_slices_are_counted_from_the_head(ct):
    images = ct.images()
    for image in images:
        image.InstanceNumber = None
    volume, notes = ct.convert([*images, images[3]])
    ct.same(volume, ct.wanted)
    assert "no InstanceNumber; slices were counted from the head" in notes[0]


def test_with_some_numbers_nobody_can_count(ct):
    images = ct.images()
    images[5].InstanceNumber = None
    del images[6].InstanceNumber
    assert "has 2 of 40 images without an InstanceNumber" in refused(ct, images)


@pytest.mark.parametrize(("count", "left"), [(40, 1), (20, 0)])
def test_too_few_slices_are_refused(ct, count, left):
    line = refused(ct, ct.images()[:count], keep_every=30)
    assert f"has {left} of {count} slices left when every 30th is kept" in line and "smaller --keep-every" in line


# ---- headers that do not say enough


@pytest.mark.parametrize(
    "word",
    ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept", "Rows"],
)
@pytest.mark.parametrize("empty", [False, True])
def test_an_image_that_does_not_say_where_it_lies_or_what_it_means(ct, word, empty):
    images = ct.images()
    if empty:
        images[7][word].value = None
    else:
        delattr(images[7], word)
    assert f"has an image without {word}, IM00008" in refused(ct, images)


@pytest.mark.parametrize(("word", "value"), [("PixelSpacing", [0.9, 0.8]), ("Columns", 13), ("Rows", 7)])
def test_a_series_that_mixes_images(ct, word, value):
    images = ct.images()
    setattr(images[3], word, value)
    assert "mixes images of different size or orientation in one series, IM00001 and IM00004" in refused(ct, images)


def test_a_scout_in_the_same_series(ct):
    scout = next(axial_images(ct.volume, BODY))
    scout.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    assert "without the scout" in refused(ct, [*ct.images(), scout])


@pytest.mark.parametrize("vectors", [[1, 0, 0, 1, 0, 0], [0] * 6, [2, 0, 0, 0, 2, 0]])
def test_an_orientation_that_is_none(ct, vectors):
    images = ct.images()
    for image in images:
        image.ImageOrientationPatient = vectors
    assert "makes no image" in refused(ct, images)


def test_a_coronal_series_called_body_is_refused(ct):
    data = np.ascontiguousarray(ct.volume.data.transpose(0, 2, 1))
    images = list(axial_images(Volume(data, np.diag([-0.7, 0.8, 0.9, 1])), CORONAL))
    for n, image in enumerate(images):
        image.SeriesDescription = "BODY COR"
        image.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        image.ImagePositionPatient = [0, 0.9 * n, 0]
    assert "is coronal, not axial" in refused(ct, images)
