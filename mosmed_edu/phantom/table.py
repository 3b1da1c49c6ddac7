"""The scanner's table, a curved shell filled with foam."""

from __future__ import annotations

import numpy as np

from mosmed_edu.phantom.frame import Frame

AIR, FOAM, SHELL = -1000.0, -955.0, -350.0

#: Half width of the table, thickness of foam and shell, and radius of its curve, mm.
_HALF, _FOAM, _SHELL, _CURVE = 215.0, 52.0, 2.2, 750.0


def empty_table(frame: Frame, top_mm: float) -> np.ndarray:
    """A slice (i, j) of the scanner with nobody in it; `top_mm` is the y of the table's lowest line."""
    x, y = frame.x_mm[:, None], frame.y_mm[None, :]
    depth = np.float32(top_mm) + x * x / np.float32(2 * _CURVE) - y
    across = np.abs(x) < _HALF
    hu = np.where(across & (depth > 0) & (depth < _FOAM), np.float32(FOAM), np.float32(AIR))
    shell = np.clip(_SHELL - np.abs(depth - _SHELL), 0, 1) * across
    return hu + shell * (np.float32(SHELL) - hu)
