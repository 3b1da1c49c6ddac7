"""The space that the lungs fill, and the fissures that divide it into lobes.

The lungs are what is left of the rib cage above the diaphragm, below the apex and outside the mediastinum. All heights
and distances are in mm of the standard body.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mosmed_edu.phantom.fields import smooth_minimum
from mosmed_edu.phantom.people import Findings, Patient

#: Numbers of the lobes, as written to `lobes` files; 0 is outside the lungs.
LOBES = {
    1: "right upper lobe",
    2: "right middle lobe",
    3: "right lower lobe",
    4: "left upper lobe",
    5: "left lower lobe",
}

#: Radius over which meeting surfaces are rounded off.
ROUNDING = 7.0


@dataclass(frozen=True)
class Ripple:
    """A smooth unevenness over x and y: a few long waves."""

    amplitude: np.ndarray
    frequency: np.ndarray
    phase: np.ndarray

    @classmethod
    def of(cls, rng: np.random.Generator, size: float, shortest_mm: float = 70.0) -> Ripple:
        """About `size` mm high."""
        n = 5
        direction = rng.uniform(0, 2 * np.pi, n)
        wave = 2 * np.pi / rng.uniform(shortest_mm, 3 * shortest_mm, n)
        frequency = wave[:, None] * np.stack([np.cos(direction), np.sin(direction)], 1)
        return cls(rng.normal(0, size / 2, n), frequency, rng.uniform(0, 2 * np.pi, n))

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height at each point."""
        total = np.zeros(np.shape(x), np.float32)
        for a, (fx, fy), p in zip(self.amplitude, self.frequency, self.phase, strict=True):
            total += np.float32(a) * np.sin(np.float32(fx) * x + np.float32(fy) * y + np.float32(p))
        return total


@dataclass(frozen=True)
class LungSpace:
    """Diaphragm, apex and fissures of one patient, as heights over x and y."""

    right_dome: float
    left_dome: float
    apex_up: tuple[float, float]
    major: tuple[float, float]
    minor: float
    ripples: tuple[Ripple, ...]

    @classmethod
    def of(cls, patient: Patient, findings: Findings, rng: np.random.Generator) -> LungSpace:
        """By chance; breathing out lifts the diaphragm."""
        right = -103 + rng.normal(0, 6) + 34 * findings.expiration + 0.35 * max(patient.bmi - 28, 0)
        return cls(
            right_dome=float(right),
            left_dome=float(right - rng.uniform(4, 16)),
            apex_up=(float(rng.normal(0, 3)), float(rng.normal(0, 3))),
            major=(float(rng.uniform(38, 50)), float(rng.uniform(36, 50))),
            minor=float(rng.normal(-30, 5)),
            ripples=(Ripple.of(rng, 2.0), Ripple.of(rng, 2.5, 50), Ripple.of(rng, 2.5, 50), Ripple.of(rng, 2.5, 40)),
        )

    def reach(self) -> tuple[float, float]:
        """Heights below and above which there is no lung."""
        return min(self.right_dome, self.left_dome) - 98, 94 + max(self.apex_up)

    def diaphragm(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the diaphragm: two domes and the tendon that the heart rests on."""
        right = self._dome(x, y, self.right_dome, (-64, 6), (74, 95))
        left = self._dome(x, y, self.left_dome, (66, 4), (72, 95))
        tendon = self._dome(x, y, min(self.right_dome, self.left_dome) - 4, (8, 22), (64, 74))
        together = smooth_minimum(smooth_minimum(-right, -left, 26), -tendon, 26)
        return self.ripples[0](x, y) - together

    @staticmethod
    def _dome(x: np.ndarray, y: np.ndarray, top: float, centre: tuple, half: tuple) -> np.ndarray:
        q = ((x - centre[0]) / half[0]) ** 2 + ((y - centre[1]) / half[1]) ** 2
        return top - 74 * (0.62 * q + 0.38 * (1 - np.sqrt(np.maximum(1 - q, 0))))

    def apex(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the top of each lung."""
        up = np.where(x < 0, np.float32(self.apex_up[0]), np.float32(self.apex_up[1]))
        d = np.hypot(np.abs(x) - 38, 0.8 * (y + 26))
        return 88 + up - np.float32(0.0125) * np.maximum(d - 6, 0) ** 2

    def major_fissure(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the oblique fissure: the lower lobe lies below and behind it."""
        right = self.major[0] - 1.02 * (y + 95) + self.ripples[1](x, y) - 0.0016 * (x + 70) ** 2
        left = self.major[1] - 1.05 * (y + 95) + self.ripples[2](x, y) - 0.0016 * (x - 70) ** 2
        return np.where(x < 0, right, left)

    def minor_fissure(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the horizontal fissure of the right lung: the middle lobe lies below it."""
        return self.minor + self.ripples[3](x, y) - 0.0018 * ((x + 75) ** 2 + (y - 20) ** 2) + 4

    def lobe(self, x: np.ndarray, y: np.ndarray, z: np.ndarray | float) -> np.ndarray:
        """Number of the lobe that each point would belong to, were it in a lung."""
        return self.lobe_between(x, z, self.major_fissure(x, y), self.minor_fissure(x, y))

    @staticmethod
    def lobe_between(x: np.ndarray, z: np.ndarray | float, major: np.ndarray, minor: np.ndarray) -> np.ndarray:
        """As `lobe`, with the fissures' heights known."""
        lower = z < major
        right = np.where(lower, np.uint8(3), np.where(z < minor, np.uint8(2), np.uint8(1)))
        left = np.where(lower, np.uint8(5), np.uint8(4))
        return np.where(x < 0, right, left).astype(np.uint8)


def steepness(height: np.ndarray, step_mm: float) -> np.ndarray:
    """Cosine of a surface's slope, which turns a vertical distance from it into a perpendicular one."""
    gx, gy = np.gradient(height, np.float32(step_mm))
    return (1 / np.sqrt(1 + gx * gx + gy * gy)).astype(np.float32)
