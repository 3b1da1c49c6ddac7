"""Halo and reversed halo: round lesions made of two signs.

A reversed halo (atoll) is a ring of consolidation round ground glass; a halo is a solid nodule in a rim of ground
glass. They are written into the two fields that choose the involved and the consolidated voxels, so all shares stay
exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mosmed_edu.phantom.fields import OctaveNoise
from mosmed_edu.phantom.voxels import LungVoxels

#: Large enough to outbid every other wish.
_SURE = 6.0

#: The ring begins at this share of a reversed halo's radius; the nodule ends at this share of a halo's.
_INNER, _CORE = 0.68, 0.52


@dataclass(frozen=True)
class Ring:
    """One round lesion: its voxels, their distance from the centre in radii, and which of them are consolidation."""

    sign: str
    center_mm: tuple[float, float, float]
    radius_mm: float
    left: bool
    voxels: np.ndarray
    share: np.ndarray
    solid: np.ndarray


@dataclass(frozen=True)
class Rings:
    """All round lesions of a study."""

    rings: tuple[Ring, ...]

    def involve(self, value: np.ndarray, counts: list[tuple[np.ndarray, int]]) -> None:
        """Lift the round lesions over the value that each lung's involved voxels have, with soft edges.

        `counts` holds the voxels of the left and of the right lung, and how many of them are to be involved.
        """
        for left, (side, count) in zip((True, False), counts, strict=True):
            mine = [ring for ring in self.rings if ring.left == left]
            if mine and 0 < count < len(side):
                threshold = np.partition(value[side], len(side) - count)[len(side) - count]
                for ring in mine:
                    close = ring.share < 1.3
                    near = ring.voxels[close]
                    value[near] = np.maximum(value[near], threshold + 0.25 + 1.5 * (1 - ring.share[close]))

    def harden(self, wish: np.ndarray) -> None:
        """Choose their consolidation, and keep it out of the rest."""
        for ring in self.rings:
            inside = ring.share < 1
            wish[ring.voxels[inside]] = np.where(ring.solid, _SURE, -_SURE)[inside]

    def marks(self, label: np.ndarray) -> list[dict]:
        """Where they lie and how much of their consolidation was drawn."""
        return [
            {
                "sign": ring.sign,
                "center_mm": [round(float(c), 1) for c in ring.center_mm],
                "radius_mm": round(ring.radius_mm, 1),
            }
            for ring in self.rings
            if (label[ring.voxels[ring.solid]] == 2).mean() > 0.9
        ]


def place_rings(disease, voxels: LungVoxels, rng: np.random.Generator) -> Rings:
    """Choose places for halos and reversed halos, while the disease has volume and consolidation for them."""
    stream = rng.spawn(1)[0]
    total = disease.fraction * len(voxels)
    left_over = {False: 0.6 * total * (1 - disease.distribution.left), True: 0.6 * total * disease.distribution.left}
    hard = 0.8 * total * disease.shares.consolidation
    rings: list[Ring] = []
    wobble = OctaveNoise(stream, 8, (0.7, 0.5))
    for sign, count in (("reversed halo", disease.shares.reversed_halos), ("halo", disease.shares.halos)):
        for _ in range(int(count)):
            ring = _place(sign, voxels, wobble, rings, stream)
            if ring is None:
                continue
            needed = int(ring.solid.sum())
            if needed <= hard and (ring.share < 1).sum() <= left_over[ring.left]:
                rings.append(ring)
                hard -= needed
                left_over[ring.left] -= (ring.share < 1).sum()
    return Rings(tuple(rings))


def _place(
    sign: str, voxels: LungVoxels, wobble: OctaveNoise, others: list[Ring], rng: np.random.Generator
) -> Ring | None:
    """One round lesion, wholly inside a lung, centred on a slice, clear of the others; None if there is no room."""
    radius = rng.uniform(11, 17) if sign == "reversed halo" else rng.uniform(9, 13)
    roomy = np.flatnonzero((voxels.pleura > 0.7 * radius) & (voxels.pleura < radius + 16))
    for candidate in roomy[rng.integers(max(len(roomy), 1), size=8)] if len(roomy) else ():
        center = voxels.points[candidate]
        if any(np.linalg.norm(center - np.array(ring.center_mm)) < radius + ring.radius_mm + 8 for ring in others):
            continue
        near = np.flatnonzero(np.abs(voxels.z - center[2]) < 1.4 * radius)
        near = near[(np.abs(voxels.points[near, :2] - center[:2]) < 1.4 * radius).all(axis=1)]
        near = near[voxels.left[near] == voxels.left[candidate]]
        offset = voxels.points[near] - center
        uneven = wobble.at(voxels.points[near])
        share = (np.linalg.norm(offset, axis=1) / radius * (1 + 0.14 * uneven)).astype(np.float32)
        if sign == "reversed halo":
            broken = wobble.at(voxels.points[near] + 40) < -1.2  # the ring is seldom complete
            solid = (share >= _INNER) & (share < 1) & ~broken
        else:
            solid = share < _CORE
        place = tuple(float(c) for c in center)
        return Ring(sign, place, float(radius), bool(voxels.left[candidate]), near, share, solid)
    return None
