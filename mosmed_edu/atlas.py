"""An atlas of one study: the levels to look at from apex to base, and what lies where on them.

In a drawn study every place is known, from its lobes and from the description it was drawn from. In any other, levels
are taken by height alone, and only the lungs and the trachea are named.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from mosmed_edu.boxes import box_round
from mosmed_edu.dataset import Study, Truth
from mosmed_edu.layout import DRAWN_MARK, is_drawn
from mosmed_edu.lungs import LEFT, RIGHT, segment_lungs
from mosmed_edu.volume import Volume

#: The levels, from apex to upper abdomen, and where each lies between the lowest (0) and the highest slice with lung
#: (1) where nothing better is known.
LEVELS = {
    "apex": 0.92,
    "arch": 0.78,
    "bronchi": 0.66,
    "atria": 0.5,
    "ventricles": 0.38,
    "dome": 0.24,
    "abdomen": 0.06,
}

#: The window in which each kind of structure is named.
LUNG, SOFT, BONE = "lung", "mediastinum", "bone"

_IN_LUNG_WINDOW = ("lobe", "fissure", "lung", "trachea", "bronchus")
_IN_BONE_WINDOW = ("vertebral body", "spinal canal", "sternum", "clavicle", "rib", "scapula")

#: The fissure between two lobes, by their numbers.
_FISSURES = {
    (1, 2): "horizontal fissure",
    (1, 3): "right oblique fissure",
    (2, 3): "right oblique fissure",
    (4, 5): "left oblique fissure",
}
_LOBES = {
    1: "right upper lobe",
    2: "right middle lobe",
    3: "right lower lobe",
    4: "left upper lobe",
    5: "left lower lobe",
}

#: A region is not named where its deepest place is nearer to its edge than this, in mm: a sliver teaches nothing.
_LEAST_ROOM_MM = 2.0
_LEAST_ROOM_OF_LARGE_MM = {
    **dict.fromkeys(_LOBES.values(), 6.0),
    **dict.fromkeys(("left atrium", "right atrium", "left ventricle", "right ventricle"), 6.0),
    **dict.fromkeys(("right pulmonary artery", "left pulmonary artery"), 4.5),
    "pulmonary trunk": 6.5,
    "superior vena cava": 3.0,
    **dict.fromkeys(("vertebral body", "spleen", "liver", "stomach", "right kidney", "left kidney"), 6.0),
    "sternum": 4.0,
}

#: The air of the trachea, in HU, its usual area on a slice, in mm2, and its distance from the middle of the lungs.
_TRACHEA_HU, _TRACHEA_MM2, _TRACHEA_FROM_MIDDLE_MM = -850, (60, 700), 45

#: Shorter than this a fissure is not named, in mm.
_SHORTEST_MM = 25.0


@dataclass(frozen=True)
class Structure:
    """A named structure on one axial slice.

    Attributes
    ----------
    name : str
    index : tuple of 3 int
        A voxel (i, j, k) within it, as far from its edge as can be.
    room_mm : float
        Distance of that voxel from the structure's edge, in mm.
    window : str
        The preset that shows it: 'lung', 'mediastinum' or 'bone'.
    """

    name: str
    index: tuple[int, int, int]
    room_mm: float
    window: str


@dataclass(frozen=True, eq=False)
class Atlas:
    """Levels and structures of one study. Made by `open_atlas`.

    Attributes
    ----------
    study : Study
    ct : Volume
    levels : dict of str to int
        Name of a level to its axial slice, from apex to upper abdomen.
    is_complete : bool
        Whether every structure's place is known. If not, only lungs and trachea are named.
    """

    study: Study
    ct: Volume
    levels: dict[str, int]
    truth: Truth | None = field(default=None, repr=False)
    chest: object = field(default=None, repr=False)
    lungs: Volume | None = field(default=None, repr=False)
    _found: dict[int, list[Structure]] = field(default_factory=dict, repr=False)

    @property
    def is_complete(self) -> bool:
        return self.chest is not None

    def structures(self, k: int) -> list[Structure]:
        """What is named on axial slice k."""
        if k not in self._found:  # a page asks for the same slices several times
            self._found[k] = self._find_structures(k)
        return list(self._found[k])

    def _find_structures(self, k: int) -> list[Structure]:
        hu = np.take(self.ct.data, k, self.ct.axis("S")).astype(np.float32)
        smooth = ndimage.uniform_filter(hu, 3)
        if self.is_complete:
            regions = self._drawn_regions(k, smooth)
        else:
            apex, bronchi = self.levels["apex"], self.levels["bronchi"]
            lungs = np.take(self.lungs.data, k, self.ct.axis("S"))
            regions = _seen_regions(self.ct, smooth, lungs, (k - bronchi) * (apex - bronchi) > 0)
        spacing = _in_plane(self.ct)
        found = [_structure(name, where, k, spacing) for name, where in regions.items()]
        return [structure for structure in found if structure]

    def _drawn_regions(self, k: int, hu: np.ndarray) -> dict[str, np.ndarray]:
        from mosmed_edu.phantom.landmarks import structures_on

        i, j = (np.arange(n) for n in hu.shape)
        x = -self.ct.to_mm(np.stack([i, 0 * i, 0 * i + k], 1))[:, :1]
        y = self.ct.to_mm(np.stack([0 * j, j, 0 * j + k], 1))[:, 1]
        z = self.ct.to_mm([0, 0, k])[2]
        lobes = self.truth.lobes.data[..., k]
        return _lobe_regions(lobes, _in_plane(self.ct)) | structures_on(self.chest, x, y[None], z, hu, lobes > 0)


def open_atlas(study: Study) -> Atlas:
    """Find the levels of a study, and what can be named on them.

    Parameters
    ----------
    study : Study

    Returns
    -------
    atlas : Atlas

    Examples
    --------
    >>> from mosmed_edu import open_dataset
    >>> from mosmed_edu.atlas import open_atlas
    >>> atlas = open_atlas(open_dataset().first(category="CT-0"))   # doctest: +SKIP
    >>> atlas.levels                                                     # doctest: +SKIP
    """
    ct = study.ct()
    chest = _drawn_chest(study)
    if chest is None:
        lungs = segment_lungs(ct).labels
        return Atlas(study, ct, _levels_by_height(lungs), lungs=lungs)
    from mosmed_edu.phantom.landmarks import level_heights

    z = ct.to_mm(np.stack([np.zeros(ct.shape[2]), np.zeros(ct.shape[2]), np.arange(ct.shape[2])], 1))[:, 2]
    levels = {name: int(np.abs(z - height).argmin()) for name, height in level_heights(chest).items()}
    return Atlas(study, ct, levels, study.truth(), chest)


def _drawn_chest(study: Study):
    """The description of a drawn study; None for any other, and for one that another version drew."""
    if not is_drawn(study.root):
        return None
    from mosmed_edu.phantom import GENERATOR_VERSION
    from mosmed_edu.phantom.landmarks import chest_of

    drawn_by = json.loads((study.root / DRAWN_MARK).read_text("utf-8"))["generator_version"]
    return chest_of(study.truth().record) if drawn_by == GENERATOR_VERSION else None


def _levels_by_height(lungs: Volume) -> dict[str, int]:
    """Levels as shares of the height over which there is lung."""
    area = (lungs.data > 0).sum(axis=tuple(n for n in range(3) if n != lungs.axis("S")))
    with_lung = np.flatnonzero(area > 0.06 * area.max())
    foot, head = with_lung[0], with_lung[-1]
    if "S" not in lungs.orientation:
        foot, head = head, foot
    return {name: round(foot + share * (head - foot)) for name, share in LEVELS.items()}


def _in_plane(ct: Volume) -> tuple[float, float]:
    """Spacing of the two axes that remain when a slice is taken, in mm."""
    return tuple(mm for axis, mm in enumerate(ct.spacing) if axis != ct.axis("S"))


def _structure(name: str, where: np.ndarray, k: int, spacing: tuple) -> Structure | None:
    """The deepest place of a region; None where it is too small to be named."""
    if name.endswith("fissure"):
        place, room = _middle_of_line(where, spacing), 0.0
    else:
        box = box_round(where, (0, 0))  # most structures are small, and a slice is not
        depth = ndimage.distance_transform_edt(np.pad(where[box], 1), sampling=spacing)[1:-1, 1:-1]
        deepest = np.unravel_index(depth.argmax(), depth.shape)
        room = float(depth[deepest])
        place = [n + (part.start or 0) for n, part in zip(deepest, box, strict=True)]
        if room < _LEAST_ROOM_OF_LARGE_MM.get(name, _LEAST_ROOM_MM):
            return None
    window = LUNG if name.endswith(_IN_LUNG_WINDOW) else BONE if name in _IN_BONE_WINDOW else SOFT
    return Structure(name, (int(place[0]), int(place[1]), k), room, window)


def _middle_of_line(where: np.ndarray, spacing: tuple) -> tuple[int, int]:
    """The pixel of a line that is nearest to its middle."""
    points = np.argwhere(where)
    away = ((points - np.median(points, axis=0)) * spacing) ** 2
    return tuple(points[away.sum(axis=1).argmin()])


def _lobe_regions(lobes: np.ndarray, spacing: tuple) -> dict[str, np.ndarray]:
    """Lobes on a slice, and the lines where two of them meet."""
    regions = {name: lobes == number for number, name in _LOBES.items() if (lobes == number).any()}
    lines: dict[str, np.ndarray] = {}
    for (one, other), name in _FISSURES.items():
        meet = ndimage.binary_dilation(lobes == one) & (lobes == other)
        lines[name] = lines.get(name, False) | meet
    return regions | {name: line for name, line in lines.items() if _length(line, spacing) >= _SHORTEST_MM}


def _length(line: np.ndarray, spacing: tuple) -> float:
    """The longer side of the rectangle round a line, in mm."""
    return float((np.ptp(np.argwhere(line), axis=0) * spacing).max()) if line.any() else 0.0


def _seen_regions(ct: Volume, hu: np.ndarray, lungs: np.ndarray, above_bronchi: bool) -> dict[str, np.ndarray]:
    """Lungs and trachea of any scan. The trachea is the one round of air between the lungs, above the main bronchi."""
    regions = {"right lung": lungs == RIGHT, "left lung": lungs == LEFT}
    regions = {name: where for name, where in regions.items() if where.any()}
    if not above_bronchi or len(regions) < 2:
        return regions
    middle = np.mean([np.argwhere(where).mean(axis=0) for where in regions.values()], axis=0)
    labels, count = ndimage.label((hu < -600) & (lungs == 0))
    found = []
    for number in range(1, count + 1):
        part = labels == number
        away = np.linalg.norm((np.argwhere(part).mean(axis=0) - middle) * _in_plane(ct))
        fits = _TRACHEA_MM2[0] < part.sum() * np.prod(_in_plane(ct)) < _TRACHEA_MM2[1]
        if fits and away < _TRACHEA_FROM_MIDDLE_MM and np.median(hu[part]) < _TRACHEA_HU:
            found.append(part)
    return regions | {"trachea": found[0]} if len(found) == 1 else regions
