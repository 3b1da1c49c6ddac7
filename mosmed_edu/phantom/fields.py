"""Smooth random fields over the patient: what makes tissue uneven, outlines ragged and lobules visible.

Every field lives in the patient's millimetres, not on a voxel grid: the same field drawn on a finer grid shows the same
things. Coefficients are drawn once for a fixed box round the chest, so a field does not depend on the frame either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import map_coordinates

#: Corners of the box that every field covers, in mm: more than any chest we draw.
DOMAIN_MM = np.array([[-210.0, -170.0, -290.0], [210.0, 170.0, 190.0]])

#: Fine noise repeats after this many knots: nobody sees it under the coarser noise, and few coefficients are needed.
_PERIOD = 48

#: Cells repeat after this many cubes.
_CELL_PERIOD = 40

#: Mean square of a cubic B-spline's basis values: scales noise to standard deviation 1.
_BASIS_POWER = 151 / 315


def smoothstep(x: np.ndarray, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """From 0 below `low` to 1 above `high`, without a corner.

    Examples
    --------
    >>> import numpy as np
    >>> smoothstep(np.array([-1.0, 0.5, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def smooth_minimum(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    """The smaller of two distances, with the crease between two bodies rounded over `width` mm.

    The quadratic polynomial form (I. Quilez); exact where the two differ by more than `width`.

    Examples
    --------
    >>> float(smooth_minimum(1.0, 9.0, width=2.0)), float(smooth_minimum(3.0, 3.0, width=4.0))
    (1.0, 2.0)
    """
    overlap = np.maximum(width - np.abs(a - b), 0) / width
    return np.minimum(a, b) - overlap * overlap * (width / 4)


def spline_basis(positions: np.ndarray, origin: float, step: float, count: int) -> np.ndarray:
    """Cubic B-spline values, one row per position: `B @ g` brings coefficients `g` up to the positions.

    Parameters
    ----------
    positions : array (n,)
        Where to evaluate, in mm.
    origin, step : float
        Place of the first knot, and the distance between knots, in mm.
    count : int
        Number of knots. Positions beyond them see zero.

    Returns
    -------
    basis : float32 array (n, count)

    Examples
    --------
    >>> import numpy as np
    >>> bool(np.isclose(spline_basis(np.array([33.0]), 0.0, 10.0, 8).sum(), 1))
    True
    """
    distance = np.abs((np.asarray(positions, np.float64)[:, None] - origin) / step - np.arange(count)[None])
    square = distance * distance
    near = 2 / 3 - square + square * distance / 2
    rest = np.maximum(2 - distance, 0)
    far = rest * rest * rest / 6
    return np.where(distance < 1, near, far).astype(np.float32)


class SmoothNoise:
    """Gaussian noise without detail below a chosen size: a cubic B-spline with random coefficients.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the coefficients come from.
    scale_mm : float or three floats
        Distance between knots along x, y, z. Blobs come out about twice as wide.

    Examples
    --------
    >>> import numpy as np
    >>> noise = SmoothNoise(np.random.default_rng(1), scale_mm=20)
    >>> axis = np.linspace(-100, 100, 60)
    >>> volume = noise.on_axes(axis, axis, axis)
    >>> bool(0.8 < volume.std() < 1.2)
    True
    >>> bool(np.isclose(noise.at(np.array([[axis[5], axis[7], axis[9]]]))[0], volume[5, 7, 9], atol=1e-4))
    True
    """

    def __init__(self, rng: np.random.Generator, scale_mm: float | Sequence[float]):
        self.step = np.broadcast_to(np.asarray(scale_mm, float), 3)
        self.origin = DOMAIN_MM[0] - self.step
        self.counts = np.ceil((DOMAIN_MM[1] - DOMAIN_MM[0]) / self.step).astype(int) + 3
        counts = np.minimum(self.counts, _PERIOD)
        self.coefficients = rng.standard_normal(counts, dtype=np.float32) / np.float32(_BASIS_POWER**1.5)

    def on_axes(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The noise on the grid that three coordinate vectors span: float32 (len(x), len(y), len(z))."""
        out = np.empty((len(x), len(y), len(z)), np.float32)
        for k, plane in enumerate(self.planes(x, y, z)):
            out[..., k] = plane
        return out

    def planes(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Iterator[np.ndarray]:
        """The same one z after the other, each float32 (len(x), len(y)), so that memory does not grow with slices."""
        basis_x, basis_y, basis_z = (
            _fold(spline_basis(axis, origin, step, count), period)
            for axis, origin, step, count, period in zip(
                (x, y, z), self.origin, self.step, self.counts, self.coefficients.shape, strict=True
            )
        )
        rows, columns, layers = self.coefficients.shape
        knots = basis_z @ np.ascontiguousarray(self.coefficients.reshape(-1, layers).T)
        for plane in knots.reshape(-1, rows, columns):
            yield basis_x @ plane @ basis_y.T

    def at(self, points: np.ndarray) -> np.ndarray:
        """The noise at points (n, 3) in mm: float32 (n,)."""
        index = (np.asarray(points, np.float32) - self.origin.astype(np.float32)) / self.step.astype(np.float32)
        return map_coordinates(self.coefficients, index.T, order=3, prefilter=False, mode="grid-wrap")


def _fold(basis: np.ndarray, period: int) -> np.ndarray:
    """Let knots that lie a period apart share one coefficient."""
    if basis.shape[1] <= period:
        return basis
    folded = np.zeros((len(basis), period), np.float32)
    for first in range(0, basis.shape[1], period):
        part = basis[:, first : first + period]
        folded[:, : part.shape[1]] += part
    return folded


class OctaveNoise:
    """Sum of smooth noises, each half the size of the one before (after Perlin 1985): clouds with ragged edges.

    Parameters
    ----------
    rng : numpy.random.Generator
    scale_mm : float or three floats
        Size of the coarsest octave, as for `SmoothNoise`.
    weights : sequence of float
        Amplitude of each octave; the sum is scaled to standard deviation 1.

    Examples
    --------
    >>> import numpy as np
    >>> clouds = OctaveNoise(np.random.default_rng(1), 40, (0.5, 0.35, 0.25))
    >>> axis = np.linspace(-60, 60, 40)
    >>> clouds.on_axes(axis, axis, axis).shape
    (40, 40, 40)
    """

    def __init__(self, rng: np.random.Generator, scale_mm: float | Sequence[float], weights: Sequence[float]):
        norm = float(np.sqrt(np.sum(np.square(weights))))
        scale = np.asarray(scale_mm, float)
        self.octaves = [
            (np.float32(weight / norm), SmoothNoise(rng, scale / 2**octave)) for octave, weight in enumerate(weights)
        ]

    def on_axes(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The noise on the grid that three coordinate vectors span: float32 (len(x), len(y), len(z))."""
        return sum(weight * noise.on_axes(x, y, z) for weight, noise in self.octaves)

    def planes(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Iterator[np.ndarray]:
        """The same one z after the other, each float32 (len(x), len(y))."""
        for together in zip(*(noise.planes(x, y, z) for _, noise in self.octaves), strict=True):
            yield sum(weight * plane for (weight, _), plane in zip(self.octaves, together, strict=True))

    def at(self, points: np.ndarray) -> np.ndarray:
        """The noise at points (n, 3) in mm: float32 (n,)."""
        return sum(weight * noise.at(points) for weight, noise in self.octaves)


class Cells:
    """A foam of cells of uneven size (Worley 1996): lobules and the septa between them.

    One seed point lies at random in every cube of a lattice; some cubes stay empty, which makes the cells round them
    large. Distances are exact where the second-nearest seed point lies within `size_mm`.

    Parameters
    ----------
    rng : numpy.random.Generator
    size_mm : float
        Edge of the lattice's cubes: the usual distance between neighbouring seed points.
    empty : float
        Share of cubes without a seed point, 0 to 0.5.

    Examples
    --------
    >>> import numpy as np
    >>> cells = Cells(np.random.default_rng(1), size_mm=10)
    >>> edge, cell = cells.at(np.random.default_rng(2).uniform(-50, 50, (100, 3)))
    >>> bool((edge >= 0).all())
    True
    """

    def __init__(self, rng: np.random.Generator, size_mm: float, empty: float = 0.25):
        self.size = np.float32(size_mm)
        count = _CELL_PERIOD
        self.seeds = rng.random((count, count, count, 3), dtype=np.float32)
        self.seeds[rng.random((count, count, count), dtype=np.float32) < empty] = 1e3  # so far away: no seed point
        # a rim that repeats the other side spares every look-up a modulo
        self._rimmed = np.pad(self.seeds, [(1, 1), (1, 1), (1, 1), (0, 0)], mode="wrap").reshape(-1, 3)
        self._numbers = np.pad(np.arange(count**3, dtype=np.int32).reshape(count, count, count), 1, mode="wrap").ravel()

    def __len__(self) -> int:
        """Number of cubes, and so of cell numbers, before the foam repeats."""
        return _CELL_PERIOD**3

    def at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance to the nearest wall between cells in mm, and the number of the cell, for points (n, 3) in mm.

        The distance is half of F2 - F1, which is exact midway between two seed points and close to it elsewhere.
        """
        scaled = np.asarray(points, np.float32) / self.size
        home = np.floor(scaled)
        within = scaled - home
        row = _CELL_PERIOD + 2
        stride = np.array([row * row, row, 1], np.int32)
        start = np.mod(home.astype(np.int32), np.int32(_CELL_PERIOD)) @ stride
        nearest = np.full(len(scaled), np.inf, np.float32)
        second = nearest.copy()
        cell = np.zeros(len(scaled), np.int32)
        for shift in np.ndindex(3, 3, 3):
            number = start + np.int32(np.array(shift) @ stride)
            away = self._rimmed[number]
            away -= within - (np.array(shift, np.float32) - 1)
            distance = np.einsum("ni,ni->n", away, away)
            closer = distance < nearest
            np.minimum(second, np.where(closer, nearest, distance), out=second)
            cell[closer] = number[closer]
            np.minimum(nearest, distance, out=nearest)
        edge = (np.sqrt(second) - np.sqrt(nearest)) * (self.size / 2)
        return edge, self._numbers[cell]
