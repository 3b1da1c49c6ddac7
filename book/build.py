"""Build the book: draw the synthetic sample, run every notebook, write the site, and make sure that it is there.

Run by `make book`. With MOSMED_ROOT set, the same pages are built from the folder it points to.
"""

from __future__ import annotations

import os
import shutil
import sys
from multiprocessing import get_context
from pathlib import Path

from alone import only_build
from execute import run_notebooks
from pages import pages_with_code
from sphinx_external_toc.parsing import parse_toc_yaml
from stale import PAGE_FOLDERS, forget_stale
from viewer.bundle import bundle

from mosmed_edu.dataset import open_dataset
from mosmed_edu.errors import MosMedError
from mosmed_edu.features import measure_cohort, process_pool
from mosmed_edu.phantom import cached_dataset
from mosmed_edu.phantom.workers import end_with_parent

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"

PAGES = tuple(BUILD / name for name in PAGE_FOLDERS)


def main() -> int:
    """Build, check, and say where the book is."""
    try:
        BUILD.mkdir(exist_ok=True)
        with only_build(BUILD):
            return build()
    except OSError as error:  # a full disk, or a folder that may not be written to
        print(
            f"{error.filename or BUILD}: {error.strerror or error}. Next: mend that, then build again.", file=sys.stderr
        )
        return 1


def build() -> int:
    """As `main`, while no other build works in this folder."""
    borrow_home()
    try:
        dataset = open_dataset()  # draws the sample, with a progress bar, where no other folder is named
        cached_dataset("sample")  # the appendix measures it, whatever folder is named
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
        # Notebooks run side by side. Threads of small matrices would wait for those of the next notebook.
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
    )
    failed = run_notebooks(pages_with_code(ROOT), BUILD / ".jupyter_cache")
    if failed:
        print(failed, file=sys.stderr)
        return 1
    if write_pages():
        print("The book was not built: see the warnings above, each of which counts as an error.", file=sys.stderr)
        return 1
    missing = missing_pages()
    if missing:
        print(f"The book is not whole. Missing in {HTML}: {', '.join(missing)}", file=sys.stderr)
        return 1
    print(f"\nThe book is at {HTML / 'index.html'}")
    return 0


def write_pages() -> int:
    """Let Jupyter Book write the pages; give its exit code.

    It takes a page that is there for whole, also one that it was killed over, whose pictures it had not copied yet, or
    that it had warned of. So what a run has left that did not end well is written anew.
    """
    begun = BUILD / ".pages-begun"
    if begun.is_file():
        _remove(*PAGES)
    begun.touch()
    code = run_jupyter_book()
    if code == 0:
        begun.unlink()
    return code


def run_jupyter_book() -> int:
    """Run Jupyter Book in a process that ends with this one, as the lock does; give its exit code."""
    book = get_context("spawn").Process(target=_jupyter_book, args=(ROOT,))
    book.start()
    book.join()
    return book.exitcode


def _jupyter_book(folder: Path) -> None:
    from jupyter_book.cli.main import main

    end_with_parent()
    main(["build", str(folder), "-W", "--keep-going"])


def borrow_home() -> None:
    """Where the home folder may not be written to, let all who want to do so write to one within the build.

    Jupyter, matplotlib and npm each have a variable of their own for that; all of them follow this one.
    """
    home = Path.home()
    if not (home.is_dir() and os.access(home, os.W_OK)):
        borrowed = BUILD / ".home"
        borrowed.mkdir(exist_ok=True)
        os.environ["HOME"] = str(borrowed)


def write_profile() -> Path:
    """Write an IPython profile for the build's kernels, so that nobody's own start-up files run in them.

    It keeps them from warning about unencrypted sockets, too: they talk to this machine alone.
    """
    profile = BUILD / ".ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c = get_config()\nc.IPKernelApp.log_level = 'ERROR'\n")
    return profile.parent


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir():
            shutil.rmtree(folder)


def missing_pages() -> list[str]:
    """Entries of _toc.yml without a page, and the start page."""
    names = [*parse_toc_yaml(ROOT / "_toc.yml"), "index"]
    return [name for name in names if not (HTML / f"{name}.html").is_file()]


if __name__ == "__main__":
    sys.exit(main())
