"""From a folder of DICOM to a dataset folder: whole, resumable, and read by what reads the published dataset."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from mosmed_edu.check import check_dataset
from mosmed_edu.cli import main
from mosmed_edu.convert import convert, read_categories
from mosmed_edu.dataset import open_dataset
from mosmed_edu.errors import ConversionError
from mosmed_edu.layout import CONVERTED_MARK, write_volume
from mosmed_edu.phantom.dicom import BODY, Person, axial_images, save
from mosmed_edu.plotting import show_slices
from mosmed_edu.volume import Volume

#: Patient, category; in an order that is not that of the categories.
PATIENTS = {"P3": "CT-2", "P1": "CT-0", "P4": "CT-1", "P2": "CT-1"}
IDS = {"P1": 1, "P4": 2, "P2": 3, "P3": 4}


def scan_of(ct, patient) -> Volume:
    """Each patient is another one."""
    return ct.volume.with_data(np.asfortranarray(np.roll(ct.volume.data, int(patient[1]), axis=0)))


@pytest.fixture
def source(ct, tmp_path):
    """Four patients in a folder each, and the list."""
    root = tmp_path / "export"
    for patient in PATIENTS:
        (root / patient).mkdir(parents=True)
        save(axial_images(scan_of(ct, patient), BODY, Person(id=f"id-{patient}")), root / patient)
    listed = pd.DataFrame(PATIENTS.items(), columns=["study", "category"])
    listed.to_csv(root / "list.csv", index=False)
    return root


@pytest.fixture
def out(tmp_path):
    return tmp_path / "own"


def run(source, out, **options):
    return convert(source, out, source / "list.csv", progress=False, **options)


def nothing_written(out):
    return not out.exists() and not out.with_name(f".{out.name}.partial").exists()


def test_a_folder_is_made_that_reads_like_the_dataset(ct, source, out):
    done = run(source, out)
    assert done.failed == [] and done.unnamed == 0 and done.others == 1
    dataset = open_dataset(out)
    assert dataset.registry["category"].tolist() == ["CT-0", "CT-1", "CT-1", "CT-2"]
    for patient, number in IDS.items():
        assert dataset[number].category == PATIENTS[patient]
        scan = scan_of(ct, patient)
        ct.same(dataset[number].ct(), ct.truth(scan, ct.kept(scan)))
    assert {path.name for path in out.iterdir()} == {
        "LICENSE", "README_EN.md", "README_RU.md", "converted.json", "dataset_registry.xlsx", "studies",
    }  # fmt: skip
    assert "{" not in (out / "README_EN.md").read_text("utf-8") + (out / "README_RU.md").read_text("utf-8")
    assert nothing_written(out.with_name("other"))


def test_check_finds_it_in_order(source, out):
    run(source, out)
    report = check_dataset(out, progress=False)
    assert report.ok and report.total.on_disk == 4 and report.name.startswith("Synthetic scans")
    assert {remark.kind for remark in report.remarks} <= {"note"}


def test_check_takes_other_distances_as_a_note_and_a_lost_study_as_a_fault(source, out):
    run(source, out, keep_every=5)
    report = check_dataset(out, progress=False)
    assert report.ok and any("slices 4 mm apart, not 8 mm" in remark.fault for remark in report.remarks)
    next(out.rglob("study_0001.nii.gz")).unlink()
    assert not check_dataset(out, progress=False).ok
    (out / CONVERTED_MARK).write_text("{}")
    (fault,) = [one for one in check_dataset(out, progress=False).faults if one.where == CONVERTED_MARK]
    assert "does not say what the folder should hold" in fault.fault


def test_scans_of_a_scanner_are_called_own(ct, source, out):
    import pydicom

    for path in (source / "P1").iterdir():
        image = pydicom.dcmread(path)
        image.Manufacturer = "SOMEBODY"
        image.save_as(path)
    run(source, out)
    assert json.loads((out / CONVERTED_MARK).read_text("utf-8"))["synthetic"] is False
    assert "may show patients" in (out / "README_EN.md").read_text("utf-8")
    assert check_dataset(out, progress=False).name.startswith("Own scans")
    ds = open_dataset(out)
    assert not ds.is_synthetic and "ynthetic" not in show_slices(ds[1], 1).caption


def test_drawings_stay_synthetic_on_their_way_through_dicom(source, out):
    run(source, out)
    ds = open_dataset(out)
    assert ds.is_synthetic and not ds.has_truth and ds[1].truth() is None
    assert "Synthetic study" in show_slices(ds[1], 1).caption
    assert "Synthetic studies" in "\n".join(check_dataset(out, progress=False).lines())


@pytest.mark.parametrize("name", ["id-P3", "export/..", "uid", "P3", "./P3/"])
def test_a_study_is_named_in_several_ways(ct, source, out, name):
    import pydicom

    uid = pydicom.dcmread(source / "P3" / "IM00001").StudyInstanceUID
    listed = source / "list.csv"
    name = {"uid": uid, "./P3/": "P3/", "export/..": "id-P3 "}.get(name, name)
    listed.write_text(f"study,category\n{name},CT-4\n")
    done = run(source, out)
    assert [one.category for one in done.studies] == ["CT-4"] and done.unnamed == 3
    scan = scan_of(ct, "P3")
    ct.same(open_dataset(out)[1].ct(), ct.truth(scan, ct.kept(scan)))


# ---- what fails


def test_a_study_that_fails_is_listed_and_the_rest_goes_on(source, out):
    (source / "P4" / "IM00010").write_bytes((source / "P4" / "IM00010").read_bytes()[:-50])
    (source / "P3" / "IM00020").unlink()
    with (source / "list.csv").open("a") as listed:
        listed.write("P9,CT-3\nid-P2,CT-1\n")
    done = run(source, out)
    assert [one.id for one in done.studies] == [1, 3]
    faults = {name: str(error) for name, error in done.failed}
    assert "IM00010: cannot be read to its end" in faults["P4"] and "is uneven" in faults["P3"]
    assert "has no DICOM image" in faults["P9"] and "is the same series as 'P2'" in faults["id-P2"]
    assert open_dataset(out).registry.index.tolist() == [1, 3]
    assert check_dataset(out, progress=False).ok


def test_nothing_is_left_where_every_study_fails(source, out):
    for patient in PATIENTS:
        (source / patient / "IM00020").unlink()
    with pytest.raises(ConversionError, match=r"gave no study. The first: P1 is uneven"):
        run(source, out)
    with pytest.raises(ConversionError, match=r"gave no study. The first: P1 has no series like 'X'"):
        run(source, out, series="X")
    assert nothing_written(out)


def test_out_exists(source, out):
    out.mkdir()
    run(source, out)  # an empty folder is as good as none
    before = sorted(out.rglob("*"))
    with pytest.raises(ConversionError, match="exists already"):
        run(source, out)
    assert sorted(out.rglob("*")) == before
    (out.parent / "file").write_text("")
    with pytest.raises(ConversionError, match="exists already"):
        run(source, out.parent / "file")


def test_out_may_not_be_written(source, out):
    out.parent.joinpath("file").write_text("")
    with pytest.raises(ConversionError, match="cannot be written"):
        run(source, out.parent / "file" / "own")
    with pytest.raises(ConversionError, match="keeps no slice"):
        run(source, out, keep_every=0)


def test_a_full_disk_is_one_line_and_can_be_gone_on_from(source, out, monkeypatch):
    import errno

    from mosmed_edu.convert import folder

    written = []

    def fill_up(volume, path):
        if len(written) == 2:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write_volume(volume, path)

    monkeypatch.setattr(folder, "write_volume", fill_up)
    with pytest.raises(ConversionError, match="No space left on device") as caught:
        run(source, out)
    assert "goes on where it stopped" in caught.value.todo and not out.exists()
    monkeypatch.setattr(folder, "write_volume", write_volume)
    run(source, out)
    assert check_dataset(out, progress=False).ok and len(open_dataset(out)) == 4


# ---- taken up again


def test_a_killed_run_leaves_nothing_half_and_is_taken_up_again(source, out):
    """Killed without warning between two studies, again and again, until it is done."""
    code = (
        "import os, sys, mosmed_edu.convert.folder as folder\n"
        "keep = folder.Workplace.keep\n"
        "def keep_one(self, *rest):\n"
        "    keep(self, *rest); print(rest[0].id, flush=True); os.kill(os.getpid(), 9)\n"
        "folder.Workplace.keep = keep_one\n"
        "from mosmed_edu.convert import convert\n"
        "convert(*sys.argv[1:4], progress=False)"
    )
    command = [sys.executable, "-c", code, source, out, source / "list.csv"]
    for number in (1, 2, 3, 4):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert ran.returncode == -signal.SIGKILL and ran.stdout == f"{number}\n", ran.stderr
        assert not out.exists()
    done = run(source, out)
    assert [one.id for one in done.studies] == [1, 2, 3, 4] and done.studies[0].spacing[2] == 8
    assert check_dataset(out, progress=False).ok
    assert not any(path.name.startswith(".") for path in out.rglob("*"))
    assert nothing_written(out.with_name("other")) and not out.with_name(".own.partial").exists()


def test_killed_in_the_middle_of_writing(source, out):
    """The file that was being written is written again."""
    code = (
        "import os, sys, mosmed_edu.convert.folder as folder\n"
        "write = folder.write_volume\n"
        "def write_half(volume, path):\n"
        "    write(volume, path); os.truncate(path, path.stat().st_size // 2); os.kill(os.getpid(), 9)\n"
        "folder.write_volume = write_half\n"
        "from mosmed_edu.convert import convert\n"
        "convert(*sys.argv[1:4], progress=False)"
    )
    command = [sys.executable, "-c", code, source, out, source / "list.csv"]
    assert subprocess.run(command, timeout=120).returncode == -signal.SIGKILL
    (source / "P1" / "IM00010").unlink()  # and that study cannot be converted any more
    (source / "P1" / "IM00020").unlink()
    (source / "P1" / "IM00040").unlink()
    assert [name for name, _ in run(source, out).failed] == ["P1"]
    assert check_dataset(out, progress=False).ok and len(open_dataset(out)) == 3


@pytest.mark.parametrize("change", ["keep_every", "list", "folder"])
def test_another_wish_begins_anew(source, out, monkeypatch, change):
    from mosmed_edu.convert import folder

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder.Workplace, "close", stop)
    with pytest.raises(KeyboardInterrupt):
        run(source, out)
    monkeypatch.undo()
    if change == "list":
        (source / "list.csv").write_text("study,category\nP3,CT-0\n")
    if change == "folder":  # other scans under the same names
        moved = source.rename(source.with_name("other"))
        for name in ("P1", "P2", "P3", "P4"):
            (moved / name / "IM00010").unlink()
            (moved / name / "IM00040").unlink()
        assert all(one.shape[2] == 2 for one in run(moved, out).studies)
        return
    done = run(source, out, **({"keep_every": 4} if change == "keep_every" else {}))
    assert check_dataset(out, progress=False).ok
    if change == "list":
        assert [(one.id, one.category) for one in done.studies] == [(1, "CT-0")]
        assert [path.name for path in out.rglob("*.nii.gz")] == ["study_0001.nii.gz"]
    else:
        assert all(study.ct().shape[2] == 10 for study in open_dataset(out))


def test_two_at_once_are_one_too_many(source, out):
    from filelock import FileLock

    partial = out.with_name(".own.partial")
    partial.mkdir()
    with FileLock(partial / ".lock"), pytest.raises(ConversionError, match="is being written by another process"):
        run(source, out)
    run(source, out)


def test_the_files_do_not_depend_on_the_run(source, out):
    run(source, out)
    run(source, out.with_name("again"))
    for path in out.rglob("*.nii.gz"):
        assert path.read_bytes() == (out.with_name("again") / path.relative_to(out)).read_bytes()


# ---- masks


def lesions(volume: Volume) -> Volume:
    return volume.with_data(np.asfortranarray((volume.data > 900).astype(np.int16)))


@pytest.mark.parametrize("on", ["all slices", "kept slices", "other axes"])
def test_a_mask_is_cut_to_the_kept_slices(ct, source, out, on):
    scan = scan_of(ct, "P4")
    wanted = ct.truth(lesions(scan), ct.kept(scan))
    mask = wanted if on == "kept slices" else lesions(scan)
    if on == "other axes":
        flipped = mask.affine.copy()
        flipped[:3, 3] = mask.to_mm((0, mask.shape[1] - 1, 0))
        flipped[:3, 1] *= -1
        mask = Volume(np.asfortranarray(mask.data[:, ::-1]), flipped)
    (source / "masks").mkdir()
    write_volume(mask, source / "masks" / "some mask.nii.gz")
    (source / "list.csv").write_text("category;study;mask\nCT-1;P4;masks/some mask.nii.gz\nCT-0;P1;\n")
    run(source, out)
    dataset = open_dataset(out)
    study = dataset.first(category="CT-1", with_mask=True)
    ct.same(study.mask().with_data(study.mask().data.astype(np.int16)), wanted)
    assert dataset.first(category="CT-0").mask() is None
    report = check_dataset(out, progress=False)
    assert report.ok and report.masks.on_disk == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda mask: mask.with_data(mask.data * 2), "has values other than 0 and 1 (P4)"),
        (lambda mask: Volume(mask.data[1:], mask.affine), "does not lie on the slices of the scan (P4)"),
        (lambda mask: Volume(mask.data[..., :25], mask.affine), "does not lie on the slices of the scan"),
        (lambda mask: Volume(mask.data, mask.affine + np.eye(4, k=3) * 0.4), "does not lie on the slices of the scan"),
        (None, "is not on disk"),
    ],
)
def test_a_mask_that_does_not_fit_fails_its_study(ct, source, out, spoil, words):
    if spoil:
        write_volume(spoil(lesions(scan_of(ct, "P4"))), source / "mask.nii.gz")
    (source / "list.csv").write_text("study,category,mask\nP4,CT-1,mask.nii.gz\nP1,CT-0,\n")
    done = run(source, out)
    ((name, error),) = done.failed
    assert name == "P4" and (words in str(error) or (spoil is None and "mask.nii.gz" in error.where))
    assert len(done.studies) == 1


# ---- the list


@pytest.mark.parametrize(
    "text",
    [
        "study,category\nA,CT-1\nB,CT-0\n",
        "\ufeffStudy;Category;remark\r\nA;ct-1;x\r\nB;CT-0;\r\n;;\r\n",
        "category\tstudy\n\u041a\u0422-1\tA\nCT-0\tB\n",
    ],
)
def test_a_list_as_programs_write_it(tmp_path, text):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    assert [(one.id, one.key, one.category) for one in read_categories(path)] == [(1, "B", "CT-0"), (2, "A", "CT-1")]


def test_a_number_keeps_its_leading_zeros(tmp_path):
    (tmp_path / "list.csv").write_text("study,category\n00017,CT-1\n")
    assert read_categories(tmp_path / "list.csv")[0].key == "00017"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is no readable table"),
        ("study,category\n", "lists no study"),
        ("name,category\nA,CT-1\n", "has no column 'study'"),
        ("x\ny\n", "has no column 'study' and 'category'"),
        ("study,category\nA,CT-5\n", "row 2 has the unknown category 'CT-5'"),
        ("study,category\nA,\n", "row 2 has the unknown category ''"),
        ("study,category\nA,CT-1\n,CT-2\n", "row 3 names no study"),
        ("study,category\nA,CT-1\nA,CT-2\n", "names 'A' more than once"),
        (b"\xd0study,category\n", "is not UTF-8"),
        (b"PK\x03\x04\xff\xfe", "is not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_a_list_that_cannot_be_used(tmp_path, text, fault):
    path = tmp_path / "list.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConversionError) as caught:
        read_categories(path)
    assert fault in caught.value.fault and caught.value.todo


# ---- in a terminal


def test_the_command_says_what_it_did(source, out, capsys):
    (source / "P4" / "IM00010").unlink()
    (source / "P2" / "IM00003").write_bytes(b"\0" * 128 + b"DICM" + b"\x08\x00")
    code = main(["convert", str(source), str(out), "--category-from", str(source / "list.csv"), "--keep-every", "5"])
    text = capsys.readouterr().out
    assert code == 1 and text.startswith(f"{out}\n") and "3 converted, 1 failed." in text
    assert "study 1  CT-0  40 x 32 x 8, 0.7 x 0.9 x 4 mm, from 40 slices 0.8 mm apart" in text
    assert re.search(r"FAILED  P4: is uneven.* Next: .*\.\n", text)
    assert "  1 of 40 slices are missing, none of them one that is kept" in text and "IM00003" in text


def test_help_says_what_the_list_needs(capsys):
    assert main(["convert", "--help"]) == 0
    text = capsys.readouterr().out
    for word in ("study", "category", "mask", "PatientID", "'%BODY%'", "burned"):
        assert word in text, word
    assert "%%" not in text


def test_what_is_missing_is_said_in_one_line(source, out, monkeypatch, capsys):
    """As in an installation without the extra."""
    for name in list(sys.modules):
        if name.startswith(("SimpleITK", "mosmed_edu.convert")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    code = main(["convert", str(source), str(out), "--category-from", str(source / "list.csv")])
    assert code == 1
    assert "needs the library SimpleITK, which is not installed. Next: pip install" in capsys.readouterr().err


def test_ctrl_c_stops_it_and_the_same_command_goes_on(source, out):
    command = [sys.executable, "-m", "mosmed_edu", "convert", source, out, "--category-from", source / "list.csv"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not out.with_name(".own.partial").exists() and running.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    assert running.wait(60) in (130, 0) and "Traceback" not in running.stderr.read()
    if not out.exists():
        run(source, out)
    assert check_dataset(out, progress=False).ok
