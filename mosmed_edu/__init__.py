"""MosMed-Edu: load, window, draw and measure chest CT in the layout of MosMedData COVID19_1110. Not for diagnosis."""

from mosmed_edu.dataset import Dataset, Study, open_dataset
from mosmed_edu.nifti import read_nifti
from mosmed_edu.volume import Volume
from mosmed_edu.windowing import WINDOWS, Window, apply_window

__all__ = ["WINDOWS", "Dataset", "Study", "Volume", "Window", "apply_window", "open_dataset", "read_nifti", "view"]

__version__ = "0.1.0"


def __getattr__(name: str):
    """Import `view` when it is asked for: who reads and measures should not wait for what draws."""
    if name == "view":
        from mosmed_edu.viewer import view

        return view
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
