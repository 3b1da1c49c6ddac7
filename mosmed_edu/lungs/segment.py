"""From a scan to its lungs, and to what speaks against them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mosmed_edu.errors import MaskError
from mosmed_edu.lungs.labels import LEFT, RIGHT
from mosmed_edu.lungs.outline import mend, tell_sides
from mosmed_edu.lungs.search import find_airways, find_body, find_bubbles, grow, without_gas
from mosmed_edu.lungs.turned import AIR_HU, Scan, Turned
from mosmed_edu.volume import Volume

#: What two lungs of an adult hold, in mL.
_USUAL_ML = 1000, 9000

#: Doubtful: so much of the lungs is mended, or the first or last slice holds more lung than this in mm2.
_MENDED, _CUT_MM2 = 0.25, 3000


@dataclass(frozen=True, eq=False)
class Lungs:
    """The lungs of a scan.

    Attributes
    ----------
    labels : Volume of uint8
        0 outside, `RIGHT` = 1 in the patient's right lung, `LEFT` = 2 in the left one. On the scan's own grid.
    doubts : tuple of str
        Why not to trust it, in words; empty where nothing speaks against it.
    """

    labels: Volume
    doubts: tuple[str, ...]

    @cached_property
    def mask(self) -> Volume:
        """Both lungs: a Volume of bool."""
        return self.labels.with_data(self.labels.data > 0)

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.doubts

    @cached_property
    def ml(self) -> dict[str, float]:
        """Volume in mL of the right lung, of the left one, and of both."""
        right, left = (np.count_nonzero(self.labels.data == side) * self.labels.voxel_ml for side in (RIGHT, LEFT))
        return {"right": right, "left": left, "both": right + left}


def segment_lungs(ct: Volume) -> Lungs:
    """Find the lungs by threshold, components, hole filling and closing.

    Ground glass is in. Consolidation is in where aerated lung surrounds it on its slice. Where it lies at the chest
    wall, a patch up to about 30 mm wide comes back but for a few millimetres at the wall; a wider one is cut short, and
    a wholly solid lobe is lost (`doubts` says when much was mended). Windpipe and main bronchi are out, and so are the
    large vessels of the hilum; vessels within the lung are in.

    Parameters
    ----------
    ct : Volume
        Hounsfield units, in any orientation; slices up to 10 mm apart.

    Returns
    -------
    lungs : Lungs

    Raises
    ------
    LungsNotFound
        If no air within a body could be a lung: a constant volume, another part of the body.
    MaskError
        If voxels are no numbers (NaN).

    References
    ----------
    S. Hu, E. A. Hoffman, J. M. Reinhardt, Automatic lung segmentation for accurate quantitation of volumetric X-ray CT
    images, IEEE Transactions on Medical Imaging 20 (2001) 490-498.

    Examples
    --------
    >>> from mosmed_edu.phantom import Disease, Patient, draw
    >>> from mosmed_edu.lungs import segment_lungs
    >>> study = draw(Patient(seed=1), Disease("CT-1", fraction=0.1, seed=1), matrix=128)
    >>> lungs = segment_lungs(study.ct)
    >>> lungs.trusted, bool(abs(lungs.mask.data.sum() / study.lungs.data.sum() - 1) < 0.05)
    (True, True)
    """
    if ct.data.dtype.kind == "f" and not np.isfinite(ct.data).all():
        raise MaskError("volume", "has voxels that are no number (NaN)", "convert it again from the original")
    turned = Turned.of(ct)
    coarse = turned.coarse
    body = find_body(coarse.hu, coarse.mm)
    air = (coarse.hu < AIR_HU) & body
    airways = find_airways(coarse, air)
    air &= ~grow(airways, 2.0, coarse.mm)
    air = without_gas(air, coarse)
    sides = tell_sides(air, coarse)
    whole = mend(sides, coarse, airways)
    bubbles = find_bubbles(whole, airways, coarse)
    whole[bubbles] = sides[bubbles] = 0
    labels = turned.refine(whole, sides, airways)
    return Lungs(ct.with_data(turned.back(labels)), tuple(doubts_about(whole, sides, coarse)))


def doubts_about(whole: np.ndarray, sides: np.ndarray, scan: Scan) -> list[str]:
    """What speaks against a segmentation."""
    right, left = (np.count_nonzero(whole == side) * scan.voxel_ml for side in (RIGHT, LEFT))
    both, doubts = right + left, []
    if not _USUAL_ML[0] <= both <= _USUAL_ML[1]:
        doubts.append(f"the lungs hold {both:.0f} mL")
    if min(right, left) < 0.4 * max(right, left):
        doubts.append(f"one lung is much smaller ({right:.0f} mL right, {left:.0f} mL left)")
    mended = 1 - np.count_nonzero(sides) / max(np.count_nonzero(whole), 1)
    if mended > _MENDED:
        doubts.append(f"{mended:.0%} of it is dense and was mended; more may be missing")
    for name, k in (("lowest", 0), ("highest", -1)):
        if np.count_nonzero(whole[..., k]) * scan.pixel_mm2 > _CUT_MM2:
            doubts.append(f"the {name} slice still cuts through lung")
    return doubts
