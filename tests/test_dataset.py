"""A folder in MosMed's layout opens, wherever the user points, and says what is wrong with it."""

from __future__ import annotations

import errno
import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from mosmed_edu import open_dataset, read_nifti
from mosmed_edu.dataset import Dataset, find_root
from mosmed_edu.errors import (
    DatasetNotFound,
    FileMissing,
    MaskError,
    NiftiError,
    PathError,
    RegistryError,
    SelectionError,
    StudyNotFound,
)
from mosmed_edu.layout import CATEGORIES, write_volume
from mosmed_edu.volume import Volume


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_a_study_comes_with_scan_category_and_mask(tmp_path, tiny, suffix):
    ds = open_dataset(tiny.write_dataset(tmp_path / "data", suffix=suffix))
    study = ds[255]
    ct, mask = study.ct(), study.mask()
    np.testing.assert_array_equal(ct.data, tiny.scan_of(255))
    assert ct.data.dtype == np.int16 and ct.orientation == "LAS" and ct.spacing == pytest.approx((0.7, 0.7, 8))
    assert mask.data.dtype == bool and mask.data.sum() == 255 and mask.same_grid(ct)
    assert (study.id, study.category) == (255, "CT-1")
    assert study.study_path == ds.root / "studies" / "CT-1" / "study_0255.nii.gz"
    assert study.mask_path == ds.root / "masks" / "study_0255_mask.nii.gz"
    assert ds[1].mask() is None and ds[1].mask_path is None


def test_nothing_of_the_real_layout_is_synthetic_or_known(root):
    ds = open_dataset(root)
    assert not ds.is_synthetic and not ds[1].is_synthetic and ds[1].truth() is None


def test_both_registries_side_by_side_are_the_excel_one(tmp_path, tiny):
    tiny.write_dataset(tmp_path, {5: "CT-4"}, (), ".csv")
    tiny.write_dataset(tmp_path, suffix=".xlsx")
    assert 5 not in open_dataset(tmp_path)


def test_categories_are_ordered(root):
    category = open_dataset(root).registry["category"]
    assert tuple(category.cat.categories) == CATEGORIES
    assert (category >= "CT-2").sum() == 3 and category.max() == "CT-4"


def test_iteration_length_and_membership(root, tiny):
    ds = open_dataset(root)
    assert len(ds) == len(tiny.STUDIES) and [study.id for study in ds] == sorted(tiny.STUDIES)
    assert 255 in ds and 300 not in ds and np.int64(255) in ds
    assert ds[np.int64(255)].id == 255
    assert "7 studies" in repr(ds) and "CT-1 2" in repr(ds)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, [1, 2, 255, 256, 939, 1064, 1109]),
        ({"category": "CT-1"}, [255, 256]),
        ({"category": ["CT-4", "CT-2"]}, [939, 1109]),
        ({"with_mask": True}, [255, 256]),
        ({"with_mask": False, "category": "CT-1"}, []),
        ({"with_mask": False}, [1, 2, 939, 1064, 1109]),
    ],
)
def test_studies_are_chosen_through_the_registry(root, wanted, ids):
    assert [study.id for study in open_dataset(root).studies(**wanted)] == ids


def test_an_unknown_category_is_refused(root):
    with pytest.raises(ValueError, match=r"unknown category 'CT-9'.*CT-0, CT-1"):
        open_dataset(root).studies(category="CT-9")


def test_a_subset_on_disk_is_enough_to_work_with(root):
    ds = open_dataset(root)
    ds[2].study_path.unlink()
    ds[255].mask_path.unlink()
    assert [study.id for study in ds.studies()] == [1, 255, 256, 939, 1064, 1109]
    assert [study.id for study in ds.studies(with_mask=True)] == [256]
    assert len(ds.studies(on_disk=False)) == 7
    with pytest.raises(FileMissing, match=r"study_0002.nii.gz: is listed .* Next: finish the download"):
        ds[2].ct()
    with pytest.raises(FileMissing, match="study_0255_mask"):
        ds[255].mask()


def test_an_unpacked_scan_will_do(root, tiny):
    path = open_dataset(root)[1].study_path
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()
    assert [s.id for s in open_dataset(root).studies(category="CT-0")] == [1, 2]
    np.testing.assert_array_equal(open_dataset(root)[1].ct().data, tiny.scan_of(1))


# ---- finding the folder


@pytest.mark.parametrize("inside", [".", "studies", "studies/CT-1", "masks"])
def test_the_root_is_found_from_a_folder_below_it(root, inside):
    assert open_dataset(root / inside).root == root


@pytest.mark.parametrize("deeper", ["COVID19_1110", "archive/COVID19_1110"])
def test_the_root_is_found_from_a_folder_above_it(tmp_path, tiny, deeper):
    tiny.write_dataset(tmp_path / "download" / deeper)
    assert open_dataset(tmp_path / "download").root == tmp_path / "download" / deeper


def test_two_datasets_below_are_not_guessed_between(tmp_path, tiny):
    for name in ("one", "two"):
        tiny.write_dataset(tmp_path / "d" / name)
    with pytest.raises(DatasetNotFound, match=r"holds 2 datasets. Next: name one of them"):
        open_dataset(tmp_path / "d")


def test_no_folder_and_no_registry(tmp_path):
    with pytest.raises(DatasetNotFound, match=r"nowhere: is no folder"):
        open_dataset(tmp_path / "nowhere")
    empty = tmp_path / "a" / "b" / "c"
    empty.mkdir(parents=True)
    with pytest.raises(DatasetNotFound, match=r"has no dataset_registry.xlsx"):
        open_dataset(empty)
    with pytest.raises(DatasetNotFound, match=r"has no dataset_registry.xlsx"):
        Dataset(empty)


def test_a_home_relative_path(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.setenv("USERPROFILE", str(root.parent))
    assert find_root("~/COVID19_1110") == root


@pytest.mark.parametrize("argument", [None, "sample", "cohort"])
def test_the_environment_names_the_real_folder(root, monkeypatch, argument):
    monkeypatch.setenv("MOSMED_ROOT", str(root))
    assert open_dataset(argument).root == root


def test_a_folder_that_is_named_goes_before_the_environment(root, tmp_path, monkeypatch):
    monkeypatch.setenv("MOSMED_ROOT", str(tmp_path / "elsewhere"))
    assert open_dataset(root).root == root


def test_a_wrong_environment_is_named_in_the_error(tmp_path, monkeypatch):
    monkeypatch.setenv("MOSMED_ROOT", str(tmp_path / "typo"))
    with pytest.raises(DatasetNotFound, match=r"^\$MOSMED_ROOT = .*typo: is no folder"):
        open_dataset()


# ---- studies that are not there, or not as they should be


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        (300, "2, 255, 256"),
        (0, "1, 2, 255"),
        (99999, "939, 1064, 1109"),
        (254.6, "2, 255, 256"),
        ("x", "a whole number"),
    ],
)
def test_a_missing_study_names_its_nearest_neighbours(root, asked, offered):
    with pytest.raises(StudyNotFound, match=f"is not in the registry of .* Next: take .*{offered}"):
        open_dataset(root)[asked]


def test_a_missing_study_is_a_key_error_in_one_plain_line(root):
    with pytest.raises(KeyError) as caught:
        open_dataset(root)[3]
    assert str(caught.value).startswith("study 3: is not in the registry")


def replace(root, relative, data, affine):
    write_volume(Volume(np.asfortranarray(data), affine), root / relative)


def test_a_mask_on_another_grid(root, tiny):
    moved = tiny.AFFINE.copy()
    moved[2, 3] += 8
    study = open_dataset(root)[255]
    replace(root, study.mask_file, tiny.mask_of(255), moved)
    with pytest.raises(MaskError, match=r"study_0255_mask.nii.gz: does not lie on the grid of study_0255.nii.gz"):
        study.mask()
    replace(root, study.mask_file, tiny.mask_of(255)[:, :, :-1], tiny.AFFINE)
    with pytest.raises(MaskError, match="does not lie on the grid"):
        study.mask()


@pytest.mark.parametrize("value", [2, -1, 255])
def test_a_mask_with_other_values(root, tiny, value):
    study = open_dataset(root)[255]
    data = tiny.mask_of(255)
    data[0, 0, 0] = value
    replace(root, study.mask_file, data, tiny.AFFINE)
    with pytest.raises(MaskError, match="values other than 0 and 1"):
        study.mask()


@pytest.mark.parametrize(("value", "fits"), [(0.5, False), (np.nan, False), (1.0, True), (0.0, True)])
def test_a_mask_stored_as_floats(root, tiny, value, fits):
    study = open_dataset(root)[255]
    data = tiny.mask_of(255).astype(np.float32)
    data[0, 0, 0] = value
    replace(root, study.mask_file, data, tiny.AFFINE)
    if fits:
        assert study.mask().data.sum() == 254 + value
    else:
        with pytest.raises(MaskError, match="values other than 0 and 1"):
            study.mask()


def test_an_empty_mask_is_a_mask(root, tiny):
    study = open_dataset(root)[255]
    replace(root, study.mask_file, tiny.mask_of(0), tiny.AFFINE)
    assert not study.mask().data.any()


def test_float_scans_become_whole_hounsfield_units(root, tiny):
    study = open_dataset(root)[1]
    data = np.zeros(tiny.SHAPE, np.float32)
    data[0, 0, :5] = (-1000.4, -999.5, 0.6, 99999, -99999)
    replace(root, study.study_file, data, tiny.AFFINE)
    ct = study.ct()
    assert ct.data.dtype == np.int16 and ct.data[0, 0, :5].tolist() == [-1000, -1000, 1, 32767, -32768]
    data[0, 0, 0] = np.nan
    replace(root, study.study_file, data, tiny.AFFINE)
    with pytest.raises(NiftiError, match="no number"):
        study.ct()


def test_a_damaged_scan_is_refused(root):
    study = open_dataset(root)[1]
    packed = bytearray(study.study_path.read_bytes())
    packed[len(packed) // 2] ^= 1
    study.study_path.write_bytes(packed)
    with pytest.raises(NiftiError, match=r"study_0001.nii.gz: is damaged"):
        study.ct()


def test_a_link_out_of_the_folder_is_refused(root, tmp_path):
    study = open_dataset(root)[1]
    outside = tmp_path / "outside.nii.gz"
    study.study_path.rename(outside)
    study.study_path.symlink_to(outside)
    with pytest.raises(RegistryError, match="leads out of the dataset folder"):
        study.ct()


def test_studies_can_be_sent_to_workers(root):
    study = pickle.loads(pickle.dumps(open_dataset(root)[255]))
    volume = pickle.loads(pickle.dumps(study.ct()))
    assert volume.same_grid(study.ct()) and study.mask().data.sum() == 255


def test_the_first_that_fits_or_one_line_that_says_what_is_missing(root):
    dataset = open_dataset(root)
    assert dataset.first().id == 1
    assert dataset.first(category="CT-1", with_mask=True).id == 255
    dataset.first(category="CT-1", with_mask=True).mask_path.unlink()
    assert dataset.first(category="CT-1", with_mask=True).id == 256
    dataset.first(category="CT-1", with_mask=True).mask_path.unlink()
    with pytest.raises(StudyNotFound, match="has no study of CT-1 with a mask on disk") as found:
        dataset.first(category="CT-1", with_mask=True)
    assert str(root) in str(found.value) and "\n" not in str(found.value)


# ---- what a user may give


@pytest.mark.parametrize(
    "place", ["", "~nosuchuser/x", "x" * 5000, "a\0b", 5, b"data"], ids=["", "home", "long", "nul", "number", "bytes"]
)
def test_what_is_no_path_is_one_short_line(place, monkeypatch):
    for opens in (open_dataset, Dataset, read_nifti):
        with pytest.raises(PathError, match="is no usable path") as caught:
            opens(place)
        assert len(str(caught.value)) < 300
    if isinstance(place, str) and place and "\0" not in place:
        for variable in ("MOSMED_ROOT", "MOSMED_CACHE"):
            monkeypatch.setenv(variable, place)
            with pytest.raises(PathError, match=rf"^\${variable} = .* is no usable path"):
                open_dataset()
            monkeypatch.delenv(variable)


def test_a_dataset_may_be_named_by_text(root):
    assert Dataset(str(root)).first().ct().orientation == "LAS"


@pytest.mark.parametrize(
    "asked",
    [slice(0, 2), [1], 10**30, 10**5000, float("nan"), float("inf"), None],
    ids=lambda asked: type(asked).__name__,
)
def test_what_is_no_study_is_one_short_line(root, asked):
    with pytest.raises(StudyNotFound, match="Next: take ") as caught:
        open_dataset(root)[asked]
    assert asked not in open_dataset(root) and len(str(caught.value)) < 300


@pytest.mark.parametrize("choice", [{"category": 5}, {"category": [["CT-1"]]}, {"with_mask": "no"}, {"with_mask": 3}])
def test_a_choice_that_means_nothing_is_refused_and_never_empty(root, choice):
    with pytest.raises(SelectionError, match="Next: "):
        open_dataset(root).studies(**choice)


@pytest.mark.parametrize("text", ["", "junk", "\0\1", "study_id,fraction\n7,0.5\n", "study_id,fraction\n1,x\n",
                                  "study_id,other\n1,2\n", "study_id,fraction\n1,0.1\n1,0.2\n"])  # fmt: skip
def test_a_damaged_table_of_the_truth_is_one_line(root, text):
    (root / "extras").mkdir()
    (root / "extras" / "truth.csv").write_text(text)
    with pytest.raises(RegistryError, match=r"truth.csv: (cannot be read|says nothing of study 1)") as caught:
        open_dataset(root)[1].truth()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("closed", [".", "studies/CT-1"])
def test_a_folder_that_nobody_may_enter_is_one_line(root, closed, close_folder):
    dataset = open_dataset(root)
    close_folder(root / closed)
    with pytest.raises(PathError, match=r"cannot be read \(Permission denied\). Next: check its permissions"):
        dataset.studies()
    with pytest.raises(PathError, match="cannot be read"):
        dataset[255].ct()
    if closed == ".":
        with pytest.raises(PathError, match="cannot be read"):
            open_dataset(root)
    else:
        assert len(open_dataset(root)) == 7


@pytest.fixture
def close_folder(monkeypatch):
    """Folders of another user, also for root, whom no mode of a folder keeps out."""
    real = Path.stat

    def close(folder):
        def stat(path, **options):
            if folder in path.parents:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return real(path, **options)

        monkeypatch.setattr(Path, "stat", stat)

    return close
