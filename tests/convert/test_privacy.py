"""Nothing of a DICOM header but its geometry reaches the dataset: names planted everywhere are searched for."""

from __future__ import annotations

import gzip
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from mosmed_edu.cli import main
from mosmed_edu.convert import convert
from mosmed_edu.phantom.dicom import save

#: Planted as text, as a date, a time, a number and an identifier.
NAME, DATE, TIME, NUMBER, UID = "ZQXIVANOV", "19310417", "063148", "73310449", "1.2.7331.9876543210"

TEXTS = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "CS", "UR"}
OTHERS = {"DA": DATE, "DT": DATE + TIME, "TM": TIME, "AS": "089Y", "DS": NUMBER, "IS": NUMBER, "UI": UID}

#: What a CT needs to stay one: only in these nothing can be planted.
NEEDED = {
    "SOPClassUID", "Modality", "Rows", "Columns", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient",
    "InstanceNumber", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept", "RescaleType", "NumberOfFrames", "PixelData",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "SpecificCharacterSet",
    # Other ways to store or scale pixels, or to change what these mean.
    "PlanarConfiguration", "PixelAspectRatio", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "LossyImageCompression", "PixelDataProviderURL",
}  # fmt: skip


def planted() -> list[DataElement]:
    """A value for every attribute of the standard that can hold text, a date, a number or an identifier."""
    elements = []
    for number in DicomDictionary:
        tag, vr = Tag(number), dictionary_VR(number)
        if DicomDictionary[number][4] in NEEDED or tag.group in (0, 2, 0xFFFE) or tag.group < 8 or vr == "SQ":
            continue
        value = NAME if vr in TEXTS else OTHERS.get(vr)
        if DicomDictionary[number][4] == "SeriesDescription":
            value = f"{NAME} BODY"
        if value:
            elements.append(DataElement(tag, vr, value))
    return elements


def plant(image, elements) -> None:
    """Names in every attribute, private ones, sequences, overlays, curves, and the padding at the end."""
    for element in elements:
        image[element.tag] = element
    block = image.private_block(0x0029, f"{NAME} PRIVATE", create=True)
    block.add_new(1, "LO", NAME)
    block.add_new(2, "UN", f"{NAME}^{DATE}".encode())
    block.add_new(3, "PN", "\u0417\u042d\u041a\u0421\u0418\u0412\u0410\u041d\u041e\u0412")
    inner = Dataset()
    inner.PatientName, inner.PatientBirthDate = NAME, DATE
    image.RequestAttributesSequence = Sequence([inner])
    image.OtherPatientIDsSequence = Sequence([inner])
    block.add_new(4, "SQ", Sequence([inner]))
    picture = (NAME.encode() * 40)[: image.Rows * image.Columns // 8]
    for group in (0x6000, 0x6002, 0x601E):
        for element, vr, value in (
            (0x0010, "US", image.Rows), (0x0011, "US", image.Columns), (0x0040, "CS", "G"), (0x0050, "SS", [1, 1]),
            (0x0100, "US", 1), (0x0102, "US", 0), (0x0022, "LO", NAME), (0x1500, "LO", NAME),
            (0x3000, "OW", picture + bytes(len(picture) % 2)),
        ):  # fmt: skip
            image.add_new((group, element), vr, value)
    image.add_new((0x5000, 0x3000), "OW", NAME.encode() + b" ")
    image.add_new((0xFFFC, 0xFFFC), "OB", NAME.encode() + b" ")
    image.preamble = (NAME.encode() * 20)[:128]
    image.file_meta.SourceApplicationEntityTitle = NAME
    image.file_meta.PrivateInformationCreatorUID = UID
    image.file_meta.PrivateInformation = NAME.encode() + b" "


def write_in_the_unused_bits(image) -> None:
    """An overlay as older scanners store it: in the bits of each pixel that the picture leaves free."""
    text = np.frombuffer(NAME.encode(), np.uint8)
    pixels = image.pixel_array.copy()
    pixels.ravel()[: len(text) * 8] |= (np.unpackbits(text).astype(np.uint16) << 12) | 0x8000
    image.PixelData = pixels.tobytes()
    image.add_new((0x6004, 0x0010), "US", image.Rows)
    image.add_new((0x6004, 0x0011), "US", image.Columns)
    image.add_new((0x6004, 0x0040), "CS", "G")
    image.add_new((0x6004, 0x0050), "SS", [1, 1])
    image.add_new((0x6004, 0x0100), "US", 16)
    image.add_new((0x6004, 0x0102), "US", 12)


def contents(root: Path) -> dict[str, bytes]:
    """Every byte of a folder, unpacked, and the names of its files."""
    found = {"names": "\n".join(path.relative_to(root).as_posix() for path in root.rglob("*")).encode()}
    for path in root.rglob("*"):
        if path.is_dir():
            continue
        found[path.name] = path.read_bytes()
        if path.suffix == ".gz":
            found[f"{path.name} unpacked"] = gzip.decompress(path.read_bytes())
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                found |= {f"{path.name}/{name}": packed.read(name) for name in packed.namelist()}
    return found


@pytest.fixture(scope="module")
def names() -> re.Pattern:
    texts = [NAME, DATE, NUMBER, UID, "\u0417\u042d\u041a\u0421\u0418\u0412\u0410\u041d\u041e\u0412"]
    spelt = [
        text.encode(coding)
        for text in texts
        for coding in ("utf-8", "utf-16-le", "utf-16-be", "cp1251", "iso8859_5")
        if coding.startswith("utf") or not text.isascii()
    ]
    return re.compile(b"|".join(map(re.escape, spelt)), re.IGNORECASE)


def test_every_attribute_is_planted():
    """So that the search below has something to find."""
    elements = planted()
    words = {DicomDictionary[int(element.tag)][4] for element in elements}
    assert len(elements) > 2500
    assert {"PatientName", "PatientID", "PatientBirthDate", "StudyDate", "InstitutionName", "StudyInstanceUID"} <= words


def test_nothing_of_it_comes_out(ct, tmp_path, names):
    images, elements = ct.images(), planted()
    for image in images:
        plant(image, elements)
        image.SOPInstanceUID = f"{UID}.{image.InstanceNumber}"
    folder = tmp_path / f"{NAME}_{DATE}"
    folder.mkdir()
    paths = save(images, folder)
    for path in paths:
        path.rename(path.with_name(f"{NAME}.{path.name}.dcm"))
    listed = tmp_path / f"{NAME}.csv"
    listed.write_text(f"study,category\n{NAME},CT-2\n")
    assert names.search(b"".join(path.read_bytes() for path in folder.iterdir()))
    convert(tmp_path, tmp_path / "out", listed, progress=False)
    written = contents(tmp_path / "out")
    assert len(written) > 10
    assert [name for name, data in written.items() if names.search(data)] == []
    assert not (tmp_path / ".out.partial").exists()


def test_nor_what_hides_in_the_bits_of_the_pixels(ct):
    images = ct.images()
    for image in images:
        write_in_the_unused_bits(image)
    hidden = np.frombuffer(images[0].PixelData, np.uint16)[: 8 * len(NAME)] >> 12 & 1
    assert bytes(np.packbits(hidden.astype(np.uint8))) == NAME.encode()
    ct.same(ct.convert(images)[0], ct.wanted)


def test_the_header_holds_nothing_but_geometry(ct, tmp_path):
    """Fields of NIfTI that could hold words are empty."""
    import nibabel as nib

    (tmp_path / "in").mkdir()
    save(ct.images(), tmp_path / "in")
    (tmp_path / "list.csv").write_text("study,category\nin,CT-0\n")
    convert(tmp_path / "in", tmp_path / "out", tmp_path / "list.csv", progress=False)
    (path,) = (tmp_path / "out").rglob("*.nii.gz")
    image = nib.load(path)
    for field in ("descrip", "aux_file", "intent_name", "db_name", "data_type"):
        assert bytes(image.header[field]).strip(b"\0") == b"", field
    assert list(image.header.extensions) == []
    assert gzip.decompress(path.read_bytes())[348:352] == bytes(4)


def test_an_unfinished_folder_names_nobody_either(ct, tmp_path, names, monkeypatch):
    images = ct.images()
    for image in images:
        image.PatientID = image.PatientName = NAME
    (tmp_path / "in").mkdir()
    save(images, tmp_path / "in")
    (tmp_path / "list.csv").write_text(f"study,category\n{NAME},CT-0\n")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mosmed_edu.convert.folder.Workplace.close", stop)
    assert main(["convert", *map(str, (tmp_path / "in", tmp_path / "out")), "--category-from",
                 str(tmp_path / "list.csv")]) == 130  # fmt: skip
    written = contents(tmp_path / ".out.partial")
    assert any(name.endswith("unpacked") for name in written)
    assert [name for name, data in written.items() if names.search(data)] == []
