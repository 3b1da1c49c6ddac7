"""The whole book from a folder like the real dataset: it builds, says whose eyes it is for, and gives no voxel away.

Built once, as its owner would: a part of the published dataset, from a folder whose name has spaces and Cyrillic
letters, by somebody whose home folder cannot be written to, without network.
"""

from __future__ import annotations

import html as entities
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from real_like import DOWNLOADED, MASKED, chest, write_published
from scan_bytes import Runs, files_of, scans_in, unpacked
from sphinx_external_toc.parsing import parse_toc_yaml

from mosmed_edu import open_dataset
from mosmed_edu.phantom import cached_dataset

ROOT = Path(__file__).resolve().parents[2]
PAGES = [f"{name}.html" for name in parse_toc_yaml(ROOT / "_toc.yml")]
BANNER = "is for its owner's own eyes: do not publish it"

#: These have pixels as small as the published ones; the others larger ones, or the build would take twice as long.
FINE = (255, 951)

#: Run by every Python of the build as it starts: no connection leaves this machine, and who tries is written down.
NO_NETWORK = """
import os, socket
_connect, _look_up = socket.socket.connect, socket.getaddrinfo
_HERE = ("127.0.0.1", "::1", "localhost", "", None)
def _refuse(host):
    if host not in _HERE:
        with open(os.environ["MOSMED_TEST_ASKED"], "a") as log:
            log.write(f"{host}\\n")
        raise OSError(101, "Network is unreachable")
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6):
        _refuse(address[0])
    return _connect(self, address)
def getaddrinfo(host, *more, **options):
    _refuse(host)
    return _look_up(host, *more, **options)
socket.socket.connect, socket.getaddrinfo = connect, getaddrinfo
"""


#: It builds the book a second time, which takes as long as all other tests together: `make real-book`.
pytestmark = pytest.mark.skipif(not os.environ.get("MOSMED_TEST_REAL_BOOK"), reason="takes minutes: make real-book")


@pytest.fixture(scope="session")
def real_book(made_once, html):
    """The finished build: its site, the folder it was built from, what it printed, and who was asked for."""
    place = Path(made_once("книга для себя", partial(build_in, built=html.parent)))
    return SimpleNamespace(
        site=place / "course" / "_build" / "html",
        data=place / "мои данные" / "COVID19_1110",
        said=(place / "said.txt").read_text("utf-8"),
        asked=place / "asked.txt",
    )


def build_in(place: Path, built: Path) -> Path:
    """Build the book in a folder, from a dataset beside it; `built` is the build folder of `make book`.

    Returns the folder, where ``said.txt`` holds what the build has printed.
    """
    course, data, asked = place / "course", place / "мои данные" / "COVID19_1110", place / "asked.txt"
    for name in ("book", "notebooks", "mosmed_edu"):
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("_config.yml", "_toc.yml", "requirements.txt", "requirements-book.txt"):
        shutil.copy(ROOT / name, course)
    # The scripts of viewer and slides, as `make book` has made them: npm's packages come from the network.
    for name in ("dist", "slides"):
        shutil.copytree(built / "viewer" / name, course / "_build" / "viewer" / name)
    shutil.copy(built / "viewer" / ".made-from", course / "_build" / "viewer")
    # The slides show the drawn sample whatever the book is built from: no need to draw it again.
    (place / "кэш").mkdir()
    (place / "кэш" / cached_dataset().name).symlink_to(cached_dataset())
    (place / "no network").mkdir()
    (place / "no network" / "sitecustomize.py").write_text(NO_NETWORK)
    write_published(data, DOWNLOADED, lambda number: chest(number) if number in FINE else chest(number, repeat=1))
    env = os.environ | {
        "MOSMED_ROOT": str(data),
        "MOSMED_CACHE": str(place / "кэш"),
        "MOSMED_TEST_ASKED": str(asked),
        "HOME": "/dev/null/home",
        "PYTHONPATH": os.pathsep.join([str(place / "no network"), str(ROOT)]),
    }
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR"):
        env.pop(name, None)
    command = [sys.executable, str(course / "book" / "build.py")]
    ran = subprocess.run(command, env=env, cwd=place, capture_output=True, text=True, timeout=1800)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-5000:]
    (place / "said.txt").write_text(ran.stdout, "utf-8")
    return place


def test_it_is_built_and_says_from_what(real_book):
    assert f"in {real_book.data}" in real_book.said
    assert f"The book is at {real_book.site / 'index.html'}" in real_book.said
    assert all((real_book.site / page).is_file() for page in PAGES)
    assert json.loads((real_book.site / "made-from.json").read_text()) == {"synthetic": False, "datasets": []}


@pytest.mark.parametrize("name", [*PAGES, "search.html", "genindex.html"])
def test_every_page_says_whose_eyes_it_is_for(real_book, name):
    text = entities.unescape((real_book.site / name).read_text("utf-8"))
    assert BANNER in text


def test_nothing_was_asked_of_the_network(real_book):
    assert not real_book.asked.exists() or real_book.asked.read_text() == ""


def test_no_file_of_the_site_is_or_holds_a_scan(real_book):
    assert {str(path): found for path in files_of(real_book.site) if (found := scans_in(path.read_bytes()))} == {}
    assert not any("data-viewer=" in path.read_text("utf-8") for path in real_book.site.rglob("*.html"))


def needles(data: np.ndarray) -> set[bytes]:
    """Runs of voxels as they would lie in a file that carries them: whole, thinned, rounded, as bytes or words."""
    middle, found = data[:, :, data.shape[2] // 2], set()
    size = len(middle)
    shown = slice(size // 4, 3 * size // 4, size // 10)
    for line in (*middle.T[shown], *middle[shown]):
        for step in (1, 2, 3):
            for hu in (1, 4, 8):
                run = (np.rint(line[size // 4 :: step] / hu) * hu)[:24]
                if len(np.unique(run)) >= 8:
                    found |= {run.astype(kind).tobytes() for kind in ("<i2", ">i2", "<f4", "<f8")}
    return found


def test_no_run_of_voxels_is_in_any_file(real_book):
    wanted = set().union(*(needles(study.ct().data) for study in open_dataset(real_book.data).studies()))
    assert len(wanted) > 500
    runs = Runs(wanted)
    scan = next(real_book.data.rglob("study_0255.nii.gz"))
    assert runs.any_in(unpacked(scan.read_bytes()))  # it finds them where they are
    assert [path.name for path in files_of(real_book.site) if runs.any_in(unpacked(path.read_bytes()))] == []


def test_pictures_are_those_that_the_pages_show_and_no_card_for_sharing(real_book):
    pages = {path: path.read_text("utf-8") for path in real_book.site.rglob("*.html")}
    shown = set(re.findall(r"_images/([\w.-]+)", "".join(pages.values())))
    assert {path.name for path in files_of(real_book.site / "_images")} <= shown
    assert not any('property="og:image"' in text for text in pages.values())


def test_downloads_carry_no_outputs(real_book):
    sources = files_of(real_book.site / "_sources")
    assert sources
    for path in sources:
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, 4).cells
            assert not any(cell.get("outputs") or cell.get("attachments") for cell in cells)
        assert b"data:image" not in path.read_bytes()
    assert not any("widget-state+json" in path.read_text("utf-8") for path in real_book.site.rglob("*.html"))


def test_no_path_of_the_owners_disk_is_on_a_page(real_book):
    """Should somebody publish it all the same: not even the name of the folder."""
    for path in real_book.site.rglob("*.html"):
        assert str(real_book.data.parent) not in entities.unescape(path.read_text("utf-8")), path.name


def test_nobodys_scan_is_called_synthetic_and_every_picture_is_described(real_book):
    figures = []
    for page in (real_book.site / "notebooks").glob("*.html"):
        text = page.read_text("utf-8")
        figures += re.findall(r'<figure class="mosmed-figure".*?</figure>', text, re.DOTALL)
    of_a_study = [figure for figure in figures if re.search(r"study \d+, CT-\d", figure, re.IGNORECASE)]
    assert len(of_a_study) > 20
    assert not any("synthetic" in figure.lower() for figure in of_a_study)
    shown = {int(n) for figure in of_a_study for n in re.findall(r"study (\d+), CT-", figure, re.IGNORECASE)}
    assert shown <= set(DOWNLOADED) and shown & set(MASKED)
