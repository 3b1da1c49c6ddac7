"""Tubes: vessels and airways as chains of short cones, and what a CT slice shows of them.

A voxel's share of a tube follows from its distance to the tube's axis: the cross-section of a long round tube that a
scanner has blurred. The blur is wider across the slices than within them (the slice profile), which is why a vessel
that runs within the slice looks longer and greyer than one that pierces it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mosmed_edu.phantom.frame import Frame

#: Standard deviation of the blur drawn into a tube within slices, in mm (more where pixels are coarse).
BLUR_MM = 0.42

#: The same across slices: at most this, and at most this share of the distance between slices.
PROFILE_MM, PROFILE_SHARE = 1.4, 0.6

#: Cones are drawn in batches of this many pixels, so that memory does not grow with the number of slices.
_BATCH_PIXELS = 600_000


@dataclass(frozen=True)
class Tubes:
    """A branching system as cones, each from a start to an end point.

    Attributes
    ----------
    start, end : float32 arrays (n, 3)
        Ends of the axis, in mm.
    r_start, r_end : float32 arrays (n,)
        Outer radius at both ends, in mm.
    generation : int16 array (n,)
        Number of branchings between the hilum and here.
    leaves : int32 array (n,)
        Number of the tree's end points that lie downstream.
    """

    start: np.ndarray
    end: np.ndarray
    r_start: np.ndarray
    r_end: np.ndarray
    generation: np.ndarray
    leaves: np.ndarray

    def __len__(self) -> int:
        return len(self.start)

    def pick(self, which: np.ndarray) -> Tubes:
        """Some of the cones: a bool or an index array."""
        return Tubes(*(getattr(self, entry.name)[which] for entry in fields(self)))

    def scaled(self, factor: float | np.ndarray) -> Tubes:
        """The same axes with other radii."""
        radii = (self.r_start * factor).astype(np.float32), (self.r_end * factor).astype(np.float32)
        return Tubes(self.start, self.end, *radii, self.generation, self.leaves)

    @property
    def middle(self) -> np.ndarray:
        """Middle of every cone's axis, float32 (n, 3)."""
        return (self.start + self.end) / 2

    @staticmethod
    def none() -> Tubes:
        """No cone at all."""
        line, column = np.zeros((0, 3), np.float32), np.zeros(0, np.float32)
        return Tubes(line, line, column, column, np.zeros(0, np.int16), np.zeros(0, np.int32))

    @staticmethod
    def join(*parts: Tubes) -> Tubes:
        """Several systems as one."""
        return Tubes(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(Tubes)))


def render_tubes(tubes: Tubes, frame: Frame, coverage: np.ndarray | None = None) -> np.ndarray:
    """How much of each voxel the tubes fill.

    Parameters
    ----------
    tubes : Tubes
    frame : Frame
    coverage : uint8 array of the frame's shape in Fortran order, optional
        Drawn into, keeping the larger value, instead of starting from nothing.

    Returns
    -------
    coverage : uint8 array of the frame's shape
        0 outside, 255 wholly inside.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.phantom.frame import Frame
    >>> one = np.ones(1, np.float32)
    >>> rod = Tubes(np.array([[0, 0, -50]], np.float32), np.array([[0, 0, 50]], np.float32), 5 * one, 5 * one,
    ...             np.zeros(1, np.int16), np.ones(1, np.int32))
    >>> drawn = render_tubes(rod, Frame(128, 1.0, 3, bottom_mm=-8.0)) / 255
    >>> [bool(abs(area - np.pi * 25) < 4) for area in drawn.sum(axis=(0, 1))]   # the disc, on every slice
    [True, True, True]
    """
    if coverage is None:
        coverage = np.zeros(frame.shape, np.uint8, order="F")
    blur = max(BLUR_MM, 0.38 * frame.pixel_mm)
    table, r_step, d_step = _profiles(blur)
    piece = _Pieces.cut(tubes, frame, blur)
    order = np.argsort(piece.size, kind="stable")
    flat = coverage.reshape(-1, order="F")
    start = 0
    while start < len(order):
        size = int(piece.size[order[start]])
        stop = min(start + max(1, _BATCH_PIXELS // size**2), len(order))
        stop = start + int(np.searchsorted(piece.size[order[start:stop]], size, side="right"))
        _draw(flat, piece.pick(order[start:stop]), size, frame, table, r_step, d_step)
        start = stop
    return coverage


@dataclass(frozen=True)
class _Pieces:
    """The part of each cone that one slice can see.

    Axis, radii, slice, corner and edge of the patch of pixels; and how the slice profile is drawn: `squeeze` shortens
    distances across the slices, so that the wider blur there becomes the blur within the slice, and `peak` makes up for
    the area that a squeezed oblique tube gains.
    """

    a: np.ndarray
    axis: np.ndarray
    r_a: np.ndarray
    r_b: np.ndarray
    k: np.ndarray
    squeeze: np.ndarray
    peak: np.ndarray
    corner: np.ndarray
    size: np.ndarray

    def pick(self, which: np.ndarray) -> _Pieces:
        return _Pieces(*(getattr(self, entry.name)[which] for entry in fields(self)))

    @classmethod
    def cut(cls, tubes: Tubes, frame: Frame, blur: float) -> _Pieces:
        """Pair cones with the slices that they come near, and keep the near part of each."""
        profile = max(min(PROFILE_MM, PROFILE_SHARE * frame.slice_mm), blur)
        thin = blur / profile
        square = ((tubes.r_start + tubes.r_end) / 2) ** 2
        squeeze = thin + (1 - thin) * square / (square + (0.8 * profile) ** 2)  # a wide tube fills the profile
        reach = np.maximum(tubes.r_start, tubes.r_end) + 2.2 * blur / squeeze
        low = np.minimum(tubes.start[:, 2], tubes.end[:, 2]) - reach
        high = np.maximum(tubes.start[:, 2], tubes.end[:, 2]) + reach
        first = np.clip(np.ceil((low - frame.z_mm[0]) / frame.slice_mm), 0, frame.slices).astype(np.int64)
        last = np.clip(np.floor((high - frame.z_mm[0]) / frame.slice_mm), -1, frame.slices - 1).astype(np.int64)
        count = np.maximum(last - first + 1, 0)
        cone = np.repeat(np.arange(len(tubes)), count)
        k = np.arange(len(cone)) - np.repeat(np.cumsum(count) - count, count) + first[cone]
        a, axis = tubes.start[cone], (tubes.end - tubes.start)[cone]
        r_a, r_b, reach, squeeze = tubes.r_start[cone], tubes.r_end[cone], reach[cone], squeeze[cone]
        rise = frame.z_mm[k] - a[:, 2]
        flat = np.abs(axis[:, 2]) < 1e-3
        slope = np.where(flat, 1, axis[:, 2])
        ends = np.sort(np.stack([(rise - reach) / slope, (rise + reach) / slope]), axis=0)
        t0 = np.where(flat, 0, np.clip(ends[0], 0, 1)).astype(np.float32)
        t1 = np.where(flat, 1, np.clip(ends[1], 0, 1)).astype(np.float32)
        near = a + t0[:, None] * axis
        piece_axis = (t1 - t0)[:, None] * axis
        length = np.maximum(np.linalg.norm(axis, axis=1), 1e-6)
        squeezed = np.hypot(np.hypot(axis[:, 0], axis[:, 1]), squeeze * axis[:, 2])
        peak = squeeze * length / np.maximum(squeezed, 1e-6)
        margin = np.maximum(r_a, r_b) + 2.0 * blur + 0.5 * frame.pixel_mm
        lower = np.minimum(near, near + piece_axis)[:, :2] - margin[:, None]
        upper = np.maximum(near, near + piece_axis)[:, :2] + margin[:, None]
        origin = np.array([frame.x_mm[0], frame.y_mm[0]], np.float32)
        corner = np.ceil((lower - origin) / frame.pixel_mm).astype(np.int64)
        extent = np.floor((upper - origin) / frame.pixel_mm).astype(np.int64) - corner + 1
        size = np.maximum(extent.max(axis=1), 1)
        # few distinct sizes make large batches; beyond 24 pixels they are rare anyway
        size = np.where(size > 24, -(-size // 8) * 8, -(-size // 2) * 2)
        inside = (corner > -size[:, None]).all(axis=1) & (corner < frame.matrix).all(axis=1)
        pieces = cls(
            near,
            piece_axis,
            r_a + t0 * (r_b - r_a),
            r_a + t1 * (r_b - r_a),
            k,
            squeeze.astype(np.float32),
            np.minimum(peak, 1).astype(np.float32),
            corner,
            size,
        )
        return pieces.pick(inside & (size < frame.matrix))


def _draw(flat, piece: _Pieces, size: int, frame: Frame, table, r_step: float, d_step: float) -> None:
    """Draw one batch of equal patches, keeping the larger coverage."""
    grid = np.arange(size)
    i, j = piece.corner[:, 0, None] + grid, piece.corner[:, 1, None] + grid
    dx = (i * np.float32(frame.pixel_mm) + frame.x_mm[0] - piece.a[:, 0, None]).astype(np.float32)
    dy = (j * np.float32(frame.pixel_mm) + frame.y_mm[0] - piece.a[:, 1, None]).astype(np.float32)
    dz = ((frame.z_mm[piece.k] - piece.a[:, 2]) * piece.squeeze).astype(np.float32)
    axis = piece.axis.copy()
    axis[:, 2] *= piece.squeeze
    power = np.maximum(np.einsum("ni,ni->n", axis, axis), np.float32(1e-6))
    ux, uy, uz = (axis / power[:, None]).T
    t = (dx * ux[:, None])[:, :, None] + (dy * uy[:, None] + (dz * uz)[:, None])[:, None, :]
    np.clip(t, 0, 1, out=t)
    # |d - t axis|^2 = |d|^2 - 2 t d.axis + t^2 |axis|^2
    dot = (dx * axis[:, 0, None])[:, :, None] + (dy * axis[:, 1, None] + (dz * axis[:, 2])[:, None])[:, None, :]
    square = (dx**2)[:, :, None] + (dy**2 + dz[:, None] ** 2)[:, None, :]
    square += t * (t * power[:, None, None] - 2 * dot)
    distance = np.sqrt(np.maximum(square, 0, out=square), out=square)
    radius = piece.r_a[:, None, None] + t * (piece.r_b - piece.r_a)[:, None, None]
    # beyond the widest tabulated disc only the edge matters, and that is straight enough: move it outwards
    widest = np.float32((table.shape[0] - 1) * r_step)
    distance -= np.maximum(radius - widest, 0)
    row = (np.minimum(radius, widest) * np.float32(1 / r_step)).astype(np.int32)
    column = np.clip(distance * np.float32(1 / d_step), 0, table.shape[1] - 1).astype(np.int32)
    value = table[row, column]
    value = (value * piece.peak[:, None, None]).astype(np.uint8)
    inside = ((i >= 0) & (i < frame.matrix))[:, :, None] & ((j >= 0) & (j < frame.matrix))[:, None, :] & (value > 3)
    index = i[:, :, None] + ((piece.k[:, None] * frame.matrix + j) * frame.matrix)[:, None, :]
    np.maximum.at(flat, index[inside], value[inside])


@lru_cache(maxsize=8)
def _profiles(blur: float) -> tuple[np.ndarray, float, float]:
    """Blurred discs: 255 times the coverage by radius (rows, steps of 0.05 mm to 4 mm) and distance (columns)."""
    r_step, d_step = 0.05, 0.1
    radii = np.arange(81) * r_step
    radii[0] = r_step / 4
    step = np.float32(0.1)
    axis = np.arange(-8, 8 + step / 2, step)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    distance = np.hypot(x, y).astype(np.float32)
    centre = len(axis) // 2
    # Only the line through the middle is wanted: blurred across it first, all else is never worked out.
    across = gaussian_filter1d(np.eye(len(axis))[centre], blur / step).astype(np.float32)
    lines = [
        across @ (np.clip((r - distance) * (1 / step) + 0.5, 0, 1) if r >= step else _dot(r, step, len(axis)))
        for r in radii.astype(np.float32)
    ]
    rows = gaussian_filter1d(np.array(lines, float), blur / step, axis=1)[:, centre:]
    return (rows * 255).astype(np.float32), r_step, d_step


def _dot(radius: float, step: float, count: int) -> np.ndarray:
    """A disc smaller than a grid cell: its area, in the middle cell."""
    plane = np.zeros((count, count))
    plane[count // 2, count // 2] = np.pi * radius**2 / step**2
    return plane
