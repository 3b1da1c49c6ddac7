"""What we write is what the dataset ships: paths, registry, header."""

from __future__ import annotations

import gzip
import subprocess
import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from mosmed_edu import layout
from mosmed_edu.errors import RegistryError
from mosmed_edu.volume import Volume


def test_paths_are_those_of_the_release():
    assert layout.study_file(1, "CT-0") == "/studies/CT-0/study_0001.nii.gz"
    assert layout.study_file(1110, "CT-4") == "/studies/CT-4/study_1110.nii.gz"
    assert layout.mask_file(255) == "/masks/study_0255_mask.nii.gz"


def test_published_numbers_add_up():
    assert sum(layout.PUBLISHED_STUDIES.values()) == 1110
    assert tuple(layout.PUBLISHED_STUDIES) == layout.CATEGORIES


@pytest.mark.parametrize("name", layout.REGISTRY_NAMES)
def test_a_registry_comes_back_as_it_was_written(tmp_path, tiny, name):
    registry = tiny.registry_of(tiny.STUDIES, tiny.MASKED)
    layout.write_registry(registry, tmp_path / name)
    pd.testing.assert_frame_equal(layout.read_registry(tmp_path / name), registry)


def test_a_csv_is_written_as_mirrors_have_it(tmp_path, tiny):
    path = tmp_path / "dataset_registry.csv"
    layout.write_registry(tiny.registry_of({255: "CT-1", 1109: "CT-4"}, [255]), path)
    assert path.read_bytes() == (
        b"\xef\xbb\xbfstudy_id,category,study_file,mask_file\r\n"
        b"255,CT-1,/studies/CT-1/study_0255.nii.gz,/masks/study_0255_mask.nii.gz\r\n"
        b"1109,CT-4,/studies/CT-4/study_1109.nii.gz,\r\n"
    )


def test_the_excel_registry_has_numbers_and_empty_cells(tmp_path, tiny):
    path = tmp_path / "dataset_registry.xlsx"
    layout.write_registry(tiny.registry_of({255: "CT-1", 1109: "CT-4"}, [255]), path)
    table = pd.read_excel(path)
    assert table["study_id"].tolist() == [255, 1109]
    assert table["mask_file"].isna().tolist() == [False, True]


def test_a_volume_has_the_header_of_the_release(tmp_path, tiny):
    path = tmp_path / "x.nii.gz"
    layout.write_volume(Volume(tiny.scan_of(255), tiny.AFFINE), path)
    image = nib.load(path)
    header = image.header
    np.testing.assert_array_equal(np.asarray(image.dataobj), tiny.scan_of(255))
    assert nib.aff2axcodes(image.affine) == tuple("LAS")
    assert header.get_data_dtype() == np.int16
    assert header.get_zooms() == pytest.approx((0.7, 0.7, 8.0))
    assert header.get_xyzt_units() == ("mm", "sec")
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 1)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    np.testing.assert_allclose(image.get_sform(), tiny.AFFINE, atol=1e-5)
    assert header.get_slope_inter() in ((1.0, 0.0), (None, None))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_same_volume_gives_the_same_bytes_anywhere_any_time(tmp_path, tiny, order):
    data = np.array(tiny.scan_of(1), order=order)
    paths = [tmp_path / "one.nii.gz", tmp_path / "two.nii.gz"]
    for path in paths:
        layout.write_volume(Volume(data, tiny.AFFINE), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes()[4:8] == bytes(4), "a time stamp"
    script = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from mosmed_edu.layout import write_volume; from mosmed_edu.volume import Volume\n"
        "a = np.load(sys.argv[1]); write_volume(Volume(a['d'], a['a']), Path(sys.argv[2]))"
    )
    np.savez(tmp_path / "a.npz", d=data, a=tiny.AFFINE)
    subprocess.run([sys.executable, "-c", script, tmp_path / "a.npz", tmp_path / "three.nii.gz"], check=True)
    assert (tmp_path / "three.nii.gz").read_bytes() == paths[0].read_bytes()


def test_a_view_is_written_as_it_looks(tmp_path, tiny):
    data = tiny.scan_of(1)[::-1, :, ::2]
    layout.write_volume(Volume(data, tiny.AFFINE), tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "x.nii.gz").dataobj), data)


def test_gzip_finds_the_file_whole(tmp_path, tiny):
    layout.write_volume(Volume(tiny.scan_of(1), tiny.AFFINE), tmp_path / "x.nii.gz")
    assert len(gzip.decompress((tmp_path / "x.nii.gz").read_bytes())) == 352 + tiny.scan_of(1).nbytes


# ---- registries that cannot be trusted

HEAD = "study_id,category,study_file,mask_file\n"
ROW = "255,CT-1,/studies/CT-1/study_0255.nii.gz,/masks/study_0255_mask.nii.gz\n"


def registry(tmp_path, text, name="dataset_registry.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("study_id,category,study_file\n1,CT-0,/a.nii.gz\n", "has no column 'mask_file'"),
        ("id,name\n1,x\n", "has no column 'study_id', 'category', 'study_file', 'mask_file'"),
        (HEAD + ROW + ROW, "lists study 255 more than once"),
        (HEAD + "255,CT-5,/a.nii.gz,\n", "unknown category 'CT-5'"),
        (HEAD + "255,,/a.nii.gz,\n", "unknown category ''"),
        (HEAD + "x,CT-1,/a.nii.gz,\n", "row 2 has the study_id 'x'"),
        (HEAD + ROW + "2.5,CT-1,/a.nii.gz,\n", "row 3 has the study_id '2.5'"),
        (HEAD + "-1,CT-1,/a.nii.gz,\n", "row 2 has the study_id '-1'"),
        (HEAD + ",CT-1,/a.nii.gz,\n", "row 2 has the study_id ''"),
        (HEAD + "1,CT-1,,\n", "without a study_file"),
        (HEAD + "1,CT-1,/,\n", "without a study_file"),
        (HEAD + "1,CT-1,/../a.nii.gz,\n", "leads out of the dataset folder"),
        (HEAD + "1,CT-1,/studies/../../a.nii.gz,\n", "leads out of the dataset folder"),
        (HEAD + "1,CT-1,..\\..\\a.nii.gz,\n", "leads out of the dataset folder"),
        (HEAD + "1,CT-1,C:\\a.nii.gz,\n", "leads out of the dataset folder"),
        (HEAD + "1,CT-1,/a.nii.gz,/masks/../../b.nii.gz\n", "leads out of the dataset folder"),
        (HEAD, "lists no study"),
        (HEAD + ",,,\n", "lists no study"),
        ("", "is no readable table"),
        (b"\xff\xfe\x00garbage\x81", "is no readable table"),
        ("<!DOCTYPE html><html>Sign in</html>", "has no column"),
    ],
)
def test_a_registry_that_cannot_be_trusted_is_refused(tmp_path, text, fault):
    path = registry(tmp_path, text)
    with pytest.raises(RegistryError) as caught:
        layout.read_registry(path)
    said = str(caught.value)
    assert fault in said and str(path) in said and "Next: " in said and "\n" not in said


def test_an_excel_file_that_is_none(tmp_path):
    path = registry(tmp_path, HEAD + ROW, "dataset_registry.xlsx")
    with pytest.raises(RegistryError, match="is no readable table"):
        layout.read_registry(path)


def test_an_absolute_path_stays_inside(tmp_path):
    """A leading slash means the dataset's folder, so /etc/passwd is a file of the dataset, and not there."""
    path = registry(tmp_path, HEAD + "1,CT-1,/etc/passwd,\n")
    relative = layout.read_registry(path).study_file[1]
    assert layout.locate(tmp_path, relative) == tmp_path / "etc" / "passwd"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
def test_what_spreadsheets_do_to_a_csv(tmp_path, mark, end):
    text = "category,study_id, study_file,mask_file,comment\n CT-1 ,0255, studies/CT-1/study_0255.nii.gz,,n/a\n,,,,\n"
    path = registry(tmp_path, mark + text.replace("\n", end).encode())
    table = layout.read_registry(path)
    assert table.index.tolist() == [255]
    assert table.loc[255].tolist() == ["CT-1", "studies/CT-1/study_0255.nii.gz", ""]


def test_rows_are_sorted_by_number(tmp_path):
    rows = "".join(f"{n},CT-0,/{n}.nii.gz,\n" for n in (10, 2, 1))
    assert layout.read_registry(registry(tmp_path, HEAD + rows)).index.tolist() == [1, 2, 10]


# ---- links


def test_a_link_that_leads_out_is_refused(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.nii.gz").write_bytes(b"secret")
    (tmp_path / "root" / "a.nii.gz").symlink_to(tmp_path / "secret.nii.gz")
    with pytest.raises(RegistryError, match="leads out of the dataset folder"):
        layout.locate(tmp_path / "root", "a.nii.gz")


def test_links_within_the_folder_and_to_the_folder_are_fine(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "real.nii.gz").write_bytes(b"x")
    (root / "a.nii.gz").symlink_to("real.nii.gz")
    (tmp_path / "link").symlink_to(root)
    assert layout.locate(tmp_path / "link", "a.nii.gz").read_bytes() == b"x"


def test_an_unpacked_file_is_found_where_the_packed_one_is_missing(tmp_path):
    (tmp_path / "a.nii").write_bytes(b"plain")
    assert layout.locate(tmp_path, "a.nii.gz").name == "a.nii"
    (tmp_path / "a.nii.gz").write_bytes(b"packed")
    assert layout.locate(tmp_path, "a.nii.gz").name == "a.nii.gz"
    assert layout.locate(tmp_path, "nowhere.nii.gz").name == "nowhere.nii.gz"


@pytest.mark.parametrize("digits", [19, 31, 5000])
def test_a_number_that_no_table_holds_is_one_short_line(tmp_path, digits):
    path = registry(tmp_path, HEAD + ROW.replace("255,", "9" * digits + ",", 1))
    with pytest.raises(RegistryError, match=r"row 2 has the study_id '999.*at most 18 digits") as caught:
        layout.read_registry(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["", "[]", "null", "\x00", "[" * 100_000])
def test_a_mark_that_says_nothing_is_one_line(tmp_path, text):
    path = tmp_path / layout.CONVERTED_MARK
    path.write_text(text)
    with pytest.raises(RegistryError, match=r"converted.json: does not say what the folder should hold"):
        layout.read_mark(path)
    assert not layout.shows_no_patient(tmp_path)
