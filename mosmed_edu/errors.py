"""Every error a user can cause, each said in one line.

An error names three things: *where* (the file, folder or argument), *what* is wrong with it, and what to do *next*.
"""

from __future__ import annotations

from os import PathLike


class MosMedError(Exception):
    """A fault that the user can mend.

    Parameters
    ----------
    where : str or path
        The file, folder or argument at fault.
    fault : str
        What is wrong with it.
    todo : str
        What to do next.

    Examples
    --------
    >>> from mosmed_edu.errors import RegistryError
    >>> print(RegistryError("dataset_registry.csv", "has no column 'category'", "download it again"))
    dataset_registry.csv: has no column 'category'. Next: download it again.
    """

    def __init__(self, where: str | PathLike, fault: str, todo: str):
        # All three go into `args`, so that the error survives the trip back from a worker process.
        super().__init__(str(where), fault, todo)
        self.where, self.fault, self.todo = str(where), fault, todo

    def __str__(self) -> str:
        return one_line(f"{self.where}: {self.fault}. Next: {self.todo}.")


def one_line(text: str) -> str:
    r"""Text on one line, with nothing in it that a terminal would obey: names of files may hold anything.

    Parameters
    ----------
    text : str

    Returns
    -------
    line : str

    Examples
    --------
    >>> from mosmed_edu.errors import one_line
    >>> one_line("two\n lines,\x1b[2J a cleared screen")
    'two lines,\\x1b[2J a cleared screen'
    """
    joined = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in joined)


def shown(value: object, most: int = 60) -> str:
    """What an error shows of a value that may be anything.

    Parameters
    ----------
    value : object
    most : int
        How many letters of it.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from mosmed_edu.errors import shown
    >>> shown("CT-9"), shown("x" * 1000, most=5), shown(10**5000)
    ("'CT-9'", "'xxxx...", 'one of type int')
    """
    try:
        text = repr(value)
    except Exception:  # such as a number of more digits than Python prints
        text = f"one of type {type(value).__name__}"
    return text if len(text) <= most else f"{text[:most]}..."


class PathError(MosMedError, ValueError):
    """What was given for a path is none (empty, too long, an unknown user's home), or lies in a folder closed to us."""


class DatasetNotFound(MosMedError):
    """No dataset folder at, above or below the place given."""


class RegistryError(MosMedError):
    """The registry cannot be read or contradicts itself."""


class StudyNotFound(MosMedError, KeyError):
    """The registry has no study of this number."""


class SelectionError(MosMedError, ValueError):
    """A choice of studies that no dataset could answer."""


class FileMissing(MosMedError, FileNotFoundError):
    """The registry lists a file that is not on disk."""


class NiftiError(MosMedError, ValueError):
    """A file is not the whole, undamaged 3-D NIfTI volume that it should be."""


class MaskError(MosMedError, ValueError):
    """A mask does not fit its study, or is no mask."""


class LungsNotFound(MosMedError, ValueError):
    """A volume holds nothing that could be a pair of lungs."""


class DrawingError(MosMedError, ValueError):
    """A synthetic study was asked for that cannot be drawn."""


class CacheError(MosMedError, OSError):
    """The drawn studies cannot be written to the user's cache folder."""


class ConversionError(MosMedError, ValueError):
    """DICOM files, or the list of their categories, that no study can be made of."""


class WindowError(MosMedError, ValueError):
    """A window without width, or one that has no name here."""


class PlaneError(MosMedError, IndexError):
    """A slice that the volume has not."""


class ClassroomError(MosMedError, ValueError):
    """An assignment, its cases or a class's folder is not what it should be."""
