"""Nothing that comes with the data can run, and nothing leads out of the dataset's folder."""

from __future__ import annotations

import ast
import os
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from mosmed_edu import layout, open_dataset, plotting, view
from mosmed_edu.check import check_dataset
from mosmed_edu.dataset import Study
from mosmed_edu.errors import MosMedError, RegistryError
from mosmed_edu.plotting.figure import Panel

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for name in ("mosmed_edu", "book", "benchmarks") for path in (ROOT / name).rglob("*.py"))

#: What runs text or bytes that somebody may have planted, by the last part of its name.
RUNS_TEXT = {"eval", "exec", "compile", "__import__", "system", "popen", "getoutput", "getstatusoutput"}

#: Modules whose files are programs when they are read, and what reads such files elsewhere.
UNPACKS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
READS_PICKLES = {"read_pickle", "to_pickle", "unsafe_load", "full_load", "load_module"}


def calls_of(tree: ast.AST):
    """(name, last part of the name, keywords, node) of every call: ('re.compile', 'compile', {}, node)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func), getattr(node.func, "attr", getattr(node.func, "id", "")), node


def dangers(source: str) -> list[str]:
    """What a program does that a file of data could turn against its reader."""
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [f"import {name}" for name in names if name.split(".")[0] in UNPACKS_CODE]
    for name, last, node in calls_of(tree):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        # `re.compile` compiles a pattern, and a table's own `eval` and `query` take text of ours
        if (last in RUNS_TEXT and name != "re.compile") or last in READS_PICKLES:
            found.append(f"line {node.lineno}: {name}()")
        if keywords.get("shell", "False") != "False" or keywords.get("allow_pickle", "False") != "False":
            found.append(f"line {node.lineno}: {name}() with a shell or with pickles")
        if last == "load" and name.startswith(("yaml.", "torch.")):
            found.append(f"line {node.lineno}: {name}()")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_of_data_is_run(path):
    assert dangers(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "builtins.exec(text)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "yaml.load(text)",
    ],
)
def test_the_search_for_it_finds_it(source):
    assert dangers(source) != []


def test_a_cache_of_measured_rows_is_text(tmp_path):
    """Whoever can write to the cache file can change numbers there, and run nothing."""
    from mosmed_edu.features.cache import Rows

    rows = Rows(tmp_path / "rows.jsonl")
    rows.path.write_bytes(b"\x80\x04\x95cos\nsystem\n(S'touch planted'\ntR.\n" + b'{"key": "a", "row": "__import__"}\n')
    assert rows.find(["a"]) == {} and not Path("planted").exists()


# ---- paths of the registry

ROW = "study_id,category,study_file,mask_file\n7,CT-0,{},\n"

LEAVING = [
    "../outside.nii.gz",
    "/studies/CT-0/../../../outside.nii.gz",
    "..\\outside.nii.gz",
    "\\..\\..\\outside.nii.gz",
    "C:/outside.nii.gz",
    "C:outside.nii.gz",
    "/C:/outside.nii.gz",
    "file:///outside.nii.gz",
    "studies/./../../outside.nii.gz",
    "\\\\?\\C:\\outside.nii.gz",
]
NO_NAMES = ["studies/a\0.nii.gz", "a" * 300 + ".nii.gz", "a/" * 600 + "b.nii.gz", "studies/\x1b[2Jb.nii.gz", "a\u202eb"]


def opened(root: Path, text: str):
    (root / "dataset_registry.csv").write_text(ROW.format(text), "utf-8")
    return open_dataset(root)[7]


@pytest.fixture
def folder(tmp_path):
    """A dataset's folder, a scan outside it, and a folder of the same beginning beside it."""
    for place in (tmp_path / "outside.nii.gz", tmp_path / "data-2" / "outside.nii.gz"):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"somebody else's")
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("text", LEAVING + NO_NAMES)
def test_a_path_that_leads_out_or_is_no_name_is_refused(folder, text):
    with pytest.raises(RegistryError) as caught:
        opened(folder, text).study_path.is_file()
    said = str(caught.value)
    assert "\n" not in said and "\0" not in said and "\x1b" not in said and "Next: " in said


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "//server/share/a.nii.gz", "\\\\server\\share\\a.nii.gz", "~/a.nii.gz"]
)
def test_an_absolute_path_means_a_file_of_the_folder(folder, text):
    study = opened(folder, text)
    assert study.study_path.is_relative_to(folder) and not study.study_path.exists()


@pytest.mark.parametrize("to", ["../outside.nii.gz", "../data-2/outside.nii.gz", "/etc/passwd"])
@pytest.mark.parametrize("link", ["a.nii.gz", "a.nii"])
def test_a_link_out_of_the_folder_is_never_followed(folder, to, link):
    (folder / link).symlink_to(to)
    with pytest.raises(RegistryError, match="leads out of the dataset folder"):
        opened(folder, "a.nii.gz").ct()


def test_a_linked_folder_out_of_the_dataset_is_never_followed(folder):
    (folder / "studies").symlink_to(folder.parent)
    with pytest.raises(RegistryError, match="leads out of the dataset folder"):
        opened(folder, "studies/outside.nii.gz").ct()


def test_links_in_a_ring_are_one_line(folder):
    (folder / "a.nii.gz").symlink_to("b.nii.gz")
    (folder / "b.nii.gz").symlink_to("a.nii.gz")
    study = opened(folder, "a.nii.gz")
    with pytest.raises(MosMedError) as caught:
        study.ct()
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_under_a_scans_name_is_not_waited_for(folder):
    os.mkfifo(folder / "a.nii.gz")
    with pytest.raises(MosMedError):
        opened(folder, "a.nii.gz").ct()


def test_a_registry_that_unpacks_to_gigabytes_is_refused(tmp_path):
    """A zip of 1000 times nothing: the size it claims is enough to refuse it."""
    import zipfile

    path = tmp_path / "dataset_registry.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb, bomb.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(40):
            part.write(bytes(2**20))
    assert path.stat().st_size < 100_000
    with pytest.raises(RegistryError, match="far more than any registry"):
        layout.read_registry(path)


def test_a_cell_far_away_takes_no_memory(tmp_path):
    import tracemalloc

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(layout.COLUMNS))
    sheet.append([7, "CT-0", "/studies/CT-0/study_0007.nii.gz", None])
    sheet.cell(1_048_576, 16_384).value = "far away"
    book.save(tmp_path / "dataset_registry.xlsx")
    tracemalloc.start()
    registry = layout.read_registry(tmp_path / "dataset_registry.xlsx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(registry.index) == [7] and peak < 100_000_000


# ---- data that is HTML, or obeyed by a terminal

PLANTED = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'" onload=alert(1) x="'


class _Active(HTMLParser):
    """What a browser would run in a piece of HTML."""

    def __init__(self, html: str):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found += [tag] if tag in ("script", "iframe", "object", "embed", "base", "form") else []
        self.found += [name for name, value in attributes if name.startswith("on") or "javascript:" in (value or "")]


def runs(html: str) -> list[str]:
    return _Active(html).found


def test_the_search_for_what_runs_finds_it():
    assert runs(PLANTED) == ["script", "onerror"] and runs(f'<i title="{PLANTED}">') and not runs(escape(PLANTED))


@pytest.fixture
def planted(tmp_path, tiny):
    """A study whose category, folder and files are named by somebody who wants to run something."""
    name = PLANTED.replace("/", "|")
    root = tiny.write_dataset(tmp_path / name)
    return Study(255, PLANTED, root, "studies/CT-1/study_0255.nii.gz", "masks/study_0255_mask.nii.gz")


FIGURES = {
    "show_slices": lambda study: plotting.show_slices(study, [3], mask=True),
    "show_windows": lambda study: plotting.show_windows(study, 3),
    "show_planes": lambda study: plotting.show_planes(study),
    "show_histogram": lambda study: plotting.show_histogram(study),
    "show_counts": lambda study: plotting.show_counts({PLANTED[:25]: 3, "CT-1": 2}),
    "a caption of data": lambda study: plotting.Figure([Panel("<svg></svg>", PLANTED, PLANTED)], PLANTED),
    "view": lambda study: view(study),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_and_viewer_show_planted_html_as_text(planted, name, monkeypatch):
    monkeypatch.setenv("MOSMED_BOOK", "1")
    monkeypatch.setenv("MOSMED_ROOT", str(planted.root))
    shown = FIGURES[name](planted)
    html = shown.html() if name == "view" else shown._repr_html_()
    assert "<" in html and runs(html) == []
    if name in ("show_slices", "view", "a caption of data"):
        assert "&lt;script&gt;" in html


def test_the_pages_viewer_shows_planted_html_as_text(planted, monkeypatch, tmp_path):
    """What the Sphinx extension makes of it, for a scan that is exported and for one that is not."""
    monkeypatch.setenv("MOSMED_BOOK", "1")
    monkeypatch.setenv("MOSMED_ROOT", str(planted.root))
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    import scan_viewer

    (tmp_path / "_build" / "viewer" / "dist").mkdir(parents=True)
    (tmp_path / "_build" / "viewer" / "dist" / "viewer.js").touch()
    for drawn in (False, True):
        if drawn:
            (planted.root / "extras").mkdir()
            (planted.root / "extras" / "drawn.json").write_text("{}")
        scan_viewer._open.cache_clear()
        context = {"body": view(planted).html(), "pathto": lambda name, _: f"../{name}"}
        app = SimpleNamespace(srcdir=tmp_path, outdir=tmp_path / "html")
        scan_viewer.place_viewers(app, "page", "page.html", context, None)
        assert ("data-viewer" in context["body"]) == drawn and "data-view=" not in context["body"]
        assert runs(context["body"]) == []
    scan_viewer._open.cache_clear()


def test_tables_show_planted_html_as_text(tmp_path, tiny):
    """The registry as a chapter shows it: its last line is a table."""
    rows = tiny.registry_of({255: "CT-1"})
    rows["study_file"] = PLANTED.replace("/", "|")
    layout.write_registry(rows, tmp_path / "dataset_registry.xlsx")
    registry = open_dataset(tmp_path).registry
    assert registry.study_file[255].startswith("<script>")
    assert runs(registry._repr_html_()) == [] and runs(registry.to_html()) == []


def test_a_report_gives_a_terminal_nothing_to_obey(root):
    for name in ("a\x1b]0;owned\x07.nii.gz", "b\nOK.nii.gz", "c\r\x1b[2J.nii.gz"):
        (root / "studies" / name).write_bytes(b"x")
    report = check_dataset(root, progress=False)
    assert sum(remark.topic == "unlisted" for remark in report.remarks) == 3
    assert all(line.isprintable() for line in report.lines())
    assert sum("not in the registry" in line for line in report.lines()) == 3
