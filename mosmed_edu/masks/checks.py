"""What every measure asks of the masks that it is given."""

from __future__ import annotations

import numpy as np

from mosmed_edu.errors import MaskError
from mosmed_edu.volume import Volume


def binary(mask: Volume, name: str) -> np.ndarray:
    """The voxels of a mask as bool."""
    data = mask.data
    if data.dtype == bool:
        return data
    if not ((data == 0) | (data == 1)).all():
        raise MaskError(name, "has values other than 0 and 1", "compare it with a threshold or one label first")
    return data.astype(bool)


def require_grid(mask: Volume, other: Volume | None, name: str) -> None:
    if other is not None and not mask.same_grid(other):
        raise MaskError(name, "lies on another grid than the mask", "use volumes of one study; do not resample")
