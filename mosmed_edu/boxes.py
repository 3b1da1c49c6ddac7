"""Boxes round what a mask holds: most of a scan is none of it, and need not be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def bounding_box(mask: np.ndarray) -> tuple[slice, ...] | None:
    """Smallest box that holds all of a mask; None where it is empty."""
    box = []
    for axis in range(mask.ndim):
        found = np.flatnonzero(mask.any(axis=tuple(n for n in range(mask.ndim) if n != axis)))
        if not found.size:
            return None
        box.append(slice(int(found[0]), int(found[-1]) + 1))
    return tuple(box)


def box_round(mask: np.ndarray, margin: Sequence[int]) -> tuple[slice, ...]:
    """The box round a mask and a margin, as far as the array goes; the whole array where the mask is empty."""
    box = bounding_box(mask)
    if box is None:
        return (slice(None),) * mask.ndim
    return tuple(slice(max(part.start - more, 0), part.stop + more) for part, more in zip(box, margin, strict=True))
