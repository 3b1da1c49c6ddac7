"""The chest wall: skin, the fat below it, breasts, and muscles with fat between them.

A muscle is a shell: it lies between two depths, counted outwards from the rib cage or inwards from the outermost
muscles' surface, over a range of directions and heights. What no muscle fills is fat: so the armpit is what lies
between the muscles round it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mosmed_edu.phantom.contours import bin_angles
from mosmed_edu.phantom.fields import smoothstep
from mosmed_edu.phantom.mediastinum import FAT, MUSCLE, tube
from mosmed_edu.phantom.plane import coverage

SKIN, GLAND = 25.0, 28.0

#: The rib cage with the muscles between the ribs, in mm outside the lungs.
RIB_CAGE = 12.0


@dataclass(frozen=True)
class Muscle:
    """One muscle of each side.

    Parameters
    ----------
    name : str
    theta : tuple of 2 float
        Range of directions: 0 the back, pi the front.
    z : tuple of 2 float
        Range of heights, mm of the standard body.
    depth : tuple of 2 float
        Inner and outer surface: mm outside the rib cage's inner surface, or if `superficial` mm below the muscles'
        outer surface (the outer surface first).
    lean : float
        How far the range of directions moves forward per mm of height.
    """

    name: str
    theta: tuple[float, float]
    z: tuple[float, float]
    depth: tuple[float, float]
    superficial: bool = False
    lean: float = 0.0


#: From the inside out. Ranges follow cross-sectional anatomy of the arms-up position.
MUSCLES = (
    Muscle("serratus anterior", (0.85, 2.05), (-140, 55), (13, 20)),
    Muscle("pectoralis minor", (2.00, 2.55), (-5, 72), (16, 25)),
    Muscle("teres major", (1.05, 1.50), (-30, 45), (22, 50)),
    Muscle("latissimus dorsi", (0.35, 1.42), (-190, 12), (0, 9), superficial=True),
    Muscle("trapezius", (0.03, 0.72), (-75, 130), (0, 8), superficial=True),
    Muscle("rhomboids", (0.12, 0.52), (-20, 85), (9.5, 16), superficial=True),
    Muscle("pectoralis major", (1.80, 2.90), (-62, 92), (0, 17), superficial=True, lean=-0.0022),
    Muscle("oblique and rectus", (1.35, 3.00), (-300, -120), (0, 12), superficial=True),
)


#: Muscles between trunk and raised arm, for one side: centreline (x, y, z) and radius in mm.
SHOULDER = (
    tube("deltoid, front", [(148, 20, 88, 15), (166, 14, 106, 21), (180, 4, 145, 18)], 0),
    tube("deltoid, side", [(172, -12, 74, 14), (180, -12, 100, 22), (188, -8, 145, 16)], 0),
    tube("deltoid, back", [(138, -58, 88, 13), (160, -38, 100, 19), (178, -24, 145, 16)], 0),
    tube("infraspinatus tendon", [(96, -72, 52, 11), (126, -58, 74, 13), (152, -28, 88, 10)], 0),
    tube("supraspinatus", [(74, -58, 84, 10), (108, -42, 98, 12), (146, -16, 112, 8)], 0),
    tube("subscapularis tendon", [(88, -30, 48, 10), (112, -16, 72, 13), (142, 0, 88, 10)], 0),
    tube("pectoralis tendon", [(96, 44, 44, 10), (122, 36, 66, 13), (150, 20, 94, 10)], 0),
    tube("latissimus and teres", [(120, -66, -10, 12), (136, -44, 32, 17), (150, -22, 66, 15), (160, -2, 92, 9)], 0),
    tube("upper trapezius", [(16, -70, 122, 21), (62, -70, 110, 20), (116, -62, 108, 14), (150, -38, 116, 6)], 0),
    tube("levator scapulae", [(30, -46, 130, 9), (48, -58, 98, 8), (60, -66, 76, 5)], 0),
    tube("scalenes", [(28, -22, 130, 9), (34, -14, 104, 10), (46, -12, 82, 7)], 0),
    tube("sternomastoid", [(46, 2, 140, 10), (36, 18, 104, 9), (24, 36, 72, 7), (18, 46, 54, 4)], 0),
    tube("long muscle of the neck", [(9, -24, 130, 6), (10, -26, 96, 6), (9, -34, 66, 4)], 0),
)


def blade_range(z: float) -> tuple[float, float] | tuple[None, None]:
    """Directions between which the shoulder blade lies at a height, in radians from the back."""
    if not -44 < z < 92:
        return None, None
    width = float(np.clip((z + 44) / 60, 0.05, 1))
    return 0.98 - 0.46 * width, 1.02 + 0.20 * width


def blade_depth(gap: np.ndarray) -> np.ndarray:
    """How far outside the rib cage's inner surface the blade lies, where muscles reach as far as `gap`: mm."""
    return np.clip(gap * np.float32(0.58), 19, 36)


class Wall:
    """The chest wall of one patient, as tables over height and direction."""

    def __init__(self, chest, z: np.ndarray):
        theta = bin_angles()
        rng = chest.rng(21)
        lean = 1.15 if chest.patient.sex == "M" else 0.85
        thick = float(np.clip(lean * rng.normal(1, 0.08) - 0.004 * (chest.patient.age - 45), 0.6, 1.35))
        self.pieces = [self._bounds(muscle, theta, z, thick, rng) for muscle in MUSCLES]
        self.columns = self._back_muscles(rng, z, thick)
        self.gland = float(np.clip(rng.beta(1.5, 2.2) - 0.006 * (chest.patient.age - 45), 0.03, 0.9))

    @staticmethod
    def _bounds(muscle: Muscle, theta: np.ndarray, z: np.ndarray, thick: float, rng: np.random.Generator):
        """How wide open a muscle is in every direction, per height: 1 in its middle, 0 beyond its edges."""
        wave = 0.04 * np.sin(z / rng.uniform(15, 30) + rng.uniform(0, 6, (2, 1)))
        ends = smoothstep(z, muscle.z[0], muscle.z[0] + 22) * smoothstep(-z, -muscle.z[1], -muscle.z[1] + 22)
        shift = (muscle.lean * z + wave[0])[:, None]
        around = np.abs(theta)[None] - shift
        edge = 0.16
        tapered = smoothstep(around, muscle.theta[0], muscle.theta[0] + edge)
        tapered = tapered * smoothstep(-around, -muscle.theta[1], -muscle.theta[1] + edge)
        size = (muscle.depth[1] - muscle.depth[0]) * thick * ends[:, None] * tapered
        size *= 1 + 0.10 * np.sin(5 * theta + rng.uniform(0, 6))[None]
        return muscle, size.astype(np.float32)

    @staticmethod
    def _back_muscles(rng: np.random.Generator, z: np.ndarray, thick: float) -> np.ndarray:
        """Half width, half depth of the columns beside the spine, per height."""
        low = smoothstep(-z, -40, 130)
        return np.stack([(15 + 9 * low) * thick**0.5, (12 + 8 * low) * thick], axis=1)


def paint_wall(plane, canvas, k: int) -> None:
    """Draw everything between the skin and the rib cage's inner surface."""
    bins, radius = canvas.directions.bin, canvas.directions.radius
    skin = canvas.skin[k][bins] - radius
    plane.mix(coverage(skin, canvas.step), np.float32(SKIN))
    plane.mix(coverage(skin - 1.8, canvas.step), np.float32(FAT - 6))
    wall = np.flatnonzero((plane.cavity_depth < 3) & (skin > 0))
    if not wall.size:
        return
    pixels = _WallPixels(plane, canvas, k, wall)
    share = pixels.muscle_share()
    hu = plane.hu.take(wall)
    hu += share * (np.float32(MUSCLE - 0.35 * max(canvas.chest.patient.age - 40, 0)) - hu)
    if canvas.chest.patient.sex == "F":
        glands = pixels.gland_share()
        hu += glands * (GLAND - hu)
    plane.hu.put(wall, hu)


class _WallPixels:
    """The wall's pixels of one slice, as lists; `wall` numbers them row after row."""

    def __init__(self, plane, canvas, k: int, wall: np.ndarray):
        self.canvas, self.k, self.z = canvas, k, plane.z
        self.wall = wall
        self.x, self.y = plane.x.take(wall), plane.y.take(wall)
        self.side = np.abs(self.x)
        self.bin = canvas.directions.bin.take(wall)
        self.outside = -plane.cavity_depth.take(wall)
        self.below = canvas.muscle[k][self.bin] - canvas.directions.radius.take(wall)
        self.step = canvas.step

    def muscle_share(self) -> np.ndarray:
        """How much of each pixel is muscle."""
        # Between the ribs, with a thin line of fat under the pleura's outer side.
        share = coverage(self.outside - 1.0, self.step) * coverage(RIB_CAGE - 1.5 - self.outside, self.step)
        share *= np.float32(np.clip((97 - self.z) / 8, 0, 1))  # there are no ribs above the first
        for muscle, size in self.canvas.wall.pieces:
            row = size[self.k]
            if row.max() < 0.5:
                continue
            thick = row[self.bin]
            near = np.flatnonzero(thick > 0.4)
            if not near.size:
                continue
            t = thick[near]
            if muscle.superficial:
                depth = self.below[near] - np.float32(muscle.depth[0])
                inside = np.minimum(depth, t - depth)
                np.minimum(inside, self.outside[near] - np.float32(RIB_CAGE), out=inside)
            else:
                depth = self.outside[near] - np.float32(muscle.depth[0])
                inside = np.minimum(depth, t - depth)
                np.minimum(inside, self.below[near] - 1, out=inside)
            share[near] = np.maximum(share[near], coverage(inside, self.step))
        self._add_columns(share)
        self._add_blade_muscles(share)
        self._add_shoulder(share)
        return share

    def _add_blade_muscles(self, share: np.ndarray) -> None:
        """Subscapularis in front of the shoulder blade, infraspinatus behind it."""
        theta = self.canvas.theta.take(self.wall)
        first, last = blade_range(self.z)
        if first is None:
            return
        near = np.flatnonzero((theta > first - 0.06) & (theta < last + 0.14) & (self.outside > RIB_CAGE + 1.5))
        if not near.size:
            return
        outside, below, t = self.outside[near], self.below[near], theta[near]
        blade = blade_depth(outside + below)
        inside = np.maximum(
            np.minimum(outside - 14, blade - 2.5 - outside), np.minimum(outside - blade - 2.5, below - 2.0)
        )
        ends = np.minimum(t - first + 0.06, last + 0.14 - t) * np.float32(80)
        share[near] = np.maximum(share[near], coverage(np.minimum(inside, ends), self.step))

    def _add_shoulder(self, share: np.ndarray) -> None:
        """Muscles that run from the trunk to the raised arm."""
        if self.z < -10:
            return
        nearest = np.full(len(share), -99, np.float32)
        for muscle in SHOULDER:
            box = muscle.box(self.z, 5.0)
            if box is None:
                continue
            near = np.flatnonzero((self.side > box[0]) & (self.side < box[1]) & (self.y > box[2]) & (self.y < box[3]))
            if near.size:
                inside = -muscle.distance(self.side[near], self.y[near], np.float32(self.z), 5.0)
                nearest[near] = np.maximum(nearest[near], inside)
        np.maximum(share, coverage(np.minimum(nearest, self.below - np.float32(1.5)), self.step), out=share)
        # What lies between them is muscle too, behind a seam of fat.
        filled = np.float32(np.clip((self.z - 66) / 16, 0, 1))
        if filled > 0:
            seam = np.float32(2.2 + 0.12 * max(self.canvas.chest.patient.bmi - 20, 0))
            between = np.minimum(np.minimum(-nearest - seam, self.below - 2 * seam), self.outside - 16)
            np.maximum(share, filled * coverage(between, self.step), out=share)

    def _add_columns(self, share: np.ndarray) -> None:
        """The long muscles of the back, beside the spine."""
        half, deep = self.canvas.wall.columns[self.k]
        near = np.flatnonzero((np.abs(self.x) < 2.2 * half) & (self.y < -40))
        if not near.size:
            return
        centre_y = self.canvas.back_y(self.k) + deep + 7
        u = (np.abs(self.x[near]) - np.float32(half * 1.02 + 1.5)) / np.float32(half)
        v = (self.y[near] - np.float32(centre_y)) / np.float32(deep)
        inside = (1 - np.sqrt(np.abs(u) ** 2.4 + np.abs(v) ** 2.4) ** (2 / 2.4)) * np.float32(deep)
        np.minimum(inside, self.below[near] - 1, out=inside)
        share[near] = np.maximum(share[near], coverage(inside, self.step))

    def gland_share(self) -> np.ndarray:
        """Glandular tissue in the breast: clumps and strands, most in the middle of it."""
        canvas = self.canvas
        breast = canvas.breast[self.k][self.bin]
        depth = -self.below
        share = np.zeros(len(self.x), np.float32)
        near = np.flatnonzero((breast > 6) & (depth > 3))
        if near.size:
            i, j = np.divmod(self.wall[near], canvas.x.shape[1])
            rows, columns = slice(i.min(), i.max() + 1), slice(j.min(), j.max() + 1)
            noise = canvas.noise(canvas.lobules, (rows, columns), self.k)
            q = depth[near] / (breast[near] + canvas.chest.fat_mm)
            fill = (
                canvas.wall.gland
                * np.clip(breast[near] / (0.6 * canvas.chest.breast_size), 0, 1)
                * (1.15 - 1.6 * np.abs(q - 0.55))
            )
            share[near] = smoothstep(0.5 * noise[i - rows.start, j - columns.start] + 2.6 * fill - 1.35, -0.15, 0.25)
        return share
