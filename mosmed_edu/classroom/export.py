"""Tables of grades: one that tells everything, and those that Canvas and Moodle import."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mosmed_edu.classroom.submission import GRADED


def write_tables(grades: pd.DataFrame, folder: Path) -> None:
    """Write a class's grades.

    Students go by their pseudonyms: Canvas matches them with its *SIS User ID*, Moodle with its *ID number*. A grade is
    passed on only where it is final: what failed, is missing or waits for a reader stays blank, and is no zero.

    Parameters
    ----------
    grades : DataFrame, index (student, assignment)
        ``status``, ``score``, ``max_score``, ``remark``.
    folder : Path
        Gets ``grades.csv``, ``canvas.csv`` and a ``moodle-ASSIGNMENT.csv`` for each assignment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(grades.reset_index(), folder / "grades.csv")
    final = grades["score"].where(grades["status"] == GRADED).unstack("assignment")
    _write(_for_canvas(final, grades["max_score"].groupby("assignment").first()), folder / "canvas.csv")
    for name in final:
        known = final[name].dropna().rename(name.upper()).rename_axis("ID number")
        _write(known.reset_index(), folder / f"moodle-{name}.csv")


def _for_canvas(final: pd.DataFrame, points: pd.Series) -> pd.DataFrame:
    """Canvas's own columns, and a first row with the points that can be had."""
    table = pd.DataFrame({"Student": final.index, "ID": "", "SIS User ID": final.index, "SIS Login ID": ""})
    table["Section"] = ""
    possible = {"Student": "Points Possible", "ID": "", "SIS User ID": "", "SIS Login ID": "", "Section": ""}
    for name in final:
        table[name.upper()] = final[name].to_numpy()
        possible[name.upper()] = points[name]
    return pd.concat([pd.DataFrame([possible]), table], ignore_index=True)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Written beside and then moved, so that no half table is ever imported."""
    partial = path.with_suffix(".part")
    table.to_csv(partial, index=False, float_format="%g", lineterminator="\n")
    partial.replace(path)
