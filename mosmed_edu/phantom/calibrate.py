"""Are the drawn lesions like real ones? Masks of drawn CT-1 studies measured, beside the dataset's 50 masks.

The figures of the real masks are quantiles; nothing of the masks themselves is kept here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.measure import label, regionprops
from tqdm.auto import tqdm

from mosmed_edu.boxes import box_round
from mosmed_edu.errors import DrawingError
from mosmed_edu.phantom.draw import draw
from mosmed_edu.phantom.people import Disease, Patient
from mosmed_edu.phantom.workers import run_all, worker_count
from mosmed_edu.volume import Volume

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)

#: More would take days, and tell no more of a quantile.
_MOST_STUDIES = 10_000

#: Quantiles (5, 25, 50, 75 and 95 %) of the dataset's 50 masks, all CT-1, for each measure that `measure` takes.
REAL = {
    "lesion volume, mL": (10.6, 26, 66, 109, 223),
    "components": (8, 18, 44, 73, 168),
    "largest component's share": (0.24, 0.35, 0.55, 0.81, 0.98),
    "share of slices with lesion": (0.13, 0.25, 0.40, 0.51, 0.61),
    "z centre of mass (0 lowest slice, 1 highest)": (0.28, 0.37, 0.44, 0.52, 0.61),
    "y centre of mass, mm in front of the image centre": (-74, -54, -43, -12, 43),
    "share on the left image half": (0.02, 0.23, 0.44, 0.79, 0.99),
    "component volume, mL": (0.003, 0.007, 0.020, 0.095, 3.2),
    "area per slice with lesion, mm2": (43, 165, 428, 991, 2062),
    "solidity of 2-D components over 30 pixels": (0.50, 0.65, 0.75, 0.82, 0.90),
    "4 pi area / perimeter2": (0.09, 0.20, 0.37, 0.57, 0.87),
}

#: Share of the components below this volume, in the real masks.
CRUMB_ML, REAL_CRUMBS = 0.1, 0.75

#: A 2-D component's shape is measured from this many pixels up.
_SHAPE_PIXELS = 30


def measure(mask: Volume) -> dict[str, list[float]]:
    """Measures of one mask, under the names of `REAL`; several values where there is one per component or slice.

    Parameters
    ----------
    mask : Volume of bool, axes LAS, not empty

    Returns
    -------
    measures : dict of list
    """
    data, (dx, dy, _) = mask.data, mask.spacing
    total = int(data.sum())
    parts, _ = ndimage.label(data[box_round(data, (0, 0, 0))], np.ones((3, 3, 3)))
    volumes = np.bincount(parts.ravel())[1:] * mask.voxel_ml
    per_i, per_j, per_k = data.sum((1, 2)), data.sum((0, 2)), data.sum((0, 1))
    shapes = [part for k in np.flatnonzero(per_k) for part in _parts(data[..., k])]
    heights, depths = np.arange(data.shape[2]), np.arange(data.shape[1])
    values = (
        [total * mask.voxel_ml],
        [float(len(volumes))],
        [volumes.max() / volumes.sum()],
        [float((per_k > 0).mean())],
        [(per_k * heights).sum() / total / max(data.shape[2] - 1, 1)],
        [((per_j * depths).sum() / total - (data.shape[1] - 1) / 2) * dy],
        [per_i[data.shape[0] // 2 :].sum() / total],
        volumes.tolist(),
        (per_k[per_k > 0] * dx * dy).tolist(),
        [part.solidity for part in shapes],
        [4 * np.pi * part.area / max(part.perimeter, 1) ** 2 for part in shapes],
    )
    return dict(zip(REAL, values, strict=True))


def calibration_table(
    studies: int = 50, matrix: int = 512, workers: int | None = None, progress: bool = True
) -> Calibration:
    """Draw CT-1 studies and measure their masks.

    Parameters
    ----------
    studies : int
    matrix : int
        512 as in the dataset; smaller is faster, but crumbs are then larger.
    workers : int, optional
        Processes; as many as cores and memory allow by default.
    progress : bool
        Show a progress bar.

    Returns
    -------
    calibration : Calibration
        Prints as a table.

    Raises
    ------
    DrawingError
        If so many studies, or studies of this size, cannot be drawn.
    """
    if not 1 <= studies <= _MOST_STUDIES:
        raise DrawingError(f"{studies} studies", "cannot be drawn", f"ask for 1 to {_MOST_STUDIES}")
    jobs = [(seed, matrix) for seed in range(studies)]
    results = run_all(_draw_and_measure, jobs, workers or worker_count(studies))
    return _pool(list(tqdm(results, "Drawing CT-1 studies", studies, unit="study", disable=not progress)))


def calibration_of(masks: Iterable[Volume]) -> Calibration:
    """Measure masks that are there already.

    Parameters
    ----------
    masks : iterable of Volume of bool or whole numbers, axes LAS, none of them empty

    Returns
    -------
    calibration : Calibration

    Examples
    --------
    >>> from mosmed_edu.phantom import Disease, Patient, draw
    >>> from mosmed_edu.phantom.calibrate import calibration_of
    >>> study = draw(Patient(seed=1), Disease("CT-1", 0.1, seed=1), matrix=96)
    >>> calibration_of([study.mask]).drawn.loc["share of slices with lesion", "50%"] > 0.1
    np.True_
    """
    return _pool([measure(mask) for mask in masks])


def _pool(rows: list[dict[str, list[float]]]) -> Calibration:
    """Quantiles over what was measured of each mask."""
    pooled = {name: np.concatenate([row[name] for row in rows]) for name in REAL}
    table = pd.DataFrame(
        {name: np.quantile(values, QUANTILES) for name, values in pooled.items()},
        index=[f"{q:.0%}" for q in QUANTILES],
    ).T
    return Calibration(table, float((pooled["component volume, mL"] < CRUMB_ML).mean()))


@dataclass(frozen=True)
class Calibration:
    """Quantiles of the drawn masks, one row per measure, and the share of components below `CRUMB_ML`."""

    drawn: pd.DataFrame
    crumbs: float

    def within(self) -> pd.Series:
        """Whether each drawn median lies between the real masks' 25 and 75 % quantiles."""
        real = pd.DataFrame(REAL, index=self.drawn.columns).T
        return self.drawn["50%"].between(real["25%"], real["75%"])

    def __str__(self) -> str:
        def row(numbers) -> str:
            return " / ".join(f"{number:.3g}" for number in numbers)

        lines = [f"{'measure':<52} {'drawn, 5/25/50/75/95 %':<38} {'real':<36} median within"]
        for name, inside in self.within().items():
            verdict = "yes" if inside else "NO"
            lines.append(f"{name:<52} {row(self.drawn.loc[name]):<38} {row(REAL[name]):<36} {verdict}")
        lines.append(f"components below {CRUMB_ML} mL: {self.crumbs:.0%} (real {REAL_CRUMBS:.0%})")
        return "\n".join(lines)


def _draw_and_measure(job: tuple[int, int]) -> dict[str, list[float]]:
    seed, matrix = job
    return measure(draw(Patient.sample(seed), Disease.sample("CT-1", seed), matrix=matrix).mask)


def _parts(plane: np.ndarray) -> list:
    """Connected parts of one slice that are large enough to have a shape."""
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    cut = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = label(np.pad(cut, 1), connectivity=2)
    return [part for part in regionprops(found) if part.area > _SHAPE_PIXELS]


if __name__ == "__main__":
    from mosmed_edu.phantom.calibrate import calibration_table as table  # by its name, for the workers

    print(table())
