"""Build the book: draw the synthetic sample, run every notebook, write the site, and make sure that it is there.

Run by `make book`. With MOSMED_ROOT set, the same pages are built from the folder it points to.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from execute import run_notebooks
from sphinx_external_toc.parsing import parse_toc_yaml
from stale import forget_stale
from viewer.bundle import bundle

from mosmed_edu.dataset import open_dataset
from mosmed_edu.errors import MosMedError
from mosmed_edu.features import measure_cohort, process_pool

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"


def main() -> int:
    """Build, check, and say where the book is."""
    try:
        dataset = open_dataset()  # draws the sample, with a progress bar, where no other folder is named
        cohort = open_dataset("cohort")  # here and not in a notebook, where the bar would stay on the page
        with process_pool() as pool:
            measure_cohort(cohort.studies(), pool)  # once for all chapters that need it
        bundle(BUILD / "viewer")
    except MosMedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Building the book from {dataset} in {dataset.root}")
    forget_stale(ROOT, BUILD, {dataset.root, cohort.root})
    os.environ.update(
        MOSMED_BOOK="1",  # live widgets draw a still picture
        IPYTHONDIR=str(write_profile()),
        PYDEVD_DISABLE_FILE_VALIDATION="1",  # or every kernel writes a warning
    )
    failed = run_notebooks(ROOT / "notebooks", BUILD / ".jupyter_cache")
    if failed:
        print(failed, file=sys.stderr)
        return 1
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [str(jupyter_book), "build", str(ROOT), "-W", "--keep-going"]
    if subprocess.run(command).returncode:
        print("The book was not built: see the warnings above, each of which counts as an error.", file=sys.stderr)
        return 1
    missing = missing_pages()
    if missing:
        print(f"The book is not whole. Missing in {HTML}: {', '.join(missing)}", file=sys.stderr)
        return 1
    print(f"\nThe book is at {HTML / 'index.html'}")
    return 0


def write_profile() -> Path:
    """Write an IPython profile for the build's kernels, so that nobody's own start-up files run in them.

    It keeps them from warning about unencrypted sockets, too: they talk to this machine alone.
    """
    profile = BUILD / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c = get_config()\nc.IPKernelApp.log_level = 'ERROR'\n")
    return profile.parent


def missing_pages() -> list[str]:
    """Entries of _toc.yml without a page, and the start page."""
    names = [*parse_toc_yaml(ROOT / "_toc.yml"), "index"]
    return [name for name in names if not (HTML / f"{name}.html").is_file()]


if __name__ == "__main__":
    sys.exit(main())
