"""Any bytes under a scan's or a registry's name give what is in them, or one line; never a crash and never a lie.

A few hundred tries with each run of the tests; `benchmarks/fuzz.py` goes on for as long as it is let.
"""

from __future__ import annotations

import gzip
import io
import zipfile

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judges import judge_nifti, judge_registry
from real_like import registry_bytes

AFFINE = np.array([[-0.7, 0, 0, 100], [0, 0.7, 0, -90], [0, 0, 8, -150], [0, 0, 0, 1.0]])
HU = np.asfortranarray(np.random.default_rng(0).integers(-1000, 400, (7, 6, 5)).astype(np.int16))
RAW = {kind.__name__: kind(HU, AFFINE).to_bytes() for kind in (nib.Nifti1Image, nib.Nifti2Image)}

#: Where in a NIfTI-1 header stand its size, dimensions, type, spacing, offset, slope, forms and magic word.
FIELDS = [(0, 4), (40, 16), (70, 4), (76, 32), (108, 12), (252, 76), (344, 4)]

#: Bytes that stand for the ends of the number line, and for no number.
NUMBERS = [
    b"\0\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\xff\xff\xff\xff",
    b"\0\0\xc0\x7f",
    b"\0\0\x80\x7f",
    b"\x01",
]

tries = settings(
    max_examples=250,
    deadline=5000,
    derandomize=True,  # the same tries everywhere: a failure on one machine is one on all
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def edited(data: bytes, edits) -> bytes:
    """Bytes overwritten at some places, each given as a share of the length or as a number."""
    out = bytearray(data)
    for place, new in edits:
        at = int(place * len(out)) if isinstance(place, float) else place
        out[at : at + len(new)] = new
    return bytes(out)


def within(field):
    start, length = field
    return st.tuples(
        st.integers(start, start + length - 1), st.sampled_from(NUMBERS) | st.binary(min_size=1, max_size=4)
    )


anywhere = st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=3))
header_edits = st.lists(st.sampled_from(FIELDS).flatmap(within), max_size=4)
few_edits = st.lists(anywhere, max_size=2)


@tries
@given(
    kind=st.sampled_from(sorted(RAW)),
    header=header_edits,
    tail=st.sampled_from([0, 0, 0, -1, -30, 1, 500]),
    level=st.sampled_from([None, 0, 1, 9]),
    members=st.sampled_from([None, None, 5, 348, 400]),
    edits=few_edits,
    cut=st.sampled_from([1.0, 1.0, 1.0, 0.99, 0.5, 0.02]),
)
def test_any_scan_is_read_as_nibabel_reads_it_or_refused_in_one_line(
    tmp_path, kind, header, tail, level, members, edits, cut
):
    raw = edited(RAW[kind], header)
    raw = raw[:tail] if tail < 0 else raw + bytes(tail)
    if level is not None:
        parts = [raw] if members is None else [raw[:members], raw[members:]]
        raw = b"".join(gzip.compress(part, level) for part in parts)
    raw = edited(raw, edits)
    path = tmp_path / "study_0001.nii.gz"
    path.write_bytes(raw[: int(len(raw) * cut)])
    judge_nifti(path)


cell = st.one_of(
    st.sampled_from(
        ["1", "255", "CT-1", "CT-0", "/studies/CT-1/study_0255.nii.gz", "", "=1+1", "2.0", "1e3", "NaN", '"']
    ),
    st.text(max_size=12),
    st.text("./\\:~ab\0", max_size=12),
)
HEAD = ["study_id", "category", "study_file", "mask_file"]
tables = st.lists(st.lists(cell, min_size=0, max_size=6), max_size=4)


@tries
@given(
    head=st.just(HEAD) | st.permutations(HEAD) | st.lists(cell, max_size=5),
    rows=tables,
    good=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    code=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251"]),
    edits=few_edits,
)
def test_any_csv_is_a_registry_or_refused_in_one_line(tmp_path, head, rows, good, end, code, edits):
    first = [["255", "CT-1", "/studies/CT-1/study_0255.nii.gz", ""]] if good else []
    text = end.join(",".join(row) for row in [head, *first, *rows])
    path = tmp_path / "dataset_registry.csv"
    path.write_bytes(edited(text.encode(code, "replace") or b" ", edits))
    judge_registry(path)


@pytest.fixture(scope="module")
def workbook():
    """The parts of a small registry, as Excel packs them."""
    with zipfile.ZipFile(io.BytesIO(registry_bytes(".xlsx", (7, 255, 951)))) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


@tries
@given(data=st.data(), edits=few_edits, cut=st.sampled_from([1.0, 1.0, 0.9, 0.3]))
def test_any_workbook_is_a_registry_or_refused_in_one_line(tmp_path, workbook, data, edits, cut):
    name = data.draw(st.sampled_from(sorted(workbook)))
    within_part = data.draw(st.lists(anywhere, max_size=4))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parts:
        for part, content in workbook.items():
            parts.writestr(part, edited(content, within_part) if part == name else content)
    raw = edited(packed.getvalue(), edits)
    path = tmp_path / "dataset_registry.xlsx"
    path.write_bytes(raw[: int(len(raw) * cut)])
    judge_registry(path)


# ---- the judges judge


def test_a_reader_that_believes_damaged_files_is_caught(tmp_path, monkeypatch):
    """nibabel on its own stops before the checksum: that is what must not happen."""
    import judges

    from mosmed_edu.volume import Volume

    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(RAW["Nifti1Image"])[:-8] + bytes(8))
    assert judge_nifti(path) == "refused"
    monkeypatch.setattr(judges, "read_nifti", lambda path: Volume(HU, AFFINE))
    with pytest.raises(AssertionError, match="gzip finds damaged"):
        judge_nifti(path)
    path.write_bytes(gzip.compress(RAW["Nifti1Image"]))
    assert judge_nifti(path) == "read"
    monkeypatch.setattr(judges, "read_nifti", lambda path: Volume(HU + 1, AFFINE))
    with pytest.raises(AssertionError, match="other voxels"):
        judge_nifti(path)
    monkeypatch.setattr(judges, "read_nifti", lambda path: bytearray(200_000_000) and Volume(HU, AFFINE))
    with pytest.raises(AssertionError, match="200,0"):
        judge_nifti(path)
