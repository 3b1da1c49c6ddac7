"""Which series is taken: one axial CT of one patient, or a line that says why not."""

from __future__ import annotations

import re

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import EnhancedCTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from mosmed_edu.convert import choose_series, describe, is_like, read_headers
from mosmed_edu.errors import ConversionError
from mosmed_edu.phantom.dicom import BODY, LUNG, Person, Series, axial_images, save, write_study
from mosmed_edu.volume import Volume


def headers(folder):
    return read_headers(folder, progress=False).headers


def refused(folder, pattern="%BODY%") -> str:
    with pytest.raises(ConversionError) as caught:
        choose_series(headers(folder), pattern, "A-17")
    assert caught.value.where == "A-17" and caught.value.todo
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("CHEST 1.0 BODY CE", "%BODY%", True),
        ("body", "%BODY%", True),
        ("LUNG", "%BODY%", False),
        ("", "%", True),
        ("", "%BODY%", False),
        ("BODY 5.0", "BODY", False),
        ("B30f", "B__f", True),
        ("B3f", "B__f", False),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),
        ("(x)\n[y]", "(x)%", True),
    ],
)
def test_like_is_that_of_sql(text, pattern, fits):
    assert is_like(text, pattern) == fits


@given(st.text(), st.text(), st.text())
def test_whatever_stands_round_it_is_found(before, word, after):
    assert is_like(before + word + after, "%" + re.sub("[%_]", "_", word) + "%")


@pytest.fixture(scope="module")
def study(tmp_path_factory, whole):
    """A folder with everything that a scanner leaves behind."""
    folder = tmp_path_factory.mktemp("study")
    write_study(whole, folder)
    return folder


@pytest.fixture(scope="module")
def whole():
    data = np.random.default_rng(1).integers(-1000, 400, (32, 32, 24)).astype(np.int16)
    return Volume(np.asfortranarray(data), np.diag([-2.0, 2.0, 0.8, 1.0]))


def test_a_table_of_what_there_is(study):
    table = describe(headers(study))
    assert table["description"].tolist() == ["SCOUT", "CHEST 0.8 BODY", "CHEST 5.0 LUNG", "CHEST CORONAL"]
    assert table["kind"].tolist() == ["LOCALIZER", "AXIAL", "AXIAL", "REFORMATTED"]
    assert table["images"].tolist() == [1, 24, 4, 7] and table["number"].tolist() == [1, 2, 3, 4]


def test_the_body_series_is_found_among_several(study):
    series = choose_series(headers(study))
    assert len(series) == 24 and {one.description for one in series} == {"CHEST 0.8 BODY"}


def test_no_such_series_says_what_there_is(study):
    line = refused(study, "%SOFT%")
    assert "no series like '%SOFT%', only 'CHEST 0.8 BODY', 'CHEST 5.0 LUNG', 'CHEST CORONAL', 'SCOUT'" in line


def test_two_such_series_are_refused(study):
    line = refused(study, "CHEST %.%")
    assert "has 2 series like" in line and "'CHEST 0.8 BODY' (24 images), 'CHEST 5.0 LUNG' (4 images)" in line


def test_two_patients_are_refused(tmp_path, whole):
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        save(list(axial_images(whole, BODY, Person(id=name)))[:3], tmp_path / name)
    assert "holds images of 2 patients" in refused(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"SOPClassUID": EnhancedCTImageStorage, "NumberOfFrames": 24},
            "slices in one multi-frame file, IM00001",
        ),
        ({"NumberOfFrames": 2}, "multi-frame"),
        ({"SOPClassUID": MRImageStorage, "Modality": "MR"}, "that is no CT (modality 'MR')"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "that is no CT"),
        ({"PhotometricInterpretation": "RGB"}, "stores its pixels as 'RGB'"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "stores its pixels as 'MONOCHROME1'"),
    ],
)
def test_what_is_no_stack_of_ct_images(tmp_path, whole, changes, words):
    image = next(axial_images(whole, BODY))
    for word, value in changes.items():
        setattr(image, word, value)
    save([image], tmp_path)
    assert words in refused(tmp_path)


# ---- what else lies in a folder


def test_other_files_are_passed_over(tmp_path, whole):
    save(axial_images(whole, LUNG), tmp_path)
    (tmp_path / "viewer").mkdir()
    (tmp_path / "viewer" / "autorun.exe").write_bytes(b"MZ" + bytes(2000))
    (tmp_path / "report.pdf").write_text("%PDF-1.4")
    (tmp_path / "empty.dcm").write_bytes(b"")
    found = read_headers(tmp_path, progress=False)
    assert len(found.headers) == 24 and found.damaged == []
    assert {path.name for path in found.others} == {"autorun.exe", "report.pdf", "empty.dcm"}


def test_the_table_of_contents_of_a_cd_is_no_image(study, tmp_path):
    from pydicom.fileset import FileSet

    files = FileSet()
    for path in sorted(study.iterdir())[:3]:
        files.add(path)
    files.write(tmp_path)
    found = read_headers(tmp_path, progress=False)
    assert [path.name for path in found.others] == ["DICOMDIR"] and len(found.headers) == 3


def test_damaged_headers_are_listed_and_nothing_of_them_is_printed(tmp_path, whole, capfd):
    paths = save(list(axial_images(whole, BODY))[:4], tmp_path)
    paths[0].write_bytes(paths[0].read_bytes()[:150])  # ends in the first lines
    data = pydicom.dcmread(paths[1])
    del data.SeriesInstanceUID
    data.save_as(paths[1])
    number = b"\x20\x00\x13\x00IS\x02\x00"
    packed = paths[2].read_bytes()
    assert packed.count(number) == 1
    paths[2].write_bytes(packed.replace(number + b"3 ", number + b"xy"))
    found = read_headers(tmp_path, progress=False)
    assert found.damaged == paths[:3] and [one.path for one in found.headers] == paths[3:]
    assert capfd.readouterr() == ("", "")


def test_no_folder_and_no_image(tmp_path):
    with pytest.raises(ConversionError, match="is no folder"):
        read_headers(tmp_path / "nowhere")
    with pytest.raises(ConversionError, match=r"holds no DICOM image \(0 files looked at\)"):
        read_headers(tmp_path)
    (tmp_path / "note.txt").write_text("nothing")
    with pytest.raises(ConversionError, match=r"holds no DICOM image \(1 file looked at\)"):
        read_headers(tmp_path)


@pytest.mark.parametrize("series", [Series(7, ""), Series(8, "%BODY%")])
def test_descriptions_that_are_empty_or_patterns(tmp_path, whole, series):
    save(list(axial_images(whole, series))[:2], tmp_path)
    assert len(choose_series(headers(tmp_path), "%")) == 2
