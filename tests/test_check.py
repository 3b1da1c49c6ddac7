"""A teacher learns from one command whether a download is whole, and what to do if not."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from mosmed_edu.check import check_dataset
from mosmed_edu.errors import DatasetNotFound, RegistryError
from mosmed_edu.layout import PUBLISHED_STUDIES, lobes_file, signs_file, write_registry, write_volume
from mosmed_edu.volume import Volume


@pytest.fixture(scope="session")
def whole(tmp_path_factory, tiny):
    """A folder with as many studies and masks as were published, small ones."""
    numbers = iter(range(1, 1111))
    studies = {next(numbers): category for category, count in PUBLISHED_STUDIES.items() for _ in range(count)}
    return tiny.write_dataset(tmp_path_factory.mktemp("whole"), studies, range(255, 305))


@pytest.fixture
def small(root, monkeypatch):
    """The small dataset, with its own numbers as the published ones, so that nothing is off."""
    monkeypatch.setattr("mosmed_edu.check.PUBLISHED_STUDIES", {"CT-0": 2, "CT-1": 2, "CT-2": 1, "CT-3": 1, "CT-4": 1})
    monkeypatch.setattr("mosmed_edu.check.PUBLISHED_MASKS", 2)
    return root


@pytest.fixture
def drawn(tmp_path, tiny):
    """A folder that says of itself that it was drawn."""
    root = tiny.write_dataset(tmp_path / "sample-v1")
    for folder in ("lobes", "signs"):
        (root / "extras" / folder).mkdir(parents=True)
    for number in tiny.STUDIES:
        for relative in (lobes_file(number), signs_file(number)):
            write_volume(Volume(tiny.mask_of(9).astype(np.uint8), tiny.AFFINE), root / relative.lstrip("/"))
    (root / "extras" / "truth.csv").write_text("study_id,fraction\n" + "".join(f"{n},0.1\n" for n in tiny.STUDIES))
    said = {"name": "sample", "studies": {"CT-0": 2, "CT-1": 2, "CT-2": 1, "CT-3": 1, "CT-4": 1}, "masks": 2}
    (root / "extras" / "drawn.json").write_text(json.dumps(said))
    return root


def check(root, **options):
    return check_dataset(root, progress=False, **options)


def only_fault(root, **options):
    """The one fault of a folder."""
    report = check(root, **options)
    assert not report.ok
    (fault,) = report.faults
    assert fault.todo
    return fault


@pytest.mark.parametrize("quick", [False, True])
def test_a_whole_dataset_is_ok(whole, quick):
    report = check(whole, quick=quick)
    assert report.ok and not report.remarks and not report.missing
    assert {name: count.on_disk for name, count in report.studies.items()} == {
        "CT-0": 254, "CT-1": 684, "CT-2": 125, "CT-3": 45, "CT-4": 2,
    }  # fmt: skip
    assert (report.total.expected, report.total.listed, report.total.on_disk) == (1110, 1110, 1110)
    assert (report.masks.expected, report.masks.on_disk, report.files) == (50, 50, 1160)
    assert report.name == "MosMedData COVID19_1110" and not report.synthetic
    assert report.copy == "as published, all 1110 studies"
    assert report.lines()[-1].startswith("OK")
    assert ("--quick" in report.lines()[-1]) == quick


def test_a_selection_is_told_from_the_publication(root):
    fault = only_fault(root)
    assert "CT-0 2 of 254" in fault.fault and "masks 2 of 50" in fault.fault
    assert fault.where == "dataset_registry.xlsx"


def test_a_partial_download_is_one_fault_not_a_thousand(whole, tmp_path):
    root = tmp_path / "part"
    shutil.copytree(whole, root, ignore=shutil.ignore_patterns("CT-1", "CT-2", "study_02*_mask*"))
    report = check(root)
    (fault,) = report.faults
    files = 254 + 45 + 2 + 5
    assert f"is partial: {files} of 1160 files are on disk" in fault.fault
    assert "finish the download" in fault.todo
    assert len(report.missing) == 1160 - files and report.as_dict()["partial"]
    assert report.studies["CT-1"].on_disk == 0 and report.studies["CT-0"].on_disk == 254 and report.masks.on_disk == 5
    assert len(report.lines()) < 20


def spoil_byte(path, place=-6):
    packed = bytearray(path.read_bytes())
    packed[place] ^= 1
    path.write_bytes(packed)


def test_a_flipped_bit_is_found_unless_in_a_hurry(small):
    spoil_byte(small / "studies/CT-2/study_0939.nii.gz")
    fault = only_fault(small)
    assert fault.where == "studies/CT-2/study_0939.nii.gz" and "damaged" in fault.fault
    assert check(small, quick=True).ok


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (lambda packed: b"", "is empty"),
        (lambda packed: packed[:-100], "cut short|ends after"),
        (lambda packed: packed[:-4], "cut short"),
        (lambda packed: b"<!DOCTYPE html><html>" * 50, "web page"),
        (lambda packed: b"version https://git-lfs.github.com/spec/v1\n", "git-lfs"),
        (lambda packed: gzip.compress(gzip.decompress(packed)[:-2]), "ends after"),
        (lambda packed: gzip.compress(gzip.decompress(packed) + b"xx"), "holds more"),
    ],
    ids=["empty", "cut", "trailer", "web page", "lfs", "short", "long"],
)
def test_damage_is_found_even_in_a_hurry(small, content, fault, quick):
    path = small / "masks/study_0255_mask.nii.gz"
    path.write_bytes(content(path.read_bytes()))
    found = only_fault(small, quick=quick)
    assert found.where == "masks/study_0255_mask.nii.gz"
    assert re.search(fault, found.fault)


def test_padding_and_several_members_are_no_fault_even_in_a_hurry(small):
    path = small / "studies/CT-2/study_0939.nii.gz"
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw[:400]) + gzip.compress(raw[400:]) + bytes(100))
    assert check(small).ok and check(small, quick=True).ok


def test_every_file_is_checked_also_after_a_damaged_one(small):
    for name in ("studies/CT-1/study_0255.nii.gz", "masks/study_0255_mask.nii.gz", "studies/CT-4/study_1109.nii.gz"):
        spoil_byte(small / name)
    assert len(check(small).faults) == 3
    assert len(check(small, workers=1).faults) == 3


def rewrite(root, relative, data, affine, change=None):
    path = root / relative
    write_volume(Volume(np.asfortranarray(data), affine), path)
    if change:
        image = nib.load(path)
        image = nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header)
        change(image)
        path.write_bytes(gzip.compress(image.to_bytes()))


SCAN = "studies/CT-2/study_0939.nii.gz"


def test_other_orientation_and_spacing(small, tiny):
    affine = tiny.AFFINE @ np.diag([1, -1, 0.5, 1])
    rewrite(small, SCAN, tiny.scan_of(1), affine)
    report = check(small)
    assert sorted(remark.fault for remark in report.faults) == [
        "has axes LPS where LAS is expected",
        "has slices 4 mm apart where 8 mm is expected",
    ]
    assert {remark.where for remark in report.faults} == {SCAN}


def test_two_places_in_one_header(small, tiny):
    moved = tiny.AFFINE.copy()
    moved[0, 3] += 3
    rewrite(small, SCAN, tiny.scan_of(1), tiny.AFFINE, lambda image: image.set_qform(moved, 1))
    assert "qform and its sform" in only_fault(small, quick=True).fault


@pytest.mark.parametrize(("field", "value"), [("quatern_b", 5), ("quatern_b", np.nan), ("qoffset_x", np.inf)])
def test_a_qform_of_nonsense(small, tiny, field, value):
    raw = bytearray(gzip.decompress((small / SCAN).read_bytes()))
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    header[field] = value
    (small / SCAN).write_bytes(gzip.compress(header.binaryblock + raw[348:]))
    assert "qform and its sform" in only_fault(small).fault


def test_one_form_only_is_no_fault(small, tiny):
    rewrite(small, SCAN, tiny.scan_of(1), tiny.AFFINE, lambda image: image.set_qform(None, 0))
    assert check(small).ok


def test_beyond_the_published_description_is_a_note(small, tiny):
    affine = tiny.AFFINE @ np.diag([2, 2, 1, 1])
    data = np.full((5, 5, 60), -1000, np.int16)
    rewrite(small, SCAN, data, affine)
    report = check(small)
    assert report.ok
    assert [remark.kind for remark in report.remarks] == ["note", "note"]
    text = "\n".join(report.lines())
    assert "pixels of 1.40 x 1.40 mm" in text and "60 slices" in text and "OK" in text


def test_a_mask_that_is_none_or_lies_elsewhere(small, tiny):
    labels = tiny.mask_of(255) * 3
    rewrite(small, "masks/study_0255_mask.nii.gz", labels, tiny.AFFINE)
    rewrite(small, "masks/study_0256_mask.nii.gz", tiny.mask_of(1)[:, :, ::-1][:-1], tiny.AFFINE)
    faults = {remark.where: remark.fault for remark in check(small).faults}
    assert faults == {
        "masks/study_0255_mask.nii.gz": "has values other than 0 and 1",
        "masks/study_0256_mask.nii.gz": "does not lie on the grid of study_0256.nii.gz",
    }


def test_a_mask_is_checked_without_its_scan(small, tiny):
    (small / "studies/CT-1/study_0255.nii.gz").unlink()
    rewrite(small, "masks/study_0255_mask.nii.gz", tiny.mask_of(3) * 2, tiny.AFFINE)
    assert sorted(remark.topic for remark in check(small).faults) == ["file", "missing"]


def test_voxels_that_are_no_hounsfield_units(small, tiny):
    rewrite(small, SCAN, tiny.scan_of(1) + 1024, tiny.AFFINE)
    assert "no Hounsfield units" in only_fault(small).fault


@pytest.mark.parametrize("name", ["studies/CT-2/study_0939 (1).nii.gz", "studies/CT-2/study_0939.nii", "masks/x.part"])
def test_files_that_nobody_reads(small, name):
    (small / name).write_bytes(b"anything")
    fault = only_fault(small)
    assert fault.where == name and "not in the registry" in fault.fault


def test_documents_and_hidden_files_are_nobodys_business(small):
    for name in ("README_EN.md", "LICENSE", ".DS_Store", "masks/._study_0255_mask.nii.gz", "notes.csv"):
        (small / name).write_bytes(b"text")
    assert check(small).ok


def test_one_file_for_two_studies(small, tiny):
    registry = tiny.registry_of(tiny.STUDIES, tiny.MASKED)
    registry.loc[2, "study_file"] = registry.loc[1, "study_file"]
    write_registry(registry, small / "dataset_registry.xlsx")
    faults = check(small).faults
    assert {remark.topic for remark in faults} == {"registry", "unlisted"}
    assert any("for study 1 and for study 2" in remark.fault for remark in faults)


def test_a_study_in_the_folder_of_another_category_is_noted(small, tiny):
    registry = tiny.registry_of(tiny.STUDIES, tiny.MASKED)
    registry.loc[2, "category"], registry.loc[255, "category"] = "CT-1", "CT-0"
    write_registry(registry, small / "dataset_registry.xlsx")
    report = check(small)
    assert report.ok and len(report.remarks) == 2
    assert "study 2, CT-1, at studies/CT-0/study_0002.nii.gz" in report.remarks[0].fault


def test_a_link_out_of_the_folder(small, tmp_path):
    outside = tmp_path / "outside.nii.gz"
    (small / SCAN).rename(outside)
    (small / SCAN).symlink_to(outside)
    faults = check(small).faults
    assert any("leads out of the dataset folder" in remark.fault for remark in faults)


def test_many_faults_alike_are_counted_and_all_are_in_the_json(small):
    for path in small.rglob("study_*.nii.gz"):
        spoil_byte(path)
    report = check(small)
    assert len(report.faults) == 9
    text = report.lines(most_alike=2)
    assert sum(line.startswith("fault  studies") or line.startswith("fault  masks") for line in text) == 2
    assert any("7 more like these" in line for line in text)
    assert len(json.loads(json.dumps(report.as_dict()))["remarks"]) == 9
    assert text[-1] == "NOT OK: 9 faults."


# ---- drawn folders


def test_a_drawn_folder_is_named_so_and_not_compared_with_the_publication(drawn):
    report = check(drawn)
    assert report.ok and report.synthetic and report.name == "sample"
    assert report.total.expected == 7 and report.files == 7 + 2 + 14
    assert any("Synthetic" in line and "no patient" in line for line in report.lines())


def test_a_drawn_folder_that_lost_a_study(drawn, tiny):
    write_registry(tiny.registry_of({1: "CT-0", 2: "CT-0"}), drawn / "dataset_registry.xlsx")
    faults = [remark for remark in check(drawn).faults if remark.topic == "counts"]
    assert "CT-4 0 of 1" in faults[0].fault and "drawn again" in faults[0].todo


def test_the_extras_are_checked_too(drawn, tiny):
    (drawn / lobes_file(1).lstrip("/")).unlink()
    spoil_byte(drawn / signs_file(2).lstrip("/"))
    moved = tiny.AFFINE + np.array([[0, 0, 0, 3.0]] + [[0, 0, 0, 0]] * 3)
    rewrite(drawn, lobes_file(255).lstrip("/"), tiny.mask_of(3).astype(np.uint8), moved)
    (drawn / "extras" / "truth.csv").write_text(
        "study_id,fraction\n" + "".join(f"{n},0.1\n" for n in [1, 2, 255, 256, 939])
    )
    faults = {(remark.topic, remark.where) for remark in check(drawn).faults}
    assert faults == {
        ("missing", "the folder"),
        ("file", "extras/signs/study_0002_signs.nii.gz"),
        ("file", "extras/lobes/study_0255_lobes.nii.gz"),
        ("registry", "extras/truth.csv"),
    }


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"name": "x", "studies": 3, "masks": "many"}', "\x00"])
def test_a_drawn_folder_that_does_not_know_what_it_is(drawn, text):
    (drawn / "extras" / "drawn.json").write_text(text)
    assert only_fault(drawn).where == "extras/drawn.json"


@pytest.mark.parametrize("text", ["", "id\n1\n", "\x00\x01"])
def test_a_truth_table_that_is_none(drawn, text):
    (drawn / "extras" / "truth.csv").write_text(text)
    assert only_fault(drawn).where == "extras/truth.csv"


# ---- nothing to compare with


def test_no_dataset_and_no_usable_registry(tmp_path, small):
    with pytest.raises(DatasetNotFound):
        check(tmp_path / "nowhere")
    (small / "dataset_registry.xlsx").write_bytes(b"<html>")
    with pytest.raises(RegistryError):
        check(small)


def test_a_folder_above_will_do(small):
    assert check(small.parent).root == str(small)


def test_nothing_is_printed(small, capfd):
    check(small)
    assert capfd.readouterr() == ("", "")
    check_dataset(small, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "Checking" in err


# ---- folders that are closed, and files that would bring a reader down


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
@pytest.mark.parametrize("closed", ["studies/CT-0", "extras", "masks", "private"])
def test_a_closed_folder_is_reported_and_the_rest_is_checked(drawn, closed, mode):
    """Run without the rights that let root in everywhere."""
    (drawn / "private").mkdir()
    (drawn / "private" / "x.nii").touch()
    command = [sys.executable, "-m", "mosmed_edu", "check", str(drawn), "--quick", "--json", "--workers", "1"]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root enters every folder, and there is no setpriv to prevent it")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    (drawn / closed).chmod(mode)
    try:
        ran = subprocess.run(command, capture_output=True, text=True)
    finally:
        (drawn / closed).chmod(0o755)
    assert ran.returncode == 1 and ran.stderr == ""
    said = json.loads(ran.stdout)
    shut = {remark["where"] for remark in said["remarks"] if "cannot be read (Permission denied)" in remark["fault"]}
    assert shut and all(where.startswith(closed) for where in shut)
    assert said["studies"]["CT-4"]["on_disk"] == 1 and said["missing"] == []


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "x", "synthetic": true, "studies": {"CT-0": "many"}, "masks": 1}',
        '{"name": "x", "synthetic": true, "studies": {"CT-0": Infinity}, "masks": 1}',
        '{"name": "x", "synthetic": true, "studies": {"CT-0": 1}, "masks": Infinity}',
        '{"name": "x", "synthetic": true, "studies": {"CT-0": -1}, "masks": 1}',
        '{"name": "x", "synthetic": true, "studies": [1], "masks": 1}',
        "[" * 100_000,
    ],
    ids=["text", "endless", "endless masks", "less than none", "list", "brackets"],
)
@pytest.mark.parametrize("mark", ["extras/drawn.json", "converted.json"])
def test_a_folder_that_talks_nonsense_of_itself_is_a_fault(drawn, mark, text):
    if mark == "converted.json":
        shutil.rmtree(drawn / "extras")
    (drawn / mark).write_text(text)
    fault = only_fault(drawn, quick=True)
    assert (fault.topic, fault.where) == ("counts", mark) and len(fault.fault) < 200


def test_a_file_with_an_impossible_affine_is_a_fault_of_that_file(small):
    raw = bytearray(gzip.decompress((small / SCAN).read_bytes()))
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    header["srow_x"], header["srow_y"], header["srow_z"] = (1e6, 1e6, 0, 0), (0, 1e-20, 0, 0), (0, 0, 1e6, 0)
    (small / SCAN).write_bytes(gzip.compress(header.binaryblock + raw[348:]))
    fault = only_fault(small)
    assert fault.where == SCAN and "places its voxels nowhere" in fault.fault
