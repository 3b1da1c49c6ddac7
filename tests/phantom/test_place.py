"""A folder that is made is there whole or not at all, and nothing else of the user's is touched."""

from __future__ import annotations

import errno

import pytest
from pydicom.dataset import Dataset

from mosmed_edu.errors import DrawingError
from mosmed_edu.phantom import dicom, export
from mosmed_edu.phantom.calibrate import calibration_table
from mosmed_edu.phantom.place import whole_folder


def test_only_what_a_killed_run_left_is_removed(tmp_path):
    """By the whole name and by its lock: a folder of the user's, or a half-done conversion, is not ours."""
    kept = [".out.partial", ".out.my-partial", ".out.0123abcd.partial", ".outer.0123abcd.partial"]
    for name in (*kept, ".out.feedbeef.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").write_text("words")
    for name in (".out.partial.lock", ".out.feedbeef.partial.lock"):
        (tmp_path / name).touch()
    with whole_folder(tmp_path / "out") as partial:
        (partial / "drawn").touch()
    assert all((tmp_path / name / "precious").read_text() == "words" for name in kept)
    assert not (tmp_path / ".out.feedbeef.partial").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["drawn"]


@pytest.mark.parametrize("name", ["a**b", "[x]", "a?"])
def test_a_name_may_hold_what_patterns_are_made_of(tmp_path, name):
    (tmp_path / ".axb.0123abcd.partial").mkdir()
    (tmp_path / ".axb.0123abcd.partial.lock").touch()
    with whole_folder(tmp_path / name):
        pass
    assert (tmp_path / name).is_dir() and (tmp_path / ".axb.0123abcd.partial").is_dir()


@pytest.mark.parametrize("studies", [0, 10_000, 999_999_999])
def test_a_number_of_studies_that_has_no_name_is_refused_at_once(tmp_path, studies):
    with pytest.raises(DrawingError, match="ask for 1 to 9999"):
        export.write_export(tmp_path / "out", studies)
    assert list(tmp_path.iterdir()) == []


def test_a_calibration_of_a_billion_studies_is_refused_at_once():
    with pytest.raises(DrawingError, match="cannot be drawn"):
        calibration_table(999_999_999)


def test_a_full_disk_is_said_without_pydicoms_traceback(tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError("With tag (7FE0,0010) got exception ... Traceback") from OSError(errno.ENOSPC, "No space left")

    monkeypatch.setattr(Dataset, "save_as", full)
    with pytest.raises(OSError) as caught:
        dicom.save([Dataset()], tmp_path)
    assert (caught.value.errno, caught.value.strerror) == (errno.ENOSPC, "No space left")
