"""A healthy chest on a grid: Hounsfield units, lungs, lobes, and where the vessels enter.

Slices are drawn one after the other, so memory grows with the result alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from mosmed_edu.phantom.canvas import COARSE, FAR, Canvas
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lung_space import LungSpace
from mosmed_edu.phantom.people import Findings, Patient
from mosmed_edu.phantom.pose import Pose


@dataclass(frozen=True)
class Inlet:
    """Where a tree enters a lung: point and direction (3,) in mm of the patient, radius in mm."""

    point: np.ndarray
    direction: np.ndarray
    radius: float


@dataclass(frozen=True)
class Hilum:
    """The root of one lung: its pulmonary artery, its lower and upper vein, and its main bronchus."""

    side: str
    artery: Inlet
    vein: Inlet
    upper_vein: Inlet
    bronchus: Inlet


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A drawn chest without lung vessels, disease or noise.



    Attributes
    ----------
    frame : Frame
    hu : float32 array (i, j, k)
        Lung voxels hold bare parenchyma and fissures.
    lungs : bool array
    lobes : uint8 array
        Numbers of `LOBES`, 0 outside the lungs.
    pleura_mm : float32 array
        Distance of lung voxels from the chest wall, the diaphragm or the apex, whichever is nearest; 0 elsewhere.
    hila : dict of Hilum
        Under "right" and "left".
    body : tuple of 2 slice
        Columns and rows beyond which every slice is air and table.
    """

    frame: Frame
    hu: np.ndarray
    lungs: np.ndarray
    lobes: np.ndarray
    pleura_mm: np.ndarray
    hila: dict[str, Hilum]
    pose: Pose
    space: LungSpace
    coarse_depth: np.ndarray
    body: tuple[slice, slice]

    def depth_at(self, points_mm: np.ndarray) -> np.ndarray:
        """Distance from the lungs' surface (mediastinal side too) at points (n, 3) in mm: positive inside, to 40 mm.

        Interpolated between slices; it is what `lobe_at` decides by.
        """
        origin, step = self._coarse_grid
        index = np.stack([(points_mm[:, axis] - origin[axis]) / step[axis] for axis in range(3)])
        return map_coordinates(self.coarse_depth, index, order=1, mode="nearest")

    def box_of_depth(self, depth_mm: float) -> tuple[list[float], list[float]]:
        """Lower and upper ends in mm of a box beyond which `depth_at` stays at or below a depth.

        Where the frame cuts the lungs it has no end there, as `depth_at` has none.
        """
        low, high = [], []
        for axis, (origin, step) in enumerate(zip(*self._coarse_grid, strict=True)):
            others = tuple(other for other in range(3) if other != axis)
            deep = np.flatnonzero((self.coarse_depth > depth_mm).any(axis=others))
            first, last = (deep[0], deep[-1]) if deep.size else (np.inf, -np.inf)
            low.append(float(origin + (first - 1) * step) if first > 0 else -np.inf)
            high.append(float(origin + (last + 1) * step) if last < self.coarse_depth.shape[axis] - 1 else np.inf)
        return low, high

    @property
    def _coarse_grid(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Place of the first voxel of `coarse_depth`, and the distance between voxels, in mm."""
        frame = self.frame
        coarse = frame.pixel_mm * COARSE
        return (frame.x_mm[0], frame.y_mm[0], frame.z_mm[0]), (coarse, coarse, frame.slice_mm)

    def lobe_at(self, points_mm: np.ndarray) -> np.ndarray:
        """Lobe that points (n, 3) in mm lie in, also between slices: uint8 (n,), 0 outside the lungs."""
        points_mm = np.asarray(points_mm, np.float32)
        standard = self.pose.to_standard(points_mm)
        lobe = self.space.lobe(*standard.T)
        return np.where(self.depth_at(points_mm) > 0, lobe, np.uint8(0))


def build_anatomy(
    patient: Patient, frame: Frame, findings: Findings | None = None, chest: Chest | None = None
) -> Anatomy:
    """Draw a healthy chest.

    Parameters
    ----------
    patient : Patient
    frame : Frame
        The grid; `fit_frame` in `draw` chooses one that fits the patient.
    findings : Findings, optional
        Those that change the anatomy: expiration, effusion, calcification.
    chest : Chest, optional
        The patient's chest, if it has been laid out already.

    Returns
    -------
    anatomy : Anatomy
    """
    chest = chest or Chest.of(patient, findings or Findings())
    canvas = Canvas(chest, frame)
    shape = frame.shape
    hu = np.empty(shape, np.float32, order="F")
    lungs = np.zeros(shape, bool, order="F")
    lobes = np.zeros(shape, np.uint8, order="F")
    pleura = np.zeros(shape, np.float32, order="F")
    coarse = np.full((*(-(-n // COARSE) for n in shape[:2]), shape[2]), -FAR, np.float32, order="F")
    box = canvas.box
    coarse_box = tuple(slice(part.start // COARSE, -(-part.stop // COARSE)) for part in box)
    for k, plane in enumerate(canvas.planes()):
        hu[..., k] = canvas.empty
        hu[(*box, k)] = plane.hu
        lungs[(*box, k)] = plane.lungs
        lobes[(*box, k)] = plane.lobes
        pleura[(*box, k)] = plane.pleura_mm
        coarse[(*coarse_box, k)] = plane.depth[::COARSE, ::COARSE]
    return Anatomy(frame, hu, lungs, lobes, pleura, find_hila(chest), chest.pose, chest.space, coarse, box)


def find_hila(chest: Chest) -> dict[str, Hilum]:
    """Ends of the central vessels and airways, where the trees of the lungs begin."""
    parts = chest.mediastinum

    def inlet(name: str) -> Inlet:
        last, before = parts[name].points[-1], parts[name].points[-2]
        ends = chest.pose.to_patient(np.stack([last[:3], before[:3]]))
        direction = ends[0] - ends[1]
        return Inlet(ends[0], direction / np.linalg.norm(direction), float(last[3] * chest.pose.scale[0]))

    return {
        side: Hilum(
            side,
            inlet(f"{side} pulmonary artery"),
            inlet(f"{side} inferior pulmonary vein"),
            inlet(f"{side} superior pulmonary vein"),
            inlet(f"{side} main bronchus"),
        )
        for side in ("right", "left")
    }
