"""MosMed-Edu: load, window, draw and measure chest CT in the layout of MosMedData COVID19_1110. Not for diagnosis."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mosmed_edu.dataset import Dataset, Study, open_dataset
    from mosmed_edu.nifti import read_nifti
    from mosmed_edu.viewer import view
    from mosmed_edu.volume import Volume
    from mosmed_edu.windowing import WINDOWS, Window, apply_window

__all__ = ["WINDOWS", "Dataset", "Study", "Volume", "Window", "apply_window", "open_dataset", "read_nifti", "view"]

__version__ = "0.1.0"

#: Where each name is. Imported when it is asked for: the command line can answer Ctrl-C before anything is loaded, and
#: who reads and measures does not wait for what draws.
_HOMES = {
    "dataset": ("Dataset", "Study", "open_dataset"),
    "nifti": ("read_nifti",),
    "viewer": ("view",),
    "volume": ("Volume",),
    "windowing": ("WINDOWS", "Window", "apply_window"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
