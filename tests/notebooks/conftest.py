"""A small folder in the shape of the real dataset: its numbering and layout, a part of its studies, no ``extras/``."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mosmed_edu.layout import CATEGORIES, mask_file, study_file, write_registry, write_volume
from mosmed_edu.volume import Volume

#: Numbers and categories as in the release, most of it not downloaded. No CT-4, as in many partial copies.
STUDIES = {7: "CT-0", 255: "CT-1", 258: "CT-1", 600: "CT-1", 951: "CT-2", 1070: "CT-3"}
NOT_DOWNLOADED = {8: "CT-0", 601: "CT-1", 1110: "CT-4"}
MASKED = (255, 258)
#: Some of them as somebody's own scans.
OWN = {7: "CT-0", 255: "CT-1", 951: "CT-2", 1070: "CT-3"}
SHAPE, SPACING = (96, 88, 20), (4.0, 4.0, 8.0)


@pytest.fixture(scope="session")
def real_like(tmp_path_factory):
    """Path of the folder."""
    root = tmp_path_factory.mktemp("COVID19_1110")
    rows = {**STUDIES, **NOT_DOWNLOADED}
    registry = pd.DataFrame(
        {
            "category": pd.Categorical(rows.values(), CATEGORIES, ordered=True),
            "study_file": [study_file(*row) for row in rows.items()],
            "mask_file": [mask_file(n) if n in MASKED else "" for n in rows],
        },
        index=pd.Index(rows, name="study_id"),
    ).sort_index()
    write_registry(registry, root / "dataset_registry.xlsx")
    for number, category in STUDIES.items():
        hu, lesion = _chest(np.random.default_rng(number), CATEGORIES.index(category))
        _write(root, study_file(number, category), hu)
        if number in MASKED:
            _write(root, mask_file(number), lesion.astype(np.int16))
    return root


@pytest.fixture(scope="session")
def own_scans(tmp_path_factory):
    """The same chests as a hospital's DICOM, ten times as many slices, and what `mosmed-edu convert` makes of them."""
    from mosmed_edu.convert import convert
    from mosmed_edu.phantom.dicom import BODY, Person, axial_images, save

    root = tmp_path_factory.mktemp("export")
    rows = ["study,category,mask"]
    for number, category in OWN.items():
        hu, lesion = (np.repeat(a, 10, axis=2) for a in _chest(np.random.default_rng(number), int(category[-1])))
        thin = Volume(np.asfortranarray(hu), np.diag([-SPACING[0], SPACING[1], SPACING[2] / 10, 1]))
        (root / f"P{number}").mkdir()
        save(axial_images(thin, BODY, Person(id=f"P{number}")), root / f"P{number}")
        write_volume(thin.with_data(np.asfortranarray(lesion.astype(np.int16))), root / f"P{number}.nii.gz")
        rows.append(f"P{number},{category},{f'P{number}.nii.gz' if category == 'CT-1' else ''}")
    (root / "list.csv").write_text("\n".join(rows))
    done = convert(root, root.with_name("own-scans"), root / "list.csv", progress=False)
    assert done.failed == []
    return done.root


def _write(root, relative, data):
    path = root / relative.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    x, y, z = SPACING
    affine = np.array([[-x, 0, 0, 190.0], [0, y, 0, -170.0], [0, 0, z, -80.0], [0, 0, 0, 1]])
    write_volume(Volume(np.asfortranarray(data), affine), path)


def _chest(rng, severity):
    """An ellipse of fat round one of muscle, two lungs, a spine, and balls of ground glass: (HU, lesion)."""
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    hu = np.full(SHAPE, -1000.0)
    hu[(i / 0.9) ** 2 + (j / 0.7) ** 2 < 1] = -90
    hu[(i / 0.82) ** 2 + (j / 0.62) ** 2 < 1] = 45
    lungs = (((np.abs(i) - 0.4) / 0.28) ** 2 + (j / 0.45) ** 2 < 1) & (np.abs(k) < 0.85)
    hu[lungs] = -850
    hu[(i / 0.12) ** 2 + ((j + 0.45) / 0.12) ** 2 < 1] = 400
    lesion = np.zeros(SHAPE, bool)
    for _ in range(3 * severity):
        centre = rng.uniform((-0.5, -0.4, -0.5), (0.5, 0, 0.3))
        lesion |= (i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (k - centre[2]) ** 2 < 0.05
    lesion &= lungs
    hu[lesion] = -600
    return (hu + rng.normal(0, 15, SHAPE)).round().astype(np.int16), lesion
