"""What is in a mask, and how two masks agree. All distances are in mm and respect the spacing of the grid."""

from mosmed_edu.masks.agreement import (
    SurfaceDistances,
    VolumeError,
    dice,
    iou,
    surface_dice,
    surface_distances,
    volume_error,
)
from mosmed_edu.masks.content import CONSOLIDATION_HU, SIDES, ZONES, involvement, lesion_table
from mosmed_edu.masks.thinning import thinning_table

__all__ = [
    "CONSOLIDATION_HU",
    "SIDES",
    "ZONES",
    "SurfaceDistances",
    "VolumeError",
    "dice",
    "involvement",
    "iou",
    "lesion_table",
    "surface_dice",
    "surface_distances",
    "thinning_table",
    "volume_error",
]
