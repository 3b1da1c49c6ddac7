"""Draw the mediastinum on a slice, and say how far the lungs stay away from it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from mosmed_edu.phantom.bones import spine_centre
from mosmed_edu.phantom.fields import smooth_minimum
from mosmed_edu.phantom.lung_space import ROUNDING
from mosmed_edu.phantom.mediastinum import CHAMBERS, FAT, HEART, Blob, Tube
from mosmed_edu.phantom.plane import coverage

#: The lungs feel a structure up to this distance; one that they do not feel is drawn, its wall and its calcium
#: included, up to this one and a pixel more. In mm.
_REACH, _COAT = 12.0, 3.0

#: Drawn, but too far out or too deep inside others to push the lungs aside.
_SILENT = ("gullet", "coronary", "lead", "membrane", "node")

#: Calcium in a vessel's wall, and the bag round the heart.
_CALCIUM, _PERICARDIUM = 560.0, 22.0


def paint_midline(plane, canvas) -> np.ndarray:
    """Draw what lies between the lungs; return the distance from it and its coat of fat, in mm."""
    chest = canvas.chest
    box = plane.window((-118, 118, -128, 104))
    apart = np.full(plane.x.shape, 99, np.float32)
    if box is not None:
        apart[box] = _middle(plane.x[box], plane.y[box], plane.z, chest)
    drawn, heart = [], None
    for part in chest.mediastinum.values():
        silent = part.name.endswith(_SILENT)
        reach = _COAT + float(canvas.step) if silent else _REACH
        window = plane.window(part.box(plane.z, reach))
        if window is None:
            continue
        distance = part.distance(plane.x[window], plane.y[window], np.float32(plane.z), reach)
        if part.name in CHAMBERS:
            heart = heart or _Heart(plane)
            heart.add(window, distance)
        else:
            drawn.append((part, window, distance))
        if not silent:
            apart[window] = smooth_minimum(apart[window], distance, 18.0 if part.name in CHAMBERS else ROUNDING)
    apart -= np.float32(chest.coat_mm)
    if heart is not None:
        heart.paint(canvas)
    _paint_vessels(plane, canvas, drawn, heart)
    return apart


def _middle(x: np.ndarray, y: np.ndarray, z: float, chest) -> np.ndarray:
    """Distance from the tissue that fills the midline: spine behind, a core of fat, a thin sheet in front."""
    spine = np.hypot(x, np.maximum(np.abs(y - np.float32(spine_centre(z)) + 8) - 6, 0)) - np.float32(19.5)
    front = np.float32(1.6 + 0.13 * max(chest.patient.bmi - 20, 0))
    wide = front + 15 * np.clip((y - 46) / 34, 0, 1) ** 2 + 5 * np.clip((26 - y) / 30, 0, 1)
    # The fat in the angles between heart and diaphragm.
    wide += np.float32(26 * np.clip((-z - 88) / 26, 0, 1)) * np.clip((y - 34) / 34, 0, 1)
    lean = np.float32(chest.junction) * np.clip((y - 20) / 50, 0, 1)
    sheet = np.abs(x - lean) - wide
    rising = np.float32(np.clip((z + 62) / 20, 0, 1))
    core = np.hypot(np.maximum(np.abs(x + 5) - 11, 0), np.maximum(np.abs(y + 14) - 24, 0)) - 9 * rising
    # The heart rests on the diaphragm: no lung between them.
    lowered = np.float32(np.clip((-z - 82) / 16, 0, 1))
    under = (np.hypot((x - 14) / 46, (y - 18) / 36) - 1) * np.float32(36)
    middle = smooth_minimum(smooth_minimum(spine, sheet, ROUNDING), core + (1 - rising) * 40, ROUNDING)
    return smooth_minimum(middle, under + (1 - lowered) * 40, ROUNDING)


class _Heart:
    """The chambers on one slice: joined smoothly, with grooves of fat where two of them meet."""

    def __init__(self, plane):
        self.plane = plane
        self.box = plane.window((-85, 100, -70, 90))
        shape = plane.x[self.box].shape
        self.deep = np.zeros(plane.x.shape, bool)
        self.union = np.full(shape, 99, np.float32)
        self.first = np.full(shape, 99, np.float32)
        self.second = np.full(shape, 99, np.float32)

    def add(self, window: tuple, distance: np.ndarray) -> None:
        """Join one chamber."""
        part, cut = [], []
        for w, b in zip(window, self.box, strict=True):
            low, high = max(w.start, b.start), min(w.stop, b.stop)
            part.append(slice(low - b.start, max(high, low) - b.start))
            cut.append(slice(low - w.start, max(high, low) - w.start))
        part, distance = tuple(part), distance[tuple(cut)]
        self.union[part] = smooth_minimum(self.union[part], distance, 22.0)
        first = self.first[part]
        self.second[part] = np.minimum(self.second[part], np.maximum(first, distance))
        np.minimum(first, distance, out=first)

    def paint(self, canvas) -> None:
        """Draw the bag, the fat within it, the muscle, the grooves."""
        plane, box, step = self.plane, self.box, canvas.step
        fat = canvas.chest.coat_mm
        within = coverage(np.minimum(-plane.below[box], plane.cavity_depth[box] - 1), step)
        bag = coverage(np.float32(1.0) - np.abs(self.union - np.float32(0.75 * fat + 1.5)), step)
        plane.mix(within * coverage(3 * fat + 2 - self.union, step), np.float32(FAT), box)
        plane.mix(np.float32(0.75) * within * bag, np.float32(_PERICARDIUM), box)
        plane.mix(within * coverage(-self.union, step), np.float32(HEART), box)
        # Grooves reach in from the surface, not through the walls between the chambers.
        depth = distance_transform_edt(self.union < 1.5).astype(np.float32) * step
        shallow = np.clip((12 - depth) / 5, 0, 1)
        wide = np.float32(1.8 + 0.8 * fat) * shallow - np.abs(self.second - self.first) * np.float32(0.5)
        plane.mix(within * coverage(wide, step) * shallow * coverage(-self.union, step), np.float32(FAT + 12), box)
        self.deep[box] = depth > 9


def _paint_vessels(plane, canvas, drawn: list, heart: _Heart | None) -> None:
    """Walls first, so that they do not run through the lumen where two tubes join; then what is inside."""
    for part, window, distance in drawn:
        if isinstance(part, Tube) and part.wall_hu is not None:
            plane.mix(coverage(np.float32(part.wall_mm) - distance, canvas.step), np.float32(part.wall_hu), window)
    for part, window, distance in drawn:
        hu = np.float32(part.hu)
        if part.name.endswith("coronary") and heart is not None and heart.deep[window].any():
            distance = np.where(heart.deep[window], np.float32(9), distance)  # they run on the heart, not in it
        plane.mix(coverage(-distance, canvas.step), hu, window)
        if heart is not None:
            distance = np.where(heart.deep[window], np.float32(9), distance)
        _calcify(plane, canvas, part, window, distance)


def _calcify(plane, canvas, part: Tube | Blob, window: tuple, distance: np.ndarray) -> None:
    """Plaques of calcium in the wall of the aorta and in the coronary arteries."""
    findings = canvas.chest.findings
    if part.name == "aorta" and findings.aortic_calcification > 0:
        amount, thick, mesh = findings.aortic_calcification, 1.4, 0.16
    elif part.name.endswith("coronary") and findings.coronary_calcification > 0:
        amount, thick, mesh = findings.coronary_calcification, 1.6, 0.22
    else:
        return
    p = canvas.chest.plaques
    x, y, z = plane.x[window] * mesh, plane.y[window] * mesh, plane.z * mesh
    chance = np.sin(x + p[0] + np.sin(1.7 * z)) + np.sin(1.3 * y + p[1]) + np.sin(0.9 * z + p[2] + 0.5 * x)
    plaque = np.clip((chance - np.float32(2.35 - 1.5 * amount)) * 3, 0, 1)
    ring = coverage(thick - np.abs(distance + 0.6), canvas.step)
    plane.mix(ring * plaque, np.float32(_CALCIUM), window)
