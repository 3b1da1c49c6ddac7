"""A folder of DICOM in, a dataset folder out: whole or not at all, and taken up again where it was stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import index
from pathlib import Path

from tqdm.auto import tqdm

from mosmed_edu.convert.categories import Wanted, by_key, read_categories
from mosmed_edu.convert.folder import Converted, Workplace
from mosmed_edu.convert.headers import Header, read_headers
from mosmed_edu.convert.masks import read_mask
from mosmed_edu.convert.pixels import read_volume
from mosmed_edu.convert.records import made_of
from mosmed_edu.convert.series import BODY, choose_series
from mosmed_edu.convert.stack import KEEP_EVERY, stack_slices
from mosmed_edu.errors import ConversionError, MosMedError
from mosmed_edu.paths import user_path
from mosmed_edu.volume import Volume

#: What drawn files say of themselves in their header; see `mosmed_edu.phantom.dicom`.
DRAWN_BY = "MosMed-Edu"


@dataclass(frozen=True)
class Conversion:
    """What came of it.

    Attributes
    ----------
    root : Path
        The dataset folder.
    studies : list of Converted
    failed : list of (str, ConversionError)
        What the list calls a study, and why none was made of it.
    unnamed : int
        Studies in the DICOM folder that the list does not name.
    damaged : list of Path
        DICOM files whose header cannot be read.
    others : int
        Files that are no DICOM image.
    """

    root: Path
    studies: list[Converted]
    failed: list[tuple[str, ConversionError]]
    unnamed: int
    damaged: list[Path]
    others: int


def convert(
    folder: str | Path,
    out: str | Path,
    category_from: str | Path,
    series: str = BODY,
    keep_every: int = KEEP_EVERY,
    progress: bool = True,
) -> Conversion:
    """Make a dataset folder of DICOM files, as MosMedData COVID19_1110 was made.

    Of every patient one series is taken, of it every tenth slice, and of the header nothing but the geometry. Studies
    are numbered in order of category. Nothing but the finished folder appears at `out`; after an interruption the same
    call goes on where it stopped.

    Parameters
    ----------
    folder : str or Path
        Searched to its bottom. Files that are no DICOM are passed over.
    out : str or Path
        The folder to make. It must not exist, or be empty.
    category_from : str or Path
        A CSV, see `read_categories`.
    series : str
        Which SeriesDescription to take, as in SQL's LIKE.
    keep_every : int
        Keep the slices whose InstanceNumber is a multiple of it.
    progress : bool
        Show progress bars on stderr.

    Returns
    -------
    conversion : Conversion
        A study that fails is listed in it, and the others are converted.

    Raises
    ------
    ConversionError, PathError
        If a folder or the list cannot be used, or no study at all could be converted.

    Examples
    --------
    >>> from mosmed_edu.convert import convert
    >>> done = convert("export", "own-scans", "categories.csv")        # doctest: +SKIP
    >>> len(done.studies), [name for name, _ in done.failed]           # doctest: +SKIP
    (19, ['A-17'])
    """
    keep_every = _whole(keep_every)
    folder, out = user_path(folder), user_path(out)
    wanted = read_categories(category_from)
    place = Workplace(out, folder, wanted, series, keep_every)
    found = read_headers(folder, progress)
    images_of = by_key(found.headers, folder)
    chosen, failed = _choose(wanted, images_of, folder, series)
    if not chosen:
        raise _nothing(folder, failed)
    with place.open():
        waiting = tqdm(chosen, "Converting", unit=" studies", disable=not progress, leave=False)
        studies = list(_convert_all(waiting, place, folder, keep_every, failed))
        if not studies:
            place.discard()
            raise _nothing(folder, failed)
        place.close(studies)
    named = {image.study for one in wanted for image in images_of.get(one.key, ())}
    unnamed = len({image.study for image in found.headers} - named)
    return Conversion(out, studies, failed, unnamed, found.damaged, len(found.others))


def _whole(keep_every: int) -> int:
    where, todo = f"keep_every {keep_every!r}", "give a whole number of 1 or more"
    try:
        number = index(keep_every)
    except TypeError:
        raise ConversionError(where, "is no whole number", todo) from None
    if number < 1:
        raise ConversionError(where, "keeps no slice", todo)
    return number


def _choose(wanted: Iterable[Wanted], images_of: dict[str, list[Header]], folder: Path, pattern: str):
    """The series of every study, and the studies that have none."""
    chosen, failed, taken = [], [], {}
    for one in wanted:
        try:
            images = images_of.get(one.key)
            if not images:
                fault = f"has no DICOM image in {folder}"
                todo = "write a folder's name, a PatientID or a StudyInstanceUID into the column study"
                raise ConversionError(one.key, fault, todo)
            images = choose_series(images, pattern, one.key)
            if images[0].series in taken:
                fault = f"is the same series as {taken[images[0].series]!r}"
                raise ConversionError(one.key, fault, "leave one of the two rows in the list")
            taken[images[0].series] = one.key
            chosen.append((one, images))
        except ConversionError as error:
            failed.append((one.key, error))
    return chosen, failed


def _convert_all(
    chosen: Iterable, place: Workplace, folder: Path, keep_every: int, failed: list
) -> Iterator[Converted]:
    """Convert what is not done yet; who cannot be converted is added to `failed`."""
    for one, images in chosen:
        # Before anything is read: what is written while we read it is another file the next time.
        sources = made_of([image.path for image in images], folder, one.mask)
        done = place.finished(one, sources)
        if not done:
            try:
                done, volume, mask = _read_one(one, images, keep_every)
            except MosMedError as error:
                failed.append((one.key, _of_study(one, error)))
                continue
            place.keep(done, volume, mask, sources)  # outside of `try`: a full disk is no fault of this study
        yield done


def _of_study(one: Wanted, error: MosMedError) -> ConversionError:
    """The error of a study, which it names even where it was raised by what knows of none."""
    if isinstance(error, ConversionError):
        return error
    return ConversionError(one.key, f"cannot be converted: {error.where} {error.fault}", error.todo)


def _read_one(one: Wanted, images: list[Header], keep_every: int) -> tuple[Converted, Volume, Volume | None]:
    """A study's scan and, where it has one, its mask."""
    stack = stack_slices(images, keep_every, one.key)
    volume, notes = read_volume(stack, one.key)
    drawn = all(image.phantom and image.manufacturer == DRAWN_BY for image in images)
    mask = read_mask(one.mask, volume, one.key) if one.mask else None
    done = Converted(
        id=one.id,
        category=one.category,
        with_mask=mask is not None,
        shape=volume.shape,
        spacing=volume.spacing,
        thin_count=stack.thin_count,
        thin_mm=stack.thin_mm,
        drawn=drawn,
        notes=[*stack.notes, *notes],
    )
    return done, volume, mask


def _nothing(folder: Path, failed: list[tuple[str, ConversionError]]) -> ConversionError:
    """No study could be made: the first reason stands for all."""
    first = failed[0][1]
    return ConversionError(folder, f"gave no study. The first: {first.where} {first.fault}", first.todo)
