"""Hounsfield units, whatever the numbers are stored as; what is cut short is never taken for a scan."""

from __future__ import annotations

import locale

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from mosmed_edu.errors import ConversionError
from mosmed_edu.phantom.dicom import save

COMPRESSED = {"RLE": RLELossless, "JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless}


def hu_of(image):
    return image.pixel_array.astype(float) * float(image.RescaleSlope) + float(image.RescaleIntercept)


def store(image, stored, slope=1.0, intercept=0.0, signed=False, bits=16):
    """Other numbers for the same pixels."""
    image.PixelData = np.ascontiguousarray(stored).astype("<i2" if signed else "<u2").tobytes()
    image.PixelRepresentation, image.BitsStored, image.HighBit = int(signed), bits, bits - 1
    image.RescaleSlope, image.RescaleIntercept = str(slope), str(intercept)


def refused(ct, images) -> str:
    with pytest.raises(ConversionError) as caught:
        ct.convert(images)
    return str(caught.value)


# ---- how numbers are stored


def test_signed_numbers_without_an_intercept(ct):
    images = ct.images()
    for image in images:
        store(image, hu_of(image), signed=True)
    ct.same(ct.convert(images)[0], ct.wanted)


def test_twelve_signed_bits_whose_upper_four_are_zero(ct):
    images = ct.images()
    for image in images:
        stored = hu_of(image).astype(np.int64) & 0xFFF
        store(image, stored, bits=12)
        image.PixelRepresentation = 1
    ct.same(ct.convert(images)[0], ct.wanted)


def test_every_slice_has_its_own_slope_and_intercept(ct):
    """As PET scanners have it and some CT: the same Hounsfield units, stored in steps of another size a slice."""
    images = ct.images()
    for n, image in enumerate(images):
        slope, intercept = (1, 0.5, 0.25)[n % 3], -1024 - 16 * n
        store(image, np.rint((hu_of(image) - intercept) / slope), slope, intercept)
    ct.same(ct.convert(images)[0], ct.wanted)


def test_a_slope_with_fractions_is_rounded_to_whole_units(ct):
    images = ct.images()
    for image in images:
        image.RescaleSlope, image.RescaleIntercept = "0.3", "-1000.2"
    wanted = ct.wanted.with_data(np.rint((ct.wanted.data + 1024.0) * 0.3 - 1000.2).astype(np.int16))
    ct.same(ct.convert(images)[0], wanted)


def test_values_beyond_16_bits_are_clipped_and_said(ct):
    images = ct.images()
    for image in images:
        image.RescaleSlope = "40"
    volume, notes = ct.convert(images)
    wanted = np.clip((ct.wanted.data + 1024.0) * 40 - 1024, -32768, 32767)
    np.testing.assert_array_equal(volume.data, wanted)
    assert notes == [f"{(wanted == 32767).sum()} values beyond -32768 to 32767 were clipped"]


@pytest.mark.parametrize("signed", [False, True])
def test_what_lies_beyond_the_field_of_view_becomes_air(ct, signed):
    """Padding of -2000, which some scanners write as the positive number with the same bits."""
    images = ct.images()
    for image in images:
        hu = hu_of(image)
        hu[0, :3] = -2000
        store(image, hu if signed else hu + 2000, intercept=0 if signed else -2000, signed=signed)
        image.PixelPaddingValue = (2**16 - 2000) if signed else 0
        image["PixelPaddingValue"].VR = "US"
    volume, notes = ct.convert(images)
    wanted = ct.wanted.data.copy()
    wanted[:3, -1] = -1024
    np.testing.assert_array_equal(volume.data, wanted)
    assert notes == ["12 voxels beyond the scanner's field of view were set to -1024"]


def test_padding_may_be_a_range_and_look_like_water(ct):
    images = ct.images()
    for image in images:
        stored = image.pixel_array.copy()
        stored[-2:, 0] = 3000, 3010
        store(image, stored, intercept=-1024)
        image.PixelPaddingValue, image.PixelPaddingRangeLimit = 3000, 3010
    volume, _ = ct.convert(images)
    wanted = ct.wanted.data.copy()
    wanted[0, :2] = -1024
    np.testing.assert_array_equal(volume.data, wanted)


# ---- how files are written


@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED)
def test_compressed_by_other_encoders(ct, syntax):
    images = ct.images()
    for image in images:
        image.compress(syntax, generate_instance_uid=False)
    ct.same(ct.convert(images)[0], ct.wanted)


@pytest.fixture
def same_locale():
    """SimpleITK's writer leaves the process with the locale C, in which later tests could not read a README."""
    before = locale.setlocale(locale.LC_ALL)
    yield
    locale.setlocale(locale.LC_ALL, before)


def test_lossless_jpeg_as_most_archives_have_it(ct, tmp_path, same_locale):
    (tmp_path / "plain").mkdir()
    (tmp_path / "packed").mkdir()
    for path in save(ct.images(), tmp_path / "plain"):
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetImageIO("GDCMImageIO")
        writer.SetUseCompression(True)
        writer.SetCompressor("JPEG")
        writer.SetFileName(str(tmp_path / "packed" / path.name))
        writer.Execute(sitk.ReadImage(str(path)))
    syntax = pydicom.dcmread(tmp_path / "packed" / "IM00001").file_meta.TransferSyntaxUID
    assert syntax == JPEGLosslessSV1
    np.testing.assert_array_equal(ct.read(tmp_path / "packed")[0].data, ct.wanted.data)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_other_ways_to_write_a_header(ct, syntax, tmp_path):
    for n, image in enumerate(ct.images()):
        if syntax == ExplicitVRBigEndian:
            image.PixelData = image.pixel_array.astype(">u2").tobytes()
        image.file_meta.TransferSyntaxUID = syntax
        image.save_as(tmp_path / f"{n}.dcm", enforce_file_format=True)
    assert pydicom.dcmread(tmp_path / "0.dcm").file_meta.TransferSyntaxUID == syntax
    ct.same(ct.read(tmp_path)[0], ct.wanted)


# ---- cut short

KEPT, NOT_KEPT = "IM00020", "IM00021"


def spoil(folder, name, cut):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-cut])


@pytest.mark.parametrize("syntax", [None, *COMPRESSED.values()], ids=["plain", *COMPRESSED])
@pytest.mark.parametrize("cut", [20, 150])
def test_a_file_that_ends_too_early_is_refused_by_name(ct, tmp_path, syntax, cut):
    images = ct.images()
    if syntax:
        images[19].compress(syntax, generate_instance_uid=False)
    save(images, tmp_path)
    spoil(tmp_path, KEPT, cut)
    with pytest.raises(ConversionError, match=f"{KEPT}: cannot be read to its end"):
        ct.read(tmp_path)


@pytest.mark.parametrize("syntax", COMPRESSED.values(), ids=COMPRESSED)
def test_so_is_a_picture_that_ends_too_early_in_a_whole_file(ct, syntax):
    image = (images := ct.images())[19]
    image.compress(syntax, generate_instance_uid=False)
    (frame,) = generate_frames(image.PixelData, number_of_frames=1)
    image.PixelData = encapsulate([frame[: len(frame) // 2 & ~1]])
    assert "IM00020: cannot be read to its end" in refused(ct, images)


def test_a_slice_that_is_not_kept_may_be_cut_short(ct, tmp_path):
    save(ct.images(), tmp_path)
    spoil(tmp_path, NOT_KEPT, 100)
    ct.same(ct.read(tmp_path)[0], ct.wanted)


# ---- no Hounsfield units


def test_a_scan_without_air_is_none(ct):
    images = ct.images()
    for image in images:
        image.RescaleIntercept = "0"
    assert "holds no air: its lowest value is 0, so these are no Hounsfield units" in refused(ct, images)


def test_another_unit(ct):
    images = ct.images()
    for image in images:
        image.RescaleType = "MGML"
    assert "holds 'MGML', no Hounsfield units" in refused(ct, images)


@pytest.mark.parametrize("word", ["BurnedInAnnotation", "RecognizableVisualFeatures"])
def test_burned_in_text_is_warned_of(ct, word):
    images = ct.images()
    setattr(images[9], word, "YES")
    _, (note,) = ct.convert(images)
    assert note.startswith("WARNING") and "burned into the pixels" in note


def test_a_derived_series_is_warned_of(ct):
    images = ct.images()
    for image in images:
        image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    _, (note,) = ct.convert(images)
    assert note.startswith("WARNING: it was made from other images")
