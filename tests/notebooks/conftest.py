"""A small folder in the shape of the real dataset: its registry and layout, a part of its studies, no ``extras/``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from real_like import PUBLISHED, chest, write_published

from mosmed_edu.layout import write_volume
from mosmed_edu.volume import Volume

#: Some of the studies as somebody's own scans.
OWN = (7, 255, 951, 1070)


@pytest.fixture(scope="session")
def real_like(made_once):
    """Path of the folder. Its pixels are large, so that a chapter takes seconds; `tests/book` has small ones."""
    return Path(made_once("COVID19_1110", partial(write_published, content=partial(chest, repeat=1))))


@pytest.fixture(scope="session")
def own_scans(made_once):
    """The same chests as a hospital's DICOM, twice as many slices, and what `mosmed-edu convert` makes of them."""
    return Path(made_once("export", export_and_convert))


def export_and_convert(root: Path) -> Path:
    from mosmed_edu.convert import convert
    from mosmed_edu.phantom.dicom import BODY, Person, axial_images, save

    root.mkdir()
    rows = ["study,category,mask"]
    for number in OWN:
        hu, lesion, affine = chest(number, repeat=1)
        hu, lesion = (np.asfortranarray(np.repeat(a, 2, axis=2), np.int16) for a in (hu, lesion))
        thin, name = Volume(hu, affine @ np.diag([1, 1, 0.5, 1])), f"P{number}"
        (root / name).mkdir()
        save(axial_images(thin, BODY, Person(id=name)), root / name)
        write_volume(thin.with_data(lesion), root / f"{name}.nii.gz")
        rows.append(f"{name},{PUBLISHED[number]},{f'{name}.nii.gz' if PUBLISHED[number] == 'CT-1' else ''}")
    (root / "list.csv").write_text("\n".join(rows))
    done = convert(root, root.with_name("own-scans"), root / "list.csv", progress=False)
    assert done.failed == []
    return done.root
