"""The grid that a study is drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mosmed_edu.errors import DrawingError


@dataclass(frozen=True)
class Frame:
    """Voxel centres in the patient, in mm: x grows to the patient's left, y to the front, z to the head.

    The origin is the carina, on the midline. Voxel (0, 0, 0) lies at the right, at the back and at the bottom (LAS).

    Parameters
    ----------
    matrix : int
        Voxels along i and j, 64 to 1024.
    pixel_mm : float
        Distance between voxel centres along i and j.
    slices : int
        Voxels along k, 1 to 1000.
    slice_mm : float
        Distance between slices.
    bottom_mm : float
        z of the lowest slice.
    center_y_mm : float
        y of the middle of the frame.

    Examples
    --------
    >>> from mosmed_edu.phantom.frame import Frame
    >>> frame = Frame(matrix=128, pixel_mm=2.8, slices=40, slice_mm=8.0, bottom_mm=-200.0)
    >>> frame.shape, float(frame.z_mm[0])
    ((128, 128, 40), -200.0)
    """

    matrix: int
    pixel_mm: float
    slices: int
    slice_mm: float = 8.0
    bottom_mm: float = -210.0
    center_y_mm: float = 0.0

    def __post_init__(self):
        limits = {"matrix": (64, 1024), "slices": (1, 1000), "pixel_mm": (0.2, 8), "slice_mm": (0.2, 20)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise DrawingError(f"{name} {value!r}", "cannot be drawn", f"give {low} to {high}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along i, j and k."""
        return self.matrix, self.matrix, self.slices

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j and k, in mm."""
        return self.pixel_mm, self.pixel_mm, self.slice_mm

    @cached_property
    def x_mm(self) -> np.ndarray:
        """x of the voxels along i, float32."""
        return self._centred()

    @cached_property
    def y_mm(self) -> np.ndarray:
        """y of the voxels along j, float32."""
        return self._centred() + np.float32(self.center_y_mm)

    @cached_property
    def z_mm(self) -> np.ndarray:
        """z of the voxels along k, float32."""
        return (self.bottom_mm + self.slice_mm * np.arange(self.slices)).astype(np.float32)

    @cached_property
    def affine(self) -> np.ndarray:
        """From voxel index to mm in NIfTI's world, whose x grows to the patient's right."""
        affine = np.diag([-self.pixel_mm, self.pixel_mm, self.slice_mm, 1.0])
        affine[:3, 3] = -self.x_mm[0], self.y_mm[0], self.z_mm[0]
        return affine

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in mL."""
        return self.pixel_mm**2 * self.slice_mm / 1000

    def _centred(self) -> np.ndarray:
        return ((np.arange(self.matrix) - (self.matrix - 1) / 2) * self.pixel_mm).astype(np.float32)
