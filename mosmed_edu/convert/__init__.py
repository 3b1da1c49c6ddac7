"""From DICOM to a dataset folder: one series a patient, every tenth slice, no name.

`headers` reads what sorting needs of every file, `categories` the list of who has what, `series` picks one series,
`stack` checks its geometry and thins it, `stored` whether a file can hold what its header says, `pixels` reads the
slices that are kept, `masks` fits somebody's mask to them, `folder` is what is written, `records` what an interrupted
run has finished of it, and `run` does it all.
"""

from mosmed_edu.convert.categories import read_categories
from mosmed_edu.convert.folder import Converted
from mosmed_edu.convert.headers import Header, read_headers
from mosmed_edu.convert.masks import read_mask
from mosmed_edu.convert.pixels import read_volume
from mosmed_edu.convert.run import Conversion, convert
from mosmed_edu.convert.series import choose_series, describe, is_like
from mosmed_edu.convert.stack import Stack, stack_slices

__all__ = [
    "Conversion",
    "Converted",
    "Header",
    "Stack",
    "choose_series",
    "convert",
    "describe",
    "is_like",
    "read_categories",
    "read_headers",
    "read_mask",
    "read_volume",
    "stack_slices",
]
