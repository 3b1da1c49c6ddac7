"""What a reader of a measurement must know: when it was made, on what machine, how fast and how busy that was."""

from __future__ import annotations

import os
import platform
import re
import timeit
from datetime import date
from pathlib import Path

#: Numbers that the yardstick adds: about a tenth of a second's work.
_ADDED = 2_000_000


def this_run() -> dict[str, str | int | float | None]:
    """Date, processor, its cores, millions of numbers that Python adds on one in a second, programs running on each.

    Machines are shared. Where half as many are added as on another day, seconds are twice as long for no fault of ours.
    """
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "added": round(_ADDED / min(timeit.repeat(_add, number=1, repeat=5)) / 1e6),
        "busy": round(os.getloadavg()[0] / (os.cpu_count() or 1), 1) if hasattr(os, "getloadavg") else None,
    }


def _add() -> None:
    total = 0
    for number in range(_ADDED):
        total += number


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        found = re.search(r"model name\s*: (.*)", described.read_text())
        if found:
            return found[1]
    return platform.processor() or platform.machine()
