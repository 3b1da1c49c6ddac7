"""What the scanner makes of the chest: blur, noise, streaks, whole Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from mosmed_edu.errors import DrawingError
from mosmed_edu.phantom.chest import Chest
from mosmed_edu.phantom.contours import direction_bin
from mosmed_edu.phantom.frame import Frame

#: Number of this stage in a patient's seed sequence.
_STAGE = 31

#: Noise patterns from which the noise of every slice is put together.
_PATTERNS = 12


@dataclass(frozen=True)
class Scanner:
    """How a study was taken.

    Parameters
    ----------
    noise_hu : float
        Standard deviation of the noise in the middle of the chest, in HU.
    blur_mm : float
        Standard deviation of the blur within a slice.
    sharpness : float
        Spatial frequency, in 1/mm, at which the kernel has fallen to 1/e: higher is sharper and grainier.
    field : float
        Field of view against the usual one for this patient: larger is a larger pixel.

    Raises
    ------
    DrawingError
        If a value is out of range.
    """

    noise_hu: float = 16.0
    blur_mm: float = 0.5
    sharpness: float = 0.44
    field: float = 1.0

    def __post_init__(self):
        limits = {"noise_hu": (0, 200), "blur_mm": (0.05, 5), "sharpness": (0.05, 3), "field": (0.8, 1.6)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise DrawingError(f"scanner's {name} {value!r}", "cannot be drawn", f"give {low} to {high}")


@dataclass(frozen=True)
class Artefacts:
    """What spoils the image, per slice.

    Parameters
    ----------
    shoulders : array (k,)
        0 to 1: how much bone the rays cross sideways: streaks and more noise.
    motion_mm : array (k, 2)
        How far the chest moved along x and y while the slice was taken, at the heart and the base of the lungs.
    metal : array (k,) of bool
        Slices with a block of metal.
    metal_xy_mm : tuple of 2 float
        Where the block lies.
    """

    shoulders: np.ndarray
    motion_mm: np.ndarray
    metal: np.ndarray
    metal_xy_mm: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, chest: Chest, frame: Frame) -> Artefacts:
        """Those of a patient and their findings."""
        z = frame.z_mm / chest.pose.scale[2]
        rng = chest.rng(32)
        # The heart beats and the diaphragm moves; the top of the chest lies still.
        beat = chest.findings.motion * np.clip((-z - 5) / 60, 0, 1) * rng.uniform(0.3, 1, len(z))
        motion = beat[:, None] * (np.array([[4.5, 3.5]]) * rng.choice([-1, 1], (len(z), 2)))
        block = (z > 18) & (z < 62) & bool(chest.findings.metal)
        toward = np.array([92.0, 62.0]) / np.hypot(92, 62)
        surface = chest.muscle(np.array([40.0]))[0, direction_bin(*toward)] + 4
        place = chest.pose.to_patient(np.array([[*(surface * toward), 40.0]]))[0]
        return cls(np.clip((z - 45) / 40, 0, 1), motion, block, (float(place[0]), float(place[1])))


def form_image(
    hu: np.ndarray, frame: Frame, scanner: Scanner, seed: int, artefacts: Artefacts, body: tuple
) -> np.ndarray:
    """Blur a drawn chest, add the scanner's noise, and round it to whole Hounsfield units.

    The noise has the power spectrum of filtered back-projection (Kijewski and Judy 1987): little at low frequencies,
    most in the middle, none beyond the kernel's limit.

    Parameters
    ----------
    hu : float32 array (i, j, k)
        Used up: slices are overwritten.
    frame : Frame
    scanner : Scanner
    seed : int
    artefacts : Artefacts
    body : tuple of 2 slice
        What lies outside is air and table, and stays as sharp as it is.

    Returns
    -------
    ct : int16 array (i, j, k)
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STAGE]))
    patterns = _noise_patterns(rng, frame, scanner)
    streaks = _streak_patterns(rng, frame)
    ct = np.empty(hu.shape, np.int16, order="F")
    r2 = (frame.x_mm[:, None] / 170) ** 2 + ((frame.y_mm[None, :] + 10) / 130) ** 2
    strength = np.float32(scanner.noise_hu) * (0.62 + 0.45 * np.exp(-r2)).astype(np.float32, order="F")
    sigma = scanner.blur_mm / frame.pixel_mm
    shoulders = artefacts.shoulders
    near_heart = _near_heart(frame)
    for k in range(frame.slices):
        if artefacts.motion_mm[k].any():
            _move(hu[..., k], near_heart, artefacts.motion_mm[k] / frame.pixel_mm)
        if artefacts.metal[k]:
            _place_metal(hu[..., k], frame, artefacts.metal_xy_mm)
        plane = hu[..., k]
        plane[body] = _blur(plane[body], sigma)
        first, second = rng.choice(len(patterns), 2, replace=False)
        shifts = rng.integers(0, frame.matrix, (3, 2))
        noise = np.roll(patterns[first], shifts[0], (0, 1))
        noise += np.roll(patterns[second], shifts[1], (0, 1))
        noise *= strength * np.float32(np.sqrt(0.5) * (1 + 0.55 * shoulders[k]))
        plane += noise
        if shoulders[k] > 0:
            streak = np.roll(streaks[k % len(streaks)], shifts[2], (0, 1))
            plane += streak * (np.float32(16 * shoulders[k]) * (plane > -900))
        np.rint(plane, out=plane)
        np.clip(plane, -1024, 3071, out=plane)
        ct[..., k] = plane
    return ct


def _blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of a few pixels: scipy's does the same, in six times the time."""
    reach = int(2.5 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights = (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)
    for axis in (0, 1):
        blurred = plane * weights[0]
        for step in range(1, reach + 1):
            ahead, behind = (slice(step, None),), (slice(None, -step),)
            if axis:
                ahead, behind = (slice(None), *ahead), (slice(None), *behind)
            blurred[behind] += weights[step] * plane[ahead]
            blurred[ahead] += weights[step] * plane[behind]
            # Beyond the edge lies what lies at the edge.
            for edge, line in ((slice(None, 1), slice(None, step)), (slice(-1, None), slice(-step, None))):
                edge, line = ((slice(None), part) if axis else (part,) for part in (edge, line))
                blurred[line] += weights[step] * plane[edge]
        plane = blurred
    return plane


def _near_heart(frame: Frame) -> np.ndarray:
    """Where breath and heartbeat move the chest: 1 at the heart, 0 at the wall."""
    x, y = frame.x_mm[:, None] - 25, frame.y_mm[None, :] - 10
    return np.exp(-((x / 95) ** 2) - (y / 75) ** 2).astype(np.float32)


def _move(plane: np.ndarray, near_heart: np.ndarray, shift: np.ndarray) -> None:
    """Mix a slice with itself a little further on: double contours, as half of the rays saw it there."""
    i, j = np.rint(shift).astype(int)
    if i or j:
        plane += np.float32(0.5) * near_heart * (np.roll(plane, (i, j), (0, 1)) - plane)


def _place_metal(plane: np.ndarray, frame: Frame, place: tuple[float, float]) -> None:
    """A flat block of metal under the skin, with the dark and bright rays that it sends out."""
    x, y = frame.x_mm[:, None] - place[0], frame.y_mm[None, :] - place[1]
    lean = 0.45
    u, v = np.cos(lean) * x - np.sin(lean) * y, np.sin(lean) * x + np.cos(lean) * y
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    rays = np.cos(2 * angle) + 0.6 * np.sin(7 * angle) + 0.5 * np.sin(17 * angle + 1) + 0.4 * np.sin(31 * angle)
    plane += (rays * 420 * np.exp(-radius / 55) * np.clip(radius / 14, 0, 1)).astype(np.float32)
    plane[((u / 20) ** 4 + (v / 5) ** 4) < 1] = 3071


def _noise_patterns(rng: np.random.Generator, frame: Frame, scanner: Scanner) -> list[np.ndarray]:
    """Noise of standard deviation 1, in the order of the volume's memory; two patterns from every transform."""
    n = frame.matrix
    f = np.hypot(*np.meshgrid(fft.fftfreq(n, frame.pixel_mm), fft.fftfreq(n, frame.pixel_mm))).astype(np.float32)
    gain = np.sqrt(f + np.float32(0.012)) * np.exp(-((f / np.float32(scanner.sharpness)) ** 2))
    gain *= n / np.sqrt((gain**2).sum())
    patterns = []
    for _ in range(_PATTERNS // 2):
        white = rng.standard_normal((n, n, 2), dtype=np.float32).view(np.complex64)[..., 0]
        pattern = fft.ifft2(white * gain, norm="ortho")
        patterns += [np.asfortranarray(pattern.real), np.asfortranarray(pattern.imag)]
    return patterns


def _streak_patterns(rng: np.random.Generator, frame: Frame) -> list[np.ndarray]:
    """Horizontal streaks of standard deviation 1, as photon starvation across the shoulders makes them."""
    n = frame.matrix
    streaks = []
    for _ in range(3):
        pattern = rng.standard_normal((n, n), dtype=np.float32)
        for _ in range(2):
            pattern = uniform_filter1d(pattern, max(int(140 / frame.pixel_mm), 3), axis=0)
        pattern = gaussian_filter1d(pattern, 0.9 / frame.pixel_mm, axis=1)
        streaks.append(np.asfortranarray(pattern / pattern.std()))
    return streaks
