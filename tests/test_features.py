"""One study to a row, a cohort to a table: right by geometry, and nothing lost, whoever measures, whatever breaks."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from scipy import ndimage

from mosmed_edu.dataset import Dataset
from mosmed_edu.errors import CacheError
from mosmed_edu.features import (
    BANDS_HU,
    BLUR_MM,
    FEATURES,
    INVOLVED_HU,
    cohort,
    describe_features,
    feature_names,
    involved_voxels,
    measure_cohort,
    measure_cost,
    measure_study,
    process_pool,
)
from mosmed_edu.features.blur import gaussian, gaussian_mirrored
from mosmed_edu.layout import write_volume
from mosmed_edu.lungs import segment_lungs
from mosmed_edu.volume import Volume

SHAPE, SPACING = (96, 88, 24), (4.0, 4.0, 8.0)
LAS = np.array([[-4.0, 0, 0, 190.0], [0, 4.0, 0, -170.0], [0, 0, 8.0, -80.0], [0, 0, 0, 1]])
BANDS = feature_names("bands")
AERATED, PATCH, GRAIN = -850.0, -400.0, 15.0


def coordinates():
    return np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")


def lungs_by_geometry():
    """(right, left): in LAS the first index grows to the patient's left."""
    i, j, k = coordinates()
    both = (((np.abs(i) - 0.4) / 0.28) ** 2 + (j / 0.45) ** 2 < 1) & (np.abs(k) < 0.85)
    return both & (i < 0), both & (i > 0)


def patch_by_geometry():
    """A block in the base of the left lung, well inside it."""
    i, j, k = coordinates()
    return (np.abs(i - 0.4) < 0.15) & (np.abs(j) < 0.2) & (k > -0.8) & (k < -0.35)


def a_chest(patch=True, grain=0.0, seed=0):
    """A body of muscle with two lungs."""
    i, j, _ = coordinates()
    hu = np.full(SHAPE, -1000.0)
    hu[(i / 0.9) ** 2 + (j / 0.7) ** 2 < 1] = 45
    hu[np.logical_or(*lungs_by_geometry())] = AERATED
    if patch:
        hu[patch_by_geometry()] = PATCH
    hu += np.random.default_rng(seed).normal(0, grain, SHAPE) if grain else 0
    return Volume(np.asfortranarray(hu.round().astype(np.int16)), LAS)


@pytest.fixture(scope="module")
def row():
    return measure_study(a_chest())


def test_every_feature_is_described_and_measured(row):
    table = describe_features()
    assert list(row) == list(FEATURES) == list(table.index)
    assert all(isinstance(value, float) and math.isfinite(value) for value in row.values())
    assert set(table.unit) == {"mL", "share", "mm", "g", "HU", "1", "HU/mm", "bits", "count"}
    assert table.meaning.is_unique
    shares = [row[name] for name in table.index[table.unit == "share"]]
    assert all(0 <= share <= 1 for share in shares)


def test_groups_leave_the_scanner_out_unless_asked():
    scan = set(feature_names("scan"))
    assert scan == {"pixel_mm", "slices", "noise_hu"}
    assert set(feature_names()) == set(FEATURES) - scan
    with pytest.raises(ValueError, match="unknown group 'scanner'; the groups are lungs"):
        feature_names("scanner")


def test_volume_and_weight_are_those_of_the_geometry(row):
    right, left = (int(part.sum()) for part in lungs_by_geometry())
    ml = (right + left) * np.prod(SPACING) / 1000
    assert row["lung_ml"] == pytest.approx(ml, rel=0.05)
    assert row["right_share"] == pytest.approx(right / (right + left), abs=0.02)
    k = np.flatnonzero(np.logical_or(*lungs_by_geometry()).any(axis=(0, 1)))
    assert row["lung_height_mm"] == len(k) * SPACING[2]
    # -850 HU is 0.15 g in a mL, the patch of -400 HU 0.6 g.
    patch_ml = patch_by_geometry().sum() * np.prod(SPACING) / 1000
    assert row["tissue_g"] == pytest.approx(0.15 * (ml - patch_ml) + 0.6 * patch_ml, rel=0.05)


def test_densities_are_those_that_were_put_in(row):
    share = patch_by_geometry().sum() / np.logical_or(*lungs_by_geometry()).sum()
    assert row["hu_p05"] == row["hu_p50"] == AERATED
    assert row["band_aerated"] == pytest.approx(1 - share, abs=0.01)
    assert row["band_dense"] == pytest.approx(share, abs=0.01)
    assert row["band_air"] == row["band_solid"] == 0
    assert row["hu_mean"] == pytest.approx(AERATED + share * (PATCH - AERATED), abs=5)
    assert tuple(sorted(BANDS_HU)) == BANDS_HU


@pytest.mark.parametrize("shape", [(200, 130), (64, 65), (7, 3), (1, 1)])
@pytest.mark.parametrize("sigma", [(0.1, 0.4), (2.1, 2.4), (11.4, 0.9)])
def test_blurs_are_those_of_scipy(shape, sigma):
    planes = np.random.default_rng(0).normal(-800, 100, (2, *shape)).astype(np.float32)
    wanted = [ndimage.gaussian_filter(plane.astype(float), sigma, mode="constant") for plane in planes]
    assert np.allclose(gaussian(planes, sigma), wanted, rtol=0, atol=2e-3)
    wanted = ndimage.gaussian_filter(planes[0].astype(float), sigma)
    assert np.allclose(gaussian_mirrored(planes[0], sigma), wanted, rtol=0, atol=2e-3)


def test_rounding_of_a_blur_does_not_decide_what_is_involved():
    """Lungs of a density just at the threshold, where the last digits of any two blurs differ."""
    ct = a_chest(patch=False)
    lungs = segment_lungs(ct)
    ct.data[lungs.mask.data] = INVOLVED_HU
    sigma = [BLUR_MM / mm for mm in SPACING[:2]]
    for k in range(SHAPE[2]):
        inside = lungs.mask.data[..., k]
        weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, mode="constant")
        hu = ndimage.gaussian_filter((ct.data[..., k] * inside).astype(np.float32), sigma, mode="constant")
        wanted = (hu / np.maximum(weight, 1e-3) >= INVOLVED_HU) & inside
        assert np.array_equal(involved_voxels(ct, lungs).data[..., k], wanted), k


@pytest.mark.parametrize("edge, below, above", list(zip(BANDS_HU, BANDS, BANDS[1:], strict=False)))
def test_a_band_begins_at_its_limit(edge, below, above):
    chest = a_chest(patch=False)
    lung = np.logical_or(*lungs_by_geometry())
    for hu, band in ((edge - 1, below), (edge, above)):
        data = chest.data.copy()
        data[lung] = hu
        row = measure_study(chest.with_data(data), segment_lungs(chest))
        assert row[band] > 0.99


def test_involvement_lies_where_the_patch_lies(row):
    share = patch_by_geometry().sum() / np.logical_or(*lungs_by_geometry()).sum()
    assert row["involved"] == pytest.approx(share, rel=0.15)
    assert row["involved_right"] == row["involved_upper"] == row["involved_middle"] == 0
    assert row["involved_left"] == pytest.approx(2 * row["involved"], rel=0.03)
    assert row["involved_lower"] == pytest.approx(3 * row["involved"], rel=0.1)


def test_a_thin_vessel_is_no_involvement_and_a_patch_just_over_the_threshold_is():
    chest, lung = a_chest(patch=False), np.logical_or(*lungs_by_geometry())
    lungs = segment_lungs(chest)
    vessel = chest.data.copy()
    vessel[28, 44, :][lung[28, 44, :]] = -300  # one voxel of 4 mm
    assert not involved_voxels(chest.with_data(vessel), lungs).data.any()
    for hu, seen in ((INVOLVED_HU - 30, False), (INVOLVED_HU + 30, True)):
        data = np.where(patch_by_geometry(), hu, chest.data).astype(np.int16)
        assert involved_voxels(chest.with_data(data), lungs).data.any() == seen


def test_texture_follows_grain_and_structure(row):
    smooth, grainy = measure_study(a_chest(patch=False)), measure_study(a_chest(patch=False, grain=GRAIN))
    assert smooth["noise_hu"] == 0
    assert grainy["noise_hu"] == pytest.approx(GRAIN, rel=0.1)
    assert smooth["entropy_bits"] == pytest.approx(0, abs=0.05)
    assert grainy["entropy_bits"] > 1
    # A blur of 2 mm over voxels of 4 mm takes part of the grain away, so fine detail is some of it.
    assert smooth["fine_hu"] < 1 < grainy["fine_hu"] < GRAIN * 1.05
    assert row["coarse_hu"] > smooth["coarse_hu"] + 5
    assert row["gradient_hu_mm"] > smooth["gradient_hu_mm"]


def test_entropy_of_two_equal_halves_is_one_bit():
    chest = a_chest(patch=False)
    right, left = lungs_by_geometry()
    data = chest.data.copy()
    data[right | left] = -812
    data[left] = -412
    assert measure_study(chest.with_data(data), segment_lungs(chest))["entropy_bits"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "order, flips", [((0, 1, 2), (0,)), ((0, 1, 2), (0, 1, 2)), ((2, 0, 1), ()), ((1, 2, 0), (1,))]
)
def test_orientation_of_the_array_changes_nothing(order, flips, row):
    chest = a_chest()
    affine, data = chest.affine.copy(), chest.data
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (SHAPE[axis] - 1)
        affine[:3, axis] *= -1
        data = np.flip(data, axis)
    turned = Volume(data.transpose(order), affine[:, [*order, 3]])
    assert measure_study(turned) == pytest.approx(row, rel=1e-4, abs=1e-4)


# A cohort.

CATEGORIES = {3: "CT-0", 255: "CT-1", 300: "CT-1", 951: "CT-2", 1070: "CT-3", 1109: "CT-4"}
BAD = {255: "truncated", 300: "missing", 951: "no lungs"}


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """Six studies, of which one is cut off, one is missing, and one is a block of wood."""
    root = tiny.write_dataset(tmp_path_factory.mktemp("cohort") / "COVID19_1110", CATEGORIES, masked=())
    for study in Dataset(root):
        write_volume(a_chest(patch=study.id > 900, grain=GRAIN, seed=study.id), study.study_path)
    bad = {fault: Dataset(root)[number].study_path for number, fault in BAD.items()}
    bad["truncated"].write_bytes(bad["truncated"].read_bytes()[:-500])
    bad["missing"].unlink()
    write_volume(Volume(np.full(SHAPE, 60, np.int16), LAS), bad["no lungs"])
    return root


@pytest.fixture
def studies(folder):
    return Dataset(folder).studies(on_disk=False)[::-1]


def test_table_keeps_order_and_says_what_was_wrong(studies):
    table = measure_cohort(studies, cache=False, progress=False)
    assert table.index.tolist() == [study.id for study in studies]
    assert table.columns.tolist() == ["category", *FEATURES, "doubts", "error"]
    assert table.category.tolist() == [study.category for study in studies]
    assert table.category.cat.ordered
    assert table.category.max() == "CT-4"
    assert all(table[name].dtype == float for name in FEATURES)
    failed = table[table.error != ""]
    assert set(failed.index) == set(BAD)
    assert failed[list(FEATURES)].isna().all(axis=None)
    assert table.drop(index=list(BAD))[list(FEATURES)].notna().all(axis=None)
    for number in BAD:
        text = table.error[number]
        assert f"study_{number:04d}.nii.gz" in text
        assert "Next: " in text
        assert "\n" not in text
    assert "not on disk" in table.error[300]
    assert "shows no lungs" in table.error[951]


def test_a_row_is_that_of_the_study(studies):
    table = measure_cohort(studies, cache=False, progress=False)
    study = next(study for study in studies if study.id == 1070)
    assert table.loc[1070, list(FEATURES)].to_dict() == measure_study(study.ct())
    assert table.involved[1070] > 2 * table.involved[3]


def test_whoever_measures_the_table_is_the_same(studies):
    serial = measure_cohort(studies, cache=False, progress=False)
    with ThreadPoolExecutor(3) as threads:
        pd.testing.assert_frame_equal(measure_cohort(studies, threads, False, False), serial, check_exact=True)
    with process_pool(2) as processes:
        pd.testing.assert_frame_equal(measure_cohort(studies, processes, False, False), serial, check_exact=True)


def test_dask_gives_the_same_table(studies):
    serial = measure_cohort(studies, cache=False, progress=False)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        table = measure_cohort(studies, client.get_executor(), False, False)
    pd.testing.assert_frame_equal(table, serial, check_exact=True)


def test_cost_is_counted_study_by_study(studies):
    cost = measure_cost(studies, progress=False)
    assert cost.index.tolist() == [study.id for study in studies]
    assert (cost.seconds > 0).all() and (cost.cpu_seconds > 0).all()
    if cost.peak_mb.notna().all():  # where the system tells it
        assert (cost.peak_mb >= cost.before_mb).all() and cost.peak_mb.is_monotonic_increasing
    for study in studies:
        if study.study_path.is_file():
            assert cost.file_mb[study.id] == study.study_path.stat().st_size / 1e6
    whole = next(study for study in studies if measure_cohort([study], cache=False, progress=False).error.iloc[0] == "")
    assert cost.array_mb[whole.id] == whole.ct().data.nbytes / 1e6


def test_no_studies_give_an_empty_table():
    table = measure_cohort([], cache=False)
    assert table.empty
    assert table.columns.tolist() == ["category", *FEATURES, "doubts", "error"]


@pytest.fixture
def calls(monkeypatch):
    """Numbers of the studies that are really measured."""
    seen, measure = [], cohort.measure_one
    monkeypatch.setattr(cohort, "measure_one", lambda study: seen.append(study.id) or measure(study))
    return seen


def test_measured_rows_are_not_measured_again_and_faults_are(studies, tmp_path, calls):
    cache = tmp_path / "rows.jsonl"
    first = measure_cohort(studies, progress=False, cache=cache)
    assert calls == [study.id for study in studies]
    calls.clear()
    pd.testing.assert_frame_equal(measure_cohort(studies, progress=False, cache=cache), first, check_exact=True)
    assert set(calls) == set(BAD)


def test_a_changed_file_or_another_version_is_measured_again(studies, tmp_path, calls, monkeypatch):
    cache, good = tmp_path / "rows.jsonl", [study for study in studies if study.id not in BAD]
    measure_cohort(good, progress=False, cache=cache)
    calls.clear()
    state = good[0].study_path.stat()
    os.utime(good[0].study_path, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000_000))
    measure_cohort(good, progress=False, cache=cache)
    assert calls == [good[0].id]
    calls.clear()
    monkeypatch.setattr("mosmed_edu.features.cache.VERSION", 0)
    measure_cohort(good, progress=False, cache=cache)
    assert calls == [study.id for study in good]


def test_category_comes_from_the_registry_not_from_the_cache(studies, tmp_path):
    cache, study = tmp_path / "rows.jsonl", next(study for study in studies if study.id == 3)
    measure_cohort([study], progress=False, cache=cache)
    moved = dataclasses.replace(study, category="CT-3")
    assert measure_cohort([moved], progress=False, cache=cache).category.tolist() == ["CT-3"]


def test_half_a_line_is_passed_over_and_the_next_one_is_whole(studies, tmp_path, calls):
    cache, good = tmp_path / "rows.jsonl", [study for study in studies if study.id not in BAD]
    first = measure_cohort(good, progress=False, cache=cache)
    cache.write_bytes(cache.read_bytes()[:-40])
    calls.clear()
    for measured in ([good[-1].id], []):
        pd.testing.assert_frame_equal(measure_cohort(good, progress=False, cache=cache), first, check_exact=True)
        assert calls == measured
        calls.clear()
    whole = [json.loads(line) for line in cache.read_text().splitlines() if line.endswith("}")]
    assert len(whole) >= len(good) - 1


def test_nan_survives_the_cache(studies, tmp_path, monkeypatch):
    monkeypatch.setattr(
        cohort, "measure_one", lambda _: {**dict.fromkeys(FEATURES, 1.0), "noise_hu": math.nan, "doubts": ""}
    )
    study = [study for study in studies if study.id == 3]
    tables = [measure_cohort(study, progress=False, cache=tmp_path / "rows.jsonl") for _ in range(2)]
    pd.testing.assert_frame_equal(*tables)
    assert math.isnan(tables[1].noise_hu.item())


def test_a_cache_that_cannot_be_written_is_one_line(studies, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"Next: .*name another file with cache=") as caught:
        measure_cohort(studies[:1], progress=False, cache=tmp_path / "file" / "rows.jsonl")
    assert "\n" not in str(caught.value)


def test_default_cache_is_where_the_user_said(studies, tmp_path, monkeypatch):
    monkeypatch.setenv("MOSMED_CACHE", str(tmp_path))
    measure_cohort(studies[-1:], progress=False)
    assert (tmp_path / "features.jsonl").is_file()


#: Three studies, one at which the process that measures it is killed, three more.
KILLED = """
import os, signal, sys
from pathlib import Path
from mosmed_edu.dataset import Dataset, Study
from mosmed_edu.features import measure_cohort, process_pool

class Deadly(Study):
    def ct(self):
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    folder, cache, how = map(Path, sys.argv[1:])
    studies = [study for study in Dataset(folder).studies() if study.id in (3, 1070, 1109)]
    killer = Deadly(999, "CT-2", studies[0].root, studies[0].study_file + ".deadly")
    studies = [*studies, killer, Dataset(folder)[255]]
    if how.name == "pool":
        with process_pool(1) as pool:
            table = measure_cohort(studies, pool, progress=False, cache=cache)
    else:
        table = measure_cohort(studies, progress=False, cache=cache)
    print(table.error.to_json())
"""


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="kills a process by signal")
@pytest.mark.parametrize("how", ["pool", "serial"])
def test_a_killed_worker_or_run_loses_no_finished_row(folder, tmp_path, calls, how):
    script, cache = tmp_path / "script.py", tmp_path / "rows.jsonl"
    script.write_text(KILLED)
    ran = subprocess.run([sys.executable, script, folder, cache, how], capture_output=True, text=True, timeout=300)
    if how == "pool":  # the run goes on and says what was lost
        errors = json.loads(ran.stdout)
        assert [number for number, text in errors.items() if not text] == ["3", "1070", "1109"]
        assert "a worker ended" in errors["999"]
        assert "Next: run it again" in errors["255"]
    else:  # the run itself was killed
        assert ran.returncode < 0
    good = [study for study in Dataset(folder).studies() if study.id not in BAD]
    table = measure_cohort(good, progress=False, cache=cache)
    assert calls == []
    assert (table.error == "").all()
