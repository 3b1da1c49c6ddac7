"""The atlas: every name lies on what it names, levels run from head to foot, and other folders get what they can."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mosmed_edu import Volume
from mosmed_edu.atlas import LEVELS, Atlas, open_atlas
from mosmed_edu.phantom import Findings, Patient, draw
from mosmed_edu.phantom.landmarks import chest_of, level_heights
from mosmed_edu.phantom.people import Disease
from mosmed_edu.plotting import WORDS

PEOPLE = [Patient(age=40, sex="F", bmi=22, seed=3), Patient(age=71, sex="M", bmi=29, seed=8)]

#: What a structure reads on an unenhanced scan, in HU, averaged over a few voxels.
EXPECTED = {"trachea": (-1100, -900), "bronchus": (-1100, -880), "lobe": (-950, -300), "liver": (0, 90)}
EXPECTED |= dict.fromkeys(("aorta", "arch", "atrium", "ventricle", "spleen", "artery", "vein"), (0, 90))
EXPECTED |= dict.fromkeys(("vertebral body", "clavicle", "rib", "scapula"), (90, 1500))


@pytest.fixture(scope="module", params=range(len(PEOPLE)))
def drawn(request):
    """(atlas, drawing) of a person, made as from a dataset folder."""
    patient, findings = PEOPLE[request.param], Findings()
    drawing = draw(patient, Disease(), findings, matrix=320)
    record = pd.Series({**drawing.record["patient"], **drawing.record["findings"]})
    chest = chest_of(record)
    z = drawing.ct.affine[2, 3] + drawing.ct.spacing[2] * np.arange(drawing.ct.shape[2])
    levels = {name: int(np.abs(z - height).argmin()) for name, height in level_heights(chest).items()}
    study = SimpleNamespace(id=1, category="CT-0", is_synthetic=True)
    return Atlas(study, drawing.ct, levels, SimpleNamespace(lobes=drawing.lobes), chest), drawing


def all_of(atlas):
    return [structure for k in atlas.levels.values() for structure in atlas.structures(k)]


def test_levels_run_from_head_to_foot(drawn):
    atlas, _ = drawn
    assert list(atlas.levels) == list(LEVELS)
    assert all(a > b for a, b in zip(list(atlas.levels.values()), list(atlas.levels.values())[1:], strict=False))


def test_every_name_lies_on_its_tissue(drawn):
    atlas, drawing = drawn
    checked = 0
    for structure in all_of(atlas):
        i, j, k = structure.index
        around = drawing.ct.data[i - 1 : i + 2, j - 1 : j + 2, k].mean()
        for ending, (low, high) in EXPECTED.items():
            if structure.name.endswith(ending):
                assert low <= around <= high, (structure, around)
                checked += 1
    assert checked > 50


def test_lobes_are_named_as_the_drawing_labels_them(drawn):
    atlas, drawing = drawn
    numbers = {"right upper lobe": 1, "right middle lobe": 2, "right lower lobe": 3}
    numbers |= {"left upper lobe": 4, "left lower lobe": 5}
    lobes = [structure for structure in all_of(atlas) if structure.name in numbers]
    assert {structure.name for structure in lobes} == set(numbers)
    for structure in lobes:
        assert drawing.lobes.data[structure.index] == numbers[structure.name]


def test_each_fissure_lies_between_its_lobes(drawn):
    atlas, drawing = drawn
    fissures = [structure for structure in all_of(atlas) if structure.name.endswith("fissure")]
    assert len(fissures) >= 6
    for structure in fissures:
        i, j, k = structure.index
        around = set(np.unique(drawing.lobes.data[i - 1 : i + 2, j - 1 : j + 2, k])) - {0}
        assert len(around) >= 2
        assert around <= ({1, 2, 3} if structure.name != "left oblique fissure" else {4, 5})


def test_left_is_left_and_front_is_front(drawn):
    """By anatomy that holds for everybody drawn here."""
    atlas, _ = drawn
    place = {}
    for name, k in atlas.levels.items():
        place |= {(name, s.name): atlas.ct.to_mm(s.index) for s in atlas.structures(k)}
    right, left, front, back = [], [], [], []
    for level in ("apex", "arch", "bronchi", "atria", "ventricles"):
        right += [place[level, n][0] for n in ("right upper lobe", "right lower lobe") if (level, n) in place]
        left += [place[level, n][0] for n in ("left upper lobe", "left lower lobe") if (level, n) in place]
    assert min(right) > 0 > max(left)  # x grows to the patient's right
    front += [place["bronchi", "ascending aorta"][1], place["ventricles", "right ventricle"][1]]
    back += [place["bronchi", "descending aorta"][1], place["ventricles", "descending aorta"][1]]
    assert min(front) > max(back)
    assert place["abdomen", "liver"][0] > 0 > place["abdomen", "spleen"][0]
    assert place["bronchi", "right main bronchus"][0] > place["bronchi", "left main bronchus"][0]
    assert place["atria", "left atrium"][1] < place["atria", "right ventricular outflow tract"][1]


def test_arch_is_one_and_below_it_the_aorta_is_two(drawn):
    atlas, _ = drawn
    names = {level: {s.name for s in atlas.structures(k)} for level, k in atlas.levels.items()}
    assert "aortic arch" in names["arch"] and "trachea" in names["arch"]
    assert {"ascending aorta", "descending aorta"} <= names["bronchi"]
    assert "trachea" not in names["bronchi"] and "aortic arch" not in names["bronchi"]
    assert "ascending aorta" not in names["ventricles"]
    assert "liver" in names["abdomen"] and "liver" not in names["ventricles"]


def test_every_name_has_a_word(drawn):
    for structure in all_of(drawn[0]):
        assert structure.name in WORDS
        assert structure.window in ("lung", "mediastinum", "bone")
        assert structure.room_mm >= 0


def a_plain_study(axes="LAS"):
    """Two lungs, a windpipe above, gas in the gut below: nothing but Hounsfield units to go by."""
    x, y, z = np.meshgrid(np.linspace(-160, 160, 161), np.linspace(-120, 120, 121), np.arange(30) * 8.0, indexing="ij")
    hu = np.where((x / 150) ** 2 + (y / 105) ** 2 < 1, 40, -1000)
    for side in (-1, 1):
        hu[((x - side * 70) / 45) ** 2 + (y / 70) ** 2 + ((z - 130) / 90) ** 2 < 1] = -850
    hu[(np.hypot(x, y) < 10) & (z > 170)] = -1000
    hu[(np.hypot(x + 60, y - 40) < 24) & (z < 36)] = -1000
    affine = np.array([[-2.0, 0, 0, 160], [0, 2.0, 0, -120], [0, 0, 8.0, 0], [0, 0, 0, 1]])
    ct = Volume(hu.astype(np.int16), affine)
    if axes == "LPS":
        flip = np.diag([1.0, -1, 1, 1])
        flip[1, 3] = ct.shape[1] - 1
        ct = Volume(ct.data[:, ::-1], affine @ flip)
    nowhere = Path("nowhere")
    return SimpleNamespace(id=5, category="CT-0", root=nowhere, is_synthetic=False, ct=lambda: ct, truth=lambda: None)


@pytest.mark.parametrize("axes", ["LAS", "LPS"])
def test_other_folders_get_lungs_and_trachea_only(axes):
    study = a_plain_study(axes)
    atlas = open_atlas(study)
    assert study.ct().orientation == axes
    assert not atlas.is_complete
    assert list(atlas.levels) == list(LEVELS)
    assert list(atlas.levels.values()) == sorted(atlas.levels.values(), reverse=True)
    lungs = study.ct().data == -850
    assert all(lungs[..., k].any() for k in atlas.levels.values())  # gas in the gut is not taken for lung
    found = all_of(atlas)
    assert {s.name for s in found} == {"right lung", "left lung", "trachea"}
    for structure in found:
        x, y, _ = atlas.ct.to_mm(structure.index)
        if structure.name == "trachea":
            assert np.hypot(x, y) < 10 and structure.index[2] > atlas.levels["bronchi"]
        else:  # x grows to the patient's right
            assert (x > 20) if structure.name == "right lung" else (x < -20)
            assert atlas.ct.data[structure.index] == -850


def test_an_empty_slice_names_nothing():
    atlas = open_atlas(a_plain_study())
    empty = Volume(np.full(atlas.ct.shape, -1000, np.int16), atlas.ct.affine)
    no_lungs = atlas.lungs.with_data(np.zeros(atlas.ct.shape, np.uint8))
    assert Atlas(atlas.study, empty, atlas.levels, lungs=no_lungs).structures(3) == []
