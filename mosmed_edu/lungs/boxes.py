"""Boxes round what a mask holds: most of a scan is none of it, and need not be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def box_round(mask: np.ndarray, margin: Sequence[int]) -> tuple[slice, ...]:
    """The box round a mask and a margin, as far as the array goes; the whole array where the mask is empty."""
    box = []
    for axis in range(mask.ndim):
        inside = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not inside.size:
            return (slice(None),) * mask.ndim
        box.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return widen(tuple(box), margin)


def widen(box: tuple[slice, ...], margin: Sequence[int]) -> tuple[slice, ...]:
    """A box with a margin along each axis, as far as the array goes."""
    return tuple(slice(max(part.start - more, 0), part.stop + more) for part, more in zip(box, margin, strict=True))
