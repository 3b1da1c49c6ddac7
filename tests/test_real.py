"""The same on real files. They are no part of the project; without them these tests skip and say so."""

from __future__ import annotations

import gzip
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from mosmed_edu import open_dataset, read_nifti
from mosmed_edu.check import check_dataset
from mosmed_edu.layout import PUBLISHED_MASKS, PUBLISHED_STUDIES, REGISTRY_NAMES, read_registry
from mosmed_edu.lungs import LEFT, RIGHT, segment_lungs
from mosmed_edu.masks import lesion_table
from mosmed_edu.phantom import Disease, Patient, draw

MASKS = [f"study_{number:04d}_mask.nii.gz" for number in range(255, 265)]


@pytest.fixture(scope="module", params=REGISTRY_NAMES)
def registry(request, real):
    return read_registry(real / request.param)


def test_the_registry_lists_what_was_published(registry):
    assert len(registry) == 1110
    assert registry["category"].value_counts().to_dict() == PUBLISHED_STUDIES
    assert PUBLISHED_STUDIES == {"CT-0": 254, "CT-1": 684, "CT-2": 125, "CT-3": 45, "CT-4": 2}
    masked = registry[registry["mask_file"] != ""]
    assert len(masked) == PUBLISHED_MASKS == 50
    assert set(masked["category"]) == {"CT-1"} and masked.index.tolist() == list(range(255, 305))
    assert registry.loc[1].tolist() == ["CT-0", "studies/CT-0/study_0001.nii.gz", ""]
    assert registry["category"].is_monotonic_increasing, "numbers run in order of category"


def test_both_forms_of_the_registry_say_the_same(real):
    one, other = (read_registry(real / name) for name in REGISTRY_NAMES)
    assert one.equals(other)


def independent_volume_ml(path) -> float:
    """Voxels times voxel size by the NIfTI-1 standard's byte offsets alone."""
    raw = gzip.decompress(path.read_bytes())
    dim = np.frombuffer(raw, "<i2", 8, 40)
    pixdim = np.frombuffer(raw, "<f4", 8, 76).astype(float)
    (offset,) = np.frombuffer(raw, "<f4", 1, 108)
    assert np.frombuffer(raw, "<i2", 1, 70)[0] == 4, "int16"
    voxels = np.frombuffer(raw, "<i2", int(np.prod(dim[1:4])), int(offset))
    return np.count_nonzero(voxels) * pixdim[1:4].prod() / 1000


@pytest.mark.parametrize("name", MASKS)
def test_lesion_volume_equals_an_independent_count(real, name):
    path = real / "masks" / name
    mask = read_nifti(path)
    ours = mask.data.sum() * mask.voxel_ml
    assert ours == pytest.approx(independent_volume_ml(path), rel=1e-5)
    image = sitk.ReadImage(path)
    by_itk = np.count_nonzero(sitk.GetArrayViewFromImage(image)) * np.prod(image.GetSpacing()) / 1000
    assert ours == pytest.approx(by_itk, rel=1e-5) and ours > 0


def test_a_download_that_has_only_masks_is_partial(real, tmp_path):
    shutil.copy(real / REGISTRY_NAMES[1], tmp_path)
    shutil.copytree(real / "masks", tmp_path / "masks")
    ds = open_dataset(tmp_path)
    assert len(ds) == 1110 and ds.studies() == [] and ds[255].truth() is None and not ds.is_synthetic
    report = check_dataset(tmp_path, progress=False)
    (fault,) = report.faults
    assert "is partial: 10 of 1160 files" in fault.fault
    assert (report.masks.expected, report.masks.listed, report.masks.on_disk) == (50, 50, 10)
    assert not report.remarks[1:], "the published masks' geometry is what we expect"


# ---- a real chest, stored LPS: what lies where on the screen, told by the anatomy itself


@pytest.fixture(scope="module")
def chest(real):
    return read_nifti(real / "chest_ct_lungdx_a0002.nii.gz")


def body_of(picture) -> np.ndarray:
    """The patient: the largest thing that is not air, its holes filled."""
    labels, _ = ndimage.label(picture > -300)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return ndimage.binary_fill_holes(labels == sizes.argmax())


def middle(picture) -> tuple[float, float]:
    return ndimage.center_of_mass(picture)


@pytest.fixture(scope="module")
def liver_slices(chest):
    """Axial numbers of the lowest third, where liver, stomach and spleen are."""
    low_end = range(chest.shape[2] // 3)
    return low_end if chest.orientation[2] == "S" else [chest.shape[2] - 1 - k for k in low_end]


def liver_like(picture) -> np.ndarray:
    """Large even stretches of soft tissue: after smoothing over a centimetre, 40 to 80 HU."""
    even = ndimage.uniform_filter(picture.astype(np.float32), 15)
    return (even > 40) & (even < 80) & body_of(picture)


def test_the_file_is_stored_in_another_orientation_than_mosmed(chest, real):
    assert chest.orientation == "LPS"
    assert read_nifti(real / "masks" / MASKS[0]).orientation == "LAS"


def test_the_table_lies_under_the_patient(chest):
    for k in range(0, chest.shape[2], 4):
        picture = chest.axial(k)
        body = body_of(picture)
        table = (picture > -300) & ~ndimage.binary_dilation(body, iterations=5)
        if table.sum() > 50:
            assert middle(table)[0] > middle(body)[0] + 50
    assert (chest.axial(chest.shape[2] // 2)[-60:] > -300).any(), "no table to judge by"


def test_the_spine_is_at_the_back(chest):
    for k in range(2, chest.shape[2] - 2, 4):
        picture = chest.axial(k)
        body = body_of(picture)
        centre = np.zeros_like(body)
        column = round(middle(body)[1])
        centre[:, column - 40 : column + 40] = True
        labels, _ = ndimage.label((picture > 150) & body & centre)
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        assert middle(labels == sizes.argmax())[0] > middle(body)[0]


def test_the_liver_is_on_the_viewers_left(chest, liver_slices):
    pictures = [chest.axial(k) for k in liver_slices]
    left = right = 0
    for picture in pictures:
        even, column = liver_like(picture), round(middle(body_of(picture))[1])
        left, right = left + even[:, :column].sum(), right + even[:, column:].sum()
    assert left > 2 * right


def test_coronal_pictures_have_the_head_up_and_the_liver_on_the_left(chest):
    picture = chest.coronal(chest.slice_count("coronal") // 2)
    even = np.stack([ndimage.uniform_filter1d(row.astype(np.float32), 15) for row in picture])
    tissue = (even > 40) & (even < 80)
    rows = len(picture)
    assert tissue[-rows // 3 :].sum() > 2 * tissue[: rows // 3].sum(), "the belly is at the bottom"
    low = tissue[-rows // 3 :]
    half = low.shape[1] // 2
    assert low[:, :half].sum() > 1.5 * low[:, half:].sum()


def test_sagittal_pictures_have_the_front_on_the_left(chest):
    picture = chest.sagittal(chest.slice_count("sagittal") // 2)
    body = body_of(picture)
    table = (picture > -300) & ~ndimage.binary_dilation(body, iterations=3)
    assert middle(table)[1] > middle(body)[1]
    assert middle((picture > 250) & body)[1] > middle(body)[1], "the spine is at the back"


@pytest.mark.parametrize("name", MASKS)
def test_lesion_table_agrees_with_an_independent_count(real, name):
    path = real / "masks" / name
    mask = read_nifti(path)
    table = lesion_table(mask.with_data(mask.data > 0))
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(sitk.ConnectedComponent(sitk.ReadImage(path, sitk.sitkUInt8) > 0, True))
    theirs = sorted((shapes.GetPhysicalSize(n) / 1000 for n in shapes.GetLabels()), reverse=True)
    assert table["volume_ml"].tolist() == pytest.approx(theirs, rel=1e-5)
    assert table["volume_ml"].sum() == pytest.approx(independent_volume_ml(path), rel=1e-5)


@pytest.fixture(scope="module")
def real_chest(real):
    return read_nifti(real / "chest_ct_lungdx_a0002.nii.gz")


@pytest.fixture(scope="module")
def real_lungs(real_chest):
    return segment_lungs(real_chest)


def test_lungs_of_a_real_chest(real_chest, real_lungs):
    """A patient with a tumour at the right hilum; the left lung is the larger one."""
    found, hu = real_lungs, real_chest.data
    assert 2000 < found.ml["both"] < 8000 and found.trusted, found.doubts
    assert found.ml["left"] > found.ml["right"] > 800
    # Windpipe and bowel are full of gas; lung tissue is not.
    assert np.mean(hu[found.mask.data] < -960) < 0.005
    for side in (RIGHT, LEFT):
        pieces, count = ndimage.label(found.labels.data == side)
        sizes = np.bincount(pieces.ravel())[1:]
        assert sizes.max() > 0.98 * sizes.sum(), f"{count} pieces: torn apart"
    x = {side: real_chest.to_mm(np.argwhere(found.labels.data == side))[:, 0] for side in (RIGHT, LEFT)}
    assert np.quantile(x[LEFT], 0.95) < np.quantile(x[RIGHT], 0.25)


def tissue_table(ct, lungs):
    """What a reader would measure in a healthy part: HU of lung, fat and soft tissue, and the noise, by whole scans."""
    hu = ct.data.astype(np.float32)
    body = ndimage.binary_opening(hu > -250, iterations=2)
    counts = np.bincount(ct.data[body & ~lungs.mask.data].clip(-200, 200).astype(int) + 200, minlength=401)
    smooth = ndimage.uniform_filter1d(counts.astype(float), 9)
    mean, square = (ndimage.uniform_filter(values, (7, 7, 1)) for values in (hu, hu * hu))
    spread = np.sqrt(np.maximum(square - mean * mean, 0))[body & (mean > 20) & (mean < 80)]
    return {
        "lung, median": float(np.median(ct.data[lungs.mask.data])),
        "fat, mode": float(smooth[50:160].argmax() + 50 - 200),
        "soft tissue, mode": float(smooth[200:290].argmax()),
        "noise, sd": float(np.quantile(spread, 0.1)),
    }


def test_tissues_of_drawn_patients_lie_where_the_real_ones_do(real_chest, real_lungs):
    """One real patient: the drawn ones, who differ among themselves, need only be of the same kind."""
    measured = tissue_table(real_chest, real_lungs)
    allowed = {"lung, median": 70, "fat, mode": 12, "soft tissue, mode": 12, "noise, sd": 6}
    for seed in range(3):
        drawn = draw(Patient.sample(seed), Disease.sample("CT-0", seed)).ct
        table = tissue_table(drawn, segment_lungs(drawn))
        print(f"\n{'':20}{'real':>8}{'drawn':>8}")
        for name, value in table.items():
            print(f"{name:20}{measured[name]:8.1f}{value:8.1f}")
            assert value == pytest.approx(measured[name], abs=allowed[name]), name
