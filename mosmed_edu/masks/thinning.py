"""What it costs to keep only every tenth slice, for every lesion and every slice that could have been the first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage

from mosmed_edu.masks.checks import binary
from mosmed_edu.volume import Volume


def thinning_table(mask: Volume, every: int = 10) -> pd.DataFrame:
    """Measure each lesion again and again, on every n-th slice only, beginning at each slice in turn.

    Parameters
    ----------
    mask : Volume of bool
        In thin slices, with the third axis along the body.
    every : int
        Which slices are kept; there are as many ways to begin.

    Returns
    -------
    table : DataFrame
        One row a lesion, the largest first: `volume_ml` from all slices; `height_mm`; `missed`, the share of beginnings
        that keep no slice of it; `error_percent`, how far the volume from the kept slices is off on average, in percent
        of the volume.

    Raises
    ------
    MaskError
        If the mask is not binary.

    Examples
    --------
    >>> import numpy as np
    >>> from mosmed_edu.masks import thinning_table
    >>> from mosmed_edu.volume import Volume
    >>> data = np.zeros((9, 9, 40), bool)
    >>> data[2, 2, 5:10], data[5:8, 5:8, 10:30] = True, True
    >>> thinning_table(Volume(data, np.diag([-1.0, 1.0, 0.8, 1.0]))).round(3).values.tolist()
    [[0.144, 16.0, 0.0, 0.0], [0.004, 4.0, 0.5, 100.0]]
    """
    labels, count = ndimage.label(binary(mask, "mask"), np.ones((3, 3, 3)))
    where = np.nonzero(labels)
    per_slice = np.zeros((count, mask.shape[2]))
    np.add.at(per_slice, (labels[where] - 1, where[2]), 1)
    voxels = per_slice.sum(axis=1)
    kept = np.stack([per_slice[:, start::every].sum(axis=1) for start in range(every)], axis=1)
    table = pd.DataFrame(
        {
            "volume_ml": voxels * mask.voxel_ml,
            "height_mm": (per_slice > 0).sum(axis=1) * mask.spacing[2],
            "missed": (kept == 0).mean(axis=1),
            "error_percent": np.abs(kept * every / voxels[:, None] - 1).mean(axis=1) * 100,
        }
    )
    table = table.sort_values("volume_ml", ascending=False, kind="stable")
    table.index = pd.RangeIndex(1, count + 1, name="lesion")
    return table
