"""Ribs, spine, breastbone and shoulder girdle.

Ribs and vertebrae repeat along the body, so each is one periodic function of height; the shoulder girdle is made of
capsules (tubes between two points).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from mosmed_edu.phantom.contours import BINS
from mosmed_edu.phantom.mediastinum import Tube, tube
from mosmed_edu.phantom.plane import coverage
from mosmed_edu.phantom.wall import blade_depth, blade_range

#: Hounsfield units of compact bone, and of the discs, cartilage and spinal canal.
CORTEX, DISC, CARTILAGE, CANAL = 640.0, 86.0, 98.0, 28.0

#: Distance between neighbouring ribs or vertebrae, mm.
PERIOD = 24.5

#: How far a rib has fallen below its vertebra, in mm, at these directions (0 the back, pi the front).
_FALL_AT = (0, 0.2, 0.55, 1.2, 1.8, 2.3, 2.6, 2.9, np.pi)
_FALL = (0, 3, 24, 66, 100, 118, 122, 110, 104)

#: Ribs are counted from the vertebra at z = 0 upwards; rib 1 is number 4, ribs 11 and 12 are -6 and -7.
_FIRST_RIB, _FREE_RIBS, _SHORT_RIBS = 4, -6, -3
_CARTILAGE_FROM = 2.28

#: Middle of the vertebral bodies below the ribs of the same number, mm.
_BODY_BELOW = 8.0


def spine_centre(z: float) -> float:
    """y of the middle of the vertebral bodies: the thoracic curve."""
    return -60 + 22 * (max(z + 10, 0) / 100) ** 1.4


def spongy_hu(age: float) -> float:
    """Hounsfield units of spongy bone, which age thins."""
    return max(235 - 2.0 * (age - 30), 70)


def paint_bones(plane, canvas, k: int) -> None:
    """Draw all bones of a slice."""
    _paint_ribs(plane, canvas)
    _paint_breastbone(plane, canvas, k)
    _paint_blade(plane, canvas, k)
    for piece in canvas.girdle:
        _paint_capsule(plane, canvas, piece)
    _paint_vertebra(plane, canvas)


@cache
def shoulder_girdle() -> list[Tube]:
    """Collar bones, shoulder blades' processes and arms, raised beside the head."""
    pieces = []
    for s in (-1, 1):
        pieces += [
            tube(
                "clavicle",
                [
                    (s * 17, 54, 46, 9),
                    (s * 30, 56, 52, 6.6),
                    (s * 66, 46, 70, 5.6),
                    (s * 108, 16, 92, 6),
                    (s * 146, -16, 108, 7),
                ],
                0,
            ),
            tube("neck of the scapula", [(s * 92, -44, 74, 6), (s * 116, -32, 80, 8), (s * 134, -22, 86, 14)], 0),
            tube("spine of the scapula", [(s * 66, -82, 52, 4), (s * 112, -70, 78, 6), (s * 150, -40, 106, 8)], 0),
            tube("coracoid", [(s * 124, -12, 90, 7), (s * 116, 10, 96, 6), (s * 122, 22, 92, 5)], 0),
            tube(
                "humerus",
                [(s * 163, -8, 90, 23), (s * 165, -8, 94, 23.5), (s * 176, -6, 112, 18), (s * 182, -4, 145, 12)],
                0,
            ),
        ]
    return pieces


def _paint_capsule(plane, canvas, piece: Tube) -> None:
    window = plane.window(piece.box(plane.z, 2.0))
    if window is None:
        return
    distance = piece.distance(plane.x[window], plane.y[window], np.float32(plane.z), 2.0)
    spongy = np.float32(spongy_hu(canvas.chest.patient.age) + 60)
    plane.mix(coverage(-distance, canvas.step), np.float32(CORTEX), window)
    plane.mix(coverage(-distance - 2.2, canvas.step), spongy, window)


def _paint_ribs(plane, canvas) -> None:
    outside = -plane.cavity_depth
    chosen = np.flatnonzero((outside > 1.0) & (outside < 12.5))
    if not chosen.size:
        return
    depth = outside.take(chosen)
    theta = canvas.theta.take(chosen)
    damp = np.clip((110 - plane.z) / 95, 0.3, 1)
    along = plane.z + damp * np.interp(theta, _FALL_AT, _FALL) + canvas.chest.rib_shift
    number = np.round(along / PERIOD)
    u = along - number * PERIOD
    soft = theta > _CARTILAGE_FROM
    e = np.sqrt((u / np.where(soft, 8.2, 7.0)) ** 2 + ((depth - 6.6) / np.where(soft, 5.2, 4.4)) ** 2)
    last = np.where(number <= _FREE_RIBS, 1.75, np.where(number <= _SHORT_RIBS, 2.62, 2.95))
    cover = np.clip((1 - e) * 4.4 / canvas.step + 0.5, 0, 1) * (theta < last) * (number <= _FIRST_RIB) * (theta > 0.3)
    age = canvas.chest.patient.age
    # Cartilage chalks along its edge with age.
    chalk = np.clip((age - 35) / 90, 0, 0.5) * (np.sin(along * 0.9 + 17 * theta) > 0.35) * (e > 0.55)
    hu = np.where(soft, CARTILAGE + 420 * chalk, np.where(e > 0.70, CORTEX, spongy_hu(age)))
    target = plane.hu.take(chosen)
    plane.hu.put(chosen, target + cover * (hu - target))


def _paint_breastbone(plane, canvas, k: int) -> None:
    if not -112 < plane.z < 46:
        return
    front = float(canvas.cavity[k][[0, BINS - 1]].mean())
    handle = np.clip((plane.z - 2) / 30, 0, 1)
    tip = np.clip((plane.z + 112) / 26, 0.2, 1)
    half, thick = (15 + 11 * handle) * tip, (5.2 + 1.6 * handle) * (0.6 + 0.4 * tip)
    y0 = front + thick + 2.5
    window = plane.window((-half - 6, half + 6, y0 - 18, y0 + 14))
    if window is None:
        return
    u, v = np.abs(plane.x[window]) / half, (plane.y[window] - y0) / thick
    inside = (1 - (u**3.2 + np.abs(v) ** 3.2) ** (1 / 3.2)) * np.float32(thick)
    plane.mix(coverage(inside, canvas.step), np.float32(CORTEX * 0.72), window)
    plane.mix(coverage(inside - 1.5, canvas.step), np.float32(0.62 * spongy_hu(canvas.chest.patient.age)), window)


def _paint_blade(plane, canvas, k: int) -> None:
    """The shoulder blade: a thin curved plate behind the ribs, thicker at both borders."""
    first, last = blade_range(plane.z)
    if first is None:
        return
    theta, outside = canvas.theta, -plane.cavity_depth
    chosen = np.flatnonzero((outside > 15) & (outside < 42) & (theta > first - 0.02) & (theta < last + 0.02))
    if not chosen.size:
        return
    t, depth = theta.take(chosen), outside.take(chosen)
    below = canvas.muscle[k][canvas.directions.bin.take(chosen)] - canvas.directions.radius.take(chosen)
    across = (t - first) / (last - first)
    middle = blade_depth(depth + below) - 2 * np.cos(np.pi * across)
    half = 1.25 + 1.9 * np.clip(across - 0.82, 0, 0.18) / 0.18 + 0.8 * np.clip(0.1 - across, 0, 0.1) / 0.1
    inside = half - np.abs(depth - middle)
    np.minimum(inside, np.minimum(t - first, last - t) * 95, out=inside)
    target = plane.hu.take(chosen)
    hu = np.where(inside > 1.5, 330.0, CORTEX * 0.8)
    plane.hu.put(chosen, target + coverage(inside, canvas.step) * (hu - target))


def _paint_vertebra(plane, canvas) -> None:
    """Body or disc, canal, and the arch behind it."""
    centre = float(spine_centre(plane.z))
    window = plane.window((-52, 52, centre - 75, centre + 25))
    if window is None:
        return
    x, y, z = plane.x[window], plane.y[window] - np.float32(centre), plane.z + _BODY_BELOW - canvas.chest.rib_shift
    number = np.round(z / PERIOD)
    u = z - number * PERIOD
    age = canvas.chest.patient.age
    _paint_arch(plane, canvas, window, x, y, u)
    waist = 1 - 0.09 * np.cos(np.pi * u / 12)
    hollow = np.clip(1 - (np.abs(x) / 9) ** 2, 0, 1) * np.clip(-y / 14, 0, 1) * 2.0
    half_x, half_y = (16.5 - 0.022 * (plane.z + 60)) * waist, 14.2 * waist
    body = (1 - ((np.abs(x) / half_x) ** 2.4 + (np.abs(y) / half_y) ** 2.4) ** (1 / 2.4)) * np.float32(14) - hollow
    canal = (1 - np.sqrt((x / 10.5) ** 2 + ((y + 23) / 8.6) ** 2)) * np.float32(9)
    plane.mix(coverage(canal, canvas.step), np.float32(CANAL), window)
    cord = (1 - np.sqrt((x / 5.0) ** 2 + ((y + 22.5) / 4.0) ** 2)) * np.float32(4.5)
    plane.mix(coverage(cord, canvas.step), np.float32(CANAL + 14), window)
    if abs(u) > 10.3:
        plane.mix(coverage(body + 0.8, canvas.step), np.float32(DISC), window)
        return
    plane.mix(coverage(body, canvas.step), np.float32(CORTEX * 0.68), window)
    inner = 420.0 if abs(u) > 8.6 else spongy_hu(age)
    plane.mix(coverage(body - 1.5, canvas.step), np.float32(inner), window)


#: The arch behind a vertebral body, one side: from and to (x, y, z from the body's middle), radius.
_ARCH = tuple(
    Tube(name, np.array([(*start, radius), (*end, radius)], float), 0)
    for name, start, end, radius in (
        ("pedicle", (11, -12, 5), (12.5, -20, 5), 4.2),
        ("upper joint process", (13, -21, 4), (14, -25, 10), 4.6),
        ("lower joint process", (13.5, -25, -2), (13, -27, -9), 4.2),
        ("lamina", (12.5, -25, 0), (1, -34, -6), 3.4),
        ("transverse process", (13, -24, 3), (33, -38, 3), 4.4),
        ("spinous process", (0, -34, -5), (0, -60, -24), 3.3),
        ("neck of the rib", (18, -9, 9), (38, -38, 7), 4.2),
    )
)


def _paint_arch(plane, canvas, window: tuple, x: np.ndarray, y: np.ndarray, u: float) -> None:
    """Capsules of the vertebra at hand and of its neighbours, whose processes overlap it."""
    nearest = np.full(x.shape, 99, np.float32)
    side = np.abs(x)
    for offset in (-PERIOD, 0.0, PERIOD):
        height = np.float32(u - offset)
        for piece in _ARCH:
            if piece.comes_near(height):
                np.minimum(nearest, piece.distance(side, y, height, 3.0), out=nearest)
    plane.mix(coverage(-nearest, canvas.step), np.float32(CORTEX * 0.85), window)
    inner = np.float32(spongy_hu(canvas.chest.patient.age) + 130)
    plane.mix(coverage(-nearest - 1.9, canvas.step), inner, window)
