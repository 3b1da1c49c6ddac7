"""What lies below the diaphragm: liver, spleen, stomach, kidneys, bowel, in fat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mosmed_edu.phantom.mediastinum import AIR, FAT, MUSCLE, Blob, Tube, tube
from mosmed_edu.phantom.plane import coverage

SPLEEN, KIDNEY, GALL, PANCREAS = 50.0, 33.0, 8.0, 40.0

#: Thickness of the diaphragm's muscle, mm.
_SHEET = 3.2

#: Fat round the stomach, mm.
_STOMACH_COAT = 4.0


@dataclass(frozen=True)
class Abdomen:
    """Organs of one patient, in the standard body."""

    liver_hu: float
    liver_edge: tuple[float, float, float]
    vessels: tuple[Tube, ...]
    organs: tuple[Blob | Tube, ...]
    stomach: Blob
    gas_level: float
    food: float
    bowel: tuple[Blob, ...]
    bowel_gas: tuple[float, ...]

    @classmethod
    def of(cls, chest_patient, rng: np.random.Generator, low: float) -> Abdomen:
        """By chance; `low` is how far the domes lie below the standard's, in mm. A fatty liver is darker."""
        fatty = max(rng.normal(0.5 * max(chest_patient.bmi - 25, 0), 4), 0)

        def at(*centre: float, sd: float = 4.0) -> tuple:
            return tuple(np.array(centre) + rng.normal(0, sd, 3) + (0, 0, low))

        def size(*axes: float) -> tuple:
            return tuple(np.array(axes) * rng.uniform(0.88, 1.15))

        loops = []
        organs = (
            Blob("spleen", at(98, -48, -142), size(24, 50, 44), 14, SPLEEN),
            Blob("right kidney", at(-52, -62, -208), size(28, 24, 50), -20, KIDNEY),
            Blob("left kidney", at(56, -64, -200), size(28, 24, 50), 20, KIDNEY),
            Blob("gall bladder", at(-42, 34, -186), size(14, 19, 26), 10, GALL),
            tube("pancreas", [(-22, 4, -204, 12), (14, 14, -192, 9), (48, -8, -178, 9), (76, -30, -166, 8)], PANCREAS),
            tube("right crus", [(-10, -30, -118, 4), (-12, -34, -150, 6.5), (-13, -38, -235, 6)], MUSCLE),
            tube("left crus", [(16, -30, -118, 4), (15, -34, -150, 6), (16, -40, -235, 6)], MUSCLE),
            tube("right psoas", [(-20, -56, -196, 3), (-28, -60, -250, 16)], MUSCLE),
            tube("left psoas", [(20, -56, -196, 3), (28, -60, -250, 16)], MUSCLE),
        )
        d = low
        vessels = (
            tube(
                "right hepatic vein", [(-26, -6, -126 + d, 6), (-62, -22, -138 + d, 4.5), (-98, -30, -152 + d, 2)], 41
            ),
            tube("middle hepatic vein", [(-24, 0, -126 + d, 6), (-44, 26, -138 + d, 4.4), (-62, 46, -154 + d, 2)], 41),
            tube("left hepatic vein", [(-22, 0, -126 + d, 5), (0, 22, -134 + d, 4), (20, 44, -144 + d, 1.8)], 41),
            tube(
                "portal vein",
                [(-18, 0, -188 + d, 7), (-34, 2, -170 + d, 7), (-66, -14, -162 + d, 5), (-96, -8, -168 + d, 2)],
                41,
            ),
            tube("left portal vein", [(-32, 4, -170 + d, 6), (-6, 22, -158 + d, 5), (6, 40, -156 + d, 3)], 41),
        )
        bowel = [Blob("splenic flexure", at(104, 22, -152, sd=8), size(22, 26, 24), 30, AIR)]
        bowel += [Blob("colon", at(72, 58, -176, sd=9), size(30, 17, 20), 0, AIR)]
        bowel += [Blob("colon", at(10, 70, -200, sd=9), size(36, 15, 17), 0, AIR)]
        bowel += [Blob("colon", at(-84, 46, -206, sd=8), size(26, 22, 22), 20, AIR)]
        for _ in range(7):
            centre = rng.uniform((-10, -6, -245 + low), (96, 66, -178 + low))
            loops.append(Blob("small bowel", tuple(centre), tuple(rng.uniform(10, 17, 3)), 0, 32.0))
        stomach = Blob("stomach", at(54, 10, -134, sd=5), size(38, 44, 42), rng.uniform(-35, 5), 34.0)
        return cls(
            float(np.clip(rng.normal(58, 5) - fatty, 20, 70)),
            (float(rng.normal(26, 12)), float(rng.normal(0.45, 0.12)), float(rng.uniform(0.15, 0.45))),
            vessels,
            (*organs, *loops),
            stomach,
            float(rng.uniform(-20, 34)),
            float(rng.uniform(0, 1)),
            tuple(bowel),
            tuple(float(v) for v in rng.uniform(-12, 25, len(bowel))),
        )


def paint_abdomen(plane, canvas, below: np.ndarray) -> None:
    """Draw the upper abdomen; `below` is the depth below the diaphragm in mm."""
    inside = np.minimum(below, plane.cavity_depth)
    if not (inside > -2).any():
        return
    abdomen = canvas.chest.abdomen
    box = plane.window((-150, 150, -118, 98))
    room = _Room(plane, canvas, box, inside[box])
    _paint_liver(room, abdomen)
    for organ in abdomen.organs:
        room.paint(organ, organ.hu, coat=5.0 if "kidney" in organ.name else 0.0)
    _paint_stomach(room, abdomen)
    for piece, level in zip(abdomen.bowel, abdomen.bowel_gas, strict=True):
        _paint_hollow(room, piece, level, 2.4)
    sheet = coverage(room.inside, canvas.step) * coverage(_SHEET - room.inside, canvas.step)
    plane.mix(sheet, np.float32(MUSCLE), box)


class _Room:
    """The part of a slice below the diaphragm."""

    def __init__(self, plane, canvas, box: tuple, inside: np.ndarray):
        self.plane, self.canvas, self.box, self.inside = plane, canvas, box, inside
        self.x, self.y, self.z = plane.x[box], plane.y[box], np.float32(plane.z)
        self.room = inside - np.float32(_SHEET)
        self.hu = plane.hu[box]

    def depth(self, organ: Blob | Tube, coat: float = 0.0) -> tuple[tuple, np.ndarray] | None:
        """Depth within an organ and its coat, and the window of both."""
        reach = coat + float(self.canvas.step)  # its edge is spread over a pixel
        window = self.plane.window(organ.box(float(self.z), reach))
        if window is None:
            return None
        # Relative to the room's own box.
        rows, columns = (
            slice(max(w.start, b.start) - b.start, max(min(w.stop, b.stop) - b.start, 0))
            for w, b in zip(window, self.box, strict=True)
        )
        part = rows, columns
        if not self.x[part].size:
            return None
        return part, np.minimum(-organ.distance(self.x[part], self.y[part], self.z, reach), self.room[part])

    def paint(self, organ: Blob | Tube, hu: float, coat: float = 0.0) -> None:
        """Draw an organ, in a coat of fat."""
        found = self.depth(organ, coat)
        if found is None:
            return
        part, depth = found
        if coat:
            self.mix(part, coverage(np.minimum(depth + coat, self.room[part]), self.canvas.step), FAT)
        self.mix(part, coverage(depth, self.canvas.step), hu)
        if "kidney" in organ.name:
            self.mix(part, coverage(depth - 15, self.canvas.step), FAT + 30)

    def mix(self, part: tuple, cover: np.ndarray, hu: float | np.ndarray) -> None:
        """Paint over a share of every pixel."""
        target = self.hu[part]
        target += cover * (np.float32(hu) - target)


def _paint_liver(room: _Room, abdomen: Abdomen) -> None:
    edge, slant, rise = abdomen.liver_edge
    x, y, z = room.x, room.y, room.z
    # The left lobe is thin and lies in front; lower down the liver keeps to the right and to the front.
    left = np.float32(edge) + np.float32(slant) * np.minimum(y, 50) + np.float32(rise) * (z + 118)
    depth = np.minimum(room.room, (left - x) * np.float32(0.85))
    back = y + np.float32(78) - np.clip(x + 60, 0, 90) * np.float32(0.55)
    np.minimum(depth, back, out=depth)
    notch = np.abs(x - 6 - 0.2 * (y - 40)) - np.clip((y - 26) * 0.10, 0, 6) * np.clip((-138 - z) / 20, 0, 1)
    np.minimum(depth, np.where(y > 20, notch, np.float32(99)), out=depth)
    everything = slice(None), slice(None)
    room.mix(everything, coverage(depth, room.canvas.step), abdomen.liver_hu)
    for vessel in abdomen.vessels:
        found = room.depth(vessel)
        if found is not None:
            part, inside = found
            room.mix(part, 0.8 * coverage(np.minimum(inside, depth[part]), room.canvas.step), vessel.hu)


def _paint_stomach(room: _Room, abdomen: Abdomen) -> None:
    found = room.depth(abdomen.stomach, _STOMACH_COAT)
    if found is None:
        return
    part, depth = found
    room.mix(part, coverage(depth + np.float32(_STOMACH_COAT), room.canvas.step), FAT)
    _fill_hollow(room, part, depth, abdomen.stomach.centre[1] + abdomen.gas_level, 3.6, abdomen.stomach.hu)
    amount = abdomen.food
    if amount > 0.5:  # a meal: crumbs with air between them
        rows, columns = (slice(b.start + w.start, b.start + w.stop) for b, w in zip(room.box, part, strict=True))
        crumbs = room.canvas.noise(room.canvas.lobules, (rows, columns), room.plane.k)
        below = coverage(depth - 5, room.canvas.step) * (room.y[part] < abdomen.stomach.centre[1] + abdomen.gas_level)
        room.mix(part, below * np.clip(0.8 * crumbs - 0.6, 0, 0.6) * np.float32(amount), -420.0)


def _paint_hollow(room: _Room, organ: Blob, level: float, wall: float) -> None:
    found = room.depth(organ)
    if found is not None:
        _fill_hollow(room, *found, organ.centre[1] + level - 15, wall, 20.0)


def _fill_hollow(room: _Room, part: tuple, depth: np.ndarray, level: float, wall: float, content: float) -> None:
    """A wall, gas above a level, and what lies below it."""
    step = room.canvas.step
    room.mix(part, coverage(depth, step), 42.0)
    gas = coverage((room.y[part] - np.float32(level)), step)
    room.mix(part, coverage(depth - np.float32(wall), step), content + gas * np.float32(AIR - content))
