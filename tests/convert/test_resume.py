"""What an interrupted run has left is taken over only where it is whole, and of the files that are there now."""

from __future__ import annotations

import os

import numpy as np
import pytest

from mosmed_edu.check import check_dataset
from mosmed_edu.convert import folder, run
from mosmed_edu.dataset import open_dataset
from mosmed_edu.errors import ConversionError
from mosmed_edu.layout import write_volume


@pytest.fixture
def stopped(two, monkeypatch):
    """Two patients, both converted, and then the power fails. `stopped.anew` is what a later run converts again."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(folder.Workplace, "close", stop)
        with pytest.raises(KeyboardInterrupt):
            two.run()
    two.anew, read = [], run._read_one

    def read_one(one, *rest):
        two.anew.append(one.key)
        return read(one, *rest)

    monkeypatch.setattr(run, "_read_one", read_one)
    return two


def scan(two, number):
    return next(two.partial.rglob(f"study_000{number}.nii.gz"))


def record(two, number):
    return two.partial / ".done" / f"{number}.json"


def test_what_is_whole_is_taken_over(stopped):
    stopped.run()
    assert stopped.anew == [] and check_dataset(stopped.out, progress=False).ok


@pytest.mark.parametrize("word", ["PixelData", "RescaleIntercept"])
def test_a_study_whose_files_have_changed_is_converted_again(stopped, word):
    """Even where they are as long as they were."""
    path = stopped.root / "P2" / "IM00020"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"-1024", b"-1023") if word == "RescaleIntercept" else data[:-2] + b"\x07\x07")
    assert path.read_bytes() != data and path.stat().st_size == len(data)
    stopped.run()
    assert stopped.anew == ["P2"]
    first, second = (study.ct().data for study in open_dataset(stopped.out))
    assert [bool((first[..., k] == second[..., k]).all()) for k in range(2)] == [False, True]


def test_so_is_one_whose_mask_has_changed_and_no_other(ct, two, monkeypatch):
    two.list.write_text("study,category,mask\nP1,CT-0,\nP2,CT-1,mask.nii.gz\n")
    mask = two.volume.with_data(np.asfortranarray((two.volume.data > 900).astype(np.int16)))
    write_volume(mask, two.root / "mask.nii.gz")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(folder.Workplace, "close", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        two.run()
    write_volume(mask.with_data(1 - mask.data), two.root / "mask.nii.gz")
    scans = {number: scan(two, number).stat().st_ino for number in (1, 2)}
    before = {number: scan(two, number).stat().st_mtime_ns for number in (1, 2)}
    two.run()
    done = open_dataset(two.out)
    assert done[1].study_path.stat().st_mtime_ns == before[1] and scans[1] == done[1].study_path.stat().st_ino
    assert done[2].mask().data.sum() == (1 - ct.truth(mask, ct.kept(mask)).data).sum()


def empty(path):
    path.write_bytes(b"")


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def bad_byte(path):
    data = bytearray(path.read_bytes())
    data[-3] = 0xFF
    path.write_bytes(data)


def other_digit(path):
    path.write_text(path.read_text().replace('"thin_count": 20', '"thin_count": 21'))


def no_object(path):
    path.write_text("[1, 2]")


@pytest.mark.parametrize("harm", [empty, cut, bad_byte, other_digit, no_object, os.unlink])
def test_a_record_that_a_power_cut_has_spoilt_counts_for_nothing(stopped, harm):
    harm(record(stopped, 1))
    assert [one.thin_count for one in stopped.run().studies] == [20, 20]
    assert stopped.anew == ["P1"] and check_dataset(stopped.out, progress=False).ok


@pytest.mark.parametrize("harm", [empty, cut, bad_byte, os.unlink])
def test_neither_does_one_whose_scan_is_not_whole(stopped, harm):
    harm(scan(stopped, 2))
    stopped.run()
    assert stopped.anew == ["P2"] and check_dataset(stopped.out, progress=False).ok


@pytest.mark.parametrize("harm", [empty, bad_byte, os.unlink])
def test_a_plan_that_cannot_be_read_is_another_plan(stopped, harm):
    harm(stopped.partial / ".plan")
    stopped.run()
    assert stopped.anew == ["P1", "P2"] and check_dataset(stopped.out, progress=False).ok


def test_where_the_folder_cannot_get_its_name_nothing_is_lost(stopped, monkeypatch):
    """Somebody has put something there while it was made."""
    close = folder.Workplace.close

    def close_late(self, studies):
        stopped.out.mkdir()
        (stopped.out / "notes.txt").write_text("")
        close(self, studies)

    with monkeypatch.context() as patch, pytest.raises(ConversionError, match="cannot be written"):
        patch.setattr(folder.Workplace, "close", close_late)
        stopped.run()
    (stopped.out / "notes.txt").unlink()
    stopped.run()
    assert stopped.anew == [] and not stopped.partial.exists() and check_dataset(stopped.out, progress=False).ok
    assert not any(path.name.startswith(".") for path in stopped.out.rglob("*"))
