"""Do what Binder does, without Docker, and run every notebook as its Jupyter would: `make binder`.

repo2docker is asked which steps it would take for a clone of this repository, and they are taken one by one in a clean
environment of the Python it names. Then each notebook is run in a fresh kernel that starts in its folder. Printed are
its seconds and the most memory that the kernel and its workers held. Binder gives a reader about 2 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import this_run

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_MB = 2000

#: What repo2docker calls the environment that kernels run in.
_PREFIX = "KERNEL_PYTHON_PREFIX"
_LEFT_OUT = {"MOSMED_ROOT", "MOSMED_BOOK", "MOSMED_CACHE", "PYTHONPATH", "VIRTUAL_ENV", "IPYTHONDIR"}
_LEFT_OUT |= {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}  # the Makefile sets them, Binder does not

#: Runs in the clean environment; a row of JSON for each notebook.
RUN_ALL = '''
import json, sys, threading, time
from pathlib import Path
import nbformat, psutil
from nbclient import NotebookClient

def held(process):
    """Memory of the kernel and all that it started, in MB; pages that they share count for each."""
    total = 0
    for one in process.children(recursive=True):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            pass
    return total / 1e6

chapters, handed_out = (Path("notebooks").glob(name) for name in ("*.ipynb", "assignments/release/*/*.ipynb"))
for path in [*sorted(chapters), *sorted(handed_out)]:
    peak, done = [0.0], threading.Event()
    def watch():
        while not done.wait(0.1):
            peak.append(held(psutil.Process()))
    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        NotebookClient(nbformat.read(path, 4), timeout=900, resources={"metadata": {"path": path.parent}}).execute()
        fault = ""
    except Exception as error:
        fault = str(error)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    print(json.dumps({"notebook": path.stem, "seconds": seconds, "peak_mb": max(peak), "fault": fault}), flush=True)
'''


def steps(clone: Path) -> tuple[str, list[str]]:
    """The Python that repo2docker would take, and what it would run once the repository is copied, in order.

    Examples
    --------
    >>> steps(clone)                                                      # doctest: +SKIP
    ('3.11', ['${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "requirements.txt"', ...])
    """
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(clone)]
    said = subprocess.run(command, cwd=clone.parent, capture_output=True, text=True, check=True)
    recipe = said.stdout + said.stderr
    python = re.search(r"environment-2epy-2d(\d+)-2e(\d+)-2d", recipe)
    after = recipe[recipe.index("# Copy stuff.") :]
    return ".".join(python.groups()), re.findall(rf"^RUN ((?:\$\{{{_PREFIX}\}}|chmod|\./).*)$", after, re.MULTILINE)


def clone_into(folder: Path) -> Path:
    """The files that git knows, as they are now, in another place."""
    clone = folder / "clone"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, clone / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    return clone


def build(folder: Path) -> tuple[Path, dict[str, str]]:
    """Take the steps; return the clone and the variables of a terminal in it."""
    clone = clone_into(folder)
    version, todo = steps(clone)
    home, prefix = folder / "home", folder / "environment"
    home.mkdir()
    subprocess.run([f"python{version}", "-m", "venv", str(prefix)], check=True)
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    # What was downloaded before need not be again; Binder itself starts without.
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True).stdout.strip()
    path = f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"
    terminal = {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "PATH": path, _PREFIX: str(prefix)}
    terminal |= {"PIP_CACHE_DIR": cache} if cache else {}
    for step in todo:
        print(f"$ {step}", flush=True)
        quiet = step.replace("pip install --no-cache-dir", "pip install --quiet --disable-pip-version-check")
        subprocess.run(["sh", "-c", quiet], cwd=clone, env=terminal, check=True)
    return clone, terminal


def run_all(clone: Path, terminal: dict[str, str]) -> list[dict]:
    """Run every notebook of the clone in the clean environment, and print a line for each."""
    rows = []
    command = [f"{terminal[_PREFIX]}/bin/python", "-c", RUN_ALL]
    print(f"{'notebook':40}{'seconds':>9}{'MB':>7}")
    with subprocess.Popen(command, cwd=clone, env=terminal, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            row = json.loads(line)
            rows.append(row)
            fault = row["fault"] or ("" if row["peak_mb"] < ALLOWED_MB else f"more than {ALLOWED_MB} MB")
            print(f"{row['notebook']:40}{row['seconds']:9.1f}{row['peak_mb']:7.0f}  {fault}".rstrip(), flush=True)
    return rows


def main() -> int:
    """Build, run, and say which notebook failed or held too much; the exit code is 1 if one did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mosmed-binder-") as folder:
        rows = run_all(*build(Path(folder)))
    patterns = ("*.ipynb", "assignments/release/*/*.ipynb")
    expected = {path.stem for pattern in patterns for path in (ROOT / "notebooks").glob(pattern)}
    if options.json:
        table = [{key: row[key] for key in ("notebook", "seconds", "peak_mb")} for row in rows]
        partial = options.json.with_suffix(".part")  # who stops this keeps the table that was there
        partial.write_text(json.dumps({**this_run(), "allowed_mb": ALLOWED_MB, "rows": table}, indent=1) + "\n")
        partial.replace(options.json)
    fine = {row["notebook"] for row in rows if not row["fault"] and 0 < row["peak_mb"] < ALLOWED_MB}
    if expected - fine:
        print(f"These would not work on Binder: {', '.join(sorted(expected - fine))}", file=sys.stderr)
    return 1 if expected - fine else 0


if __name__ == "__main__":
    sys.exit(main())
