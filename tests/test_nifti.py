"""Every voxel or one clear line: read_nifti against nibabel and SimpleITK on good files, and against damage."""

from __future__ import annotations

import gzip
import importlib
import subprocess
import sys
import tracemalloc
from itertools import pairwise

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from mosmed_edu import nifti
from mosmed_edu.errors import FileMissing, MosMedError, NiftiError
from mosmed_edu.layout import write_volume
from mosmed_edu.nifti import has_claimed_length, read_grid, read_header, read_nifti
from mosmed_edu.volume import Volume

AFFINE = np.array([[-0.7, 0, 0, 100], [0, 0.7, 0, -90], [0, 0, 8, -150], [0, 0, 0, 1.0]])
HU = np.asfortranarray(np.random.default_rng(0).integers(-1000, 400, (7, 6, 5)).astype(np.int16))


@pytest.fixture(params=["isal", "stdlib"])
def reader(request, monkeypatch):
    """`read_nifti` as it is, and as it is where isal cannot be installed."""
    if request.param == "isal":
        pytest.importorskip("isal", reason="isal is not made for this processor")
        yield nifti.read_nifti
    else:
        for name in ("isal", "isal.igzip", "isal.isal_zlib"):
            monkeypatch.setitem(sys.modules, name, None)
        yield importlib.reload(nifti).read_nifti
        monkeypatch.undo()
        importlib.reload(nifti)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "study_0001.nii.gz"
    write_volume(Volume(HU, AFFINE), path)
    return path


def save(path, data=HU, affine=AFFINE, kind=nib.Nifti1Image, change=None):
    """A file written by nibabel, its header changed before the bytes are packed."""
    image = kind(data, affine)
    if change:
        change(image)
    raw = image.to_bytes()
    path.write_bytes(gzip.compress(raw) if path.name.endswith(".gz") else raw)
    return path


def patched(path, source=HU, **fields):
    """A file whose header fields are overwritten as they lie on disk, sense or nonsense."""
    raw = bytearray(nib.Nifti1Image(source, AFFINE).to_bytes())
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    for name, value in fields.items():
        header[name] = value
    raw[:348] = header.binaryblock
    path.write_bytes(gzip.compress(bytes(raw)))
    return path


def refused(path, match):
    """The one line that a user reads."""
    with pytest.raises(NiftiError, match=match) as caught:
        nifti.read_nifti(path)
    text = str(caught.value)
    assert "\n" not in text and str(path) in text and "Next: " in text
    return text


# ---- good files


def test_voxels_place_and_memory_order(reader, good):
    volume = reader(good)
    np.testing.assert_array_equal(volume.data, HU)
    assert volume.data.dtype == np.int16 and volume.data.flags.f_contiguous and volume.data.flags.writeable
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-5)
    assert volume.orientation == "LAS"


STORED = [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64]


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", STORED)
def test_every_type_byte_order_and_version_as_nibabel_reads_it(tmp_path, dtype, order, kind):
    data = np.random.default_rng(1).uniform(0, 120, (5, 4, 3)).astype(dtype)
    header = kind.header_class(endianness=order)
    image = kind(data, AFFINE, header, dtype=dtype)
    assert image.header.endianness == order
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(image.to_bytes()))
    volume = read_nifti(path)
    np.testing.assert_array_equal(volume.data, data)
    np.testing.assert_array_equal(volume.data, np.asanyarray(nib.load(path).dataobj))
    assert volume.data.dtype == dtype and volume.data.dtype.isnative


def test_simpleitk_reads_the_same(tmp_path):
    path = save(tmp_path / "x.nii.gz")
    image = sitk.ReadImage(path)
    volume = read_nifti(path)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).T, volume.data)
    assert image.GetSpacing() == pytest.approx(volume.spacing)
    # ITK counts x to the left and y to the back.
    np.testing.assert_allclose(
        image.TransformIndexToPhysicalPoint((3, 2, 1)) * np.array([-1, -1, 1]), volume.to_mm((3, 2, 1)), atol=1e-4
    )


@pytest.mark.parametrize(
    ("slope", "inter"), [(1, -1024), (2, 0), (0.5, 10.25), (-1, 0), (1, 0), (0, 5), (np.nan, 5), (np.nan, np.nan)]
)
def test_slope_and_intercept_as_nibabel_applies_them(tmp_path, reader, slope, inter):
    path = patched(tmp_path / "x.nii.gz", scl_slope=slope, scl_inter=inter)
    volume = reader(path)
    scaled = np.isfinite(slope) and slope != 0
    np.testing.assert_allclose(volume.data, HU * float(slope) + float(inter) if scaled else HU, atol=1e-3)
    np.testing.assert_allclose(volume.data, nib.load(path).get_fdata(), atol=1e-3)
    assert volume.data.dtype == (np.int16 if not scaled or (slope, inter) == (1, 0) else np.float32)


def test_scaled_wide_integers_stay_exact(tmp_path):
    data = np.full((2, 2, 2), 2**30 + 1, np.int32)
    path = patched(tmp_path / "x.nii.gz", data, scl_slope=1, scl_inter=1)
    found = read_nifti(path).data
    assert found.dtype == np.float64 and (found.astype(np.int64) == 2**30 + 2).all()


def forms(sform, qform):
    """Write one affine as sform and another as qform; None leaves it out."""

    def change(image):
        image.set_sform(sform, 0 if sform is None else 1)
        image.set_qform(qform, 0 if qform is None else 1)

    return change


MOVED = AFFINE + np.array([[0, 0, 0, 5], [0, 0, 0, 5], [0, 0, 0, 5], [0, 0, 0, 0.0]])
TURNED = np.block(
    [[nib.eulerangles.euler2mat(0.3, 0.2, 0.1) @ AFFINE[:3, :3], AFFINE[:3, 3:]], [np.array([[0, 0, 0, 1.0]])]]
)


@pytest.mark.parametrize(
    ("sform", "qform", "taken"),
    [(AFFINE, MOVED, AFFINE), (None, MOVED, MOVED), (TURNED, None, TURNED), (None, TURNED, TURNED)],
)
def test_sform_goes_first_then_qform(tmp_path, sform, qform, taken):
    path = save(tmp_path / "x.nii.gz", change=forms(sform, qform))
    np.testing.assert_allclose(read_nifti(path).affine, taken, atol=1e-4)
    np.testing.assert_allclose(read_nifti(path).affine, nib.load(path).affine, atol=1e-9)


def test_neither_form_is_placed_as_nibabel_places_it(tmp_path):
    path = save(tmp_path / "x.nii.gz", change=forms(None, None))
    np.testing.assert_allclose(read_nifti(path).affine, nib.load(path).affine)


@pytest.mark.parametrize("size", [16, 1600, 160_000])
def test_header_extensions_are_passed_over(tmp_path, size):
    def extend(image):
        image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * size))

    path = save(tmp_path / "x.nii.gz", change=extend)
    assert float(read_header(path)["vox_offset"]) > 352
    np.testing.assert_array_equal(read_nifti(path).data, HU)


def test_plain_files_whatever_they_are_called(tmp_path, good):
    plain = save(tmp_path / "x.nii")
    named_packed = tmp_path / "plain.nii.gz"
    named_packed.write_bytes(plain.read_bytes())
    named_plain = tmp_path / "packed.nii"
    named_plain.write_bytes(good.read_bytes())
    for path in (plain, named_packed, named_plain):
        np.testing.assert_array_equal(read_nifti(path).data, HU)
        assert has_claimed_length(path)


def test_a_plain_neighbour_is_not_read_instead(good):
    save(good.with_suffix(""), HU + 1)  # study_0001.nii beside study_0001.nii.gz: SimpleITK would read this
    np.testing.assert_array_equal(read_nifti(good).data, HU)


@pytest.mark.parametrize("cuts", [(10,), (348,), (352,), (100, 400, 401), (0,)])
def test_several_gzip_members(tmp_path, reader, good, cuts):
    raw = gzip.decompress(good.read_bytes())
    edges = [0, *cuts, len(raw)]
    members = [gzip.compress(raw[a:b]) for a, b in pairwise(edges)]
    path = tmp_path / "members.nii.gz"
    path.write_bytes(b"".join(members))
    np.testing.assert_array_equal(reader(path).data, HU)


def test_zeros_after_the_end_are_padding(reader, good):
    good.write_bytes(good.read_bytes() + bytes(1000))
    np.testing.assert_array_equal(reader(good).data, HU)


def test_a_name_and_a_comment_in_the_gzip_header(tmp_path, reader, good):
    packed = good.read_bytes()
    path = tmp_path / "x.nii.gz"
    path.write_bytes(packed[:3] + b"\x18" + packed[4:10] + b"name.nii\0a comment\0" + packed[10:])
    np.testing.assert_array_equal(reader(path).data, HU)


def test_trailing_axes_of_length_one_are_dropped(tmp_path):
    path = save(tmp_path / "x.nii.gz", HU[..., None, None])
    assert read_nifti(path).shape == HU.shape


def test_only_the_header(good):
    grid = read_grid(good)
    assert grid.same_grid(read_nifti(good)) and grid.shape == HU.shape
    assert read_header(good).get_data_dtype() == np.int16


def test_a_larger_volume_than_the_pieces_it_is_read_in(tmp_path, reader):
    data = np.asfortranarray(np.random.default_rng(3).integers(-1000, 400, (301, 303, 11)).astype(np.int16))
    path = tmp_path / "x.nii.gz"
    write_volume(Volume(data, AFFINE), path)
    np.testing.assert_array_equal(reader(path).data, data)


# ---- damaged files


def outcome(reader, path):
    """'error', 'exact' or 'WRONG'; any error but ours fails the test."""
    try:
        volume = reader(path)
    except MosMedError:
        return "error"
    same = volume.data.dtype == np.int16 and np.array_equal(volume.data, HU) and np.allclose(volume.affine, AFFINE)
    return "exact" if same else "WRONG"


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_flipped_bit_anywhere_never_gives_wrong_voxels(reader, good, bit):
    packed = good.read_bytes()
    outcomes = []
    for place in range(len(packed)):
        damaged = bytearray(packed)
        damaged[place] ^= 1 << bit
        good.write_bytes(damaged)
        outcomes.append(outcome(reader, good))
    assert "WRONG" not in outcomes
    # gzip's time stamp and deflate's unused codes may be damaged without harm; the checksum and the rest may not.
    assert outcomes.count("error") > 0.95 * len(packed) and set(outcomes[-8:]) == {"error"}


@pytest.mark.parametrize("members", [1, 2])
def test_a_file_cut_anywhere_is_refused(reader, good, members):
    packed = good.read_bytes()
    if members == 2:
        raw = gzip.decompress(packed)
        packed = gzip.compress(raw[:400]) + gzip.compress(raw[400:])
    for end in range(len(packed)):
        good.write_bytes(packed[:end])
        assert outcome(reader, good) == "error", f"cut to {end} of {len(packed)} bytes"


def test_a_cut_trailer_is_refused(reader, good):
    good.write_bytes(good.read_bytes()[:-8])
    with pytest.raises(NiftiError, match="cut short"):
        reader(good)


def test_a_flipped_bit_in_the_second_member(reader, good):
    raw = gzip.decompress(good.read_bytes())
    first = gzip.compress(raw[:500])
    packed = first + gzip.compress(raw[500:])
    for place in range(len(first), len(packed)):
        damaged = bytearray(packed)
        damaged[place] ^= 1
        good.write_bytes(damaged)
        assert outcome(reader, good) != "WRONG"


def test_noise_after_the_end_is_refused(reader, good):
    good.write_bytes(good.read_bytes() + b"noise")
    assert outcome(reader, good) == "error"


def test_random_bytes_never_give_anything_but_our_error(reader, tmp_path):
    rng = np.random.default_rng(5)
    path = tmp_path / "x.nii.gz"
    for start in (b"", b"\x1f\x8b\x08", gzip.compress(bytes(5))[:12]):
        for size in (1, 9, 17, 400, 5000):
            path.write_bytes(start + rng.bytes(size))
            assert outcome(reader, path) == "error"


def test_random_headers_never_give_anything_but_our_error(tmp_path):
    """Checksums are right and what they protect is nonsense, as from a broken converter."""
    rng = np.random.default_rng(6)
    raw = nib.Nifti1Image(HU, AFFINE).to_bytes()
    path = tmp_path / "x.nii.gz"
    for _ in range(400):
        spoilt = bytearray(raw)
        for place in rng.integers(0, 348, 3):
            spoilt[place] = rng.integers(256)
        path.write_bytes(gzip.compress(bytes(spoilt), 1))
        try:
            volume = read_nifti(path)
        except MosMedError:
            continue
        assert volume.data.size * volume.data.itemsize <= len(raw) * 4


# ---- the list of bad input


def test_an_empty_file(good):
    good.write_bytes(b"")
    refused(good, "is empty")


def test_an_empty_file_in_gzip(good):
    good.write_bytes(gzip.compress(b""))
    refused(good, "not a NIfTI file")


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>", b"\n <html><body>", b"<?xml version='1.0'?><Error>"])
def test_a_web_page(good, page):
    good.write_bytes(page + b"Sign in" * 100)
    refused(good, "is a web page")


def test_a_git_lfs_pointer(good):
    good.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    refused(good, "git-lfs pointer.*git lfs pull")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileMissing, match=r"nothing\.nii\.gz: does not exist. Next: check the path"):
        read_nifti(tmp_path / "nothing.nii.gz")


def test_a_folder(tmp_path):
    refused(tmp_path, "cannot be read")


def test_an_interior_that_is_no_nifti(good):
    good.write_bytes(gzip.compress(b"study_id,category\n" * 100))
    refused(good, "not a NIfTI file")


@pytest.mark.parametrize("change", [-1, -2, 1, 2, 500])
def test_a_payload_of_another_length_than_the_header_says(tmp_path, reader, good, change):
    raw = gzip.decompress(good.read_bytes())
    raw = raw[:change] if change < 0 else raw + bytes(change)
    for name, content in (("x.nii.gz", gzip.compress(raw)), ("x.nii", raw)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(NiftiError, match=r"ends after|holds more than|claims"):
            reader(path)


def test_a_header_that_claims_54_terabytes_takes_no_memory(tmp_path):
    path = patched(tmp_path / "x.nii.gz", dim=[3, 30000, 30000, 30000, 1, 1, 1, 1])
    tracemalloc.start()
    try:
        refused(path, "30000 x 30000 x 30000 voxels, 54,000,000,000,352 bytes, more than the file can hold")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_false_offset_takes_no_memory(tmp_path):
    path = tmp_path / "x.nii.gz"
    raw = bytearray(nib.Nifti1Image(HU, AFFINE).to_bytes())
    header = nib.Nifti1Header(bytes(raw[:348]), check=False)
    header["vox_offset"] = 2.0**28
    path.write_bytes(gzip.compress(header.binaryblock + bytes(2**28), 9))
    tracemalloc.start()
    try:
        refused(path, "ends before the voxels|ends after|claims")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("offset", [0, 100, 347, 352.5, -352, np.nan, np.inf, 1e30])
def test_a_nonsense_offset(tmp_path, offset):
    refused(patched(tmp_path / "x.nii.gz", vox_offset=offset), "vox_offset")


def test_an_affine_of_no_numbers(tmp_path):
    path = patched(tmp_path / "x.nii.gz", sform_code=1, srow_x=[np.nan] * 4)
    refused(path, "places its voxels nowhere")


def test_a_flat_affine(tmp_path):
    path = patched(tmp_path / "x.nii.gz", sform_code=1, srow_z=[0, 0, 0, 0])
    refused(path, "places its voxels nowhere")


@pytest.mark.parametrize("shape", [(7, 6, 5, 2), (7, 6), (7, 6, 5, 1, 3)])
def test_other_than_three_axes(tmp_path, shape):
    refused(save(tmp_path / "x.nii.gz", np.zeros(shape, np.int16)), "axes where 3 are needed")


@pytest.mark.parametrize(
    "dim", [[0] * 8, [8] + [1] * 7, [-1] + [1] * 7, [3, 7, 0, 5, 1, 1, 1, 1], [3, -7, 6, -5] + [1] * 4]
)
def test_nonsense_dimensions(tmp_path, dim):
    refused(patched(tmp_path / "x.nii.gz", dim=dim), "broken header|axes where 3")


def test_an_unknown_type_of_voxel(tmp_path):
    refused(patched(tmp_path / "x.nii.gz", datatype=77), "broken header|numbers are needed")


@pytest.mark.parametrize("dtype", [np.complex64, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])])
def test_voxels_that_are_no_single_number(tmp_path, dtype):
    refused(save(tmp_path / "x.nii.gz", np.zeros((3, 3, 3), dtype)), "numbers are needed")


def test_a_header_without_its_voxels(tmp_path):
    refused(patched(tmp_path / "x.nii.gz", magic=b"ni1"), "second file")


def test_an_intercept_that_is_no_number(tmp_path):
    refused(patched(tmp_path / "x.nii.gz", scl_slope=2, scl_inter=np.nan), "intercept nan")


def test_no_permission(good, monkeypatch):
    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", deny)  # root may read everything, so chmod proves nothing
    refused(good, "cannot be read .Permission denied.*permissions")


# ---- memory


#: Linux hands the peak of the parent process on to `ru_maxrss`, so there the kernel's own account is read.
PEAK = """
import re, resource, sys
from pathlib import Path
from mosmed_edu.nifti import read_nifti

def peak():
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

read_nifti(sys.argv[1])                                  # what the libraries take for good
before = peak()
volume = read_nifti(sys.argv[2])
print(peak() - before, volume.data.nbytes)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ru_maxrss")
def test_peak_memory_is_the_array_and_little_more(tmp_path, good):
    path = tmp_path / "large.nii.gz"
    data = np.random.default_rng(0).integers(-1000, 400, (256, 256, 400)).astype(np.int16)
    write_volume(Volume(data, AFFINE), path)
    ran = subprocess.run([sys.executable, "-c", PEAK, good, path], capture_output=True, text=True, check=True)
    grown, array = map(int, ran.stdout.split())
    assert array / 2 < grown <= array + 8 * 2**20


def test_a_cut_file_is_suspected_without_reading_it(tmp_path):
    data = np.random.default_rng(0).integers(-1000, 400, (64, 64, 20)).astype(np.int16)
    path = tmp_path / "x.nii.gz"
    write_volume(Volume(data, AFFINE), path)
    assert has_claimed_length(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert not has_claimed_length(path)


@pytest.mark.parametrize("junk", [b"x", b"junk" * 3, b"\0\0junk"])
def test_bytes_after_the_end_are_called_so(tmp_path, tiny, junk):
    path = tmp_path / "x.nii.gz"
    write_volume(Volume(tiny.scan_of(1), tiny.AFFINE), path)
    path.write_bytes(path.read_bytes() + junk)
    with pytest.raises(NiftiError, match="has bytes after its end"):
        read_nifti(path)
