"""A cohort that is handed to an executor bit by bit, and rows that are found again by what their file is."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from mosmed_edu.dataset import Study
from mosmed_edu.errors import CacheError
from mosmed_edu.features import FEATURES, cohort, measure_cohort

ROW = {**dict.fromkeys(FEATURES, 1.0), "doubts": ""}


class Pretender(ThreadPoolExecutor):
    """One worker that reads no scan: it waits, or is held up by an event, and gives the same row for each study."""

    def __init__(self, seconds: float = 0.0, held_after: int | None = None):
        super().__init__(1)
        self.seconds, self.held_after, self.may_go_on = seconds, held_after, Event()
        self.futures, self.measured, self.most_at_once = [], [], 0

    def submit(self, fn, study):
        future = super().submit(self.measure, study)
        self.futures.append(future)
        self.most_at_once = max(self.most_at_once, sum(not future.done() for future in self.futures))
        return future

    def measure(self, study):
        if self.held_after is not None and len(self.measured) >= self.held_after:
            self.may_go_on.wait(20)
        time.sleep(self.seconds)
        self.measured.append(study.id)
        return ROW


@pytest.fixture
def studies(tmp_path):
    """Files that are there, but hold no scans."""
    made = [Study(n, "CT-1", tmp_path, f"study_{n:04d}.nii.gz") for n in range(1, 41)]
    for study in made:
        study.study_path.write_bytes(b"scan")
    return made


def test_a_scheduler_is_never_given_the_whole_cohort_at_once(studies, monkeypatch):
    monkeypatch.setattr(cohort, "_IN_FLIGHT", 5)
    with Pretender(seconds=0.002) as executor:
        table = measure_cohort(studies, executor, progress=False, cache=False)
    assert executor.measured == [study.id for study in studies] == table.index.tolist()
    assert (table.error == "").all()
    assert executor.most_at_once <= 5


def test_a_run_that_stops_does_not_leave_its_queue_to_the_workers(studies):
    """Its first row cannot be kept: what waits would be measured for nobody."""
    with Pretender(held_after=1) as executor:
        with pytest.raises(CacheError):
            measure_cohort(studies, executor, progress=False, cache=studies[0].study_path / "rows.jsonl")
        executor.may_go_on.set()
    assert set(executor.measured) <= {1, 2}  # the second had begun, or not
    assert all(future.cancelled() for future in executor.futures[2:])


def test_a_file_of_another_size_is_measured_again_though_its_time_is_the_same(studies, tmp_path):
    """As after a copy that was cut off and done again with the times of the originals."""
    for measured in ([study.id for study in studies], [], [7], []):
        if measured == [7]:
            path = studies[6].study_path
            state = path.stat()
            path.write_bytes(b"the whole scan")
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        with Pretender() as executor:
            measure_cohort(studies, executor, progress=False, cache=tmp_path / "rows.jsonl")
        assert executor.measured == measured
