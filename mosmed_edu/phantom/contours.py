"""Closed outlines of the body's layers, as a radius for every direction and height.

A layer is a table R(z, theta): the distance from the body's axis, so that one gather per voxel says how deep in the
layer it lies. theta is 0 at the back, grows to the patient's left and is +-pi at the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import PchipInterpolator

#: Directions in a table.
BINS = 2048

#: Heights in mm at which the outlines below are given, standard body.
LEVELS = np.array([112, 100, 75, 50, 20, -30, -80, -130, -180, -230], float)

#: Inner surface of the rib cage: half width; front on the midline; back on the midline; deepest point of the gutter
#: beside the spine. The spine itself is taken out of the lungs by the mediastinum.
_CAVITY = {
    "half": (38, 47, 71, 98, 121, 130, 136, 138, 134, 130),
    "front": (8, 16, 31, 47, 63, 75, 81, 84, 84, 84),
    "back": (-50, -54, -62, -68, -73, -76, -76, -76, -76, -76),
    "gutter": (-52, -58, -74, -88, -98, -104, -105, -103, -97, -92),
}

#: Outer surface of the muscles.
_MUSCLE = {
    "half": (184, 186, 182, 168, 156, 153, 154, 153, 148, 146),
    "front": (22, 32, 50, 66, 79, 88, 93, 96, 96, 96),
    "back": (-92, -98, -108, -116, -121, -123, -121, -118, -115, -113),
    "gutter": (-92, -99, -111, -120, -126, -128, -126, -123, -119, -116),
}


@dataclass(frozen=True)
class Directions:
    """Direction (bin of a table) and distance from the axis of every pixel of a slice, in the standard body."""

    bin: np.ndarray
    radius: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> Directions:
        """Of pixels at x and y, arrays of the same shape."""
        return cls(direction_bin(x, y), np.hypot(x, y).astype(np.float32))


def direction_bin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bin of a table that each point lies in."""
    theta = np.arctan2(x, -y)
    return ((theta + np.pi) * (BINS / (2 * np.pi))).astype(np.int32) % BINS


def bin_angles() -> np.ndarray:
    """theta at the middle of every bin, -pi to pi."""
    return ((np.arange(BINS) + 0.5) / BINS * 2 - 1) * np.pi


def cavity_table(z: np.ndarray) -> np.ndarray:
    """Inner surface of the rib cage at heights z: array (len(z), BINS)."""
    return _table(z, _cavity_levels())


def muscle_table(z: np.ndarray) -> np.ndarray:
    """Outer surface of the muscles at heights z: array (len(z), BINS)."""
    return _table(z, _muscle_levels())


@cache
def _cavity_levels() -> np.ndarray:
    return _levels(_CAVITY, ((0.42, 1.0), (0.80, 0.66)), ((0.87, 0.58), (0.52, 0.89)))


@cache
def _muscle_levels() -> np.ndarray:
    return _levels(_MUSCLE, ((0.36, 1.0), (0.74, 0.80)), ((0.84, 0.62), (0.50, 0.95)))


def _levels(outline: dict, behind: tuple, before: tuple) -> np.ndarray:
    """Radius for every direction at `LEVELS`, from half outlines that are interpolated over theta."""
    angles = np.abs(bin_angles())
    rows = []
    for half, front, back, gutter in zip(*outline.values(), strict=True):
        points = [(0, back), *((u * half, v * gutter) for u, v in behind), (half, 0.04 * gutter)]
        points += [*((u * half, v * front) for u, v in before), (0, front)]
        x, y = np.array(points, float).T
        theta, radius = np.arctan2(x, -y), np.hypot(x, y)
        # Mirrored at both ends, so that the outline crosses the midline level.
        theta = np.concatenate([-theta[2:0:-1], theta, 2 * np.pi - theta[-2:-4:-1]])
        radius = np.concatenate([radius[2:0:-1], radius, radius[-2:-4:-1]])
        rows.append(PchipInterpolator(theta, radius)(angles))
    return np.array(rows)


def _table(z: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Radius for every direction at heights z."""
    order = np.argsort(LEVELS)
    heights = np.clip(z, LEVELS.min(), LEVELS.max())
    return PchipInterpolator(LEVELS[order], levels[order], axis=0)(heights).astype(np.float32)


def wobble(rng: np.random.Generator, z: np.ndarray, sd: float, waves: int = 7, z_mm: float = 90.0) -> np.ndarray:
    """Smooth irregularity of an outline: array (len(z), BINS) in mm, about `sd` in size."""
    theta, along, around = bin_angles(), [], []
    for wave in range(2, waves + 1):
        phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * z / (z_mm * rng.uniform(0.8, 2.5))
        size = rng.normal(0, 1 / wave**0.5)
        # cos(wave theta + phase), taken apart so that no cosine is worked out for every height and direction
        along += [size * np.cos(phase), -size * np.sin(phase)]
        around += [np.cos(wave * theta), np.sin(wave * theta)]
    table = np.array(along).T @ np.array(around)
    return (table * sd / np.sqrt(sum(0.5 / wave for wave in range(2, waves + 1)))).astype(np.float32)
