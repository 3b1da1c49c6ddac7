"""A damaged number in a header is refused by the file's name: no voxel is made of it."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless

from mosmed_edu.errors import ConversionError


def refused(ct, images, **options) -> str:
    with pytest.raises(ConversionError) as caught:
        ct.convert(images, **options)
    return str(caught.value)


def changed(ct, word, value, only=None):
    images = ct.images()
    for image in images[19:20] if only else images:
        setattr(image, word, value)
    return images


@pytest.mark.parametrize("only", [False, True], ids=["all", "one"])
@pytest.mark.parametrize(
    ("word", "value", "usual"),
    [
        ("BitsAllocated", 8, "16"),
        ("BitsAllocated", 32, "16"),
        ("BitsStored", 1, "12 to 16"),
        ("BitsStored", 8, "12 to 16"),
        ("BitsStored", 17, "12 to 16"),
        ("HighBit", 7, "11"),
        ("SamplesPerPixel", 3, "1"),
        ("RescaleSlope", "0", "one near 1"),
        ("RescaleSlope", "-1", "one near 1"),
        ("RescaleSlope", "1e300", "one near 1"),
        ("RescaleIntercept", "1e300", "one near -1024"),
        ("RescaleIntercept", "-1e9", "one near -1024"),
    ],
)
def test_a_number_that_no_ct_has(ct, word, value, usual, only):
    text = refused(ct, changed(ct, word, value, only))
    assert f": says {word} {float(value):g}, where a CT has {usual} (the study). Next: " in text and "/IM000" in text
    assert not only or "IM00020: " in text


@pytest.mark.parametrize("word", ["BitsStored", "HighBit", "SamplesPerPixel"])
def test_a_number_that_is_missing(ct, word):
    images = ct.images()
    delattr(images[19], word)
    assert f"IM00020: says {word} None, where a CT has " in refused(ct, images)


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("pixels", "count"),
    [(lambda old: old[:1024], 1024), (lambda old: old + bytes(2), 2562), (lambda old: b"", 0)],
    ids=["fewer", "more", "none"],
)
def test_fewer_or_more_pixels_than_rows_and_columns_make(ct, pixels, count, syntax):
    image = (images := ct.images())[19]
    image.PixelData = pixels(image.PixelData)
    if syntax:
        image.file_meta.TransferSyntaxUID = syntax
    text = refused(ct, images)
    assert f"IM00020: holds {count} bytes of pixels, where 32 x 40 of them take 2560 (the study)" in text


def test_a_file_without_pixels(ct):
    images = ct.images()
    del images[19].PixelData
    assert "IM00020: holds no pixels" in refused(ct, images)


@pytest.mark.parametrize("rows", [16, 31, 64])
def test_rows_that_were_changed_in_every_file(ct, rows):
    assert "2560 bytes of pixels" in refused(ct, changed(ct, "Rows", rows))


def test_the_length_of_compressed_pixels_says_nothing(ct):
    """Nor does it have to: SimpleITK unpacks them, and refuses what does not become an image."""
    images = ct.images()
    for image in images:
        image.compress(JPEGLSLossless, generate_instance_uid=False)
    ct.same(ct.convert(images)[0], ct.wanted)


def test_a_slice_that_is_not_kept_may_be_damaged(ct):
    images = ct.images()
    images[20].PixelData, images[20].BitsStored, images[20].RescaleSlope = b"", 1, "0"
    ct.same(ct.convert(images)[0], ct.wanted)


def test_a_second_copy_of_a_slice_is_looked_at_too(ct):
    images = ct.images()
    copy = deepcopy(images[19])
    copy.PixelData = copy.PixelData[:100]
    assert "IM00041: holds 100 bytes" in refused(ct, [*images, copy])


@pytest.mark.parametrize(("bits", "signed"), [(12, False), (13, True), (14, False), (15, True), (16, True)])
def test_every_way_in_which_scanners_store_numbers_goes_on_working(ct, bits, signed):
    images = ct.images()
    for image in images:
        hu = image.pixel_array.astype(int) - 1024
        image.PixelData = (hu if signed else hu + 1024).astype("<i2" if signed else "<u2").tobytes()
        image.BitsStored, image.HighBit, image.PixelRepresentation = bits, bits - 1, int(signed)
        image.RescaleIntercept = "0" if signed else "-1024"
    ct.same(ct.convert(images)[0], ct.wanted)


def test_an_overlay_in_the_bits_that_are_left_free_goes_on_working(ct):
    images = ct.images()
    for image in images:
        image.PixelData = (image.pixel_array | np.uint16(0x5000)).tobytes()
    ct.same(ct.convert(images)[0], ct.wanted)


@pytest.mark.parametrize("mm", ["1e-30", "0.001", "1e30"])
def test_a_pixel_size_that_no_ct_has(ct, mm):
    assert f"has a pixel size that no CT has, {float(mm):.3g} x {float(mm):.3g} mm" in refused(
        ct, changed(ct, "PixelSpacing", [mm, mm])
    )


@pytest.mark.parametrize("rows", [0, 40000, 65535])
def test_a_size_that_nifti_cannot_count(ct, rows):
    assert f"has images of {rows} x 40 pixels, as no scanner makes them" in refused(ct, changed(ct, "Rows", rows))


def test_a_place_that_no_scanner_reaches(ct):
    images = ct.images()
    for image in images:
        image.ImagePositionPatient = ["1e9", "0", image.ImagePositionPatient[2]]
    assert "lies 1e+09 mm from the place that its scanner counts from" in refused(ct, images)


def test_a_size_that_compressed_files_do_not_have_takes_no_memory(ct):
    """All slices of that size would be 86 GB."""
    images = ct.images()
    for image in images:
        image.compress(JPEGLSLossless, generate_instance_uid=False)
        image.Rows = image.Columns = 32767
    assert "cannot be read to its end" in refused(ct, images, keep_every=1)


def test_a_study_with_a_damaged_number_fails_and_the_other_is_converted(two):
    for path in (two.root / "P1").iterdir():
        image = pydicom.dcmread(path)
        image.PixelSpacing = ["1e-30", "1e-30"]
        image.save_as(path)
    done = two.run()
    ((name, error),) = done.failed
    assert name == "P1" and str(error).startswith("P1: has a pixel size") and [one.id for one in done.studies] == [2]


def test_so_does_one_that_fails_for_a_reason_of_another_module(two, monkeypatch):
    from mosmed_edu.convert import run
    from mosmed_edu.errors import NiftiError

    read = run.read_volume

    def fail(stack, name):
        if name == "P1":
            raise NiftiError("affine", "is not an invertible matrix", "look at it")
        return read(stack, name)

    monkeypatch.setattr(run, "read_volume", fail)
    done = two.run()
    assert [str(error) for _, error in done.failed] == [
        "P1: cannot be converted: affine is not an invertible matrix. Next: look at it."
    ]
    assert isinstance(done.failed[0][1], ConversionError) and len(done.studies) == 1
