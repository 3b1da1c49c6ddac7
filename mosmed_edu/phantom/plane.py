"""The slice being painted."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mosmed_edu.phantom.canvas import Canvas


def coverage(depth: np.ndarray, step: np.floating) -> np.ndarray:
    """Share of a pixel that lies inside a surface, from the depth of its centre below it: 0 to 1."""
    share = depth * (1 / step)
    share += np.float32(0.5)
    return np.clip(share, 0, 1, out=share)


@dataclass(eq=False)
class Plane:
    """One slice. x, y and z are those of the standard body; `hu` is painted over and over.

    `cavity_depth` is the depth inside the rib cage and `below` the depth below the diaphragm, in mm, negative outside.
    """

    k: int
    x: np.ndarray
    y: np.ndarray
    z: float
    hu: np.ndarray
    cavity_depth: np.ndarray
    canvas: Canvas
    below: np.ndarray = field(default=None)
    lungs: np.ndarray = field(default=None)
    lobes: np.ndarray = field(default=None)
    pleura_mm: np.ndarray = field(default=None)
    depth: np.ndarray = field(default=None)

    @classmethod
    def blank(cls, canvas: Canvas, k: int) -> Plane:
        """A slice of the empty table, ready to be painted: that part of it which the body may reach."""
        bins, radius = canvas.directions.bin, canvas.directions.radius
        depth = (canvas.cavity[k][bins] - radius) * canvas.cavity_tilt[k][bins]
        hu = canvas.empty[canvas.box].copy()
        return cls(k, canvas.x, canvas.y, float(canvas.z[k]), hu, depth, canvas)

    def window(self, box: tuple[float, float, float, float] | None) -> tuple[slice, slice] | None:
        """Pixels that hold a rectangle (x0, x1, y0, y1) of the standard body; None where it lies outside the frame."""
        if box is None:
            return None
        pixel = self.canvas.frame.pixel_mm
        chosen = []
        for (first, last), axis in zip(
            self.canvas.chest.pose.box_to_patient(box), (self.canvas.x_mm, self.canvas.y_mm), strict=True
        ):
            low = max(floor((first - axis[0]) / pixel), 0)
            high = min(ceil((last - axis[0]) / pixel) + 1, axis.size)
            if low >= high:
                return None
            chosen.append(slice(low, high))
        return tuple(chosen)

    def mix(self, cover: np.ndarray, hu: float | np.ndarray, window: tuple | None = None) -> None:
        """Paint over a share of every pixel."""
        target = self.hu if window is None else self.hu[window]
        target += cover * (hu - target)
