"""What the assignments share in drawing their cases: who is drawn, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from mosmed_edu.classroom.cases import BESIDE, CASES_FILE, KEY_FILE
from mosmed_edu.layout import CATEGORIES, DRAWN_MARK, mask_file, study_file, write_registry, write_volume
from mosmed_edu.phantom import GENERATOR_VERSION, Disease, Drawing, Findings, Patient, Shares, draw

#: Raised whenever the cases change: those in the cache are drawn anew.
CASES_VERSION = 2


class Pencil:
    """Draws one set of cases into a folder.

    Parameters
    ----------
    folder : Path
        Exists and is empty.
    seed : int
        The same seed draws the same cases.

    Attributes
    ----------
    folder : Path
        Where the cases go, apart from the key.
    rng : numpy.random.Generator
        For whatever an assignment chooses.
    said : dict
        What the notebook may know.
    key : dict
        What only the grader may know, by question.
    """

    def __init__(self, folder: Path, seed: int):
        self.folder, self._key_path = folder / BESIDE, folder / KEY_FILE
        self.folder.mkdir()
        self._seeds = np.random.SeedSequence(seed).spawn(1)[0]
        self.rng = np.random.default_rng(seed)
        self.said: dict = {}
        self.key: dict = {}

    def seed(self) -> int:
        """A seed for the next patient: of 128 bits, so that nobody finds it by trying."""
        return int.from_bytes(self._seeds.spawn(1)[0].generate_state(4).tobytes())

    def choose(self, options):
        """One of several, each as likely."""
        return list(options)[int(self.rng.integers(len(options)))]

    def draw(
        self,
        category: str,
        fraction: float = 0.0,
        shares: Shares | None = None,
        findings: Findings | None = None,
        matrix: int = 256,
        slices: int | None = None,
    ) -> Drawing:
        """Draw somebody new."""
        seed = self.seed()
        disease = Disease(category, round(fraction, 4), shares or Shares(), seed=seed)
        return draw(Patient.sample(seed), disease, findings or Findings(), matrix=matrix, slices=slices)

    def write_case(self, letter: str, drawing: Drawing) -> None:
        """Write a scan to be read."""
        write_volume(drawing.ct, self.folder / f"case_{letter.lower()}.nii.gz")

    def write_table(self, table: pd.DataFrame, name: str = "table") -> None:
        """Write a table."""
        table.to_csv(self.folder / f"{name}.csv", index=False, lineterminator="\n", float_format="%.6g")

    def write_dataset(self, categories: Mapping[int, str], drawings: Mapping[int, Drawing]) -> None:
        """Write a dataset of which only some studies are on disk; those of CT-1 with their mask.

        Parameters
        ----------
        categories : mapping of int to str
            Category of every study that the registry lists.
        drawings : mapping of int to Drawing
            The studies that are there.
        """
        root = self.folder / "dataset"
        masked = [number for number in drawings if categories[number] == "CT-1"]
        registry = pd.DataFrame(
            {
                "category": pd.Categorical(categories.values(), CATEGORIES, ordered=True),
                "study_file": [study_file(*row) for row in categories.items()],
                "mask_file": [mask_file(number) if number in masked else "" for number in categories],
            },
            index=pd.Index(categories, name="study_id"),
        )
        for number, drawing in drawings.items():
            self._write(drawing.ct, root / study_file(number, categories[number]).lstrip("/"))
            if number in masked:
                mask = drawing.mask.with_data(drawing.mask.data.astype(np.int16))
                self._write(mask, root / mask_file(number).lstrip("/"))
        write_registry(registry, root / "dataset_registry.xlsx")
        # No seed and no truth: a student's copy must not hold what the answers can be drawn from.
        mark = {"name": "cases", "generator_version": GENERATOR_VERSION, "synthetic": "Shows no patient."}
        (root / DRAWN_MARK).parent.mkdir()
        (root / DRAWN_MARK).write_text(json.dumps(mark, indent=1) + "\n")

    def finish(self, assignment: str, practice: bool) -> None:
        """Write what is said and the key. The key comes last: a folder that has it is whole."""
        said = {"assignment": assignment, "practice": practice, **self.said, "synthetic": "Shows no patient."}
        key = {"version": CASES_VERSION, **self.key}
        for path, content in ((self.folder / CASES_FILE, said), (self._key_path, key)):
            path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def _write(volume, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_volume(volume, path)
