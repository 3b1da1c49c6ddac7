"""Pulmonary arteries and veins, grown from the hilum until they supply every lobe evenly.

A vessel tree is a compromise between little tubing and short ways home. It is grown as such: supplied points join the
tree one round after the other, few and far apart first, and each joins where tubing, distance from the hilum and
bending together cost least (the balancing of Cuntz et al. 2010, with a price on sharp turns). The first rounds make the
long segmental vessels, the later ones their side branches; so a slice shows long, gently bent, tapering vessels with
twigs. The radius follows Murray's law (1926): it grows with the number of end points downstream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from mosmed_edu.phantom.airways import accompany
from mosmed_edu.phantom.fields import DOMAIN_MM
from mosmed_edu.phantom.tubes import Tubes

#: Stage number in the seed sequence.
_STAGE = 11

ARTERY, VEIN = 0, 1
_LOBES = {"right": (1, 2, 3), "left": (4, 5)}

#: End points per mL of lung, radius of a twig in mm, and Murray's exponent.
_DENSITY = 2.2
_TWIG_MM = {ARTERY: 0.43, VEIN: 0.40}
_MURRAY = 2.85

#: End points keep so far from the lungs' surface, in mm.
_CLEAR_MM = 3.0

#: Price of bending and of distance from the hilum, against a price of 1 for tubing.
_BEND, _FAR = 1.3, 0.16
_PIECE_MM = 5.0

#: Branches waver as the sum of so many waves along each axis, about 2 pi x this long, in mm.
_WAVES, _WAVER_MM = 5, 14.0

#: Ways along the body cost more: branches fan out near the axial plane, and slices show them long. Set by eye.
_FAN = np.array([1, 1, 1.35], np.float32)

#: Within this way of the hilum vessels are drawn outside the lung too; further on that would cross the heart.
_HILUM_MM = 22.0


@dataclass(frozen=True)
class Trees:
    """Arteries, veins and bronchi of both lungs (radii of bronchi are outer radii)."""

    arteries: Tubes
    veins: Tubes
    bronchi: Tubes


def grow_trees(patient, anatomy) -> Trees:
    """Grow the arteries, veins and bronchi of a patient.

    Parameters
    ----------
    patient : Patient
        Its seed decides the branching.
    anatomy : Anatomy
        Its lobes (`lobe_at`), its depth below the lungs' surface (`depth_at`) and its hila.

    Returns
    -------
    Trees
    """
    rng = np.random.default_rng(np.random.SeedSequence([patient.seed, _STAGE]))
    points, groups = _supplied_points(rng, anatomy)
    if not len(points):  # a frame beside the lungs
        return Trees(Tubes.none(), Tubes.none(), Tubes.none())
    forest = _Forest()
    for side, lobes in _LOBES.items():
        for system in (ARTERY, VEIN):
            _plant(forest, anatomy.hila[side], system, lobes, points, groups)
    for batch in _rounds(rng, points, groups, anatomy.hila):
        forest.join(points[batch], groups[batch])
    tree = forest.finish(rng)
    kept = (tree.way < _HILUM_MM) | (anatomy.depth_at(tree.xyz) > -4)
    arteries, veins = (tree.tubes(kept & (tree.group // 8 == system), _TWIG_MM[system]) for system in (ARTERY, VEIN))
    bronchi = accompany(tree, kept & (tree.group // 8 == ARTERY), tree.radius(_TWIG_MM[ARTERY]), anatomy)
    return Trees(arteries, veins, bronchi)


def _supplied_points(rng: np.random.Generator, anatomy) -> tuple[np.ndarray, np.ndarray]:
    """End points in a jittered lattice, a little way inside the lung, and their group: 8 x system + lobe."""
    step = (1000 / _DENSITY) ** (1 / 3)
    axes = [np.arange(low, high, step, dtype=np.float32) for low, high in DOMAIN_MM.T]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    low, high = anatomy.box_of_depth(_CLEAR_MM)
    points, groups = [], []
    for system in (ARTERY, VEIN):
        moved = lattice + rng.random(lattice.shape, dtype=np.float32) * np.float32(step)
        # Only a fifth of the lattice lies near the lungs.
        moved = moved[((moved > low) & (moved < high)).all(axis=1)]
        moved = moved[anatomy.depth_at(moved) > _CLEAR_MM]
        lobe = anatomy.lobe_at(moved)
        points.append(moved[lobe > 0])
        groups.append(8 * system + lobe[lobe > 0].astype(np.int64))
    return np.concatenate(points), np.concatenate(groups)


def _plant(forest: _Forest, hilum, system: int, lobes: tuple[int, ...], points: np.ndarray, groups: np.ndarray):
    """Grow one trunk from the hilum towards each lobe; a middle lobe's trunk leaves that of the lower lobe."""
    roots = {}
    for lobe in sorted(lobes, key=lambda n: n == 2):
        mine = points[groups == 8 * system + lobe]
        if not len(mine):
            continue
        lower = lobe in (3, 5)
        name = "artery" if system == ARTERY else "vein" if lower else "upper_vein"
        if name not in roots:
            inlet = getattr(hilum, name)
            roots[name] = forest.seed(
                np.asarray(inlet.point, np.float32), np.asarray(inlet.direction, np.float32), system
            )
        origin = roots[name]
        if lobe == 2 and system == ARTERY and forest.trunks.get(8 * system + 3):
            trunk = forest.trunks[8 * system + 3]
            origin = trunk[len(trunk) // 3]
        here = forest.xyz[origin]
        wish = here + (0.46 if lower else 0.32) * (mine.mean(axis=0) - here)
        target = mine[np.linalg.norm(mine - wish, axis=1).argmin()]
        forest.trunk(origin, target, 8 * system + lobe)


def _rounds(rng: np.random.Generator, points, groups, hila) -> list[np.ndarray]:
    """Order of joining: for every lobe first a dozen outer points far from each other, then ever larger rounds."""
    number = np.empty(len(points), np.int64)
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        hilum = hila["right" if group % 8 <= 3 else "left"]
        away = np.linalg.norm(points[mine] - np.array(hilum.artery.point, np.float32), axis=1)
        away = away / away.max()
        rank = np.argsort(rng.random(len(mine)) - 0.35 * away)
        chosen = _spread(points[mine], rank[: max(len(mine) // 3, 1)], 14)
        order = np.concatenate([chosen, rank[~np.isin(rank, chosen)]])
        number[mine[order]] = np.arange(len(mine))
    limits = np.cumsum(np.concatenate([[4, 4, 6], 8 * 1.75 ** np.arange(12)])).astype(int)
    turn = np.searchsorted(limits, number, side="right")
    return [np.flatnonzero(turn == n) for n in range(turn.max() + 1)]


def _spread(points: np.ndarray, candidates: np.ndarray, count: int) -> np.ndarray:
    """Choose candidates one by one, each as far as possible from those before."""
    chosen = [candidates[0]]
    gap = np.full(len(candidates), np.inf)
    for _ in range(min(count, len(candidates)) - 1):
        gap = np.minimum(gap, np.linalg.norm(points[candidates] - points[chosen[-1]], axis=1))
        chosen.append(candidates[int(gap.argmax())])
    return np.array(chosen)


class _Forest:
    """All trees while they grow: nodes with place, heading, parent, way to the hilum, depth and group."""

    def __init__(self):
        self.xyz = np.zeros((0, 3), np.float32)
        self.heading = np.zeros((0, 3), np.float32)
        self.parent = np.zeros(0, np.int64)
        self.way = np.zeros(0, np.float32)
        self.depth = np.zeros(0, np.int64)
        self.group = np.zeros(0, np.int64)
        self.tip = np.zeros(0, bool)
        self.trunks: dict[int, list[int]] = {}

    def seed(self, point: np.ndarray, direction: np.ndarray, system: int) -> int:
        """Plant a root: lobe 0 of its system."""
        heading = direction / np.linalg.norm(direction)
        self._append(
            point[None], heading[None], np.array([-1]), np.zeros(1), np.zeros(1), np.array([8 * system]), [False]
        )
        return len(self.xyz) - 1

    def trunk(self, origin: int, target: np.ndarray, group: int) -> None:
        """One curve from a node to a point."""
        before = len(self.xyz)
        self._grow(np.array([origin]), target[None].astype(np.float32), np.array([group]), stem=True)
        self.trunks[group] = list(range(before, len(self.xyz)))

    def join(self, points: np.ndarray, groups: np.ndarray) -> None:
        """Connect points to their own lobe's tree, each where it costs least."""
        nodes = np.flatnonzero(self.group % 8 > 0)
        where = np.column_stack([self.xyz[nodes] * _FAN, 1000 * self.group[nodes]])
        count = min(8, len(nodes))
        _, found = cKDTree(where, balanced_tree=False).query(np.column_stack([points * _FAN, 1000 * groups]), k=count)
        found = nodes[np.atleast_2d(found)]
        away = points[:, None] - self.xyz[found]
        distance = np.linalg.norm(away * _FAN, axis=2)
        along = np.einsum("nki,nki->nk", away, self.heading[found])
        cost = (1 + _BEND) * distance - _BEND * along + _FAR * self.way[found]
        cost += 1e4 * (self.group[found] != groups[:, None])
        best = np.take_along_axis(found, cost.argmin(axis=1)[:, None], axis=1)[:, 0]
        self._grow(best, points, groups)

    def _grow(self, origin: np.ndarray, target: np.ndarray, group: np.ndarray, stem: bool = False) -> None:
        """Add gently bent curves (cubic Hermite) from nodes to points, in pieces of about 5 mm."""
        chord = target - self.xyz[origin]
        length = np.linalg.norm(chord, axis=1, keepdims=True)
        unit = chord / np.maximum(length, 1e-3)
        ahead = np.einsum("ni,ni->n", unit, self.heading[origin])[:, None]
        keep = np.where(ahead > 0, 1.2 if stem else 0.75, 0.15)
        leave = _unit(unit + keep * self.heading[origin])
        arrive = _unit(1.6 * unit - 0.6 * leave)
        pieces = np.maximum(np.ceil(length[:, 0] / _PIECE_MM), 1).astype(np.int64)
        curve = np.repeat(np.arange(len(target)), pieces)
        first = np.cumsum(pieces) - pieces
        step = np.arange(len(curve)) - first[curve] + 1
        s = (step / pieces[curve]).astype(np.float32)[:, None]
        reach = (0.9 * length)[curve]
        xyz = (
            (2 * s**3 - 3 * s**2 + 1) * self.xyz[origin][curve]
            + (3 * s**2 - 2 * s**3) * target[curve]
            + (s**3 - 2 * s**2 + s) * reach * leave[curve]
            + (s**3 - s**2) * reach * arrive[curve]
        )
        heading = _unit(
            6 * (s - s**2) * chord[curve]
            + (3 * s**2 - 4 * s + 1) * reach * leave[curve]
            + (3 * s**2 - 2 * s) * reach * arrive[curve]
        )
        number = len(self.xyz) + np.arange(len(curve))
        parent = np.where(step == 1, origin[curve], number - 1)
        way = self.way[origin][curve] + s[:, 0] * length[curve, 0]
        depth = self.depth[origin][curve] + step
        tip = (step == pieces[curve]) & (not stem)
        self._append(xyz, heading, parent, way, depth, group[curve], tip)

    def _append(self, *columns) -> None:
        names = ("xyz", "heading", "parent", "way", "depth", "group", "tip")
        for name, column in zip(names, columns, strict=True):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.asarray(column, old.dtype)]))

    def finish(self, rng: np.random.Generator) -> GrownTree:
        """Count end points and branchings, and let all branches waver together."""
        by_depth = np.argsort(self.depth, kind="stable")
        edges = np.searchsorted(self.depth[by_depth], np.arange(self.depth.max() + 2))
        levels = [by_depth[a:b] for a, b in pairwise(edges)]
        leaves = self.tip.astype(np.int64)
        for level in levels[:0:-1]:
            np.add.at(leaves, self.parent[level], leaves[level])
        children = np.bincount(self.parent[self.parent >= 0], minlength=len(self.xyz))
        generation = np.zeros(len(self.xyz), np.int64)
        for level in levels[1:]:
            above = self.parent[level]
            generation[level] = generation[above] + (children[above] > 1)
        xyz = self.xyz + np.minimum(self.way / 40, 1)[:, None] * _waver(rng, self.xyz)
        return GrownTree(xyz, self.heading, self.parent, leaves, generation, self.group, self.tip, self.way)


@dataclass(frozen=True)
class GrownTree:
    """Nodes of the finished trees."""

    xyz: np.ndarray
    heading: np.ndarray
    parent: np.ndarray
    leaves: np.ndarray
    generation: np.ndarray
    group: np.ndarray
    tip: np.ndarray
    way: np.ndarray

    def radius(self, twig_mm: float) -> np.ndarray:
        """Radius at every node by Murray's law, in mm, thinner at the very ends."""
        radius = twig_mm * np.maximum(self.leaves, 0.3) ** (1 / _MURRAY)
        return np.where(self.tip & (self.leaves == 1), 0.65 * radius, radius).astype(np.float32)

    @cached_property
    def is_main(self) -> np.ndarray:
        """Whether a node carries on its parent's vessel: the one with most end points downstream."""
        order = np.lexsort((-self.leaves, self.parent))
        first = np.ones(len(order), bool)
        first[1:] = self.parent[order][1:] != self.parent[order][:-1]
        main = np.zeros(len(order), bool)
        main[order] = first
        return main

    def tubes(self, which: np.ndarray, twig_mm: float) -> Tubes:
        """Cones of the chosen nodes, each from its parent."""
        radius = self.radius(twig_mm)
        node = np.flatnonzero(which & (self.parent >= 0) & (self.leaves > 0))
        above = self.parent[node]
        start = np.where(self.is_main[node], radius[above], np.minimum(radius[above], 1.25 * radius[node]))
        return Tubes(
            self.xyz[above],
            self.xyz[node],
            start.astype(np.float32),
            radius[node],
            self.generation[node].astype(np.int16),
            self.leaves[node].astype(np.int32),
        )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-6)


def _waver(rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
    """Smooth displacement of about a millimetre that keeps joints together: waves that run through space."""
    waves = rng.standard_normal((3, 3 * _WAVES), dtype=np.float32) / np.float32(_WAVER_MM)
    phases = points @ waves + rng.uniform(0, 2 * np.pi, 3 * _WAVES).astype(np.float32)
    return np.sin(phases).reshape(-1, 3, _WAVES).sum(axis=2) * np.float32((2 / _WAVES) ** 0.5)
