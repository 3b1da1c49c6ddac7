"""What a reader of a measurement must know: when it was made, on what machine, and how busy that was."""

from __future__ import annotations

import os
import platform
import re
from datetime import date
from pathlib import Path


def this_run() -> dict[str, str | int | float | None]:
    """Date, processor, its cores, and programs that wait for each core."""
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "busy": round(os.getloadavg()[0] / (os.cpu_count() or 1), 1) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        found = re.search(r"model name\s*: (.*)", described.read_text())
        if found:
            return found[1]
    return platform.processor() or platform.machine()
