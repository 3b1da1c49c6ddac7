"""A small box of known numbers as a DICOM series, and the way from its files to a volume."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from mosmed_edu.convert import choose_series, convert, read_headers, read_volume, stack_slices
from mosmed_edu.phantom.dicom import BODY, Person, axial_images, save
from mosmed_edu.volume import Volume

#: Sides that differ, pixels that are not square, slices as thin as in life: a mix-up of axes cannot hide.
SHAPE, SPACING = (40, 32, 40), (0.7, 0.9, 0.8)


def box() -> Volume:
    """Numbers by chance, none like its neighbour, with air in them; axes LAS."""
    data = np.random.default_rng(7).integers(-1024, 1500, SHAPE).astype(np.int16)
    affine = np.diag([-SPACING[0], SPACING[1], SPACING[2], 1])
    affine[:3, 3] = 4.3, -7.1, -120.4
    return Volume(np.asfortranarray(data), affine)


def truth(volume: Volume, slices) -> Volume:
    """Some slices of a volume, in their place: what the conversion should give."""
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_mm((0, 0, slices[0]))
    affine[:3, 2] *= slices[1] - slices[0]
    return Volume(volume.data[..., list(slices)], affine)


def kept(volume: Volume, every: int = 10) -> list[int]:
    """k of the slices that stay, where slice 1 is nearest the head."""
    return [k for k in range(volume.shape[2]) if (volume.shape[2] - k) % every == 0]


def convert_series(folder, keep_every: int = 10):
    """Volume and notes of the BODY series in a folder."""
    series = choose_series(read_headers(folder, progress=False).headers)
    stack = stack_slices(series, keep_every)
    volume, notes = read_volume(stack)
    return volume, stack.notes + notes


def assert_same(volume: Volume, wanted: Volume) -> None:
    """Voxel for voxel, and to a ten-thousandth of a millimetre."""
    assert volume.orientation == "LAS" and volume.data.dtype == np.int16
    np.testing.assert_array_equal(volume.data, wanted.data)
    np.testing.assert_allclose(volume.affine, wanted.affine, atol=1e-4)


@pytest.fixture
def ct(tmp_path):
    """`ct.images()` to change, `ct.convert(images)` to write and read them, `ct.wanted` to compare with."""

    def images():
        return list(axial_images(box(), BODY))

    def convert(images, keep_every: int = 10):
        folder = tmp_path / "files"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        save(images, folder)
        return convert_series(folder, keep_every)

    return SimpleNamespace(
        images=images,
        convert=convert,
        read=convert_series,
        volume=box(),
        wanted=truth(box(), kept(box())),
        wanted_every=lambda every: truth(box(), kept(box(), every)),
        same=assert_same,
        truth=truth,
        kept=kept,
    )


@pytest.fixture
def two(ct, tmp_path):
    """Two patients of 20 slices in a folder each: `two.root`, `two.list`, `two.out`, `two.run()` to convert them."""
    root, out, volume = tmp_path / "export", tmp_path / "own", truth(ct.volume, range(20))
    for patient in ("P1", "P2"):
        (root / patient).mkdir(parents=True)
        save(axial_images(volume, BODY, Person(id=f"id-{patient}")), root / patient)
    listed = root / "list.csv"
    listed.write_text("study,category\nP1,CT-0\nP2,CT-1\n")

    def run(**options):
        return convert(root, out, listed, progress=False, **options)

    partial = out.with_name(".own.partial")
    return SimpleNamespace(root=root, list=listed, out=out, partial=partial, volume=volume, run=run)
