"""Look for bytes that break the readers, for as long as you let it: a fuzzer that is guided by the code it reaches.

Not part of the tests, which try a few hundred (tests/test_fuzz.py). atheris is installed by hand, for it is not made
for every system and Python:

    .venv/bin/pip install atheris
    .venv/bin/python benchmarks/fuzz.py nifti -max_total_time=150
    .venv/bin/python benchmarks/fuzz.py csv -max_total_time=75
    .venv/bin/python benchmarks/fuzz.py xlsx -max_total_time=75

What follows the name goes to libFuzzer. It stops at the first input that breaks a promise and writes it to a file of
the folder it was started from; give that file's name as the last argument to see it again.
"""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

#: libFuzzer's own limits: an input that takes longer (in seconds) or more memory (in MB) is a finding.
_LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1")


def nifti_file(data: bytes) -> tuple[str, bytes]:
    """The first byte says how the others are packed: not at all, or in one gzip member or two, checksums right.

    Without this no input of the fuzzer's would come past the checksum.
    """
    how, raw = data[:1] or b"\0", data[1:]
    if how < b"\x40":
        return "study_0001.nii.gz", raw
    cut = len(raw) if how < b"\xc0" else len(raw) // 3
    return "study_0001.nii.gz", b"".join(gzip.compress(part, 1) for part in (raw[:cut], raw[cut:]) if part)


def csv_file(data: bytes) -> tuple[str, bytes]:
    """The bytes as they are."""
    return "dataset_registry.csv", data


def xlsx_file(data: bytes) -> tuple[str, bytes]:
    """The bytes as the sheet of a workbook, or as the whole of it."""
    if data[:1] < b"\x20":
        return "dataset_registry.xlsx", data[1:]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, content in _workbook().items():
            parts.writestr(name, data[1:] if name.endswith("sheet1.xml") else content)
    return "dataset_registry.xlsx", packed.getvalue()


def _workbook(cache: dict = {}) -> dict[str, bytes]:  # noqa: B006 - made once
    if not cache:
        from real_like import registry_bytes

        with zipfile.ZipFile(io.BytesIO(registry_bytes(".xlsx", (7, 255)))) as parts:
            cache.update({name: parts.read(name) for name in parts.namelist()})
    return cache


def seeds(target: str) -> list[bytes]:
    """Good inputs to begin with."""
    if target == "csv":
        from real_like import registry_bytes

        return [registry_bytes(".csv", (7, 255, 951))]
    if target == "xlsx":
        return [b"\xff" + next(text for name, text in _workbook().items() if name.endswith("sheet1.xml"))]
    hu, affine = np.arange(60, dtype=np.int16).reshape(5, 4, 3), np.diag([0.7, 0.7, 8, 1])
    found = []
    for kind in (nib.Nifti1Image, nib.Nifti2Image):
        for order in "<>":
            raw = kind(hu, affine, kind.header_class(endianness=order), dtype=np.int16).to_bytes()
            found += [b"\x80" + raw, b"\xff" + raw, b"\0" + raw, b"\0" + gzip.compress(raw)]
    return found


TARGETS = {"nifti": nifti_file, "csv": csv_file, "xlsx": xlsx_file}


def main(arguments: list[str]) -> int:
    """Fuzz one target until libFuzzer has had enough."""
    if not arguments or arguments[0] not in TARGETS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        import atheris
    except ImportError:
        print("atheris is not installed. Next: .venv/bin/pip install atheris", file=sys.stderr)
        return 1
    target, *options = arguments
    with atheris.instrument_imports(include=["mosmed_edu.nifti", "mosmed_edu.layout"]):
        import judges
    judge = judges.judge_nifti if target == "nifti" else judges.judge_registry
    make = TARGETS[target]
    with TemporaryDirectory() as folder:
        corpus, work = Path(folder, "corpus"), Path(folder, "work")
        corpus.mkdir()
        work.mkdir()
        for number, seed in enumerate(seeds(target)):
            (corpus / f"{number}").write_bytes(seed)

        def try_one(data: bytes) -> None:
            name, content = make(data)
            path = work / name
            path.write_bytes(content)
            judge(path)

        again = [option for option in options if not option.startswith("-")]
        atheris.Setup([sys.argv[0], *_LIMITS, *options, *([] if again else [str(corpus)])], try_one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
