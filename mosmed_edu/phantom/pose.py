"""From the standard body, in which the anatomy is described, to a patient's own size and position.

Every structure is described once, for a standard adult. A patient is that body stretched along three axes, turned a
little on the table and shifted in the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mosmed_edu.phantom.people import Patient


@dataclass(frozen=True)
class Pose:
    """Size and position of a patient.

    Parameters
    ----------
    scale : tuple of 3 float
        Patient's size over the standard body's, along x, y and z.
    turn : float
        Rotation about the long axis, in radians.
    shift_mm : tuple of 2 float
        Where the standard body's axis lies in the frame, x and y.
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    turn: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, patient: Patient, rng: np.random.Generator) -> Pose:
        """Size from sex, age and habitus, the rest by chance."""
        size = (1.0 if patient.sex == "M" else 0.90) * rng.normal(1, 0.03)
        depth = np.clip(1 + 0.0015 * (patient.age - 48) + 0.05 * patient.habitus + rng.normal(0, 0.03), 0.88, 1.14)
        length = np.clip(rng.normal(1, 0.045), 0.88, 1.12)
        width = 1 + 0.02 * patient.habitus
        return cls(
            (float(size * width), float(size * depth), float(size * length)),
            float(np.deg2rad(np.clip(rng.normal(0, 1.6), -4, 4))),
            (float(rng.normal(0, 2.5)), float(rng.normal(0, 2.5))),
        )

    def to_standard(self, points_mm: np.ndarray) -> np.ndarray:
        """Points (n, 3) of the patient, in the standard body."""
        x, y = self.plane_to_standard(points_mm[:, 0], points_mm[:, 1])
        return np.stack([x, y, points_mm[:, 2] / np.float32(self.scale[2])], axis=1).astype(np.float32)

    def plane_to_standard(self, x_mm: np.ndarray, y_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `to_standard`, of x and y alone."""
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        x, y = x_mm - np.float32(self.shift_mm[0]), y_mm - np.float32(self.shift_mm[1])
        return (cos * x + sin * y) / np.float32(self.scale[0]), (cos * y - sin * x) / np.float32(self.scale[1])

    def to_patient(self, points: np.ndarray) -> np.ndarray:
        """Points (n, 3) of the standard body, in the patient, in mm."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        x, y, z = (np.asarray(points, float) * self.scale).T
        return np.stack([cos * x - sin * y + self.shift_mm[0], sin * x + cos * y + self.shift_mm[1], z], axis=1)

    def box_to_patient(self, box: tuple[float, float, float, float]) -> tuple[tuple[float, float], ...]:
        """Smallest ranges of x and of y in the patient, in mm, that hold a rectangle (x0, x1, y0, y1)."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        (x, half_x), (y, half_y) = (
            ((low + high) / 2 * scale, (high - low) / 2 * scale)
            for low, high, scale in zip(box[::2], box[1::2], self.scale, strict=False)
        )
        centre = cos * x - sin * y + self.shift_mm[0], sin * x + cos * y + self.shift_mm[1]
        reach = abs(cos) * half_x + abs(sin) * half_y, abs(sin) * half_x + abs(cos) * half_y
        return tuple((middle - half, middle + half) for middle, half in zip(centre, reach, strict=True))
