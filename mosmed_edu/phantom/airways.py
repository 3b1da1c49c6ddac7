"""Bronchi: each runs beside its artery, a little thinner, with a wall of its own."""

from __future__ import annotations

import numpy as np

from mosmed_edu.phantom.tubes import Tubes

#: Outer radius of a bronchus against that of its artery, and the wall's share of it.
BESIDE = 0.85
WALL = 0.22

#: Bronchi are kept down to this many end points of their artery.
_SMALLEST = 2

#: Way from the hilum over which a bronchus finds to its artery's side, in mm.
_APPROACH_MM = 28.0

#: Over this way a bronchus may lie outside the lung, in the hilum.
_ROOT_MM = 14.0


def accompany(tree, arteries: np.ndarray, artery_radius: np.ndarray, anatomy) -> Tubes:
    """Bronchi along the arteries of a grown tree.

    Parameters
    ----------
    tree : GrownTree
    arteries : bool array (n,)
        Which of its nodes are arteries.
    artery_radius : float32 array (n,)
    anatomy : Anatomy
        A bronchus starts at its hilum's `bronchus` and stays within the lung.

    Returns
    -------
    Tubes
        With outer radii.
    """
    radius = BESIDE * artery_radius
    beside = np.array([0.35, -0.45, 0.82], np.float32)
    off = beside - tree.heading * (tree.heading @ beside)[:, None]
    off /= np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 0.25)
    place = tree.xyz + off * ((artery_radius + radius) * np.float32(1.02))[:, None]
    start = np.minimum(tree.way / _APPROACH_MM, 1)
    fade = ((1 - start) ** 2)[:, None].astype(np.float32)
    hila = anatomy.hila
    for side, sign in (("right", -1), ("left", 1)):
        mine = arteries & (np.sign(tree.xyz[:, 0]) == sign)
        artery, bronchus = (np.asarray(inlet.point, np.float32) for inlet in (hila[side].artery, hila[side].bronchus))
        place[mine] += fade[mine] * ((bronchus - artery) - (place - tree.xyz)[mine])
        radius[mine] = np.minimum(radius[mine], hila[side].bronchus.radius)
    inside = anatomy.depth_at(place) > np.where(tree.way < _ROOT_MM, -99, radius)
    node = np.flatnonzero(arteries & inside & (tree.parent >= 0) & (tree.leaves >= _SMALLEST))
    above = tree.parent[node]
    r_start = np.where(tree.is_main[node], radius[above], np.minimum(radius[above], 1.15 * radius[node]))
    return Tubes(
        place[above],
        place[node],
        r_start.astype(np.float32),
        radius[node].astype(np.float32),
        tree.generation[node].astype(np.int16),
        tree.leaves[node].astype(np.int32),
    )
