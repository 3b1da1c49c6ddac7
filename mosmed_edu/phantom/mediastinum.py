"""What lies between the lungs: heart, great vessels, windpipe, gullet.

Each structure is a tube along a centreline or an ellipsoid, in the standard body. Positions follow cross-sectional
anatomy as in the XCAT phantom (Segars et al. 2010); every patient gets another layout from `Layout.of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from mosmed_edu.phantom.people import Findings, Patient

#: Tissues in Hounsfield units, without contrast medium.
BLOOD, HEART, MUSCLE, FAT, AIR = 41.0, 44.0, 52.0, -102.0, -995.0


@dataclass(frozen=True)
class Tube:
    """A vessel or airway: centreline points (n, 4) x, y, z and radius in mm, and the HU it is filled with."""

    name: str
    points: np.ndarray
    hu: float
    wall_hu: float | None = None
    wall_mm: float = 0.0

    @cached_property
    def _pieces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of every piece: the heights between which it lies, and its start and way to its end (x, y, z, r), float32."""
        start, end = self.points[:-1], self.points[1:]
        widest = np.maximum(start[:, 3], end[:, 3])
        heights = np.minimum(start[:, 2], end[:, 2]) - widest, np.maximum(start[:, 2], end[:, 2]) + widest
        first = start.astype(np.float32)
        return np.stack(heights), first.T, (end.astype(np.float32) - first).T

    @cached_property
    def _edges(self) -> np.ndarray:
        """Of every piece: its least x and y, and its greatest x and y with the sign turned: (4, n)."""
        centre, radius = self.points[:, :2], self.points[:, 3:]
        edges = np.concatenate([centre - radius, -centre - radius], axis=1).T
        return np.minimum(edges[:, :-1], edges[:, 1:])

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Heights between which all of it lies."""
        low, high = self._pieces[0]
        return float(low.min()), float(high.max())

    def comes_near(self, z: float, reach: float = 0.0) -> bool:
        """Whether a slice goes through it, or within `reach` of it."""
        low, high = self._ends
        return low - reach < z < high + reach

    def _near(self, z: float, reach: float) -> np.ndarray | None:
        """Numbers of the pieces that come within `reach` of a slice; None where there are none."""
        if not self.comes_near(z, reach):
            return None
        low, high = self._pieces[0]
        chosen = ((low - reach < z) & (z < high + reach)).nonzero()[0]
        return chosen if chosen.size else None

    def box(self, z: float, reach: float) -> tuple[float, float, float, float] | None:
        """Smallest rectangle (x0, x1, y0, y1) that holds all that lies within `reach` at height z."""
        chosen = self._near(z, reach)
        if chosen is None:
            return None
        x0, y0, x1, y1 = (self._edges[:, chosen].min(axis=1) - reach).tolist()
        return x0, -x1, y0, -y1

    def distance(self, x: np.ndarray, y: np.ndarray, z: float, reach: float) -> np.ndarray:
        """Distance in mm from the surface, negative inside, at points that broadcast; right up to `reach`."""
        chosen = self._near(z, reach)
        if chosen is None:
            return np.full(np.broadcast_shapes(x.shape, y.shape), 1e3, np.float32)
        # All pieces at once, along a first axis.
        _, first, ways = self._pieces
        a, (ux, uy, uz, widening) = (part[:, chosen].reshape(4, -1, *(1,) * x.ndim) for part in (first, ways))
        height = np.float32(z) - a[2]
        length2 = ux * ux + uy * uy + uz * uz
        dx, dy = x - a[0], y - a[1]
        t = dx * (ux / length2)
        t += dy * (uy / length2)
        t += height * uz / length2
        np.clip(t, 0, 1, out=t)
        dx -= t * ux
        dy -= t * uy
        square = dx * dx
        square += dy * dy
        square += (height - t * uz) ** 2
        distance = np.sqrt(square, out=square)
        t *= widening
        t += a[3]
        distance -= t
        return distance.min(axis=0)


@dataclass(frozen=True)
class Blob:
    """An ellipsoid: centre, half axes in mm, and its turn about z in degrees."""

    name: str
    centre: tuple[float, float, float]
    axes: tuple[float, float, float]
    turn: float
    hu: float

    def box(self, z: float, reach: float) -> tuple[float, float, float, float] | None:
        """As `Tube.box`."""
        if abs(z - self.centre[2]) > self.axes[2] + reach:
            return None
        r = max(self.axes[:2]) + reach
        return self.centre[0] - r, self.centre[0] + r, self.centre[1] - r, self.centre[1] + r

    def distance(self, x: np.ndarray, y: np.ndarray, z: float, reach: float = 0) -> np.ndarray:
        """As `Tube.distance`; the usual first-order distance from an ellipsoid."""
        angle = np.deg2rad(self.turn)
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        dx, dy = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
        a, b, c = (np.float32(half) for half in self.axes)
        u, v = (cos * dx + sin * dy) / a, (cos * dy - sin * dx) / b
        w = np.float32(z - self.centre[2]) / c
        k0 = np.sqrt(u * u + v * v + w * w)
        k1 = np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2)
        return k0 * (k0 - 1) / np.maximum(k1, 1e-6)


def tube(name: str, points: list, hu: float, wall_hu: float | None = None, wall_mm: float = 0.0) -> Tube:
    """A tube through control points (x, y, z, r), smoothed into pieces of about 6 mm."""
    points = np.asarray(points, float)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1))])
    steps = np.linspace(0, along[-1], max(int(along[-1] / 6), 2) + 1)
    return Tube(name, PchipInterpolator(along, points)(steps), hu, wall_hu, wall_mm)


@dataclass(frozen=True)
class Layout:
    """How one patient's mediastinum differs from the standard: mm, and factors."""

    heart: float
    heart_turn: float
    heart_down: float
    heart_left: float
    arch_up: float
    aorta_width: float
    unfolding: float
    trachea_right: float
    veins: float
    waves: tuple
    nodes: int

    @classmethod
    def of(cls, patient: Patient, rng: np.random.Generator) -> Layout:
        """By chance, around what age does to the aorta: it widens, lengthens and unfolds."""
        old = (patient.age - 45) / 30
        waves = tuple(
            (rng.normal(0, 1, 3) * 2.2, rng.uniform(0.012, 0.035, 3) * rng.choice([-1, 1], 3), rng.uniform(0, 6.28))
            for _ in range(4)
        )
        return cls(
            heart=float(np.clip(rng.normal(1 + 0.02 * old + 0.004 * (patient.bmi - 26), 0.06), 0.86, 1.18)),
            heart_turn=float(rng.normal(0.5 * (patient.bmi - 26), 7)),
            heart_down=float(rng.normal(0, 5)),
            heart_left=float(rng.normal(0, 4)),
            arch_up=float(np.clip(rng.normal(4 * old, 4), -8, 14)),
            aorta_width=float(np.clip(rng.normal(1 + 0.09 * old, 0.06), 0.82, 1.4)),
            unfolding=float(np.clip(rng.normal(3.5 * old, 3), -4, 14)),
            trachea_right=float(rng.normal(1, 2) + max(old, 0)),
            veins=float(rng.normal(1, 0.1)),
            waves=waves,
            nodes=int(rng.integers(2**31)),
        )

    def displace(self, points: np.ndarray) -> np.ndarray:
        """Move points (n, 3 or 4) by the patient's smooth waves, so that what joins stays joined."""
        moved = np.array(points, float)
        for amplitude, frequency, phase in self.waves:
            moved[:, :3] += 0.5 * amplitude * np.sin(np.asarray(points)[:, :3] @ frequency + phase)[:, None]
        return moved


def build_mediastinum(layout: Layout, findings: Findings) -> dict[str, Tube | Blob]:
    """Every structure of one patient, in the order in which they are drawn."""
    parts = [*_chambers(layout), *_coronaries(layout), *_great_vessels(layout), *_airways(layout)]
    parts += _nodes(np.random.default_rng(layout.nodes))
    if findings.metal:
        parts += _pacemaker_leads(layout)
    if findings.expiration > 0.3:
        # Breathing out, the soft back wall of the windpipe bows forward.
        parts.append(tube("windpipe membrane", [(-1, -24, 60, 8), (-2, -29, 25, 9), (-3, -33, 10, 8)], 38.0))
    placed = {}
    for part in parts:
        if isinstance(part, Tube):
            moved = Tube(part.name, layout.displace(part.points), part.hu, part.wall_hu, part.wall_mm)
        else:
            centre = tuple(float(c) for c in layout.displace(np.array([part.centre]))[0])
            moved = Blob(part.name, centre, part.axes, part.turn, part.hu)
        placed[part.name] = moved
    return placed


def _chambers(layout: Layout) -> list[Blob]:
    """The heart: two atria and two ventricles."""
    s, down, left = layout.heart, layout.heart_down, layout.heart_left
    turn = np.deg2rad(layout.heart_turn)

    def chamber(name, centre, axes, angle, hu=HEART):
        x, y, z = centre[0] + left, centre[1], centre[2] - down
        dx, dy = s * (x - 4), s * (y - 8)
        place = (4 + np.cos(turn) * dx - np.sin(turn) * dy, 8 + np.sin(turn) * dx + np.cos(turn) * dy, z)
        return Blob(name, place, tuple(s * a for a in axes), angle + layout.heart_turn, hu)

    return [
        chamber("left atrium", (3, -14, -58), (35, 18, 24), 0),
        chamber("right atrium", (-26, 10, -76), (23, 30, 34), 10),
        chamber("left ventricle", (34, 10, -88), (43, 29, 37), 35, 46.0),
        chamber("right ventricle", (10, 36, -90), (43, 22, 35), 12),
        chamber("right ventricular outflow", (13, 34, -62), (19, 18, 26), 0),
        chamber("left atrial appendage", (32, 8, -48), (15, 10, 12), 25),
        chamber("right atrial appendage", (-15, 28, -54), (15, 12, 15), -20),
    ]


def _nodes(rng: np.random.Generator) -> list[Blob]:
    """Normal lymph nodes, up to 8 mm across the short axis, where they are seen most."""
    places = [(-14, -6, 22), (-12, -4, 8), (12, 2, 2), (-2, -26, -22), (-6, 12, 34), (14, -18, -34), (6, -30, -44)]
    nodes = []
    for n, place in enumerate(places):
        if rng.random() < 0.75:
            centre = tuple(np.array(place) + rng.normal(0, 3, 3))
            axes = tuple(rng.uniform(2.2, 4.2) * np.array([1.4, 0.9, 1.3]))
            nodes.append(Blob(f"{n} node", centre, axes, float(rng.uniform(0, 180)), 36.0))
    return nodes


#: The heart's parts: drawn as one.
CHAMBERS = (
    "left atrium",
    "right atrium",
    "left ventricle",
    "right ventricle",
    "right ventricular outflow",
    "left atrial appendage",
    "right atrial appendage",
)


def _coronaries(layout: Layout) -> list[Tube]:
    """Coronary arteries, in the grooves between the chambers."""
    d, s = layout.heart_down, layout.heart_left
    return [
        tube(
            "left anterior descending coronary",
            [
                (18 + s, 18, -48 - d, 2),
                (30 + s, 34, -60 - d, 1.9),
                (40 + s, 48, -84 - d, 1.6),
                (50 + s, 46, -108 - d, 1.3),
            ],
            BLOOD,
        ),
        tube(
            "circumflex coronary",
            [(20 + s, 14, -50 - d, 1.8), (40 + s, -4, -62 - d, 1.7), (44 + s, -10, -84 - d, 1.4)],
            BLOOD,
        ),
        tube(
            "right coronary",
            [
                (0 + s, 24, -52 - d, 2),
                (-14 + s, 38, -70 - d, 1.9),
                (-12 + s, 32, -98 - d, 1.7),
                (4 + s, 8, -112 - d, 1.4),
            ],
            BLOOD,
        ),
    ]


def _great_vessels(layout: Layout) -> list[Tube]:
    w, up, out, v = layout.aorta_width, layout.arch_up, layout.unfolding, layout.veins
    down, left = layout.heart_down, layout.heart_left
    ascending = [(6 + left, 8, -52 - down, 15 * w), (-10, 18, -28, 15.5 * w), (-19 - out, 21, -4, 14.5 * w)]
    arch = [(-15 - out, 15, 12 + up, 14 * w), (-4, 3, 21 + up, 13 * w), (10, -18, 21 + up, 12.5 * w)]
    arch += [(22 + out, -38, 12 + up * 0.8, 12 * w), (26 + out, -47, -4, 11.8 * w)]
    descending = [(25 + out * 1.2, -47, -40, 11.4 * w), (20 + out, -49, -80, 11 * w), (10, -47, -125, 10.5 * w)]
    descending += [(5, -44, -170, 10 * w), (4, -42, -240, 9.5 * w)]
    main = [(15 + left, 34, -54 - down, 13), (18, 28, -38, 13.5), (22, 14, -23, 13)]
    return [
        tube("aorta", ascending + arch + descending, BLOOD, 52.0, 1.2),
        tube("pulmonary trunk", main, BLOOD),
        tube("right pulmonary artery", [main[1], (4, -2, -23, 12), (-16, -8, -25, 11), (-38, -12, -29, 9.4)], BLOOD),
        tube("left pulmonary artery", [main[2], (29, 0, -16, 11.5), (38, -16, -12, 10.4), (44, -30, -18, 9.4)], BLOOD),
        tube(
            "superior vena cava",
            [(-27, 13, 40, 8 * v), (-27, 7, 26, 8.6 * v), (-28, 5, -10, 9 * v), (-26, 4, -48, 10 * v)],
            BLOOD,
        ),
        tube(
            "left brachiocephalic vein",
            [(54, 34, 76, 5.6 * v), (36, 34, 62, 6 * v), (12, 30, 44 + up * 0.4, 6.4 * v), (-25, 13, 36, 7 * v)],
            BLOOD,
        ),
        tube(
            "right brachiocephalic vein",
            [(-54, 34, 76, 5.8 * v), (-36, 35, 61, 6.6 * v), (-29, 20, 44, 7.2 * v), (-27, 13, 36, 7.6 * v)],
            BLOOD,
        ),
        tube(
            "brachiocephalic artery",
            [(-9, 10, 24 + up, 7), (-12, 8, 40 + up, 6.4), (-22, 4, 60, 6.2), (-25, 3, 72, 5)],
            BLOOD,
        ),
        tube("left carotid artery", [(0, 2, 26 + up, 4.4), (8, 2, 46, 4), (17, 0, 72, 3.8), (22, -2, 130, 3.8)], BLOOD),
        tube("right carotid artery", [(-25, 3, 70, 4.2), (-22, 0, 92, 3.8), (-22, -2, 130, 3.8)], BLOOD),
        tube(
            "left subclavian artery",
            [(10, -14, 28 + up, 5.4), (17, -13, 56, 5), (32, -6, 86, 4.8), (62, 4, 92, 4.6), (96, 0, 80, 4.4)],
            BLOOD,
        ),
        tube(
            "right subclavian artery",
            [(-25, 3, 70, 4.8), (-42, -2, 90, 4.6), (-70, 4, 92, 4.6), (-98, 0, 80, 4.4)],
            BLOOD,
        ),
        tube("left jugular vein", [(38, 33, 64, 5.4), (36, 16, 90, 5.4), (32, 6, 130, 5.4)], BLOOD),
        tube("right jugular vein", [(-38, 29, 62, 5.8), (-36, 16, 92, 5.8), (-33, 6, 130, 6)], BLOOD),
        tube("azygos arch", [(-27, 0, 4, 4.2), (-26, -18, 10, 4.2), (-16, -38, 8, 4), (-9, -46, -6, 3.4)], BLOOD),
        tube("azygos vein", [(-9, -46, -6, 3.4), (-6, -44, -70, 3.2), (-5, -44, -170, 2.8)], BLOOD),
        tube(
            "inferior vena cava",
            [(-25 + left, 2, -98 - down, 13), (-26, -4, -122, 12.5), (-24, -14, -160, 12), (-22, -20, -240, 11)],
            BLOOD,
        ),
        tube("right superior pulmonary vein", [(-20, -6, -54 - down, 8), (-36, 4, -48, 7), (-44, 10, -40, 6)], BLOOD),
        tube("right inferior pulmonary vein", [(-20, -18, -66 - down, 8), (-40, -26, -68, 7.4)], BLOOD),
        tube("left superior pulmonary vein", [(26, -8, -50 - down, 7.6), (38, 0, -42, 7), (46, 6, -34, 6)], BLOOD),
        tube("left inferior pulmonary vein", [(24, -18, -62 - down, 8), (42, -30, -64, 7.2)], BLOOD),
        tube("thyroid right", [(-17, 4, 92, 4), (-18, 4, 104, 8), (-17, 3, 128, 7)], 95.0),
        tube("thyroid left", [(17, 4, 92, 4), (18, 4, 104, 8), (17, 3, 128, 7)], 95.0),
    ]


def _pacemaker_leads(layout: Layout) -> list[Tube]:
    """Wires from below the left collar bone through the upper vena cava to the right heart."""
    down, left = layout.heart_down, layout.heart_left
    way = [
        (92, 62, 40, 1.1),
        (70, 30, 74, 1.1),
        (44, 14, 64, 1.1),
        (0, 26, 40, 1.1),
        (-26, 8, 24, 1.1),
        (-27, 5, -40, 1.1),
    ]
    ventricle = [(-22 + left, 10, -74 - down, 1.1), (8 + left, 32, -100 - down, 1.1), (28 + left, 42, -108 - down, 1.4)]
    atrium = [(-18 + left, 24, -64 - down, 1.1), (-16 + left, 30, -54 - down, 1.3)]
    return [tube("ventricular lead", way + ventricle, 3000.0), tube("atrial lead", way + atrium, 3000.0)]


def _airways(layout: Layout) -> list[Tube]:
    """Windpipe, main bronchi and gullet."""
    aside = -layout.trachea_right
    trachea = [(0, -2, 130, 9), (aside * 0.5, -4, 90, 9), (aside, -12, 45, 9), (-3, -22, 4, 9.2)]
    right = [(-3, -22, 4, 8), (-18, -25, -13, 7.4), (-30, -27, -25, 6.8), (-38, -28, -36, 5.8)]
    left = [(-3, -22, 4, 7.5), (14, -25, -15, 6.8), (30, -29, -28, 6.2), (42, -33, -36, 5.6)]
    gullet = [(4, -18, 130, 6), (5, -24, 70, 6.5), (4, -34, 20, 6.5), (6, -38, -40, 6.5), (12, -36, -95, 7)]
    gullet += [(20, -28, -118, 7.5), (30, -12, -132, 8)]
    return [
        tube("gullet", gullet, 40.0),
        tube("windpipe", trachea, AIR, 45.0, 1.6),
        tube("right main bronchus", right, AIR, 45.0, 1.4),
        tube("left main bronchus", left, AIR, 45.0, 1.4),
    ]
