"""One slice after the other of a chest on a grid, painted from the outside in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mosmed_edu.phantom.abdomen import paint_abdomen
from mosmed_edu.phantom.bones import paint_bones, shoulder_girdle
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.contours import BINS, Directions, bin_angles, direction_bin
from mosmed_edu.phantom.fields import OctaveNoise, smooth_minimum
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lung_space import ROUNDING, steepness
from mosmed_edu.phantom.mediastinum import FAT
from mosmed_edu.phantom.midline import paint_midline
from mosmed_edu.phantom.plane import Plane, coverage
from mosmed_edu.phantom.table import empty_table
from mosmed_edu.phantom.wall import Wall, paint_wall

#: Every n-th pixel of the depth in the lungs is kept, to interpolate between slices.
COARSE = 4

#: Depths in the lungs beyond this are not told apart, in mm.
FAR = 40.0

#: Hounsfield units of pleural fluid.
_FLUID = 9.0


class Canvas:
    """What all slices of one study share: coordinates, layer tables, heights of diaphragm and fissures."""

    def __init__(self, chest: Chest, frame: Frame):
        self.chest, self.frame = chest, frame
        z = (frame.z_mm / chest.pose.scale[2]).astype(np.float64)
        self.z = z
        self.step = np.float32(frame.pixel_mm / np.sqrt(chest.pose.scale[0] * chest.pose.scale[1]))
        self.cavity, self.muscle, self.skin = chest.cavity(z), chest.muscle(z), chest.skin(z)
        self.cavity_tilt = _tilt(self.cavity)
        self.breast = chest.breast(z).astype(np.float32)
        self.wall, self.girdle = Wall(chest, z), shoulder_girdle()
        self.fluid = chest.fluid(z, frame)
        self.texture = OctaveNoise(chest.rng(11), 22, (0.5, 0.5, 0.45, 0.45))
        self.lobules = OctaveNoise(chest.rng(12), 11, (0.6, 0.5, 0.4))
        self._choose_box()
        self._map_heights()

    def _choose_box(self) -> None:
        """Keep the pixels that some slice of the body reaches; the rest is air and table, the same on every slice."""
        chest, frame = self.chest, self.frame
        x, y = chest.pose.plane_to_standard(frame.x_mm[:, None], frame.y_mm[None, :])
        body = np.hypot(x, y) < self.skin.max(axis=0)[direction_bin(x, y)] + 2
        rows, columns = (np.flatnonzero(body.any(axis)) for axis in (1, 0))
        # Aligned, so that every n-th pixel of the box is every n-th pixel of the frame.
        self.box = tuple(slice(int(found[0]) // COARSE * COARSE, int(found[-1]) + 1) for found in (rows, columns))
        self.x, self.y = x[self.box].astype(np.float32), y[self.box].astype(np.float32)
        self.x_mm, self.y_mm = frame.x_mm[self.box[0]], frame.y_mm[self.box[1]]
        self.directions = Directions.of(self.x, self.y)
        self.theta = np.abs(bin_angles().astype(np.float32))[self.directions.bin]
        self.empty = empty_table(frame, chest.table_top_mm())

    def _map_heights(self) -> None:
        space, x, y = self.chest.space, self.x, self.y
        heights = {
            "diaphragm": space.diaphragm(x, y),
            "apex": space.apex(x, y),
            "major": space.major_fissure(x, y),
            "minor": space.minor_fissure(x, y),
        }
        self.heights = {name: height.astype(np.float32) for name, height in heights.items()}
        self.slopes = {name: steepness(self.heights[name], self.step) for name in ("diaphragm", "apex")}

    def noise(self, field: OctaveNoise, part: tuple[slice, slice], k: int) -> np.ndarray:
        """A random field over a part of the box on slice k."""
        return field.on_axes(self.x_mm[part[0]], self.y_mm[part[1]], self.frame.z_mm[k : k + 1])[..., 0]

    def back_y(self, k: int) -> float:
        """y of the muscles' surface on the midline of the back."""
        return -float(self.muscle[k][BINS // 2])

    def planes(self) -> Iterator[Plane]:
        """Draw all slices, from the lowest to the highest."""
        textures = self.texture.planes(self.x_mm, self.y_mm, self.frame.z_mm)
        for k, texture in enumerate(textures):
            yield self._paint(k, texture)

    def _paint(self, k: int, texture: np.ndarray) -> Plane:
        """Draw slice k; `texture` is the unevenness of the lung tissue."""
        plane = Plane.blank(self, k)
        paint_wall(plane, self, k)
        box = plane.window((-160, 160, -130, 110))
        plane.mix(coverage(plane.cavity_depth[box], self.step), FAT, box)
        below = (self.heights["diaphragm"] - np.float32(plane.z)) * self.slopes["diaphragm"]
        plane.below = below
        paint_abdomen(plane, self, below)
        lung = np.minimum(plane.cavity_depth, -below)
        np.minimum(lung, (self.heights["apex"] - np.float32(plane.z)) * self.slopes["apex"], out=lung)
        between = paint_midline(plane, self)
        if self.fluid is not None:
            lung = self._paint_effusion(plane, lung, between)
        outer = lung
        lung = np.clip(smooth_minimum(lung, between, ROUNDING), -FAR, FAR)
        paint_bones(plane, self, k)
        self._fill_lungs(plane, lung, texture)
        plane.pleura_mm = np.where(plane.lungs, outer, np.float32(0))
        return plane

    def _paint_effusion(self, plane: Plane, lung: np.ndarray, between: np.ndarray) -> np.ndarray:
        """Draw pleural fluid along the back; return how deep the lung, pushed forward by it, still is."""
        pushed = np.minimum(lung, plane.cavity_depth - self.fluid[plane.k][self.directions.bin])
        plane.mix(coverage(smooth_minimum(lung, between, ROUNDING), self.step), np.float32(_FLUID))
        return pushed

    def _fill_lungs(self, plane: Plane, depth: np.ndarray, texture: np.ndarray) -> None:
        """Parenchyma, denser towards the back; fissures; labels."""
        plane.depth = depth
        plane.lungs = depth > 0
        rows, columns = _bounding(depth > -3 * self.step)
        if rows is None:
            plane.lobes = np.zeros(depth.shape, np.uint8)
            return
        box = rows, columns
        x, y, z = plane.x[box], plane.y[box], np.float32(plane.z)
        major, minor = self.heights["major"][box], self.heights["minor"][box]
        lobes = self.chest.space.lobe_between(x, z, major, minor)
        plane.lobes = np.zeros(depth.shape, np.uint8)
        plane.lobes[box] = np.where(plane.lungs[box], lobes, 0)
        chest = self.chest
        hu = np.float32(chest.parenchyma_hu) - np.float32(chest.gravity_hu / 90) * y + np.float32(15) * texture[box]
        # Fissures are thin bright sheets; the horizontal one is seen in the right lung, above the oblique one.
        hu += 170 * np.clip(1.3 - np.abs(z - major) * np.float32(0.7), 0, 1)
        hu += 110 * np.clip(1.3 - np.abs(z - minor), 0, 1) * ((x < 0) & (z > major))
        cover = coverage(depth[box], self.step)
        plane.hu[box] += cover * (hu - plane.hu[box])


def _tilt(table: np.ndarray) -> np.ndarray:
    """Cosine between the radius and the outline's normal."""
    along = np.gradient(table, 2 * np.pi / table.shape[1], axis=1)
    return (table / np.hypot(table, along)).astype(np.float32)


def _bounding(mask: np.ndarray) -> tuple[slice | None, slice | None]:
    """Smallest box of rows and columns that holds all True pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None, None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
