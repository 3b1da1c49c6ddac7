"""Two converters that share nothing with ours see the same voxels at the same places."""

from __future__ import annotations

import subprocess

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.uid import JPEG2000Lossless

from mosmed_edu.phantom import Disease, Patient
from mosmed_edu.phantom.dicom import draw_thin, save, write_study
from mosmed_edu.volume import Volume


@pytest.fixture(scope="module")
def drawn():
    """A synthetic patient in thin slices."""
    return draw_thin(Patient.sample(4), Disease.sample("CT-2", 4), matrix=64, slices=45).ct


@pytest.fixture(scope="module")
def dcm2niix(tool):
    """Convert a folder with dcm2niix: the volume of each series, by its number, with axes LAS."""
    program = tool("dcm2niix", package="dcm2niix")

    def convert(folder, out) -> dict[str, Volume]:
        out.mkdir()
        # -z n: not packed, -b n: no side file, -m y: stack whatever the header says of dates, -f %s: number of series
        subprocess.run([program, "-z", "n", "-b", "n", "-m", "y", "-f", "%s", "-o", out, folder], check=True,
                       capture_output=True, timeout=120)  # fmt: skip
        volumes = {}
        for path in out.glob("*.nii"):
            image = nib.load(path)
            turn = nib.orientations.ornt_transform(
                nib.io_orientation(image.affine), nib.orientations.axcodes2ornt("LAS")
            )
            image = image.as_reoriented(turn)
            volumes[path.stem] = Volume(np.asarray(image.dataobj), image.affine)
        return volumes

    return convert


def test_dcm2niix_agrees_on_the_drawn_study(ct, drawn, dcm2niix, tmp_path):
    write_study(drawn, tmp_path / "in")
    theirs = dcm2niix(tmp_path / "in", tmp_path / "theirs")["2"]
    ours, _ = ct.read(tmp_path / "in", keep_every=1)
    np.testing.assert_array_equal(ours.data, theirs.data)
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)  # theirs is stored in 32 bits
    thinned, _ = ct.read(tmp_path / "in")
    ct.same(thinned, ct.truth(drawn, ct.kept(drawn)))
    np.testing.assert_array_equal(thinned.data, theirs.data[..., ct.kept(drawn)])
    np.testing.assert_allclose(thinned.affine, ct.truth(theirs, ct.kept(drawn)).affine, atol=1e-3)


def prone(images):
    for image in images:
        pixels = image.pixel_array[::-1, ::-1]
        rows, columns = pixels.shape
        far = np.array([columns - 1, rows - 1, 0]) * [*map(float, reversed(image.PixelSpacing)), 0]
        image.ImagePositionPatient = [f"{x:.8g}" for x in np.array(image.ImagePositionPatient, float) + far]
        image.ImageOrientationPatient, image.PatientPosition = [-1, 0, 0, 0, -1, 0], "HFP"
        image.PixelData = np.ascontiguousarray(pixels).tobytes()


def feet_first(images):
    for image in images:
        image.InstanceNumber, image.PatientPosition = len(images) + 1 - image.InstanceNumber, "FFS"


def signed(images):
    for image in images:
        image.PixelData = (image.pixel_array.astype("<i2") - 1024).tobytes()
        image.PixelRepresentation, image.BitsStored, image.HighBit, image.RescaleIntercept = 1, 16, 15, 0


def packed(images):
    for image in images:
        image.compress(JPEG2000Lossless, generate_instance_uid=False)


@pytest.mark.parametrize("change", [prone, feet_first, signed, packed])
def test_dcm2niix_agrees_on_other_ways_to_store_it(ct, dcm2niix, tmp_path, change):
    images = ct.images()
    change(images)
    (tmp_path / "in").mkdir()
    save(images, tmp_path / "in")
    theirs = dcm2niix(tmp_path / "in", tmp_path / "theirs")["2"]
    ours, _ = ct.read(tmp_path / "in", keep_every=1)
    np.testing.assert_array_equal(ours.data, theirs.data)
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-3)


def test_simpleitk_places_the_kept_slices_where_we_do(ct, tmp_path):
    """The pixels are read with SimpleITK; where they lie is worked out without it."""
    files = [path for n, path in enumerate(save(ct.images(), tmp_path), start=1) if n % 10 == 0]
    image = sitk.ReadImage(list(map(str, reversed(files))))
    ours, _ = ct.read(tmp_path)
    for at in ((0, 0, 0), (39, 31, 3), (5, 7, 2)):
        theirs = image.TransformIndexToPhysicalPoint((at[0], 31 - at[1], at[2]))  # rows run from the front
        np.testing.assert_allclose(ours.to_mm(at), np.multiply(theirs, (-1, -1, 1)), atol=1e-3)
        assert ours.data[at] == image.GetPixel(at[0], 31 - at[1], at[2])
