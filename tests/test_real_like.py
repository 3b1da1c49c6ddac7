"""The dataset as people have it: in every form that goes round, it opens, and `check` says which form it is."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import real_like
from real_like import DOWNLOADED, PUBLISHED, box, write_published

from mosmed_edu import open_dataset
from mosmed_edu.check import PIXEL_MM, SLICES, check_dataset
from mosmed_edu.errors import DatasetNotFound

PART = f"part of the dataset: {len(DOWNLOADED)} of 1110 studies"

#: How each form is made, the numbers of its studies, and what the check calls it.
FORMS = {
    "as published": (lambda root: root, DOWNLOADED, f"as published, {PART}"),
    "CSV": (real_like.with_csv, DOWNLOADED, f"mirror with CSV registry, {PART}"),
    "own registry": (real_like.with_own_registry, DOWNLOADED, f"as published, {PART}"),
    "deeper": (real_like.one_level_deeper, DOWNLOADED, f"mirror with an extra folder level (COVID19_1110), {PART}"),
    "unpacked": (real_like.unpacked, DOWNLOADED, f"mirror with unpacked .nii, {PART}"),
    "merged": (real_like.merged, DOWNLOADED, f"mirror with merged CT-23 folder, {PART}"),
    "Keras": (
        real_like.as_in_the_keras_example,
        (7, 951, 1070),
        "mirror with merged CT-23 folder, no studies folder, part of the dataset: 3 of 1110 studies",
    ),
    "everything": (
        real_like.everything,
        DOWNLOADED,
        "mirror with CSV registry, unpacked .nii, merged CT-23 folder, an extra folder level (COVID19_1110), " + PART,
    ),
}


@pytest.fixture(params=FORMS)
def form(request, tmp_path):
    """(folder, numbers of its studies, its name) of each form."""
    change, numbers, name = FORMS[request.param]
    return change(write_published(tmp_path / "моя папка" / "COVID19_1110")), numbers, name


def test_every_form_opens_with_the_registrys_categories_and_the_files_voxels(form):
    folder, numbers, _ = form
    ds = open_dataset(folder)
    assert not ds.is_synthetic
    assert [study.id for study in ds.studies()] == sorted(numbers)
    for study in ds.studies():
        hu, mask, affine = box(study.id)
        ct = study.ct()
        assert study.category == PUBLISHED[study.id]
        assert ct.data.dtype == np.int16 and ct.orientation == "LAS"
        np.testing.assert_array_equal(ct.data, hu)
        np.testing.assert_allclose(ct.affine, affine, atol=1e-5)
        if study.mask_path and study.mask_path.is_file():
            np.testing.assert_array_equal(study.mask().data, mask)
    assert len(ds.studies(with_mask=True)) == sum(n in real_like.MASKED for n in numbers)


def test_the_check_names_every_form_and_finds_no_fault_but_what_is_missing(form):
    folder, numbers, name = form
    report = check_dataset(folder, progress=False)
    assert report.copy == name
    assert f"This copy: {name}." in report.lines()
    assert {remark.topic for remark in report.remarks} <= {"missing", "counts"}
    assert report.total.on_disk == len(numbers)


def test_scans_without_a_registry_are_called_what_they_are_and_not_guessed(tmp_path):
    bare = real_like.without_registry(write_published(tmp_path / "MosMedData"))
    for place in (bare, bare.parent):
        with pytest.raises(DatasetNotFound) as caught:
            open_dataset(place)
        said = str(caught.value)
        assert "has no dataset_registry.xlsx, only scans in CT-0, CT-23" in said
        assert "CT-23 holds CT-2 and CT-3 together, and only the registry tells them apart" in said
        assert "\n" not in said and "Next: put the dataset's own dataset_registry.xlsx beside these folders" in said


def test_the_files_are_like_the_published_ones(tmp_path):
    """Measured by nibabel: what the tests on this folder show holds for the real one."""
    root = write_published(tmp_path / "COVID19_1110", (255,), real_like.chest)
    assert not (root / "extras").exists()
    scan, mask = (nib.load(next(root.rglob(name))) for name in ("study_0255.nii.gz", "study_0255_mask.nii.gz"))
    for image in (scan, mask):
        header = image.header
        assert header.get_data_dtype() == np.int16 and nib.aff2axcodes(image.affine) == tuple("LAS")
        assert np.isnan(header["scl_slope"]) and np.isnan(header["scl_inter"])
        assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 1)
        assert all(PIXEL_MM[0] <= mm <= PIXEL_MM[1] for mm in header.get_zooms()[:2])
        assert header.get_zooms()[2] == 8 and SLICES[0] <= image.shape[2] <= SLICES[1]
    np.testing.assert_allclose(scan.affine, mask.affine)
    assert set(np.unique(mask.dataobj)) == {0, 1} and np.asarray(scan.dataobj).min() < -900
