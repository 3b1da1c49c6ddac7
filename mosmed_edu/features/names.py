"""What each feature is called, its unit, and what it means: said once, for the code, the tables and the figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import MappingProxyType

import pandas as pd

#: Raised whenever a number may come out differently: rows measured by another version are measured again.
VERSION = 3

#: Limits between the bands of lung density, in HU. A convention: papers cut at other places.
BANDS_HU = (-900, -700, -500, -300)


@dataclass(frozen=True)
class Feature:
    """One column of the table.

    Attributes
    ----------
    group : str
        lungs, density, bands, involvement, texture: what is seen of the patient. scan: how the scan was made.
    unit : str
        HU, mL, mm, g, bits, HU/mm; ``share`` runs from 0 to 1, ``count`` is a whole number, ``1`` has no unit.
    meaning : str
        One line.
    """

    group: str
    unit: str
    meaning: str


_ZONES = {name: f"the {name} third of the lungs' height" for name in ("upper", "middle", "lower")}
_SIDES = {name: f"the {name} lung" for name in ("right", "left")}
_PERCENTILES = {
    f"hu_p{percent:02}": Feature("density", "HU", f"{percent} % of the lungs' voxels lie below it")
    for percent in (5, 25, 50, 75, 95)
}

#: Every feature in the order of the table's columns. "Lungs" are those of `mosmed_edu.lungs.segment_lungs`.
FEATURES = MappingProxyType(
    {
        "lung_ml": Feature("lungs", "mL", "volume of both lungs"),
        "right_share": Feature("lungs", "share", "part of the lungs' volume that is the right lung"),
        "lung_height_mm": Feature("lungs", "mm", "from the lowest to the highest slice with lung"),
        "tissue_g": Feature("lungs", "g", "weight of the lungs, taking -1000 HU as gas and 0 HU as 1 g per mL"),
        "hu_mean": Feature("density", "HU", "mean over the lungs"),
        "hu_sd": Feature("density", "HU", "standard deviation over the lungs"),
        "hu_skewness": Feature("density", "1", "how far the histogram leans to the dense side"),
        **_PERCENTILES,
        "band_air": Feature("bands", "share", "lung below -900 HU"),
        "band_aerated": Feature("bands", "share", "lung from -900 to below -700 HU"),
        "band_hazy": Feature("bands", "share", "lung from -700 to below -500 HU"),
        "band_dense": Feature("bands", "share", "lung from -500 to below -300 HU"),
        "band_solid": Feature("bands", "share", "lung from -300 HU up"),
        "involved": Feature("involvement", "share", "lung at or above the threshold after smoothing: both lungs"),
        **{
            f"involved_{name}": Feature("involvement", "share", f"the same for {part}")
            for name, part in {**_SIDES, **_ZONES}.items()
        },
        "fine_hu": Feature("texture", "HU", "spread of the detail that a 2 mm blur takes away"),
        "coarse_hu": Feature("texture", "HU", "spread of the structure between a 2 mm and an 8 mm blur"),
        "gradient_hu_mm": Feature("texture", "HU/mm", "mean steepness within the slices, after a 2 mm blur"),
        "entropy_bits": Feature("texture", "bits", "entropy of the lungs' histogram in bins of 25 HU"),
        "pixel_mm": Feature("scan", "mm", "distance between voxels within a slice"),
        "slices": Feature("scan", "count", "axial slices in the file"),
        "noise_hu": Feature("scan", "HU", "grain between neighbouring voxels of soft tissue"),
    }
)


def describe_features() -> pd.DataFrame:
    """What every feature is.

    Returns
    -------
    table : DataFrame
        Index: the feature's name. Columns ``group``, ``unit`` and ``meaning``.

    Examples
    --------
    >>> from mosmed_edu.features import describe_features
    >>> describe_features().loc["lung_ml", "unit"]
    'mL'
    """
    return pd.DataFrame([asdict(one) for one in FEATURES.values()], pd.Index(FEATURES, name="feature"))


def feature_names(*groups: str) -> list[str]:
    """Names of the features of some groups, in the table's order; without a group, of all that tell of the patient.

    Parameters
    ----------
    *groups : str
        As `describe_features` has them.

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        If there is no such group.

    Examples
    --------
    >>> from mosmed_edu.features import feature_names
    >>> feature_names("scan")
    ['pixel_mm', 'slices', 'noise_hu']
    >>> "pixel_mm" in feature_names()
    False
    """
    known = list(dict.fromkeys(one.group for one in FEATURES.values()))
    unknown = [group for group in groups if group not in known]
    if unknown:
        raise ValueError(f"unknown group {unknown[0]!r}; the groups are {', '.join(known)}")
    wanted = groups or tuple(group for group in known if group != "scan")
    return [name for name, one in FEATURES.items() if one.group in wanted]
