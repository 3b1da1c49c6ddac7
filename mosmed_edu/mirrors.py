"""What kind of copy of the dataset a folder is: as published, a part of it, or in a form that mirrors have."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mosmed_edu.layout import CATEGORIES, MERGED, MERGED_OF, PUBLISHED_STUDIES, REGISTRY_NAMES

#: Folders that scans lie in, in the published layout or another.
_FOLDERS = (*CATEGORIES, MERGED)


def describe_copy(registry: Path, found: Iterable[str], extra_level: str = "") -> str:
    """Say in one line what kind of copy a folder is.

    Parameters
    ----------
    registry : Path
        The registry that is read.
    found : iterable of str
        Files of the registry that are on disk, as they lie there, relative to the registry's folder.
    extra_level : str
        Folders between the one that the user named and the registry; '' for none.

    Returns
    -------
    words : str

    Examples
    --------
    >>> from pathlib import Path
    >>> from mosmed_edu.mirrors import describe_copy
    >>> describe_copy(Path("dataset_registry.csv"), ["CT-0/study_0001.nii", "CT-23/study_0939.nii"])
    'mirror with CSV registry, unpacked .nii, merged CT-23 folder, no studies folder, part of the dataset: \
2 of 1110 studies'
    """
    found = list(found)
    scans = [place for place in found if not place.startswith("masks/")]
    odd = [f"{registry.suffix[1:].upper()} registry"] if registry.name != REGISTRY_NAMES[0] else []
    unpacked = sum(place.endswith(".nii") for place in found)
    if unpacked:
        odd.append("unpacked .nii" + ("" if unpacked == len(found) else f" ({unpacked} of {len(found)} files)"))
    if any(MERGED in place.split("/")[:-1] for place in scans):
        odd.append(f"merged {MERGED} folder")
    if any(place.split("/")[0] in _FOLDERS for place in scans):
        odd.append("no studies folder")
    if extra_level:
        odd.append(f"an extra folder level ({extra_level})")
    whole = sum(PUBLISHED_STUDIES.values())
    part = f"part of the dataset: {len(scans)} of {whole} studies" if len(scans) < whole else f"all {whole} studies"
    return ", ".join([f"mirror with {odd[0]}" if odd else "as published", *odd[1:], part])


def scans_without_registry(place: Path) -> tuple[str, str] | None:
    """Say what a folder is that holds scans of the dataset and no registry.

    Parameters
    ----------
    place : Path
        Scans are looked for in its folders and up to two levels below.

    Returns
    -------
    fault, todo : str
        What is missing, and what to do; None where there are no scans either.
    """
    holding = {
        folder.name
        for depth in ("", "*/", "*/*/")
        for name in _FOLDERS
        for folder in place.glob(f"{depth}{name}")
        if next(folder.glob("study_*.nii*"), None)
    }
    if not holding:
        return None
    fault = f"has no {REGISTRY_NAMES[0]}, only scans in {', '.join(sorted(holding))}"
    if MERGED in holding:
        fault += f"; {MERGED} holds {' and '.join(MERGED_OF)} together, and only the registry tells them apart"
    return fault, f"put the dataset's own {REGISTRY_NAMES[0]} beside these folders"
