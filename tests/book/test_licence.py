"""The licence guard: no scan, and no picture made from one, in the repository or on a site that is to be published.

MosMedData is CC BY-NC-ND. Drawn studies may be shown; whether a site is made from them it says itself, in
`made-from.json`, and the scans on it are compared with those that this program draws.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from scan_bytes import PICTURES, Runs, files_of, scans_in
from sphinx.errors import ExtensionError

from mosmed_edu import open_dataset
from mosmed_edu.phantom import GENERATOR_VERSION
from mosmed_edu.viewer import export

ROOT = Path(__file__).resolve().parents[2]

#: Pictures that may be in the repository, because they show a drawn study or no body at all.
DRAWN_PICTURES = {"book/_static/five-categories.webp"}  # made by `make picture`


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file of the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_of_the_repository_is_or_holds_a_scan(tracked):
    assert {path.name: found for path in tracked if (found := scans_in(path.read_bytes()))} == {}


def test_no_picture_is_in_the_repository_but_those_that_are_known_to_be_drawn(tracked):
    pictures = {path.relative_to(ROOT).as_posix() for path in tracked if path.suffix.lower() in PICTURES}
    assert pictures <= DRAWN_PICTURES
    within = re.compile(
        rb"data:image/(png|jpe?g|webp|gif|bmp|tiff);base64,[A-Za-z0-9+/]{100}|\"image/png\": \"[A-Za-z0-9+/]"
    )
    assert [path.name for path in tracked if within.search(path.read_bytes())] == []


@pytest.fixture(scope="module")
def made_from(html) -> dict:
    """What the site says that it was made from."""
    signed = html / "made-from.json"
    assert signed.is_file(), f"{html} does not say what it was made from: it is not whole. Next: make book"
    return json.loads(signed.read_text("utf-8"))


def test_the_site_was_made_from_drawn_studies(made_from):
    assert made_from["synthetic"], "this site was made from somebody's scans: do not publish it"
    assert made_from["datasets"] == [f"{name}-v{GENERATOR_VERSION}" for name in ("cohort", "sample")]


@pytest.mark.parametrize("half", ["", "{", "[]", "{}"])
def test_no_page_is_written_beside_pages_that_cannot_say_what_they_are_of(tmp_path, monkeypatch, half):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    import provenance

    (tmp_path / provenance.FILE).write_text(half)
    with pytest.raises(ExtensionError, match="Next: build with make book"):
        provenance.begin(SimpleNamespace(outdir=tmp_path))


def test_the_only_scans_of_the_site_are_drawn_ones(html, made_from):
    drawn = {f"study-{study.id:04d}-{export._digest(study)}" for study in open_dataset("sample").studies()}
    drawn |= {f"study-{study.id:04d}-{export._digest(study)}" for study in open_dataset("cohort").studies()}
    found = {path for path in files_of(html) if scans_in(path.read_bytes())}
    assert found
    for path in found:
        assert path.parent == html / "_static" / "scans"
        assert path.name.removesuffix(".nii.gz").removesuffix("-mask") in drawn


def test_every_picture_of_the_site_is_on_a_page_or_comes_with_the_theme(html):
    """Whatever lies there unseen may be left from another build."""
    pages = "".join(path.read_text("utf-8") for path in html.rglob("*.html"))
    shown = set(re.findall(r"_images/([\w.-]+)", pages)) | set(re.findall(r"_images/social_previews/([\w.-]+)", pages))
    pictures = [path for path in files_of(html / "_images") if path.suffix in PICTURES]
    assert pictures and {path.name for path in pictures} <= shown
    elsewhere = [path for path in files_of(html) if path.suffix in PICTURES and "_images" not in path.parts]
    assert {path.relative_to(html).parts[0] for path in elsewhere} <= {"_static", "slides"}
    deck = "".join(path.read_text("utf-8") for path in (html / "slides").glob("*.html"))  # always of the drawn sample
    assert all(path.name in deck for path in elsewhere if "slides" in path.relative_to(html).parts)


# ---- the guard finds what it is there for


def _archives(scan: bytes) -> dict[str, bytes]:
    packed, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", scan)
    with tarfile.open(fileobj=tarred, mode="w") as archive:
        member = tarfile.TarInfo("logo.svg")
        member.size = len(scan)
        archive.addfile(member, io.BytesIO(scan))
    return {
        "plain": scan,
        "gzip": gzip.compress(scan),
        "zip": packed.getvalue(),
        "tar": tarred.getvalue(),
        "zip in gzip": gzip.compress(packed.getvalue()),
        "tar.gz": gzip.compress(tarred.getvalue()),
    }


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 4), np.int16))
    return stream.getvalue()


SCANS = {
    "NIfTI-1": nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes(),
    "NIfTI-2": nib.Nifti2Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_bytes(),
    "DICOM": bytes(128) + b"DICM" + bytes(50),
    "NumPy": _npy(),
}


@pytest.mark.parametrize("kind", SCANS)
def test_a_scan_is_found_under_any_name_and_packing(kind):
    for packing, content in _archives(SCANS[kind]).items():
        assert kind in scans_in(content), packing


def test_what_is_no_scan_is_not_called_one():
    for content in (b"", b"text" * 200, gzip.compress(b"{}"), b"PK\x03\x04broken", b"\x1f\x8bbroken"):
        assert scans_in(content) == set()


def test_runs_of_bytes_are_found_wherever_they_lie():
    rng = np.random.default_rng(0)
    runs, noise = [rng.integers(-1000, 100, 24).astype("<i2").tobytes() for _ in range(500)], rng.bytes(10_000)
    looked_for = Runs(runs)
    for at, run in enumerate(runs[:32]):
        assert looked_for.any_in(noise[:at] + run + noise[at:]) and looked_for.any_in(noise + run)
        assert not looked_for.any_in(noise + run[:-1])
    assert not any(looked_for.any_in(content) for content in (b"", b"short", noise))
