"""The list that says which study belongs to which category."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd

from mosmed_edu.convert.headers import Header
from mosmed_edu.errors import ConversionError
from mosmed_edu.layout import CATEGORIES
from mosmed_edu.paths import is_file, user_path

COLUMNS = ("study", "category")

#: A row takes about 50 bytes. What is far larger than a list of every study of a hospital is none, and is not read.
_MOST_BYTES = 20_000_000

#: Cyrillic letters that stand for C and T where the list was typed in Russian: those that look like K, C and T.
_CYRILLIC = str.maketrans("\u041a\u0421\u0422", "CCT")


@dataclass(frozen=True)
class Wanted:
    """One study to convert.

    Attributes
    ----------
    id : int
        Its number in the dataset.
    key : str
        What the list calls it: a folder's name, a PatientID or a StudyInstanceUID. It does not go into the dataset.
    category : str
    mask : Path or None
        A NIfTI mask of it, where there is one.
    """

    id: int
    key: str
    category: str
    mask: Path | None = None


def read_categories(path: str | Path) -> list[Wanted]:
    """Read the list of categories, and number the studies in order of category as the dataset does.

    Parameters
    ----------
    path : str or Path
        A CSV in UTF-8, separated by commas, semicolons or tabs, with the columns ``study`` (a folder's name, a
        PatientID or a StudyInstanceUID) and ``category`` (CT-0 to CT-4). A column ``mask`` may name NIfTI masks, by
        their path from the list's folder. Other columns are passed over, and so are empty cells beyond the last
        column.

    Returns
    -------
    wanted : list of Wanted
        In order of their numbers: by category, and within one in the order of the list.

    Raises
    ------
    ConversionError, PathError
        If it cannot be read, a column is missing, a category is unknown, or a study is named twice or not at all.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from mosmed_edu.convert import read_categories
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "categories.csv"
    ...     _ = path.write_text("study,category\\nA-17,CT-2\\nA-09,CT-0\\n")
    ...     print([(one.id, one.key) for one in read_categories(path)])
    [(1, 'A-09'), (2, 'A-17')]
    """
    path = user_path(path)
    table = _read(path)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        todo = "give it the columns study (folder name, PatientID or StudyInstanceUID) and category (CT-0 to CT-4)"
        raise ConversionError(path, f"has no column {' and '.join(map(repr, missing))}", todo)
    table = table.assign(mask=table.get("mask", ""))[[*COLUMNS, "mask"]]
    table = table[(table != "").any(axis=1)]
    if table.empty:
        raise ConversionError(path, "lists no study", "give it a row for each study")
    keys = [_key(path, row, text) for row, text in table["study"].items()]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise ConversionError(path, f"names {twice!r} more than once", "leave one row for each study")
    categories = [_category(path, row, text) for row, text in table["category"].items()]
    masks = [path.parent / text if text else None for text in table["mask"]]
    rows = sorted(zip(keys, categories, masks, strict=True), key=lambda row: CATEGORIES.index(row[1]))
    return [Wanted(n, *row) for n, row in enumerate(rows, start=1)]


def by_key(headers: list[Header], folder: Path) -> dict[str, list[Header]]:
    """Images by everything that a row of the list may call them.

    Parameters
    ----------
    headers : list of Header
    folder : Path
        The folder that was searched.

    Returns
    -------
    images : dict
        By PatientID, by StudyInstanceUID, by the name of each folder that they lie in, the top one included, and by its
        path from the top.
    """
    top, images, names = folder.resolve().name, {}, {}
    for one in headers:
        inner = one.path.parent
        if inner not in names:
            below = inner.relative_to(folder)
            names[inner] = {top, *below.parts, *(parent.as_posix() for parent in (below, *below.parents))}
        for key in names[inner] | {one.patient, one.study}:
            images.setdefault(key, []).append(one)
    return images


def _read(path: Path) -> pd.DataFrame:
    """The columns that are needed, every cell as text."""
    text = _text(path).lstrip("\r\n")
    head = text.partition("\n")[0]
    # pandas would take the first column for names of rows where rows end with a separator, as spreadsheets write them.
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True))
    except csv.Error as error:
        raise ConversionError(path, f"is no readable table ({error})", "write a row for each study") from None
    if not rows:
        raise ConversionError(path, "is no readable table (it is empty)", "write a row for each study")
    names = [name.strip().lower() for name in rows[0]]
    cells = [[cell.strip() for cell in row] for row in rows[1:]]
    _require_no_more(path, cells, len(names))
    places = {name: _place(path, names, name) for name in (*COLUMNS, "mask") if name in names}
    columns = {name: [row[at] if at < len(row) else "" for row in cells] for name, at in places.items()}
    return pd.DataFrame(columns, dtype=str)


def _text(path: Path) -> str:
    """What stands in the list. Anything but a file (a pipe, say) would be waited for without end."""
    try:
        size = path.stat().st_size
        if not is_file(path):
            raise ConversionError(path, "is no file", "give the CSV with the categories")
        if size > _MOST_BYTES:
            raise ConversionError(path, f"holds {size:,} bytes, far more than any list", "give the CSV")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConversionError(path, f"cannot be read ({error.strerror})", "give the CSV with the categories") from None
    except UnicodeDecodeError:
        raise ConversionError(path, "is not UTF-8", "save it as 'CSV UTF-8'; an .xlsx has to be exported") from None


def _require_no_more(path: Path, cells: list[list[str]], width: int) -> None:
    """Cells beyond the last column are empty, or it cannot be told which column each of them is of."""
    for n, row in enumerate(cells, start=2):
        if any(row[width:]):
            fault = f"row {n} has more cells than the first row has columns"
            raise ConversionError(path, fault, 'write "" around a cell that holds a separator')


def _place(path: Path, names: list[str], name: str) -> int:
    if names.count(name) > 1:
        raise ConversionError(path, f"has the column {name!r} more than once", "leave one of them")
    return names.index(name)


def _key(path: Path, row: int, text: str) -> str:
    if text:
        return text.replace("\\", "/").strip("/") or text
    raise ConversionError(path, f"row {row + 2} names no study", "fill in the column study, or delete the row")


def _category(path: Path, row: int, text: str) -> str:
    name = text.upper().translate(_CYRILLIC)
    if name in CATEGORIES:
        return name
    fault = f"row {row + 2} has the unknown category {text!r}"
    raise ConversionError(path, fault, f"name the categories {', '.join(CATEGORIES)}")
