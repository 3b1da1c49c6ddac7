"""Drawn scans as DICOM: what the standard asks of them, and every voxel where it was drawn."""

from __future__ import annotations

import filecmp
import subprocess

import numpy as np
import pandas as pd
import pydicom
import pytest

from mosmed_edu.check import check_dataset
from mosmed_edu.cli import main
from mosmed_edu.dataset import open_dataset
from mosmed_edu.errors import DrawingError
from mosmed_edu.phantom import Disease, Findings, Patient
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.dicom import BODY, LUNG, THIN_MM, axial_images, draw_thin, save, tilted_images, write_study
from mosmed_edu.phantom.draw import fit_frame
from mosmed_edu.phantom.export import write_export
from mosmed_edu.volume import Volume

SPACING = (2.0, 1.5, 0.8)


def volume_of(data) -> Volume:
    affine = np.diag([-SPACING[0], SPACING[1], SPACING[2], 1.0])
    affine[:3, 3] = 31.0, -22.0, -50.0
    return Volume(np.asfortranarray(data, dtype=np.int16), affine)


@pytest.fixture(scope="module")
def box():
    return volume_of(np.random.default_rng(2).integers(-1024, 3072, (36, 32, 20)))


@pytest.fixture(scope="module")
def dciodvfy(tool):
    """The validator of dicom3tools: what it finds wrong with a file."""
    path = tool("dciodvfy", package="dicom3tools")

    def errors(file) -> list[str]:
        ran = subprocess.run([path, file], capture_output=True, text=True, timeout=60)
        said = ran.stdout + ran.stderr
        assert "CTImage" in said  # it has recognised what it should be
        return [line for line in said.splitlines() if line.startswith("Error")]

    return errors


def test_every_image_of_a_study_conforms_to_the_standard(box, dciodvfy, tmp_path):
    paths = write_study(box, tmp_path)
    assert len(paths) > 20
    assert {str(path.name): dciodvfy(path) for path in paths if dciodvfy(path)} == {}


def test_so_does_a_tilted_one(box, dciodvfy, tmp_path):
    assert [dciodvfy(path) for path in save(tilted_images(box, 10, BODY)[:3], tmp_path)] == [[]] * 3


def test_the_validator_finds_what_is_missing(box, dciodvfy, tmp_path):
    """So that its silence means something."""
    image = next(axial_images(box, BODY))
    del image.PixelSpacing, image.StudyInstanceUID
    said = "\n".join(dciodvfy(save([image], tmp_path)[0]))
    assert "PixelSpacing" in said and "StudyInstanceUID" in said


def value_at(images, point):
    """Hounsfield units at a place in NIfTI's mm, found by the standard's equation (PS3.3 C.7.6.2.1.1)."""
    lps = np.multiply(point, (-1, -1, 1))
    for image in images:
        along, down = np.reshape(np.array(image.ImageOrientationPatient, float), (2, 3))
        rest = lps - np.array(image.ImagePositionPatient, float)
        if abs(rest @ np.cross(along, down)) < 1e-6:
            rows, columns = map(float, image.PixelSpacing)
            return int(image.pixel_array[round(rest @ down / rows), round(rest @ along / columns)]) - 1024
    raise AssertionError("no slice there")


def test_every_voxel_lies_where_it_was_drawn(box):
    images = list(axial_images(box, BODY))
    assert [image.InstanceNumber for image in images] == list(range(1, 21))
    assert float(images[0].ImagePositionPatient[2]) > float(images[-1].ImagePositionPatient[2])  # from head to foot
    rng = np.random.default_rng(5)
    for at in rng.integers(0, box.shape, (40, 3)):
        assert value_at(images, box.to_mm(at)) == box.data[tuple(at)]


def test_a_tilted_slice_shows_what_lies_in_its_plane():
    """In a field that grows evenly, interpolation is exact: each pixel tells where it lies."""
    i, j, k = np.indices((36, 32, 60))
    field = volume_of(200 + 3 * i + 8 * j + 11 * k)
    (image,) = [one for one in tilted_images(field, 15, BODY) if one.InstanceNumber == 30]
    along, down = np.reshape(np.array(image.ImageOrientationPatient, float), (2, 3))
    rows, columns = map(float, image.PixelSpacing)
    assert np.rad2deg(np.arccos(np.cross(along, down)[2])) == pytest.approx(15)
    for row, column in ((8, 3), (16, 30), (24, 11)):
        lps = np.array(image.ImagePositionPatient, float) + row * rows * down + column * columns * along
        at = field.to_index(lps * (-1, -1, 1))
        assert image.pixel_array[row, column] - 1024 == pytest.approx(200 + at @ (3, 8, 11), abs=1)


def test_a_study_has_the_series_of_a_chest_ct(box, tmp_path):
    images = [pydicom.dcmread(path) for path in write_study(box, tmp_path)]
    series = {image.SeriesDescription for image in images}
    assert series == {"SCOUT", "CHEST 0.8 BODY", "CHEST 5.0 LUNG", "CHEST CORONAL"}
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert len({image.SeriesInstanceUID for image in images}) == 4
    assert len({image.StudyInstanceUID for image in images}) == len({image.PatientID for image in images}) == 1
    assert {image.QualityControlSubject for image in images} == {"YES"}  # nobody is to take it for a patient
    coronal = [image for image in images if image.SeriesDescription == "CHEST CORONAL"]
    for at in ((4, 31, 3), (30, 31, 19)):
        assert value_at(coronal, box.to_mm(at)) == box.data[at]


def test_slabs_of_the_lung_series_lie_on_the_thin_slices(tmp_path):
    """An even field stays itself under averaging and sharpening, away from the edges."""
    field = volume_of(np.broadcast_to(np.arange(24) * 20, (36, 32, 24)))
    images = [pydicom.dcmread(path) for path in write_study(field, tmp_path)]
    slabs = [image for image in images if image.SeriesDescription == LUNG.description]
    assert len(slabs) == 4
    for image in slabs:
        k = field.to_index(np.array(image.ImagePositionPatient, float) * (-1, -1, 1))[2]
        assert image.pixel_array[16, 16] - 1024 == pytest.approx(20 * k, abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_some_four_hundred_thin_slices_cover_the_lungs(seed):
    frame = fit_frame(Chest.of(Patient.sample(seed), Findings()), 64, None, THIN_MM)
    assert 330 <= frame.slices <= 480 and frame.slice_mm == 0.8


# ---- a folder of them


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return write_export(tmp_path_factory.mktemp("x") / "export", 2, matrix=64, slices=30, workers=1, progress=False)


def test_an_export_is_a_folder_a_patient_and_a_list(export):
    table = pd.read_csv(export / "categories.csv", keep_default_na=False)
    assert table["study"].tolist() == ["SYN-0001", "SYN-0002"]
    assert table["category"].tolist() == ["CT-0", "CT-1"] and table["mask"].tolist() == ["", "masks/SYN-0002.nii.gz"]
    one, two = (pydicom.dcmread(export / study / "IM00001") for study in table["study"])
    assert one.PatientID == "SYN-0001" != two.PatientID and one.StudyInstanceUID != two.StudyInstanceUID


def test_it_is_the_same_wherever_it_is_drawn(export, tmp_path):
    again = write_export(tmp_path / "again", 2, matrix=64, slices=30, workers=2, progress=False)
    names = [path.relative_to(export) for path in export.rglob("*") if path.is_file()]
    assert filecmp.cmpfiles(export, again, names, shallow=False) == (names, [], [])


def test_from_the_command_line_to_a_dataset(export, tmp_path, capsys):
    """The two commands in turn give the drawn voxels of every tenth slice."""
    out = tmp_path / "own"
    assert main(["convert", str(export), str(out), "--category-from", str(export / "categories.csv")]) == 0
    assert "2 converted, 0 failed" in capsys.readouterr().out
    assert check_dataset(out, progress=False).ok
    study = open_dataset(out).first(category="CT-1", with_mask=True)
    patient, disease = Patient.sample(9002), Disease.sample("CT-1", 9002)
    drawn = draw_thin(patient, disease, Findings.sample(patient, disease, 9002), 64, 30)
    kept = [0, 10, 20]  # from the foot; the head's is number 1
    np.testing.assert_array_equal(study.ct().data, drawn.ct.data[..., kept])
    np.testing.assert_array_equal(study.mask().data, drawn.mask.data[..., kept])
    assert study.ct().spacing[2] == pytest.approx(8)


def test_the_command_draws_and_says_what_comes_next(tmp_path, capsys):
    root = tmp_path / "export"
    assert main(["dicom", str(root), "--studies", "1", "--matrix", "64", "--slices", "10", "--workers", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == str(root) and f"convert {root} own-scans --category-from {root / 'categories.csv'}" in said[1]
    assert main(["dicom", str(root)]) == 1
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("options", [{"studies": 0}, {"studies": 1, "matrix": 8}])
def test_what_cannot_be_drawn_leaves_nothing(tmp_path, options):
    with pytest.raises(DrawingError):
        write_export(tmp_path / "x", workers=1, progress=False, **options)
    assert list(tmp_path.iterdir()) == []
