"""The shape of a MosMedData folder, said once: paths, registry columns, header conventions.

``dataset`` reads by it; ``phantom`` and ``convert`` write by it::

    ROOT/dataset_registry.xlsx                   study_id, category, study_file, mask_file
    ROOT/studies/CT-1/study_0255.nii.gz          CT in Hounsfield units, int16
    ROOT/masks/study_0255_mask.nii.gz            1 = ground glass or consolidation, int16
    ROOT/extras/...                              drawn folders only: the truth behind each study

Described in the dataset's README, version 1.0 (Morozov et al. 2020, arXiv:2005.06465).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

import nibabel as nib
import numpy as np
import pandas as pd

from mosmed_edu.errors import PathError, RegistryError, shown
from mosmed_edu.paths import inside, is_file, relative_path
from mosmed_edu.volume import Volume

#: The five categories, mildest first.
CATEGORIES = ("CT-0", "CT-1", "CT-2", "CT-3", "CT-4")

#: The columns of the registry, in its order.
COLUMNS = ("study_id", "category", "study_file", "mask_file")

#: The registry as the dataset ships it, and as mirrors do. The first one found is read.
REGISTRY_NAMES = ("dataset_registry.xlsx", "dataset_registry.csv")

#: How many studies version 1.0 of COVID19_1110 has of each category, by its README.
PUBLISHED_STUDIES = dict(zip(CATEGORIES, (254, 684, 125, 45, 2), strict=True))
#: How many masks it has.
PUBLISHED_MASKS = 50

#: The folder that a much used download (that of the Keras example on 3-D images) has in place of two.
MERGED = "CT-23"
MERGED_OF = ("CT-2", "CT-3")

#: Distance between slices after every tenth was kept, in mm.
SLICE_SPACING_MM = 8.0

#: The datasets that the project draws itself.
DRAWN_NAMES = ("sample", "cohort")

#: Only drawn folders have these. `DRAWN_MARK` is written last: a folder that has it is complete.
DRAWN_MARK = "extras/drawn.json"
#: Where a drawn folder says what is true of each study, a row for each, found by its ``study_id``.
TRUTH_TABLE = "extras/truth.csv"

#: Only folders that were converted from DICOM have this: what was asked for, and how many studies came of it.
CONVERTED_MARK = "converted.json"

_DOWNLOAD_AGAIN = "compare it with the registry of the original download"

#: A registry of 1110 studies takes 36 kB, unpacked under 1 MB. What is far larger is none, and is not read.
_MOST_BYTES, _MOST_ROWS, _MOST_COLUMNS = 20_000_000, 100_000, 50

#: Digits of a study's number: more do not fit into the whole numbers of a table.
_MOST_DIGITS = 18


def study_file(study_id: int, category: str) -> str:
    """Path of a study as the registry writes it, with the leading slash.

    Examples
    --------
    >>> from mosmed_edu.layout import study_file
    >>> study_file(255, "CT-1")
    '/studies/CT-1/study_0255.nii.gz'
    """
    return f"/studies/{category}/study_{study_id:04d}.nii.gz"


def mask_file(study_id: int) -> str:
    """Path of a mask as the registry writes it, with the leading slash."""
    return f"/masks/study_{study_id:04d}_mask.nii.gz"


def lobes_file(study_id: int) -> str:
    """Path of the lobe labels of a drawn study: 0 outside the lungs, 1 to 5 the lobes."""
    return f"/extras/lobes/study_{study_id:04d}_lobes.nii.gz"


def signs_file(study_id: int) -> str:
    """Path of the sign labels of a drawn study."""
    return f"/extras/signs/study_{study_id:04d}_signs.nii.gz"


def is_drawn(root: Path) -> bool:
    """Whether a folder was drawn by this project, so that it has all that `DRAWN_MARK` promises."""
    with suppress(PathError):  # what nobody may read promises nothing
        return is_file(root / DRAWN_MARK)
    return False


def shows_no_patient(root: Path) -> bool:
    """Whether a folder's studies were drawn by this project, be it that they took the way through DICOM."""
    with suppress(RegistryError):  # nobody said so
        return is_drawn(root) or read_mark(root / CONVERTED_MARK).get("synthetic") is True
    return False


def read_mark(path: Path) -> dict:
    """What a folder says of itself, in its `DRAWN_MARK` or `CONVERTED_MARK`.

    Raises
    ------
    RegistryError
        If it cannot be read.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(said, dict):
            return said
        reason = f"it is {shown(said)}"
    except (OSError, ValueError, RecursionError) as error:  # the last: a thousand brackets
        reason = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
    raise RegistryError(path, f"does not say what the folder should hold ({reason})", "make the folder again")


def read_truth(path: Path) -> pd.DataFrame:
    """What was drawn, by a folder's `TRUTH_TABLE`: a row of each study that it gives the involved ``fraction`` of.

    Raises
    ------
    RegistryError
        If it is no such table.
    """
    try:
        table = pd.read_csv(path, index_col="study_id").astype({"fraction": float}).dropna(subset="fraction")
        if table.index.is_unique:
            return table
        reason = "it has several rows of one study"
    except Exception as error:  # pandas raises many kinds on a file that is no table
        reason = f"{type(error).__name__}: {error}"
    raise RegistryError(path, f"cannot be read ({reason})", "draw the dataset again, or delete the file")


def find_registry(root: Path) -> Path | None:
    """Return the registry that lies directly in this folder, if there is one.

    Raises
    ------
    PathError
        If the folder may not be entered.
    """
    return next((root / name for name in REGISTRY_NAMES if is_file(root / name)), None)


def read_registry(path: Path) -> pd.DataFrame:
    """Read a registry and make sure that it can be trusted.

    Parameters
    ----------
    path : Path
        ``dataset_registry.xlsx`` or a CSV, with or without a byte-order mark.

    Returns
    -------
    registry : DataFrame, index study_id (int), sorted
        ``category`` (ordered categorical), ``study_file`` and ``mask_file`` (str, '' where the study has none), both
        relative to the root and without the leading slash.

    Raises
    ------
    RegistryError
        If it cannot be read, a column is missing, an id is repeated or no number, a category is unknown, or a path
        leaves the dataset folder.
    """
    table = _read_table(path)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise RegistryError(path, f"has no column {', '.join(map(repr, missing))}", _DOWNLOAD_AGAIN)
    table = table.loc[(table[list(COLUMNS)] != "").any(axis=1), list(COLUMNS)]
    if table.empty:
        raise RegistryError(path, "lists no study", _DOWNLOAD_AGAIN)
    ids = [_study_id(path, row, text) for row, text in zip(table.index, table["study_id"], strict=True)]
    registry = pd.DataFrame(
        {
            "category": _categories(path, table["category"]),
            "study_file": [relative_path(path, text) for text in table["study_file"]],
            "mask_file": [relative_path(path, text) if text else "" for text in table["mask_file"]],
        },
        index=pd.Index(ids, name="study_id"),
    )
    repeated = registry.index[registry.index.duplicated()]
    if len(repeated):
        raise RegistryError(path, f"lists study {repeated[0]} more than once", _DOWNLOAD_AGAIN)
    return registry.sort_index()


def make_registry(rows: Iterable[tuple[int, str, bool]]) -> pd.DataFrame:
    """A registry of studies that lie where the layout has them.

    Parameters
    ----------
    rows : iterable of (int, str, bool)
        Number, category, and whether there is a mask.

    Returns
    -------
    registry : DataFrame
        As `read_registry` returns it, in the order of the rows.

    Examples
    --------
    >>> from mosmed_edu.layout import make_registry
    >>> make_registry([(255, "CT-1", True)]).loc[255, "mask_file"]
    '/masks/study_0255_mask.nii.gz'
    """
    rows = list(rows)
    return pd.DataFrame(
        {
            "category": pd.Categorical([category for _, category, _ in rows], CATEGORIES, ordered=True),
            "study_file": [study_file(number, category) for number, category, _ in rows],
            "mask_file": [mask_file(number) if with_mask else "" for number, _, with_mask in rows],
        },
        index=pd.Index([number for number, _, _ in rows], name="study_id"),
    )


def write_registry(registry: pd.DataFrame, path: Path) -> None:
    """Write a registry as the dataset ships it, paths with a leading slash.

    Parameters
    ----------
    registry : DataFrame
        As `read_registry` returns it.
    path : Path
        A name that ends in ``.xlsx``, or in ``.csv`` for the form that mirrors use (with a byte-order mark).
    """
    table = registry.reset_index()[list(COLUMNS)]
    for column in ("study_file", "mask_file"):
        table[column] = [f"/{text.lstrip('/')}" if text else None for text in table[column]]
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def places(relative: str) -> Iterator[str]:
    """Where a file of the registry may lie, the published place first: mirrors unpack, merge and leave out folders.

    Parameters
    ----------
    relative : str
        Without the leading slash.

    Yields
    ------
    relative : str

    Examples
    --------
    >>> from mosmed_edu.layout import places
    >>> [place for place in places("studies/CT-2/study_0939.nii.gz") if place.endswith(".gz")][:2]
    ['studies/CT-2/study_0939.nii.gz', 'studies/CT-23/study_0939.nii.gz']
    """
    *folders, name = relative.split("/")
    shorter = [folders, folders[1:]] if folders[:1] == ["studies"] else [folders]
    for parts in shorter:
        merged = [[MERGED if part in MERGED_OF else part for part in parts]] if set(parts) & set(MERGED_OF) else []
        for found in (parts, *merged):
            place = "/".join([*found, name])
            yield place
            if place.endswith(".gz"):
                yield place.removesuffix(".gz")


def locate(root: Path, relative: str) -> Path:
    """Path of a file of the dataset, or of the same file where a mirror has it (`places`). It need not exist.

    Raises
    ------
    RegistryError, PathError
        If a link leads out of the folder, or its folder may not be entered.
    """
    there = (place for place in places(relative) if is_file(root / place))
    return inside(root, next(there, relative))


def write_volume(volume: Volume, path: Path) -> None:
    """Write a volume with the dataset's header conventions; the same volume always gives the same bytes.

    The header has qform and sform set to code 1 and equal, spacing in mm, slope 1 and intercept 0, as the dataset's own
    files. The dataset stores int16 and axes LAS; both are the caller's part.

    Parameters
    ----------
    volume : Volume
        Integer voxels.
    path : Path
        Ends in ``.nii.gz``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from mosmed_edu import Volume, read_nifti
    >>> from mosmed_edu.layout import write_volume
    >>> ct = Volume(np.full((4, 4, 3), -850, np.int16), np.diag([-0.7, 0.7, 8, 1]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_volume(ct, Path(folder) / "study_0001.nii.gz")
    ...     read_nifti(Path(folder) / "study_0001.nii.gz")
    Volume(4 x 4 x 3 int16, 0.7 x 0.7 x 8 mm, LAS)
    """
    image = nib.Nifti1Image(volume.data, volume.affine)
    image.set_sform(volume.affine, code=1)
    image.set_qform(volume.affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(1, 0)
    image.header.set_data_offset(352)
    # Level 1 is four times as fast as level 6 and the file 2 % larger. Without a time stamp and a name in the gzip
    # header the bytes depend on the voxels alone.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
        packed.write(image.header.binaryblock + bytes(4))
        packed.write(np.ravel(volume.data, order="F"))


def _read_table(path: Path) -> pd.DataFrame:
    """Read every cell as text, so that nothing is guessed."""
    try:
        _refuse_giant(path)
        if path.suffix == ".xlsx":
            table = _read_sheet(path)
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            if not isinstance(table.index, pd.RangeIndex):  # pandas has taken the first column for names of rows
                raise RegistryError(path, "has rows with more cells than its header", _DOWNLOAD_AGAIN)
    except RegistryError:
        raise
    except OSError as error:
        raise RegistryError(
            path, f"cannot be opened ({error.strerror})", "check the file and its permissions"
        ) from None
    except Exception as error:  # whatever pandas and openpyxl raise on a file that is none of theirs
        raise RegistryError(path, f"is no readable table ({error})", "download it again") from None
    table.columns = [str(name).strip() for name in table.columns]
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise RegistryError(path, f"has the column {repeated[0]!r} more than once", _DOWNLOAD_AGAIN)
    return table.fillna("").apply(lambda column: column.str.strip())


def _refuse_giant(path: Path) -> None:
    """Refuse what could not be a registry before it takes any memory: an .xlsx is a zip, and may unpack to anything."""
    size = path.stat().st_size
    if path.suffix == ".xlsx" and size <= _MOST_BYTES:
        with ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
    if size > _MOST_BYTES:
        raise RegistryError(path, f"holds {size:,} bytes, far more than any registry", _DOWNLOAD_AGAIN)


def _read_sheet(path: Path) -> pd.DataFrame:
    """The first sheet. (pandas would fill the sheet up to its last cell, however far away one has been put.)"""
    import openpyxl  # here, because most who import this read no sheet, and every worker would wait for it

    with path.open("rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        cells = book.worksheets[0].iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True)
        head, *rows = [[_cell(value) for value in row] for row in cells] or [[]]
        book.close()
    named = [n for n, name in enumerate(head) if name]
    columns = [head[n] for n in named]
    return pd.DataFrame([[row[n] for n in named] for row in rows], columns=columns, dtype=str)


def _cell(value: object) -> str:
    """A cell as text. A spreadsheet keeps whole numbers as floats."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _study_id(path: Path, row: int, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    fault = f"which is no whole number of at most {_MOST_DIGITS} digits"
    raise RegistryError(path, f"row {row + 2} has the study_id {shown(text)}, {fault}", _DOWNLOAD_AGAIN)


def _categories(path: Path, texts: pd.Series) -> pd.Categorical:
    unknown = sorted(set(texts) - set(CATEGORIES))
    if unknown:
        raise RegistryError(
            path, f"has the unknown category {shown(unknown[0])}", f"name the categories {', '.join(CATEGORIES)}"
        )
    return pd.Categorical(texts, categories=CATEGORIES, ordered=True)
