"""Whether the pixels of a file can be what its header says of them.

Where the two disagree, GDCM reads on without a word: it takes as many pixels as the header claims, fills up with zeros
what is not there, and scales by whatever number stands there. So this is looked at first, without reading a pixel.
"""

from __future__ import annotations

from pathlib import Path

from pydicom.datadict import tag_for_keyword
from pydicom.filereader import read_partial

from mosmed_edu.convert.headers import Header, quiet
from mosmed_edu.errors import ConversionError

#: What DICOM PS3.3 C.8.2.1 allows a CT image. Fewer bits would hold no range from air to bone.
_SAMPLES, _ALLOCATED, _STORED = 1, 16, range(12, 17)

#: At the lowest, 16 bits do not even reach from air to water; at the highest, a step is more than from fat to water.
_SLOPES = 0.01, 100.0

#: What 16 bits without sign can need to be moved by.
_FARTHEST = 2.0**16

#: How DICOM writes "up to a mark": the length of compressed pixels, which only who unpacks them can check.
_UNDEFINED = 0xFFFFFFFF

_PIXELS = tag_for_keyword("PixelData")

_AGAIN = "copy or export it again; it is damaged"


def require_sound(one: Header, name: str = "the study") -> None:
    """Refuse an image whose pixels are not what its header says.

    Parameters
    ----------
    one : Header
    name : str
        What to call the study in an error.

    Raises
    ------
    ConversionError
        If the header claims what no CT has, or pixels that are not compressed are fewer or more than it claims.
    """
    for said, holds, usual in _claims(one):
        if not holds:
            raise ConversionError(one.path, f"says {said}, where a CT has {usual} ({name})", _AGAIN)
    length = _length(one.path, name)
    claimed = one.rows * one.columns * _ALLOCATED // 8
    if length != _UNDEFINED and length - claimed not in (0, 1):  # a byte may be added to make their number even
        fault = f"holds {length} bytes of pixels, where {one.rows} x {one.columns} of them take {claimed} ({name})"
        raise ConversionError(one.path, fault, _AGAIN)


def _claims(one: Header) -> list[tuple[str, bool, str]]:
    """What the header says, whether that can be, and what it should be."""
    highest = None if one.bits_stored is None else one.bits_stored - 1
    return [
        (f"SamplesPerPixel {one.samples}", one.samples == _SAMPLES, "1"),
        (f"BitsAllocated {one.bits_allocated}", one.bits_allocated == _ALLOCATED, "16"),
        (f"BitsStored {one.bits_stored}", one.bits_stored in _STORED, "12 to 16"),
        (f"HighBit {one.high_bit}", one.high_bit == highest, f"{highest}"),
        (f"RescaleSlope {one.slope:g}", _SLOPES[0] <= one.slope <= _SLOPES[1], "one near 1"),
        (f"RescaleIntercept {one.intercept:g}", abs(one.intercept) <= _FARTHEST, "one near -1024"),
    ]


def _length(path: Path, name: str) -> int:
    """Bytes of pixels that a file announces. Reading stops there."""
    found = []

    def at_pixels(tag, _, length: int) -> bool:
        if tag == _PIXELS:
            found.append(length)
        return tag == _PIXELS

    try:
        with quiet(), path.open("rb") as file:
            read_partial(file, at_pixels, specific_tags=[_PIXELS])
    except Exception:  # pydicom raises many kinds on damage, and its words may repeat a name
        raise ConversionError(path, f"cannot be read to its end ({name})", _AGAIN) from None
    if not found:
        raise ConversionError(path, f"holds no pixels ({name})", _AGAIN)
    return found[0]
