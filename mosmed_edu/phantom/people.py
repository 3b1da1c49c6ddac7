"""Who is drawn: a patient, a disease, and the findings that make reading hard.

All three are plain descriptions. Everything that is random about a drawing follows from them and their seeds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import isfinite

import numpy as np

from mosmed_edu.errors import DrawingError
from mosmed_edu.layout import CATEGORIES

#: First number of the seed sequences, so that a patient, a disease and findings of the same seed are independent.
_PATIENT, _DISEASE, _FINDINGS = 101, 102, 103


@dataclass(frozen=True)
class Patient:
    """A person to draw.

    Parameters
    ----------
    age : float
        Years, 18 to 100: the dataset has adults only.
    sex : {'F', 'M'}
    bmi : float
        Body mass index in kg/m2, 14 to 60. Decides how much fat is drawn.
    habitus : float
        Build, -2 (flat and slender chest) to 2 (deep and broad), 0 the average.
    seed : int
        Decides everything else about the anatomy.

    Raises
    ------
    DrawingError
        If a value is out of range.

    Examples
    --------
    >>> from mosmed_edu.phantom import Patient
    >>> Patient(age=47, sex="F", bmi=26, seed=1).sex
    'F'
    >>> Patient.sample(7) == Patient.sample(7)
    True
    """

    age: float = 48.0
    sex: str = "F"
    bmi: float = 26.0
    habitus: float = 0.0
    seed: int = 0

    def __post_init__(self):
        _between("age", self.age, 18, 100, "years")
        _between("bmi", self.bmi, 14, 60, "kg/m2")
        _between("habitus", self.habitus, -2, 2)
        _check_seed(self.seed)
        if self.sex not in ("F", "M"):
            raise DrawingError(f"sex {self.sex!r}", "is not known here", "give 'F' or 'M'")

    @classmethod
    def sample(cls, seed: int) -> Patient:
        """Draw a patient as the dataset's were: 56 % female, median age 47 years, 18 to 97.

        The distribution of the body mass index is our assumption; the dataset does not give it.
        """
        rng = np.random.default_rng([_PATIENT, _check_seed(seed)])
        return cls(
            age=round(float(np.clip(rng.normal(48, 16), 18, 97)), 1),
            sex="F" if rng.random() < 0.57 else "M",
            bmi=round(float(np.clip(rng.normal(26.5, 4.2), 17, 42)), 1),
            habitus=round(float(np.clip(rng.normal(0, 0.7), -2, 2)), 2),
            seed=seed,
        )


@dataclass(frozen=True)
class Shares:
    """Which share of the involved volume each sign takes, 0 to 1. What is left is plain ground glass.

    Parameters
    ----------
    consolidation, crazy_paving : float
        Shares of the involved volume; together at most 1.
    reticulation : float
        How much reticulation is drawn outside the involved volume, 0 (none) to 1.
    subpleural_lines : float
        How far thin lines run along the pleura, 0 (none) to 1. They lie outside the involved volume too.
    reversed_halos, halos : int
        Rings of consolidation round ground glass (atoll sign), and solid nodules in a rim of ground glass, 0 to 5 each.
        They are part of the involved volume and of its consolidation; what does not fit into these is left out.
    """

    consolidation: float = 0.12
    crazy_paving: float = 0.08
    reticulation: float = 0.0
    subpleural_lines: float = 0.0
    reversed_halos: int = 0
    halos: int = 0

    def __post_init__(self):
        for entry in fields(self):
            high = 5 if entry.name in ("reversed_halos", "halos") else 1
            _between(f"share of {entry.name}", getattr(self, entry.name), 0, high)
        _between("consolidation + crazy_paving", self.consolidation + self.crazy_paving, 0, 1)

    @property
    def ground_glass(self) -> float:
        """Share of the involved volume that is neither consolidation nor crazy paving."""
        return 1 - self.consolidation - self.crazy_paving


@dataclass(frozen=True)
class Distribution:
    """Where in the lungs the disease lies.

    Parameters
    ----------
    peripheral, posterior, basal : float
        -1 (the opposite) over 0 (no preference) to 1 (COVID-19 as usually seen) and up to 2 (more so).
    left : float
        Share of the involvement that lies in the left lung, 0 to 1.
    """

    peripheral: float = 1.0
    posterior: float = 1.0
    basal: float = 1.0
    left: float = 0.47

    def __post_init__(self):
        for name in ("peripheral", "posterior", "basal"):
            _between(name, getattr(self, name), -1, 2)
        _between("left", self.left, 0, 1)


@dataclass(frozen=True)
class Disease:
    """How much viral pneumonia, of which signs, and where.

    Parameters
    ----------
    category : str
        What a reader calls it, 'CT-0' to 'CT-4'. It need not agree with the fraction: readers err.
    fraction : float
        Share of the lungs' volume that is involved, 0 to 1.
    shares : Shares
    distribution : Distribution
    seed : int
        Decides where exactly the lesions lie.

    Raises
    ------
    DrawingError
        If a value is out of range, or CT-0 comes with an involved fraction.

    Examples
    --------
    >>> from mosmed_edu.phantom import Disease
    >>> Disease("CT-2", fraction=0.3, seed=5).fraction
    0.3
    >>> Disease.sample("CT-0", seed=5).fraction
    0.0
    """

    category: str = "CT-0"
    fraction: float = 0.0
    shares: Shares = field(default_factory=Shares)
    distribution: Distribution = field(default_factory=Distribution)
    seed: int = 0

    def __post_init__(self):
        if self.category not in CATEGORIES:
            raise DrawingError(f"category {self.category!r}", "is not known", f"give one of {', '.join(CATEGORIES)}")
        _between("fraction", self.fraction, 0, 1)
        _check_seed(self.seed)
        if self.category == "CT-0" and self.fraction > 0:
            raise DrawingError(
                f"fraction {self.fraction:g}", "does not go with CT-0", "give fraction=0, or another category"
            )

    @classmethod
    def sample(cls, category: str, seed: int) -> Disease:
        """Draw a disease that a reader would put into this category.

        The fraction is drawn first, from all that this category is given to (`reading`); so some fractions lie beyond
        the category's limits, as in life.
        """
        from mosmed_edu.phantom.reading import sample_extent

        if category not in CATEGORIES:
            raise DrawingError(f"category {category!r}", "is not known", f"give one of {', '.join(CATEGORIES)}")
        rng = np.random.default_rng([_DISEASE, _check_seed(seed)])
        if category == "CT-0":
            return cls(seed=seed)
        fraction, left = sample_extent(category, rng)
        a, b = {"CT-1": (1.2, 9), "CT-2": (2, 8), "CT-3": (2.2, 9), "CT-4": (3, 9)}[category]
        consolidation = rng.beta(a, b)
        crazy = rng.beta(1.4, 9) * (rng.random() < (0.35 if category == "CT-1" else 0.7))
        shares = Shares(
            round(float(consolidation), 3),
            round(float(crazy * (1 - consolidation)), 3),
            round(float(rng.beta(1.5, 4) * (rng.random() < 0.45)), 3),
            round(float(rng.uniform(0.2, 0.9) * (rng.random() < 0.3)), 3),
            int(rng.random() < 0.12),
            int(rng.random() < 0.08),
        )
        where = np.clip(rng.normal([1.0, 1.0, 1.0], [0.25, 0.3, 0.35]), -1, 2)
        return cls(category, fraction, shares, Distribution(*(round(float(x), 2) for x in where), left), seed)


@dataclass(frozen=True)
class Findings:
    """What else the study shows: the things that make grading hard. All off by default.

    Parameters
    ----------
    dependent_atelectasis : float
        Haze along the back of the lungs that gravity makes, 0 (none) to 1.
    expiration : float
        0 a full breath in, 1 breathed out: smaller, denser lungs, higher diaphragm.
    emphysema : float
        0 to 1.
    apical_scars : float
        Old scars at the tops of the lungs, 0 to 1.
    nodules : int
        Number of small solid nodules, 0 to 20.
    effusion_left_ml, effusion_right_ml : float
        Pleural fluid in mL, 0 to 400.
    motion : float
        Breathing and heart motion, 0 to 1.
    metal : bool
        Metal in the chest (a pacemaker), with its streaks.
    aortic_calcification, coronary_calcification : float
        0 to 1.
    lobar_pneumonia : int
        A lobe (a number of `LOBES`) filled by a bacterial pneumonia, 0 for none. It is not marked in the mask.
    """

    dependent_atelectasis: float = 0.0
    expiration: float = 0.0
    emphysema: float = 0.0
    apical_scars: float = 0.0
    nodules: int = 0
    effusion_left_ml: float = 0.0
    effusion_right_ml: float = 0.0
    motion: float = 0.0
    metal: bool = False
    aortic_calcification: float = 0.0
    coronary_calcification: float = 0.0
    lobar_pneumonia: int = 0

    def __post_init__(self):
        high = {"nodules": 20, "effusion_left_ml": 400, "effusion_right_ml": 400, "metal": 1, "lobar_pneumonia": 5}
        for entry in fields(self):
            _between(entry.name, getattr(self, entry.name), 0, high.get(entry.name, 1))

    @classmethod
    def sample(cls, patient: Patient, disease: Disease, seed: int) -> Findings:
        """Draw findings as often as out-patients of this age might have them. The frequencies are our assumption."""
        rng = np.random.default_rng([_FINDINGS, _check_seed(seed)])
        age = patient.age

        def sometimes(probability: float, low: float = 0.2, high: float = 1.0) -> float:
            value, shown = rng.uniform(low, high), rng.random() < probability
            return round(float(value), 2) if shown else 0.0

        sick = CATEGORIES.index(disease.category)
        effusion = [round(float(rng.uniform(25, 220)) * (rng.random() < 0.02 + 0.025 * sick)) for _ in range(2)]
        lobar = int(rng.integers(1, 6)) * bool(rng.random() < 0.04 * (disease.category == "CT-0"))
        return cls(
            dependent_atelectasis=sometimes(0.3),
            expiration=sometimes(0.12, 0.2, 0.8),
            emphysema=sometimes(0.02 + 0.003 * max(age - 40, 0)),
            apical_scars=sometimes(0.05 + 0.004 * max(age - 30, 0)),
            nodules=int(rng.poisson(0.35)),
            effusion_left_ml=effusion[0],
            effusion_right_ml=effusion[1],
            motion=sometimes(0.15 + 0.05 * sick),
            metal=bool(rng.random() < 0.0006 * max(age - 40, 0)),
            aortic_calcification=sometimes(np.clip((age - 48) / 32, 0, 0.9)),
            coronary_calcification=sometimes(np.clip((age - 52) / 45, 0, 0.7)),
            lobar_pneumonia=lobar,
        )

    def shown(self) -> dict[str, float]:
        """Name and amount of every finding that is not zero."""
        return {name: value for name, value in asdict(self).items() if value}


def _between(name: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse what is no number or lies outside a range."""
    if not isinstance(value, (int, float, np.number)) or not isfinite(value) or not low <= value <= high:
        raise DrawingError(f"{name} {value!r}", "cannot be drawn", f"give {low:g} to {high:g} {unit}".rstrip())


def _check_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise DrawingError(f"seed {seed!r}", "is no whole number from 0", "give a number such as 7")
    return int(seed)
