"""Datasets on disk: whole or not there at all, the same whoever draws them, and readable as the real one is."""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mosmed_edu import open_dataset
from mosmed_edu.dataset import Dataset
from mosmed_edu.errors import CacheError, DrawingError
from mosmed_edu.layout import DRAWN_MARK, TRUTH_TABLE
from mosmed_edu.phantom import GENERATOR_VERSION, PLANS, SIGNS, Plan, cached_dataset, cohort, workers, write_dataset
from mosmed_edu.phantom.reading import category_of

TINY = Plan("tiny", (1, 2, 1, 0, 1), 64, first_seed=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_dataset(TINY, tmp_path_factory.mktemp("drawn") / "tiny", workers=1, progress=False)


@pytest.fixture
def tiny_sample(monkeypatch, tmp_path):
    """A cache of its own, in which the sample is a small dataset."""
    monkeypatch.setenv("MOSMED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MOSMED_ROOT", raising=False)
    monkeypatch.setitem(PLANS, "sample", Plan("sample", (1, 0, 0, 0, 0), 64, first_seed=1))
    return tmp_path / "cache"


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_courses_datasets_have_the_sizes_that_were_promised():
    assert (PLANS["sample"].counts, PLANS["sample"].matrix) == ((4, 8, 4, 2, 2), 512)
    assert (PLANS["cohort"].counts, PLANS["cohort"].matrix) == ((37, 98, 18, 5, 2), 256)


def test_it_opens_as_any_dataset_does(folder):
    ds = Dataset(folder)
    assert ds.is_synthetic
    assert list(ds.registry.index) == [1, 2, 3, 4, 5]
    assert list(ds.registry.category) == ["CT-0", "CT-1", "CT-1", "CT-2", "CT-4"]  # numbered in order of category
    for study_id in ds.registry.index:
        study = ds[study_id]
        ct, truth = study.ct(), study.truth()
        assert ct.data.dtype == np.int16 and ct.orientation == "LAS" and ct.spacing[2] == 8.0
        assert truth.labels.same_grid(ct) and truth.lobes.same_grid(ct)
        in_mask = np.isin(truth.labels.data, (1, 2, 3))
        assert truth.fraction == pytest.approx(in_mask.sum() / truth.lungs.data.sum(), abs=1e-6)
        mask = study.mask()
        assert (mask is not None) == (study.category == "CT-1")
        if mask is not None:
            assert np.array_equal(mask.data, in_mask)


def test_the_registry_has_the_datasets_slashes(folder):
    table = pd.read_excel(folder / "dataset_registry.xlsx")
    assert list(table.columns) == ["study_id", "category", "study_file", "mask_file"]
    assert table.study_file[0] == "/studies/CT-0/study_0001.nii.gz"
    assert table.mask_file[1] == "/masks/study_0002_mask.nii.gz"
    assert table.mask_file.isna().sum() == 3


def test_truth_keeps_the_reading_and_the_extent_apart(folder):
    truth = pd.read_csv(folder / TRUTH_TABLE, index_col="study_id")
    assert (truth.category == truth.reader_1).all()
    assert all(truth.category_by_fraction == [category_of(fraction) for fraction in truth.fraction])
    whole = {"reader_2", "left_fraction", "right_fraction", "age", "sex", "seed", "emphysema", "scanner_noise_hu"}
    assert whole <= set(truth.columns)
    assert (truth.fraction[truth.category == "CT-0"] == 0).all()


def test_the_mark_names_what_the_labels_mean(folder):
    mark = json.loads((folder / DRAWN_MARK).read_text())
    assert mark["generator_version"] == GENERATOR_VERSION
    assert {int(number): name for number, name in mark["signs"].items()} == SIGNS
    assert mark["studies"] == {"CT-0": 1, "CT-1": 2, "CT-2": 1, "CT-4": 1}
    assert mark["masks"] == 2


@pytest.mark.parametrize("name", ["README_EN.md", "README_RU.md", "LICENSE"])
def test_the_folder_says_what_it_is(folder, name):
    text = (folder / name).read_text(encoding="utf-8")
    assert "CC BY 4.0" in text
    if name != "LICENSE":
        assert "arXiv:2005.06465" in text  # the dataset that is imitated is cited
    assert {"README_EN.md": "show no patient", "LICENSE": "show no patient", "README_RU.md": "нет ни одного пациента"}[
        name
    ] in text


def test_two_workers_write_the_same_bytes_as_one(folder, tmp_path):
    other = write_dataset(TINY, tmp_path / "other", workers=2, progress=False)
    first, second = contents(folder), contents(other)
    assert first.keys() == second.keys()
    same = {name for name in first if first[name] == second[name]}
    assert set(first) - same <= {"dataset_registry.xlsx"}  # a spreadsheet holds the time of its making
    assert open_dataset(other).registry.equals(open_dataset(folder).registry)


def test_a_script_without_a_guard_may_draw(tmp_path):
    """`if __name__ == "__main__"` is missing, as in most scripts of beginners."""
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        "from mosmed_edu.phantom import Plan, write_dataset\n"
        f"write_dataset(Plan('s', (2, 0, 0, 0, 0), 64, 9), {str(tmp_path / 's')!r}, workers=2, progress=False)\n"
    )
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout, run.stderr) == (0, "once\n", "")
    assert (tmp_path / "s" / DRAWN_MARK).is_file()


def test_an_existing_folder_is_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DrawingError, match="exists already"):
        write_dataset(TINY, tmp_path, progress=False)
    assert contents(tmp_path) == {"mine.txt": b"mine"}


def test_an_unknown_name_is_refused():
    with pytest.raises(DrawingError, match="sample or cohort"):
        write_dataset("smaple", "nowhere")


def test_a_second_site_can_be_tied_to_the_category(folder):
    """Off by default; where it is on, severe studies are noisier and have a larger pixel."""
    assert all(job.site == "A" for plan in PLANS.values() for job in plan.jobs())
    jobs = list(Plan("sites", (1, 0, 1, 0, 0), 64, 40, second_site=("CT-2",)).jobs())
    assert [job.site for job in jobs] == ["A", "B"]
    usual, other = replace(jobs[1], site="A").draw(), jobs[1].draw()
    assert other.ct.spacing[0] == pytest.approx(1.15 * usual.ct.spacing[0], rel=1e-3)
    assert other.record["scanner"]["noise_hu"] > usual.record["scanner"]["noise_hu"]
    assert other.fraction == pytest.approx(usual.fraction, abs=2e-3)


@pytest.mark.parametrize("counts", [(1, 2, 3), (1, 2, 3, 4, -1), (0.5, 1, 1, 1, 1)])
def test_impossible_plans_are_refused(counts):
    with pytest.raises(DrawingError, match="five whole numbers"):
        Plan("wrong", counts, 64, 1)


# The cache.


def test_the_sample_is_drawn_once(tiny_sample, capsys):
    root = open_dataset().root
    assert "Drawing the synthetic sample" in capsys.readouterr().err
    assert root.parent == tiny_sample and str(GENERATOR_VERSION) in root.name
    before = (root / DRAWN_MARK).stat().st_mtime_ns
    assert open_dataset("sample").root == root
    assert (root / DRAWN_MARK).stat().st_mtime_ns == before
    assert "Drawing" not in capsys.readouterr().err


def test_a_new_version_of_the_generator_draws_anew(tiny_sample, monkeypatch):
    old = cached_dataset(progress=False)
    monkeypatch.setattr(cohort, "GENERATOR_VERSION", GENERATOR_VERSION + 1)
    new = cached_dataset(progress=False)
    assert new != old
    assert json.loads((new / DRAWN_MARK).read_text())["generator_version"] == GENERATOR_VERSION + 1


def test_another_plan_of_the_same_name_draws_anew(tiny_sample):
    """Somebody changes the numbers in a notebook and runs the cell again."""
    for count in (1, 2, 1):
        root = cached_dataset(Plan("mine", (count, 0, 0, 0, 0), 64, first_seed=5), progress=False)
        assert len(open_dataset(root).registry) == count


def test_what_a_killed_run_left_is_cleared(tiny_sample):
    root = tiny_sample / f"sample-v{GENERATOR_VERSION}"
    partial = tiny_sample / f".{root.name}.feedbeef.partial"
    for left in (root, partial):
        (left / "studies").mkdir(parents=True)
        (left / "studies" / "half.nii.gz").write_bytes(b"half")
    partial.with_name(f"{partial.name}.lock").touch()
    assert cached_dataset(progress=False) == root
    assert not list(tiny_sample.rglob("half.nii.gz"))
    assert len(open_dataset("sample").registry) == 1
    assert not partial.exists()


def test_two_processes_may_start_at_once(tmp_path):
    code = (
        "from mosmed_edu.phantom import PLANS, Plan, cached_dataset\n"
        "PLANS['sample'] = Plan('sample', (2, 1, 0, 0, 0), 64, 5)\n"
        "print(cached_dataset(progress=False))"
    )
    env = os.environ | {"MOSMED_CACHE": str(tmp_path)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=env, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert len(Dataset(Path(said[0][0].strip())).registry) == 3
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [f"sample-v{GENERATOR_VERSION}"]


def one_line(caught, folder):
    text = str(caught.value)
    assert "\n" not in text and str(folder) in text and "MOSMED_CACHE" in text
    return text


@pytest.mark.parametrize(
    ("number", "says"),
    [(errno.ENOSPC, "no space left"), (errno.EACCES, "may not be written"), (errno.EROFS, "may not be")],
)
def test_a_refused_write_is_one_line_and_leaves_nothing(tiny_sample, monkeypatch, number, says):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cohort, "write_registry", refuse)
    with pytest.raises(CacheError) as caught:
        cached_dataset(progress=False)
    assert says in one_line(caught, tiny_sample)
    assert [path.name for path in tiny_sample.iterdir() if path.is_dir()] == []


def test_a_full_disk_is_noticed_before_drawing(tiny_sample, monkeypatch):
    usage = shutil.disk_usage(tiny_sample.parent)
    monkeypatch.setattr(cohort.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    monkeypatch.setattr(cohort, "run_all", lambda *_: pytest.fail("began to draw"))
    with pytest.raises(CacheError) as caught:
        cached_dataset(progress=False)
    assert "no space left" in one_line(caught, tiny_sample)


def test_a_cache_folder_that_is_a_file(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOSMED_CACHE", str(tmp_path / "file"))
    with pytest.raises(CacheError) as caught:
        cached_dataset(progress=False)
    one_line(caught, tmp_path / "file")


def test_a_complete_cache_needs_no_writing(tiny_sample, monkeypatch):
    root = cached_dataset(progress=False)
    monkeypatch.setattr(cohort, "FileLock", lambda *_: pytest.fail("took a lock to read"))
    assert cached_dataset(progress=False) == root


# Workers.


@pytest.mark.parametrize(("settings", "most"), [({"CPU_LIMIT": "1.0"}, 1), ({"MEM_LIMIT": "2000000000"}, 2)])
def test_workers_keep_to_the_limits_of_a_hub(monkeypatch, settings, most):
    monkeypatch.setattr(workers.os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert 1 <= workers.worker_count(100) <= most


def test_workers_are_no_more_than_jobs():
    assert workers.worker_count(1) == 1


def test_a_killed_worker_is_said_in_one_line():
    with pytest.raises(DrawingError, match="workers=1"):
        list(workers.run_all(os._exit, [9, 9], 2))
