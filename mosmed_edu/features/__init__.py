"""One study to a row of numbers with names and units; a cohort to a table, on any `concurrent.futures` executor.

`measure_study` measures one scan, `describe_features` says what each number is, and `measure_cohort` goes through many:
it keeps their order, goes on after a bad file, remembers what it has measured and shows how far it is. `measure_cost`
says what it takes.
"""

from mosmed_edu.features.cohort import measure_cohort
from mosmed_edu.features.cost import measure_cost
from mosmed_edu.features.invented import invent_cohort
from mosmed_edu.features.names import BANDS_HU, FEATURES, VERSION, Feature, describe_features, feature_names
from mosmed_edu.features.pool import process_pool
from mosmed_edu.features.study import BLUR_MM, INVOLVED_HU, involved_voxels, measure_study

__all__ = [
    "BANDS_HU",
    "BLUR_MM",
    "FEATURES",
    "INVOLVED_HU",
    "VERSION",
    "Feature",
    "describe_features",
    "feature_names",
    "invent_cohort",
    "involved_voxels",
    "measure_cohort",
    "measure_cost",
    "measure_study",
    "process_pool",
]
