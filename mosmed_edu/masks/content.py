"""What is in a mask: its lesions, and how much of the lungs it covers.

Components are joined through faces, edges and corners (26 neighbours), so that pieces on neighbouring slices, 8 mm
apart in this dataset, count as one where they overlap or touch in projection.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage

from mosmed_edu.boxes import bounding_box
from mosmed_edu.errors import MaskError
from mosmed_edu.masks.checks import binary, require_grid
from mosmed_edu.volume import Volume

#: At and above this a lesion's voxel is counted as consolidation. A convention: papers put the border between -300
#: and -100 HU or higher, and a radiologist goes by whether vessels are hidden, not by a number.
CONSOLIDATION_HU = -300

#: Labels in a volume that tells the lungs apart, as `mosmed_edu.lungs` makes it.
SIDES = {1: "right", 2: "left"}

#: The lungs' height in three equal parts, from the base up.
ZONES = ("lower", "middle", "upper")


def lesion_table(
    mask: Volume, ct: Volume | None = None, lungs: Volume | None = None, consolidation_hu: float = CONSOLIDATION_HU
) -> pd.DataFrame:
    """List the components of a mask, the largest first.

    Parameters
    ----------
    mask : Volume of bool
    ct : Volume, optional
        Hounsfield units on the same grid: adds `hu_mean` and `consolidation`.
    lungs : Volume, optional
        Lungs on the same grid, as bool or with the labels of `SIDES`: adds `pleura_mm`, and takes `side` from them.
    consolidation_hu : float
        Voxels at or above it count as consolidation.

    Returns
    -------
    table : DataFrame
        One row a component; an empty mask has none. Columns: `volume_ml`; `slices`, axial slices it is seen on; `x_mm`,
        `y_mm`, `z_mm`, its centroid in the patient (x to the right, y to the front, z to the head); `side`, the lung
        that holds most of it, or where the lungs are not known the half of the picture; `pleura_mm`, the gap between it
        and the lungs' surface, 0 where it touches; `hu_mean`; `consolidation`, the share of its voxels at or above
        `consolidation_hu`.

    Raises
    ------
    MaskError
        If the mask is not binary, or a volume lies on another grid.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import lesion_table
    >>> from mosmed_edu.volume import Volume
    >>> data = np.zeros((20, 20, 6), bool)
    >>> data[2:4, 5:7, 2:4], data[15, 15, 0] = True, True
    >>> table = lesion_table(Volume(data, np.diag([-1.0, 1.0, 8.0, 1.0])))
    >>> table[["volume_ml", "slices", "side"]].round(3).values.tolist()
    [[0.064, 2, 'right'], [0.008, 1, 'left']]
    """
    data = binary(mask, "mask")
    for other, name in ((ct, "scan"), (lungs, "lungs")):
        require_grid(mask, other, name)
    box = bounding_box(data)
    columns = ["volume_ml", "slices", "x_mm", "y_mm", "z_mm", "side"]
    columns += ["pleura_mm"] * (lungs is not None) + ["hu_mean", "consolidation"] * (ct is not None)
    if box is None:
        return pd.DataFrame(columns=columns, index=pd.RangeIndex(1, 1, name="component"))
    labels, count = ndimage.label(data[box], np.ones((3, 3, 3)))
    where = np.nonzero(labels)
    voxels = pd.DataFrame({"component": labels[where]})
    index = np.stack([axis + part.start for axis, part in zip(where, box, strict=True)], axis=1)
    voxels[["x_mm", "y_mm", "z_mm"]] = mask.to_mm(index)
    voxels["slice"] = index[:, mask.axis("S")]
    voxels["right"] = _on_the_right(mask, lungs, index, voxels["x_mm"])
    found = {"x_mm": "mean", "y_mm": "mean", "z_mm": "mean", "right": "mean", "slice": "nunique"}
    if lungs is not None:
        voxels["pleura_mm"] = _depth_mm(lungs, mask, box)[where]
        found["pleura_mm"] = "min"
    if ct is not None:
        voxels["hu_mean"] = ct.data[box][where].astype(float)
        voxels["consolidation"] = voxels["hu_mean"] >= consolidation_hu
        found |= {"hu_mean": "mean", "consolidation": "mean"}
    groups = voxels.groupby("component")
    table = groups.agg(found).rename(columns={"slice": "slices"})
    table["volume_ml"] = groups.size() * mask.voxel_ml
    table["side"] = np.where(table["right"] >= 0.5, "right", "left")
    table = table.sort_values("volume_ml", ascending=False, kind="stable")[columns]
    table.index = pd.RangeIndex(1, count + 1, name="component")
    return table


def involvement(mask: Volume, lungs: Volume) -> pd.DataFrame:
    """How much of the lungs a mask covers: in all, on either side, and by height.

    Parameters
    ----------
    mask : Volume of bool
    lungs : Volume
        On the same grid: bool, or the labels of `SIDES`. Of lungs given as bool, the side is told by the middle of
        their width, which is right to within a few percent.

    Returns
    -------
    table : DataFrame
        Rows `both`, `right`, `left`, then `upper`, `middle`, `lower`: thirds of the height between the lowest and the
        highest slice with lung. Columns `lung_ml`, `lesion_ml` (within the lungs) and `share`, 0 to 1; NaN where there
        is no lung.

    Raises
    ------
    MaskError
        If the mask is not binary, the grids differ, or there is no lung at all.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import involvement
    >>> from mosmed_edu.volume import Volume
    >>> lungs = Volume(np.ones((10, 10, 9), bool), np.diag([-1.0, 1.0, 8.0, 1.0]))
    >>> mask = lungs.with_data(lungs.data & (np.arange(9) < 3))
    >>> involvement(mask, lungs)["share"].round(2).to_dict()
    {'both': 0.33, 'right': 0.33, 'left': 0.33, 'upper': 0.0, 'middle': 0.0, 'lower': 1.0}
    """
    data = binary(mask, "mask")
    require_grid(mask, lungs, "lungs")
    inside = lungs.data > 0
    box = bounding_box(inside)
    if box is None:
        raise MaskError("lungs", "are empty", "segment them first, or check what stopped that")
    parts = inside[box], data[box] & inside[box]
    index = [np.arange(part.start, part.stop) for part in box]
    if lungs.data.dtype == bool:
        x = _along(lungs, "R", index)
        right = np.broadcast_to(x > (x.min() + x.max()) / 2, inside[box].shape)
    else:
        right = lungs.data[box] == next(label for label, side in SIDES.items() if side == "right")
    axis = lungs.axis("S")
    zone = np.arange(parts[0].shape[axis]) * len(ZONES) // parts[0].shape[axis]
    if lungs.orientation[axis] == "I":
        zone = zone[::-1]
    rows = {}
    # Counted slice by slice once, then added up.
    slices = {"both": [_on_slices(part, axis) for part in parts]}
    slices["right"] = [_on_slices(part & right, axis) for part in parts]
    slices["left"] = [both - one for both, one in zip(slices["both"], slices["right"], strict=True)]
    for name, counts in slices.items():
        rows[name] = [count.sum() for count in counts]
    for name in reversed(ZONES):
        rows[name] = [count[zone == ZONES.index(name)].sum() for count in slices["both"]]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["lung_ml", "lesion_ml"]) * lungs.voxel_ml
    table["share"] = table["lesion_ml"] / table["lung_ml"].where(table["lung_ml"] > 0)
    return table


def _on_slices(mask: np.ndarray, axis: int) -> np.ndarray:
    """How many voxels of a mask lie on each slice across an axis."""
    return np.array([np.count_nonzero(plane) for plane in np.moveaxis(mask, axis, 0)])


def _depth_mm(lungs: Volume, mask: Volume, box: tuple[slice, ...]) -> np.ndarray:
    """Gap between each voxel of a box and the nearest one outside the lungs, in mm; 0 where they touch.

    Within axial slices alone: where the surface runs between slices 8 mm apart, nobody has seen.
    """
    axis = mask.axis("S")
    part = box[axis]
    on_slices = [slice(None)] * 3
    on_slices[axis] = part
    inside = np.moveaxis((lungs.data[tuple(on_slices)] > 0) | mask.data[tuple(on_slices)], axis, 0)
    sampling = tuple(mm for n, mm in enumerate(mask.spacing) if n != axis)
    there = tuple(part for n, part in enumerate(box) if n != axis)
    depth = np.stack([_depth_on_slice(plane, sampling)[there] for plane in inside])
    return np.moveaxis(depth, 0, axis)


def _depth_on_slice(inside: np.ndarray, sampling: tuple[float, float]) -> np.ndarray:
    """As `_depth_mm`; beyond the picture's edge lies no lung."""
    depth = np.zeros(inside.shape, np.float32)
    box = bounding_box(inside)
    if box is not None:
        away = ndimage.distance_transform_edt(np.pad(inside[box], 1), sampling=sampling)
        depth[box] = np.maximum(away[1:-1, 1:-1] - min(sampling), 0)
    return depth


def _on_the_right(mask: Volume, lungs: Volume | None, index: np.ndarray, x_mm: pd.Series) -> np.ndarray:
    """Whether each voxel lies on the patient's right: 1, 0, or 0.5 where the lungs do not tell."""
    if lungs is None or lungs.data.dtype == bool or not lungs.data.any():
        ends = mask.to_mm([(0, 0, 0), np.array(mask.shape) - 1])[:, 0]
        if lungs is not None and (box := bounding_box(lungs.data > 0)) is not None:
            x = _along(lungs, "R", [np.arange(part.start, part.stop) for part in box])
            ends = np.array([x.min(), x.max()])
        return (x_mm.to_numpy() > ends.mean()).astype(float)
    label = lungs.data[tuple(index.T)]
    return np.select([label == number for number in SIDES], [float(side == "right") for side in SIDES.values()], 0.5)


def _along(grid: Volume, letter: str, index: list[np.ndarray]) -> np.ndarray:
    """Place in mm along a direction of the patient, shaped so that it broadcasts against a box at these indices."""
    axis = grid.axis(letter)
    world = "RAS".index(letter)
    mm = grid.affine[world, axis] * index[axis] + grid.affine[world, 3]
    return mm.reshape([-1 if n == axis else 1 for n in range(3)])
