"""Where named structures lie in a drawn chest: what an atlas may print on its slices.

The places follow from the description that the study was drawn from, and are then held against its Hounsfield units, so
that a name never lands on something that was painted over.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
from scipy import ndimage

from mosmed_edu.phantom.bones import shoulder_girdle, spine_centre
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.people import Findings, Patient
from mosmed_edu.phantom.wall import blade_range

#: Hounsfield units, averaged over a few pixels, that a structure must show where it is named.
_GAS, _BLOOD, _ORGAN, _BONE = (-1100, -850), (15, 75), (0, 90), (100, 1500)

#: The term for each part of the drawing that an atlas names, and what fills it.
_PARTS = {
    "windpipe": ("trachea", _GAS),
    "right main bronchus": ("right main bronchus", _GAS),
    "left main bronchus": ("left main bronchus", _GAS),
    "gullet": ("oesophagus", _BLOOD),
    "aorta": ("aorta", _BLOOD),
    "pulmonary trunk": ("pulmonary trunk", _BLOOD),
    "right pulmonary artery": ("right pulmonary artery", _BLOOD),
    "left pulmonary artery": ("left pulmonary artery", _BLOOD),
    "superior vena cava": ("superior vena cava", _BLOOD),
    "inferior vena cava": ("inferior vena cava", _BLOOD),
    "right brachiocephalic vein": ("right brachiocephalic vein", _BLOOD),
    "left brachiocephalic vein": ("left brachiocephalic vein", _BLOOD),
    "brachiocephalic artery": ("brachiocephalic trunk", _BLOOD),
    "left carotid artery": ("left common carotid artery", _BLOOD),
    "left subclavian artery": ("left subclavian artery", _BLOOD),
    "azygos arch": ("azygos vein", _BLOOD),
    "azygos vein": ("azygos vein", _BLOOD),
    "right inferior pulmonary vein": ("right inferior pulmonary vein", _BLOOD),
    "left inferior pulmonary vein": ("left inferior pulmonary vein", _BLOOD),
    "left atrium": ("left atrium", _BLOOD),
    "right atrium": ("right atrium", _BLOOD),
    "left ventricle": ("left ventricle", _BLOOD),
    "right ventricle": ("right ventricle", _BLOOD),
    "right ventricular outflow": ("right ventricular outflow tract", _BLOOD),
}
_ORGANS = {
    "spleen": _ORGAN,
    "right kidney": _ORGAN,
    "left kidney": _ORGAN,
    "gall bladder": (-10, 25),
    "pancreas": (15, 75),
}

#: A name is printed only this far within a structure, in mm.
_MARGIN_MM = 0.7


def chest_of(record: pd.Series) -> Chest:
    """Lay out again the chest that a row of the truth table describes."""

    def described(kind):
        return kind(**{f.name: type(getattr(kind(), f.name))(record[f.name]) for f in fields(kind)})

    return Chest.of(described(Patient), described(Findings))


def level_heights(chest: Chest) -> dict[str, float]:
    """Height in mm of each level of an atlas, from apex to upper abdomen."""
    parts, space = chest.mediastinum, chest.space
    standard = {
        "apex": 58.0,
        "arch": float(_top_of_arch(chest)) - 2,
        "bronchi": float(parts["right main bronchus"].points[:, 2].mean()) + 4,
        "atria": parts["left atrium"].centre[2],
        "ventricles": parts["left ventricle"].centre[2],
        "dome": space.right_dome - 14,
        "abdomen": chest.abdomen.organs[0].centre[2] - 6,
    }
    return {name: z * chest.pose.scale[2] for name, z in standard.items()}


def structures_on(
    chest: Chest, x_mm: np.ndarray, y_mm: np.ndarray, z_mm: float, hu: np.ndarray, lungs: np.ndarray
) -> dict[str, np.ndarray]:
    """Find what an atlas names on one axial slice.

    Parameters
    ----------
    chest : Chest
    x_mm, y_mm : array (columns, 1) and (1, rows)
        Pixel centres; x grows to the patient's left and y to the front, as everywhere in `phantom`.
    z_mm : float
        Height of the slice.
    hu : array (columns, rows)
        The slice, smoothed over a few pixels.
    lungs : bool array (columns, rows)

    Returns
    -------
    regions : dict of str to bool array (columns, rows)
        Where each structure is seen.
    """
    x, y = chest.pose.plane_to_standard(*np.broadcast_arrays(x_mm, y_mm))
    z = float(z_mm / chest.pose.scale[2])
    below = chest.space.diaphragm(x, y) - z  # depth below the diaphragm
    regions = _midline(chest, x, y, z, np.where(below < 0, hu, np.nan))
    regions |= _abdomen(chest, x, y, z, np.where(below > 6, hu, np.nan))
    if "aorta" not in regions:  # it runs on behind the diaphragm
        regions |= {name: where for name, where in _midline(chest, x, y, z, hu).items() if name in _BEHIND}
    return _name_aorta(regions, y, z, chest) | _bones(x, y, z, hu) | _rib_and_blade(x, y, z, hu, lungs)


#: Structures of the midline that are also seen below the diaphragm.
_BEHIND = ("aorta", "inferior vena cava", "oesophagus")


def _within(hu: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return (hu >= limits[0]) & (hu <= limits[1])


def _midline(chest: Chest, x, y, z: float, hu: np.ndarray) -> dict[str, np.ndarray]:
    """Vessels, airways and chambers; where two overlap, each pixel belongs to the one it lies deeper in."""
    depth, owner, names = np.full(x.shape, _MARGIN_MM), np.full(x.shape, -1), []
    for part in chest.mediastinum.values():
        if part.box(z, 0) is None or part.name not in _PARTS:
            continue
        inside = -part.distance(x, y, np.float32(z), 0)
        owner[inside > depth] = len(names)
        depth = np.maximum(depth, inside)
        names.append(part.name)
    regions: dict[str, np.ndarray] = {}
    for number, part in enumerate(names):
        name, limits = _PARTS[part]
        where = (owner == number) & _within(hu, limits)
        regions[name] = regions[name] | where if name in regions else where
    return {name: where for name, where in regions.items() if where.any()}


def _abdomen(chest: Chest, x, y, z: float, hu: np.ndarray) -> dict[str, np.ndarray]:
    """Organs below the diaphragm. What no other organ takes on the right is liver."""
    abdomen, regions = chest.abdomen, {}
    taken = np.zeros(x.shape, bool)
    for organ in (*abdomen.organs, abdomen.stomach, *abdomen.bowel):
        if organ.box(z, 0) is None:
            continue
        inside = -organ.distance(x, y, np.float32(z), 0) > _MARGIN_MM
        if organ.name in _ORGANS:
            regions[organ.name] = inside & ~taken & _within(hu, _ORGANS[organ.name])
        elif organ.name == "stomach":
            regions["stomach"] = inside & ~taken & (_within(hu, (10, 60)) | _within(hu, _GAS))
        taken |= inside
    for vessel in ("aorta", "inferior vena cava"):
        taken |= chest.mediastinum[vessel].distance(x, y, np.float32(z), 4) < 3
    regions["liver"] = (x < -20) & (y > -70) & ~taken & _within(hu, (10, 85))
    return {name: where for name, where in regions.items() if where.any()}


def _top_of_arch(chest: Chest) -> float:
    aorta = chest.mediastinum["aorta"].points
    return aorta[:, 2].max()


def _name_aorta(regions: dict, y: np.ndarray, z: float, chest: Chest) -> dict:
    """The aorta's parts: one arch where the slice cuts it lengthwise, else what lies in front and what behind."""
    aorta = regions.pop("aorta", None)
    if aorta is None:
        return regions
    arch = abs(z - _top_of_arch(chest)) < 9
    parts = {"aortic arch": aorta} if arch else _either_side(aorta, y)
    return regions | {name: where for name, where in parts.items() if where.any()}


def _either_side(aorta: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return {"ascending aorta": aorta & (y > -20), "descending aorta": aorta & (y < -20)}


def _bones(x, y, z: float, hu: np.ndarray) -> dict[str, np.ndarray]:
    """The bones whose place is known without counting ribs."""
    behind = y - np.float32(spine_centre(z))
    regions = {
        "vertebral body": (np.hypot(x, behind) < 12) & _within(hu, _BONE),
        "spinal canal": (np.hypot(x / 9, (behind + 23) / 7) < 1) & _within(hu, (0, 70)),
        "sternum": (np.abs(x) < 14) & (y > 40) & _within(hu, (60, 1500)),
    }
    for piece in shoulder_girdle():
        if piece.name == "clavicle" and piece.box(z, 0) is not None:
            inside = (piece.distance(x, y, np.float32(z), 0) < -_MARGIN_MM) & _within(hu, _BONE)
            regions["clavicle"] = regions.get("clavicle", False) | inside
    return {name: where for name, where in regions.items() if where.any()}


def _rib_and_blade(x, y, z: float, hu: np.ndarray, lungs: np.ndarray) -> dict[str, np.ndarray]:
    """The largest piece of bone that lies against a lung at the side, and of those well outside at the back."""
    labels, count = ndimage.label(hu > 180)
    if not count or not lungs.any():
        return {}
    step = float(np.hypot(x[1, 0] - x[0, 0], y[1, 0] - y[0, 0]))
    away = ndimage.distance_transform_edt(~lungs) * step
    shoulder = blade_range(z)[0] is not None
    found = {}
    for number in np.argsort(np.bincount(labels.ravel())[1:])[::-1] + 1:
        bone = labels == number
        side, height, nearest = abs(x[bone].mean()), y[bone].mean(), away[bone].min()
        if nearest < 9 and side > 80:
            found.setdefault("rib", bone)
        elif shoulder and nearest > 14 and side > 50 and height < -30:
            found.setdefault("scapula", bone)
    return found
