"""Draw synthetic chest CT studies in the layout of MosMedData. They show no patient; not for diagnosis."""

from mosmed_edu.phantom.cohort import cached_dataset, write_dataset
from mosmed_edu.phantom.draw import Drawing, draw
from mosmed_edu.phantom.image import Scanner
from mosmed_edu.phantom.lung_space import LOBES
from mosmed_edu.phantom.people import Disease, Distribution, Findings, Patient, Shares
from mosmed_edu.phantom.plans import GENERATOR_VERSION, PLANS, Plan
from mosmed_edu.phantom.signs import SIGNS

__all__ = [
    "GENERATOR_VERSION",
    "LOBES",
    "PLANS",
    "SIGNS",
    "Disease",
    "Distribution",
    "Drawing",
    "Findings",
    "Patient",
    "Plan",
    "Scanner",
    "Shares",
    "cached_dataset",
    "draw",
    "write_dataset",
]
