"""The scan as the search sees it: turned one way, its pixels not finer than needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import nibabel as nib
import numpy as np
from scipy import ndimage

from mosmed_edu.boxes import box_round
from mosmed_edu.volume import Volume

#: Below this a voxel holds more gas than tissue enough to be taken for lung: about halfway between aerated lung
#: (-850 HU) and the chest wall (50 HU), moved up so that ground glass stays in.
AIR_HU = -320

#: The search takes place on pixels of about this size; only the outline is drawn on finer ones. In mm.
_COARSE_MM = 1.5


@dataclass(frozen=True, eq=False)
class Scan:
    """The scan with the patient's right, front and head towards the ends of its axes, and pixels not finer than needed.

    `mm` is the distance between voxels along each axis.
    """

    hu: np.ndarray
    mm: tuple[float, float, float]

    @property
    def pixel_mm2(self) -> float:
        return self.mm[0] * self.mm[1]

    @property
    def voxel_ml(self) -> float:
        return float(np.prod(self.mm) / 1000)

    def part(self, box: tuple[slice, ...]) -> Scan:
        """What lies in a box."""
        return Scan(self.hu[box], self.mm)


@dataclass(frozen=True, eq=False)
class Turned:
    """A scan turned so that its axes run to the patient's right, front and head."""

    hu: np.ndarray
    mm: tuple[float, float, float]
    turn: np.ndarray
    step: int

    @classmethod
    def of(cls, ct: Volume) -> Turned:
        turn = nib.io_orientation(ct.affine)
        hu = nib.apply_orientation(ct.data, turn)
        mm = tuple(ct.spacing[int(axis)] for axis in np.argsort(turn[:, 0]))
        step = max(int(_COARSE_MM / max(mm[:2]) + 0.25), 1)
        return cls(hu, mm, turn, step)

    @cached_property
    def coarse(self) -> Scan:
        step = self.step
        return Scan(
            np.ascontiguousarray(np.moveaxis(self.hu[::step, ::step], 2, 0)).transpose(1, 2, 0),
            (self.mm[0] * step, self.mm[1] * step, self.mm[2]),
        )

    def refine(self, whole: np.ndarray, air: np.ndarray, airways: np.ndarray) -> np.ndarray:
        """Labels on the scan's own pixels: air by its own threshold there, all else from the coarse picture.

        Only the outline is a matter of the fine threshold. Within it vessels and consolidation would leave holes.
        """
        labels = np.zeros(self.hu.shape, np.uint8, order="F")
        disc = ndimage.generate_binary_structure(2, 2)
        for k in np.flatnonzero(whole.any(axis=(0, 1))):
            if self.step == 1:
                labels[..., k] = whole[..., k]
                continue
            around = box_round(whole[..., k], (1, 1))
            aerated, full = air[..., k][around], whole[..., k][around]
            near = ndimage.grey_dilation(aerated, footprint=disc)
            near[airways[..., k][around]] = 0
            mended = np.where((aerated > 0) & ~ndimage.binary_erosion(full, disc), 0, full)
            here, nearest = self._fine(around, whole.shape)
            inside = _enlarge(near, nearest) * (self.hu[..., k][here] < AIR_HU)
            labels[..., k][here] = np.maximum(inside, _enlarge(mended, nearest))
        return labels

    def _fine(self, box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[tuple[slice, ...], list[np.ndarray]]:
        """The fine pixels of a box of coarse ones, and for each row and column of them the nearest one in that box."""
        here, index = [], []
        for part, fine, coarse in zip(box, self.hu.shape, shape, strict=False):
            nearest = np.minimum((np.arange(fine) + self.step // 2) // self.step, coarse - 1)
            first, last = np.searchsorted(nearest, (part.start, part.stop))
            here.append(slice(first, last))
            index.append(nearest[first:last] - part.start)
        return tuple(here), index

    def back(self, labels: np.ndarray) -> np.ndarray:
        """Undo the turn."""
        from_here = nib.orientations.ornt_transform(nib.io_orientation(np.eye(4)), self.turn)
        return np.asfortranarray(nib.apply_orientation(labels, from_here))


def _enlarge(plane: np.ndarray, nearest: list[np.ndarray]) -> np.ndarray:
    """The nearest coarse pixel of every fine one; columns lie in memory as those of a scan from a file do."""
    return plane.T.take(nearest[0], axis=1).take(nearest[1], axis=0).T
