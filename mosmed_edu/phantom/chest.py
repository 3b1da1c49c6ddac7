"""One patient's chest, laid out before anything is drawn: size, layers, mediastinum, diaphragm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mosmed_edu.phantom.abdomen import Abdomen
from mosmed_edu.phantom.contours import BINS, bin_angles, cavity_table, muscle_table, wobble
from mosmed_edu.phantom.frame import Frame
from mosmed_edu.phantom.lung_space import LungSpace
from mosmed_edu.phantom.mediastinum import Blob, Layout, Tube, build_mediastinum
from mosmed_edu.phantom.people import Findings, Patient
from mosmed_edu.phantom.pose import Pose

#: Number of this stage in a patient's seed sequence.
_STAGE = 1


@dataclass(frozen=True, eq=False)
class Chest:
    """Everything about a chest that does not depend on the grid it is drawn on."""

    patient: Patient
    findings: Findings
    pose: Pose
    space: LungSpace
    mediastinum: dict[str, Tube | Blob]
    fat_mm: float
    parenchyma_hu: float
    gravity_hu: float
    rib_shift: float
    junction: float
    plaques: tuple[float, ...]
    abdomen: Abdomen
    seed: int

    @classmethod
    def of(cls, patient: Patient, findings: Findings) -> Chest:
        """Lay out a patient's chest; the same patient always gets the same one."""
        rng = np.random.default_rng(np.random.SeedSequence([patient.seed, _STAGE]))
        pose = Pose.of(patient, rng)
        layout = Layout.of(patient, rng)
        space = LungSpace.of(patient, findings, rng)
        fat = (4 + 1.25 * max(patient.bmi - 18, 0)) * (1.2 if patient.sex == "F" else 0.9) * rng.uniform(0.85, 1.15)
        return cls(
            patient,
            findings,
            pose,
            space,
            build_mediastinum(layout, findings),
            float(fat),
            float(rng.normal(-852, 16) + 150 * findings.expiration),
            float(rng.uniform(35, 70) * (1 + findings.expiration)),
            float(rng.normal(0, 6)),
            float(rng.normal(-1, 5)),
            tuple(float(p) for p in rng.uniform(0, 6.28, 3)),
            Abdomen.of(patient, rng, space.right_dome + 103),
            int(rng.integers(2**31)),
        )

    @property
    def coat_mm(self) -> float:
        """Fat round the structures of the mediastinum, mm."""
        return 1.5 + 0.11 * max(self.patient.bmi - 18, 0)

    def fluid(self, z: np.ndarray, frame: Frame) -> np.ndarray | None:
        """Thickness of pleural fluid along the rib cage: array (len(z), BINS) in mm; None where there is none.

        It gathers at the back and at the base; its volume is the one asked for, as far as the table tells.
        """
        wanted = {-1: self.findings.effusion_right_ml, 1: self.findings.effusion_left_ml}
        if not any(wanted.values()):
            return None
        theta, table = bin_angles(), np.zeros((len(z), BINS), np.float32)
        cavity = self.cavity(z)
        for side, ml in wanted.items():
            around = np.clip(np.cos(np.abs(theta) * 0.9), 0, 1) ** 2.2 * (np.sign(theta) == side)
            along = np.clip((-z - 35) / 100, 0, 1) ** 0.8 * (z > -168)
            shape = along[:, None] * around[None]
            layer = (cavity * shape).sum() * (2 * np.pi / BINS) * np.prod(self.pose.scale[:2]) * frame.slice_mm / 1000
            table += (shape * (ml / max(layer, 1e-6))).astype(np.float32)
        return table

    def table_top_mm(self) -> float:
        """y of the table that the back lies on, on the midline, in mm of the patient."""
        skin = self.skin(np.arange(-150.0, 40.0, 10.0))
        return float(self.pose.shift_mm[1] - 1.0 - (skin * np.cos(bin_angles())).max() * self.pose.scale[1])

    @cached_property
    def breast_size(self) -> float:
        """How far the breasts stand out at most, mm."""
        return max(float(self.breast(np.arange(-100.0, 0.0, 4.0)).max()), 1.0)

    def rng(self, stage: int) -> np.random.Generator:
        """Randomness of one part of the drawing, independent of all others."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, stage]))

    def cavity(self, z: np.ndarray) -> np.ndarray:
        """Inner surface of the rib cage at heights z (standard body): array (len(z), BINS) in mm."""
        table = cavity_table(z) + wobble(self.rng(1), z, 1.3)
        return table * np.float32(1 - 0.06 * self.findings.expiration)

    def muscle(self, z: np.ndarray) -> np.ndarray:
        """Outer surface of the muscles."""
        strong = 1.0 if self.patient.sex == "M" else -3.0
        return muscle_table(z) + wobble(self.rng(2), z, 1.6) + np.float32(strong - 0.06 * (self.patient.age - 45))

    def skin(self, z: np.ndarray) -> np.ndarray:
        """Outer surface of the body: muscle, fat, breasts, folds."""
        theta = np.abs(bin_angles())[None]
        side = np.exp(-(((theta - 1.35) / 0.6) ** 2))
        belly = np.clip((-z[:, None] - 70) / 120, 0, 1) * np.clip(theta - 0.9, 0, 1)
        height = np.clip(1.1 - z[:, None] / 170, 0.45, 1.15)
        fat = self.fat_mm * (0.55 + 0.45 * side + 0.45 * belly) * height
        skin = self.muscle(z) + fat + wobble(self.rng(3), z, 0.6 + 0.045 * self.fat_mm, waves=11, z_mm=60)
        return (skin + self.breast(z) - self._folds(z)).astype(np.float32)

    def _folds(self, z: np.ndarray) -> np.ndarray:
        """Creases at the flanks and below the arms, deeper in larger patients."""
        rng = self.rng(5)
        theta = bin_angles()[None]
        total = np.zeros((len(z), theta.size))
        for _ in range(rng.poisson(1 + 0.12 * max(self.patient.bmi - 22, 0))):
            at, low = rng.choice([-1, 1]) * rng.uniform(0.8, 1.9), rng.uniform(-190, 70)
            tilt = rng.uniform(-0.008, 0.008)
            deep = min(rng.uniform(0.12, 0.4) * self.fat_mm, 7)
            across = np.exp(-(((theta - at - tilt * (z - low)[:, None]) / rng.uniform(0.04, 0.09)) ** 2))
            total += deep * across * np.exp(-(((z - low) / rng.uniform(15, 40)) ** 2))[:, None]
        return total

    def breast(self, z: np.ndarray) -> np.ndarray:
        """How far the breasts stand out, lying down; 0 in men, or nearly."""
        rng = self.rng(4)
        theta = bin_angles()[None]
        size = (13 + 0.95 * (self.patient.bmi - 20)) * rng.uniform(0.65, 1.35)
        if self.patient.sex == "M":
            size = 0.3 * max(self.patient.bmi - 26, 0)
        total = np.zeros((len(z), theta.size))
        for sign in (-1, 1):
            centre, low = 2.2 + rng.normal(0, 0.05), -54 + rng.normal(0, 5)
            wide = np.where(sign * theta > centre, 0.42, 0.52)  # falls to the side
            across = np.exp(-(np.abs((sign * theta - centre) / wide) ** 2.5))
            along = np.exp(-(np.abs((z - low) / np.where(z < low, 38, 56)) ** 2.3))[:, None]
            total += max(size, 0) * rng.uniform(0.88, 1.12) * across * along
        return total
