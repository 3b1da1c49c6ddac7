"""Which of a study's series becomes the scan."""

from __future__ import annotations

import re
from itertools import groupby

import pandas as pd
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from mosmed_edu.convert.headers import Header
from mosmed_edu.errors import ConversionError

#: The dataset took the series whose SeriesDescription was LIKE this.
BODY = "%BODY%"

_MULTI_FRAME = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)


def is_like(text: str, pattern: str) -> bool:
    """Whether a text fits a pattern of SQL's LIKE, letters large or small.

    Parameters
    ----------
    text : str
    pattern : str
        ``%`` stands for any letters, also none, and ``_`` for one.

    Returns
    -------
    fits : bool

    Examples
    --------
    >>> from mosmed_edu.convert import is_like
    >>> is_like("Chest 1.0 Body", "%BODY%"), is_like("LUNG", "%BODY%"), is_like("B30f", "B__f")
    (True, False, True)
    """
    parts = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(parts.get(c, re.escape(c)) for c in pattern), text, re.IGNORECASE | re.DOTALL))


def by_series(headers: list[Header]) -> list[list[Header]]:
    """Images of each series, in the order of the series' numbers."""

    def key(one: Header) -> tuple:
        return one.series_number or 0, one.series

    return [list(group) for _, group in groupby(sorted(headers, key=key), key)]


def describe(headers: list[Header]) -> pd.DataFrame:
    """What there is to choose from: a row a series.

    Parameters
    ----------
    headers : list of Header

    Returns
    -------
    table : DataFrame
        ``number``, ``description``, ``modality``, ``kind`` (the third word of ImageType), ``images``, ``rows``,
        ``columns``.

    Examples
    --------
    >>> import tempfile
    >>> from mosmed_edu.convert import describe, read_headers
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin, write_study
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_study(thin.ct, folder)
    ...     table = describe(read_headers(folder, progress=False).headers)
    >>> table.description.tolist()
    ['SCOUT', 'CHEST 0.8 BODY', 'CHEST 5.0 LUNG', 'CHEST CORONAL']
    """
    rows = []
    for series in by_series(headers):
        first = series[0]
        kind = first.image_type[2] if len(first.image_type) > 2 else ""
        rows.append((first.series_number, first.description, first.modality, kind, len(series)))
        rows[-1] += (first.rows, first.columns)
    return pd.DataFrame(rows, columns=["number", "description", "modality", "kind", "images", "rows", "columns"])


def choose_series(headers: list[Header], pattern: str = BODY, name: str = "the study") -> list[Header]:
    """The images of the one series that is wanted.

    Parameters
    ----------
    headers : list of Header
        Of one study.
    pattern : str
        As in `is_like`, for SeriesDescription.
    name : str
        What to call the study in an error.

    Returns
    -------
    series : list of Header

    Raises
    ------
    ConversionError
        If they belong to several patients, or there is not just one CT series of this description.

    Examples
    --------
    >>> import tempfile
    >>> from mosmed_edu.convert import choose_series, read_headers
    >>> from mosmed_edu.phantom import Disease, Patient
    >>> from mosmed_edu.phantom.dicom import draw_thin, write_study
    >>> thin = draw_thin(Patient(seed=1), Disease(), matrix=64, slices=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_study(thin.ct, folder)
    ...     series = choose_series(read_headers(folder, progress=False).headers)
    >>> len(series), series[0].description
    (20, 'CHEST 0.8 BODY')
    """
    patients = {one.patient for one in headers}
    if len(patients) > 1:
        fault = f"holds images of {len(patients)} patients"
        raise ConversionError(name, fault, "name each of them by PatientID or StudyInstanceUID in the list")
    described = [series for series in by_series(headers) if is_like(series[0].description, pattern)]
    if not described:
        there = ", ".join(sorted({repr(one.description) for one in headers}))
        raise ConversionError(name, f"has no series like {pattern!r}, only {there}", "choose one with --series")
    if len(described) > 1:
        several = ", ".join(f"{series[0].description!r} ({len(series)} images)" for series in described)
        fault = f"has {len(described)} series like {pattern!r}: {several}"
        raise ConversionError(name, fault, "give a --series that fits only one of them")
    _require_ct(described[0], name)
    return described[0]


def _require_ct(series: list[Header], name: str) -> None:
    """Refuse what is no stack of CT images, one to a file."""
    for one in series:
        if one.sop_class in _MULTI_FRAME or one.frames > 1:
            fault = f"has all its slices in one multi-frame file, {one.path.name}"
            raise ConversionError(name, fault, "export it as single-frame CT images, a file a slice")
        if one.sop_class != CTImageStorage or one.modality != "CT":
            fault = f"has a series {one.description!r} that is no CT (modality {one.modality!r})"
            raise ConversionError(name, fault, "choose the CT series with --series")
        if one.photometric != "MONOCHROME2":
            fault = f"stores its pixels as {one.photometric!r} where CT has MONOCHROME2"
            raise ConversionError(name, fault, "export the original series, not a screenshot")
