"""Build the book: draw the synthetic sample, run every notebook, write the site, and make sure that it is there.

Run by `make book`. With MOSMED_ROOT set, the same pages are built from the folder it points to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from alone import only_build
from execute import run_notebooks
from sphinx_external_toc.parsing import parse_toc_yaml
from viewer.bundle import bundle, sources

from mosmed_edu.dataset import Dataset, Study, open_dataset
from mosmed_edu.errors import MosMedError
from mosmed_edu.features import measure_cohort, process_pool

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"

#: What the pages leave behind: themselves, what Sphinx knows of them, and the pictures it has taken from the cells.
PAGES = (BUILD / ".doctrees", BUILD / "jupyter_execute", HTML)


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
        cohort = open_dataset("cohort")  # here and not in a notebook, where the bar would stay on the page
        with process_pool() as pool:
            measure_cohort(cohort.studies(), pool)  # once for all chapters that need it
        bundle(BUILD / "viewer")
    except MosMedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Building the book from {dataset} in {dataset.root}")
    forget_stale_outputs(dataset)
    os.environ.update(
        MOSMED_BOOK="1",  # live widgets draw a still picture
        IPYTHONDIR=str(write_profile()),
        PYDEVD_DISABLE_FILE_VALIDATION="1",  # or every kernel writes a warning
    )
    failed = run_notebooks(ROOT / "notebooks", BUILD / ".jupyter_cache")
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

    It takes a page that is there for whole, also one that it was killed over, or whose pictures it had not copied yet.
    So what a killed run has left is written anew.
    """
    begun = BUILD / ".pages-begun"
    if begun.is_file():
        _remove(*PAGES)
    begun.touch()
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    code = subprocess.run([str(jupyter_book), "build", str(ROOT), "-W", "--keep-going"]).returncode
    begun.unlink()
    return code


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


def forget_stale_outputs(dataset: Dataset) -> None:
    """Drop the pages and the cached outputs that other code or other data have made.

    Jupyter's cache looks at a notebook's own text only; what a cell shows depends on `mosmed_edu`, on the installed
    libraries and on the dataset too, also on how much of it is on disk. And every page depends on extensions,
    templates and styles, and on the glossary.
    """
    quizzes = (ROOT / "notebooks").rglob("*.json")
    code = [*(ROOT / "mosmed_edu").rglob("*.py"), *quizzes, ROOT / "requirements.txt"]
    parts = (file for name in ("_ext", "_static", "_templates") for file in (ROOT / f"book/{name}").glob("*.*"))
    pages = [*parts, *sources(), ROOT / "_config.yml", ROOT / "book" / "glossary.md"]
    there = [(study.id, study.study_path.stat().st_size, _has_mask(study)) for study in dataset.studies()]
    outputs = _digest([*code, *dataset.root.glob("dataset_registry.*")], f"{dataset.root} {there}")
    _forget(".made-from", outputs, BUILD / ".jupyter_cache")
    _forget(".pages-made-from", _digest(pages, outputs), *PAGES)


def _has_mask(study: Study) -> bool:
    return study.mask_path is not None and study.mask_path.is_file()


def _forget(stamp: str, digest: str, *folders: Path) -> None:
    """Remove folders unless the stamp of this name holds the digest, and then write it.

    In this order: a build that is killed in between removes them again, and never takes them for its own.
    """
    path = BUILD / stamp
    if path.is_file() and path.read_text() == digest:
        return
    path.unlink(missing_ok=True)
    _remove(*folders)
    path.write_text(digest)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir():
            shutil.rmtree(folder)


def _digest(paths: list[Path], start: str) -> str:
    digest = hashlib.sha256(start.encode())
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def missing_pages() -> list[str]:
    """Entries of _toc.yml without a page, and the start page."""
    names = [*parse_toc_yaml(ROOT / "_toc.yml"), "index"]
    return [name for name in names if not (HTML / f"{name}.html").is_file()]


if __name__ == "__main__":
    sys.exit(main())
