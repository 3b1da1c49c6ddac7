"""The last measurement of each benchmark: a run takes the place of what it measured again, and the rest stays."""

from __future__ import annotations

import json
from pathlib import Path


def keep(run: dict, path: Path) -> None:
    """Write a run to a file of runs, the newest first; an older one keeps what was not measured since, if anything.

    Rows stay with the run they come from, because they hold for its day, its machine and its libraries alone.

    Parameters
    ----------
    run : dict
        With 'benchmarks', the names of those that ran, and 'rows', each with the 'benchmark' it belongs to.
    path : Path
        Replaced in one step, so that whoever stops this keeps what was there.
    """
    again = set(run["benchmarks"])
    earlier = json.loads(path.read_text())["runs"] if path.is_file() else []
    rest = [_without(again, one) for one in earlier]
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps({"runs": [run, *(one for one in rest if one["benchmarks"])]}, indent=1) + "\n")
    partial.replace(path)


def _without(names: set[str], run: dict) -> dict:
    return {
        **run,
        "benchmarks": [name for name in run["benchmarks"] if name not in names],
        "rows": [row for row in run["rows"] if row["benchmark"] not in names],
    }
