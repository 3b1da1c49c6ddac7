"""What students get back: an error is its last line, for the rest of a traceback shows how an answer is tested."""

from __future__ import annotations

from nbgrader.preprocessors import NbGraderPreprocessor


class ShortErrors(NbGraderPreprocessor):
    """Used by nbgrader when it writes feedback; named in ``nbgrader_config.py``."""

    def preprocess_cell(self, cell, resources, cell_index):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}".removeprefix("NotRight: ")]
        return cell, resources
