"""The lungs' voxels as a list: fields are kept where there is lung, not on the whole frame."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from mosmed_edu.phantom.frame import Frame


def ravel(array: np.ndarray) -> np.ndarray:
    """A frame's array as one row, in Fortran order: slice after slice. Writes go through to an array in that order."""
    return array.reshape(-1, order="F")


class LungVoxels:
    """Places of all lung voxels, slice by slice.

    Parameters
    ----------
    anatomy : Anatomy
        Gives `lungs`, `lobes` and `pleura_mm`.
    frame : Frame

    Attributes
    ----------
    i, j, k : int16 arrays (n,)
        Indices of each voxel.
    flat : int64 array (n,)
        Number of each voxel in a raveled array (see `ravel`).
    x, y, z, pleura : float32 arrays (n,)
        Place and distance to the pleura, in mm.
    inside : bool array
        All of the frame's voxels, raveled: whether they are lung.
    left : bool array (n,)
        Whether a voxel belongs to the left lung.
    """

    def __init__(self, anatomy, frame: Frame):
        self.frame = frame
        self.inside = ravel(anatomy.lungs)
        inside_i = np.flatnonzero(anatomy.lungs.any(axis=(1, 2)))
        inside_j = np.flatnonzero(anatomy.lungs.any(axis=(0, 2)))
        none = np.zeros(1, np.int64)
        first_i, last_i = (inside_i if len(inside_i) else none)[[0, -1]]
        first_j, last_j = (inside_j if len(inside_j) else none)[[0, -1]]
        self.box = slice(first_i, last_i + 1), slice(first_j, last_j + 1)
        lines, columns = self.box[1].stop - self.box[1].start, self.box[0].stop - self.box[0].start
        found = [np.flatnonzero(anatomy.lungs[(*self.box, k)].T).astype(np.int32) for k in range(frame.slices)]
        counts = [len(one) for one in found]
        self._stops = np.concatenate([[0], np.cumsum(counts)])
        j, i = np.divmod(np.concatenate(found), np.int32(columns))
        self._in_plane = i * np.int32(lines) + j
        self.i, self.j = (i + first_i).astype(np.int16), (j + first_j).astype(np.int16)
        self.k = np.repeat(np.arange(frame.slices, dtype=np.int16), counts)
        self.flat = (self.k.astype(np.int64) * frame.shape[1] + self.j) * frame.shape[0] + self.i
        self.x, self.y, self.z = frame.x_mm[self.i], frame.y_mm[self.j], frame.z_mm[self.k]
        self.pleura = ravel(anatomy.pleura_mm)[self.flat]
        self.lobe = ravel(anatomy.lobes)[self.flat]
        self.left = self.lobe >= 4

    def __len__(self) -> int:
        return len(self.flat)

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinate vectors of the box round the lungs."""
        return self.frame.x_mm[self.box[0]], self.frame.y_mm[self.box[1]], self.frame.z_mm

    @cached_property
    def points(self) -> np.ndarray:
        """Places as float32 (n, 3)."""
        return np.stack([self.x, self.y, self.z], axis=1)

    def on_slice(self, k: int) -> slice:
        """Which entries lie on a slice."""
        return slice(int(self._stops[k]), int(self._stops[k + 1]))

    def noise(self, field) -> np.ndarray:
        """A `SmoothNoise` or `OctaveNoise` at every voxel, float32 (n,)."""
        return self.gather(field.planes(*self.axes))

    def gather(self, planes: Iterable[np.ndarray]) -> np.ndarray:
        """Values at the voxels from planes over the box, one for every slice: float32 (n,)."""
        out = np.empty(len(self), np.float32)
        for k, plane in enumerate(planes):
            here = self.on_slice(k)
            np.take(plane, self._in_plane[here], out=out[here])
        return out
