"""A volume is an array of voxels that knows where in the patient it lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import index as as_index

import nibabel as nib
import numpy as np

from mosmed_edu.errors import NiftiError, PlaneError, shown

#: For each plane: the direction it is cut across, then what lies at the top and at the left edge of the picture.
#: This is the radiological convention: we look at a patient lying on their back from the feet, and at a standing
#: patient from the front, so the patient's right is on the viewer's left. A sagittal picture has the front on the left.
PLANES = {"axial": ("S", "A", "R"), "coronal": ("A", "S", "R"), "sagittal": ("R", "S", "A")}

#: What a voxel may measure, and how far from the origin it may lie, in mm: from what `Grid.spacing` still tells from
#: zero up to a kilometre. No scanner comes near either, and no sum of such numbers loses a voxel.
_LEAST_MM, _MOST_MM = 1e-6, 1e6

#: The volume of a voxel with edges of length 1: 1 where they are square to each other, 0.87 in a scan tilted by 30
#: degrees, 0 where they lie in a plane.
_FLATTEST = 1e-4

_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


@dataclass(frozen=True, eq=False)
class Grid:
    """Where voxels lie in the patient, without their values.

    Parameters
    ----------
    shape : tuple of 3 int
        Number of voxels along i, j and k.
    affine : array (4, 4)
        From voxel index to millimetres in the patient; x grows to the patient's right, y to the front, z to the head
        (NIfTI's RAS+ world).

    Raises
    ------
    NiftiError
        If there are not three axes, or the affine is no 4x4 matrix that gives every voxel a place of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.volume import Grid
    >>> grid = Grid((512, 512, 40), np.diag([-0.7, 0.7, 8, 1]))
    >>> grid.orientation, grid.spacing, round(grid.voxel_ml, 5)
    ('LAS', (0.7, 0.7, 8.0), 0.00392)
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self):
        if len(self.shape) != 3:
            raise NiftiError("volume", f"has {len(self.shape)} axes where 3 are needed", "give one 3-D array")
        affine = np.array(self.affine, dtype=float)
        if not is_usable_affine(affine):
            raise NiftiError(
                "affine", "is no 4x4 matrix that places voxels in mm", "take the affine of the original file"
            )
        affine.flags.writeable = False
        object.__setattr__(self, "affine", affine)

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j and k, in mm."""
        return tuple(float(mm) for mm in np.round(np.linalg.norm(self.affine[:3, :3], axis=0), 6))

    @cached_property
    def voxel_ml(self) -> float:
        """Volume that one voxel stands for, in millilitres (1 mL = 1000 mm3)."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000)

    @cached_property
    def orientation(self) -> str:
        """Three letters: the patient's side towards which i, j and k grow, as in 'LAS' or 'LPS'."""
        return "".join(nib.aff2axcodes(self.affine))

    def to_mm(self, index) -> np.ndarray:
        """Place in the patient (x right, y front, z head, in mm) of a voxel index (i, j, k)."""
        return nib.affines.apply_affine(self.affine, index)

    def to_index(self, mm) -> np.ndarray:
        """Voxel index (i, j, k), with fractions, of a place in the patient in mm."""
        return nib.affines.apply_affine(np.linalg.inv(self.affine), mm)

    def axis(self, letter: str) -> int:
        """Array axis that runs along a direction of the patient: 'R' or 'L', 'A' or 'P', 'S' or 'I'."""
        return next(n for n, code in enumerate(self.orientation) if letter in (code, _OPPOSITE[code]))

    def same_grid(self, other: Grid, tolerance_mm: float = 1e-2) -> bool:
        """Whether the other volume has the same voxels at the same places, to within a tolerance in mm."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        return bool(np.abs(self.to_mm(corners) - other.to_mm(corners)).max() <= tolerance_mm)

    def slice_count(self, plane: str) -> int:
        """Number of slices in a plane: 'axial', 'coronal' or 'sagittal'."""
        return self.shape[self.axis(_plane(plane)[0])]

    def pixel_mm(self, plane: str) -> tuple[float, float]:
        """Height and width of one pixel of a picture in this plane, in mm."""
        _, top, left = _plane(plane)
        return self.spacing[self.axis(top)], self.spacing[self.axis(left)]


class Volume(Grid):
    """Voxels and their place in the patient.

    Parameters
    ----------
    data : array (i, j, k)
        Hounsfield units, a mask or labels.
    affine : array (4, 4)
        From voxel index to millimetres in the patient, as in `Grid`.

    Raises
    ------
    NiftiError
        If the array is not 3-D, or the affine is no 4x4 matrix that gives every voxel a place of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.volume import Volume
    >>> cube = Volume(np.zeros((4, 3, 2), np.int16), np.diag([-0.7, 0.7, 8, 1]))
    >>> cube.axial(1).shape        # rows run from front to back, columns from the patient's right to the left
    (3, 4)
    """

    data: np.ndarray

    def __init__(self, data: np.ndarray, affine: np.ndarray):
        object.__setattr__(self, "data", data)
        super().__init__(data.shape, affine)

    def __repr__(self) -> str:
        spacing = " x ".join(f"{mm:.3g}" for mm in self.spacing)
        return f"Volume({' x '.join(map(str, self.shape))} {self.data.dtype}, {spacing} mm, {self.orientation})"

    def with_data(self, data: np.ndarray) -> Volume:
        """Other voxels at the same places: a mask or labels for this volume."""
        return Volume(data, self.affine)

    def picture(self, plane: str, index: int) -> np.ndarray:
        """One slice, turned for display.

        Parameters
        ----------
        plane : {'axial', 'coronal', 'sagittal'}
            How the patient is cut.
        index : int
            Position along the array axis that this plane cuts across, counted as the array counts it;
            negative numbers count from the end.

        Returns
        -------
        picture : array (rows, columns), a view
            The first row is the patient's front (axial) or the side of the head (coronal, sagittal); the first column
            is the patient's right (axial, coronal) or front (sagittal).

        Raises
        ------
        PlaneError
            If there is no such plane or slice.
        """
        across, top, left = _plane(plane)
        axis = self.axis(across)
        if not (hasattr(index, "__index__") and -self.shape[axis] <= as_index(index) < self.shape[axis]):
            raise PlaneError(
                f"{plane} slice {shown(index)}",
                f"the volume has {self.shape[axis]} {plane} slices",
                f"take a number from 0 to {self.shape[axis] - 1}",
            )
        order = (axis, self.axis(top), self.axis(left))
        picture = self.data.transpose(order)[index]
        # An array axis that grows towards the top (or left) edge has to be turned round.
        if self.orientation[order[1]] == top:
            picture = picture[::-1]
        if self.orientation[order[2]] == left:
            picture = picture[:, ::-1]
        return picture

    def axial(self, k: int) -> np.ndarray:
        """Axial slice: front up, patient's right on the viewer's left. See `picture`."""
        return self.picture("axial", k)

    def coronal(self, j: int) -> np.ndarray:
        """Coronal slice: head up, patient's right on the viewer's left. See `picture`."""
        return self.picture("coronal", j)

    def sagittal(self, i: int) -> np.ndarray:
        """Sagittal slice: head up, front on the viewer's left. See `picture`."""
        return self.picture("sagittal", i)


def is_usable_affine(affine: np.ndarray) -> bool:
    """Whether a matrix gives every voxel a place of its own, within reach of the patient.

    Parameters
    ----------
    affine : array

    Returns
    -------
    usable : bool

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.volume import is_usable_affine
    >>> is_usable_affine(np.diag([-0.7, 0.7, 8, 1])), is_usable_affine(np.diag([-0.7, 0.7, 0, 1]))
    (True, False)
    """
    if affine.shape != (4, 4) or not (np.abs(affine) <= _MOST_MM).all() or not np.allclose(affine[3], (0, 0, 0, 1)):
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not ((lengths >= _LEAST_MM) & (lengths <= _MOST_MM)).all():
        return False
    return bool(abs(np.linalg.det(affine[:3, :3] / lengths)) > _FLATTEST)


def _plane(name: str) -> tuple[str, str, str]:
    if not isinstance(name, str) or name not in PLANES:
        raise PlaneError(f"plane {shown(name)}", "is not known", f"take one of {', '.join(PLANES)}")
    return PLANES[name]
