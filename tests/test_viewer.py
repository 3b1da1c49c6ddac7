"""`view`: what a notebook gets, what a page gets, and the scans that are exported for it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, ornt_transform

from mosmed_edu import Volume, open_dataset, view
from mosmed_edu.errors import FileMissing, WindowError
from mosmed_edu.plotting.viewer_words import PAGE_WORDS
from mosmed_edu.viewer import export, export_scan, live, web_scan
from mosmed_edu.viewer.export import HU_STEPS, MAX_BYTES, grid_words, round_hu

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "book" / "viewer"
WIDGET = "application/vnd.jupyter.widget-view+json"


def ct_of(codes: str, shape=(300, 280, 9)) -> Volume:
    """An ellipse of muscle in air, off the middle, with noise; its axes turned as the letters say."""
    i, j, _ = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    body = ((i - 160) / 110) ** 2 + ((j - 130) / 70) ** 2 < 1
    hu = np.where(body, 40, -1000) + np.random.default_rng(1).normal(0, 12, shape)
    image = nib.Nifti1Image(hu.astype(np.int16), np.diag([0.8, 0.8, 8, 1]) + np.eye(4, k=3) * -120)
    turned = image.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes)))
    return Volume(np.asarray(turned.dataobj), turned.affine)


@pytest.fixture(params=["RAS", "LAS", "LPS", "RPI", "SLA"])
def ct(request) -> Volume:
    return ct_of(request.param)


def test_every_voxel_of_the_page_is_the_files_voxel_at_the_same_place(ct):
    scan = web_scan(ct)
    index = np.moveaxis(np.indices(scan.ct.shape), 0, -1)
    in_file = np.array(scan.origin) + np.array(scan.step) * index
    np.testing.assert_array_equal(scan.ct.data, ct.data[tuple(np.moveaxis(in_file, -1, 0))])
    np.testing.assert_allclose(
        nib.affines.apply_affine(scan.ct.affine, index), nib.affines.apply_affine(ct.affine, in_file), atol=1e-9
    )


def test_geometry_agrees_with_nibabel(ct):
    scan = web_scan(ct)
    stops = np.add(scan.origin, np.multiply(scan.step, scan.ct.shape))
    cut = tuple(slice(*part) for part in zip(scan.origin, stops, scan.step, strict=True))
    theirs = nib.Nifti1Image(ct.data, ct.affine).slicer[cut]
    np.testing.assert_allclose(scan.ct.affine, theirs.affine, atol=1e-9)
    assert scan.ct.shape == theirs.shape and scan.ct.orientation == "".join(nib.aff2axcodes(theirs.affine))


def test_pixels_are_thinned_and_slices_are_not(ct):
    scan = web_scan(ct)
    along = ct.axis("S")
    assert scan.step[along] == 1 and scan.ct.shape[along] == 9
    assert all(n == 2 for axis, n in enumerate(scan.step) if axis != along)
    assert max(scan.ct.shape) <= 256


def test_the_body_is_kept_whole_with_air_round_it(ct):
    scan = web_scan(ct)
    assert scan.ct.data.size < ct.data[tuple(slice(None, None, n) for n in scan.step)].size * 0.7
    picture = scan.ct.axial(4)
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert (edge < -900).all()
    assert (picture > -300).sum() == pytest.approx((ct.axial(4) > -300).sum() / 4, rel=0.02)


def test_a_small_scan_of_nothing_stays_as_it_is():
    air = Volume(np.full((20, 30, 4), -1000, np.int16), np.diag([2, 2, 8, 1]))
    scan = web_scan(air)
    assert scan.ct.shape == air.shape and scan.step == (1, 1, 1) and scan.origin == (0, 0, 0)


@pytest.mark.parametrize("step", HU_STEPS)
def test_rounding_is_to_the_nearest_multiple(step):
    hu = np.arange(-(2**15), 2**15 - 32, dtype=np.int16)
    rounded = round_hu(hu, step)
    assert (rounded % step == 0).all()
    assert np.abs(rounded.astype(int) - hu).max() <= step / 2


@pytest.fixture
def study(root):
    return open_dataset(root)[255]


def test_exported_files_are_read_back_by_nibabel(study, tmp_path):
    about = export_scan(study, tmp_path / "scans")
    scan = nib.load(tmp_path / "scans" / about["scan"])
    mask = nib.load(tmp_path / "scans" / about["mask"])
    np.testing.assert_allclose(scan.affine, study.ct().affine, atol=1e-4)  # small and without a body: not cut
    np.testing.assert_array_equal(np.asarray(scan.dataobj), round_hu(study.ct().data, about["hu"]))
    np.testing.assert_array_equal(np.asarray(mask.dataobj) > 0, study.mask().data)
    assert scan.get_data_dtype() == np.int16 and mask.get_data_dtype() == np.uint8
    assert about["bytes"] == sum((tmp_path / "scans" / about[key]).stat().st_size for key in ("scan", "mask"))


def test_a_scan_is_exported_once_and_again_when_its_file_changes(study, root, tmp_path, monkeypatch):
    first = export_scan(study, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    with monkeypatch.context() as patch:
        patch.setattr(export, "write_volume", lambda *_: pytest.fail("written twice"))
        again = export_scan(study, tmp_path)
    assert again == json.loads(json.dumps(first))
    assert names == sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    study.study_path.write_bytes(open_dataset(root)[256].study_path.read_bytes())
    assert export_scan(study, tmp_path)["scan"] != first["scan"]


def test_nothing_half_written_is_left_or_taken_for_whole(study, tmp_path, monkeypatch):
    def full_disk(volume, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(export, "write_volume", full_disk)
        export_scan(study, tmp_path / "scans")
    assert list((tmp_path / "scans").iterdir()) == []
    assert (tmp_path / "scans" / export_scan(study, tmp_path / "scans")["scan"]).stat().st_size > 100


def test_a_missing_scan_is_named(study, tmp_path):
    study.study_path.unlink()
    with pytest.raises(FileMissing):
        export_scan(study, tmp_path)


def test_a_noisy_scan_gets_coarser_values_until_it_is_light_enough(study, tmp_path, monkeypatch):
    noise = np.random.default_rng(0).normal(0, 60, (256, 256, 40)).astype(np.int16)
    monkeypatch.setattr(type(study), "ct", lambda _: Volume(noise, np.diag([1, 1, 8, 1])))
    monkeypatch.setattr(type(study), "mask", lambda _: None)
    about = export_scan(study, tmp_path)
    assert about["bytes"] <= MAX_BYTES and about["hu"] > HU_STEPS[0]
    assert f"rounded to {about['hu']} HU" in grid_words(about)


def test_the_page_says_how_its_grid_differs_from_the_file():
    assert "every second pixel" in grid_words({"hu": 4, "step": [2, 2, 1]})
    assert "every pixel" in grid_words({"hu": 4, "step": [1, 1, 1]})
    assert "every 5th pixel" in grid_words({"hu": 4, "step": [5, 5, 1]})


@pytest.fixture
def in_book(monkeypatch, root):
    monkeypatch.setenv("MOSMED_BOOK", "1")
    monkeypatch.setenv("MOSMED_ROOT", str(root))


def test_in_the_book_a_view_is_still_pictures_and_what_to_show(in_book, root):
    study = open_dataset()[256]
    bundle = view(study, window="mediastinum")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    html = bundle["text/html"]
    wanted = json.loads(unescape(re.search(r'data-view="([^"]*)"', html)[1]))
    assert (wanted["dataset"], wanted["study"], wanted["mask"]) == ("sample", 256, True)
    assert (wanted["level"], wanted["width"]) == (50, 350)
    assert wanted["slice"] == study.mask().data.sum(axis=(0, 1)).argmax()
    assert html.count("<img") == 7 and len(re.findall(r'<img[^>]* alt="[^"]{40,}"', html)) == 7
    assert str(root) not in html  # nobody's folders on a page
    assert "synthetic" not in json.dumps(wanted["label"]) and "do not publish" in html


def test_a_view_without_a_mask_begins_in_the_middle(in_book):
    assert not view(open_dataset()[1]).mask
    assert view(open_dataset()[256], mask=False).index == view(open_dataset()[1]).index == 35 // 2


def test_a_study_from_elsewhere_stays_a_still_picture(in_book, tiny, tmp_path):
    elsewhere = open_dataset(tiny.write_dataset(tmp_path / "elsewhere"))
    assert '"dataset": null' in unescape(view(elsewhere[1]).html())


def test_a_window_that_is_none_is_named_at_once(study):
    with pytest.raises(WindowError, match="brain"):
        view(study, window="brain")


@pytest.fixture
def running(monkeypatch):
    monkeypatch.delenv("MOSMED_BOOK", raising=False)


def test_with_a_kernel_a_view_is_niivue(study, running):
    pytest.importorskip("ipyniivue")
    bundle = view(study)._repr_mimebundle_()
    assert WIDGET in bundle and "<img" in bundle["text/html"]
    sides, screen, _, *controls = live.live_view(view(study, window="bone")).children
    scan, mask = screen.volumes
    assert (scan.cal_min, scan.cal_max) == (-500, 1500)
    assert screen.opts.is_radiological_convention and screen.opts.crosshair_width == 0
    assert sides.value.index(">R<") < sides.value.index(">L<")
    presets = next(one for one in controls if getattr(one, "options", None) and one.options[0][1] == "lung")
    presets.value = "mediastinum"
    assert (scan.cal_min, scan.cal_max) == (-125, 225)
    next(one for one in controls if getattr(one, "options", None) and one.options[2][1] == 2).value = 2
    assert sides.value.index(">A<") < sides.value.index(">P<")
    next(one for one in controls if one.__class__.__name__ == "FloatSlider").value = 0.9
    assert mask.opacity == pytest.approx(0.9)


def test_without_ipyniivue_a_view_is_sliders_and_pictures(study, running, monkeypatch):
    monkeypatch.setattr(live, "find_spec", lambda _: None)
    assert WIDGET in view(study)._repr_mimebundle_()
    level, width, index, outline, picture = live.live_view(view(study)).children
    assert "level -600, width 1500" in picture.value and "outline of the mask" in picture.value
    level.value, width.value, index.value, outline.value = 40, 80, 3, False
    assert "level 40, width 80" in picture.value and "slice 3 of 35" in picture.value
    assert "outline of the mask" not in picture.value
    assert index.max == 34


def test_the_lock_file_names_no_registry_and_is_what_the_manifest_asks_for():
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    asked = json.loads((SOURCE / "package.json").read_text())
    assert not any("resolved" in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
    for kind in ("dependencies", "devDependencies"):
        for name, version in asked[kind].items():
            assert lock["packages"][f"node_modules/{name}"]["version"] == version


def test_script_and_course_have_the_same_words():
    script = "".join(path.read_text() for path in (SOURCE / "src").glob("*.js"))
    said = set(re.findall(r'(?:say|Told)\(\s*"(\w+)"', script)) | set(re.findall(r'\], "(\w+)"\)', script))
    by_name = {"axial", "coronal", "sagittal", "lung", "mediastinum", "bone", "level", "width", "R", "L", "A", "P"}
    assert said <= set(PAGE_WORDS)
    assert set(PAGE_WORDS) <= said | by_name | set(re.findall(r'"(\w+)"', script))
