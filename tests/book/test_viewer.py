"""The viewer on the built pages, in a real browser that draws WebGL2 in software."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from axe_faults import axe_faults
from browsing import as_new, serving
from nibabel.orientations import axcodes2ornt, ornt_transform
from PIL import Image
from playwright.sync_api import expect

from mosmed_edu import open_dataset, view
from mosmed_edu.viewer.export import MAX_BYTES

ROOT = Path(__file__).resolve().parents[2]
PAGE = "notebooks/08-reading-a-mask.html"
READY = '.mosmed-view[data-state="ready"]'
NIIVUE = "/_static/viewer/screen-"
SCRIPT_BYTES = 900_000

# The pages' policy allows no eval, so a test waits for what `expect` can see: `wait_for_function` would evaluate text.
expect.set_options(timeout=60_000)

_NO_WEBGL = """const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...more); }"""


def _watched(context):
    page = context.new_page()
    page.faults, page.asked = [], []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    return page


@pytest.fixture(scope="module")
def viewer_tab(browser):
    """A tab that tests use one after the other."""
    with browser.new_context() as context:
        yield _watched(context)


@pytest.fixture
def open_in_tab(viewer_tab):
    """Open a page in the shared tab; its faults are collected in `page.faults`, its requests in `page.asked`."""

    def opened(url, width=1000, height=1000, **media):
        as_new(viewer_tab)
        viewer_tab.set_viewport_size({"width": width, "height": height})
        viewer_tab.emulate_media(**media)
        return _go(viewer_tab, url)

    return opened


@pytest.fixture
def new_page(browser):
    """The same in a tab of its own, for what cannot be taken back in one."""
    contexts = []

    def opened(url, wait=READY, before=lambda page: None, **options):
        contexts.append(browser.new_context(viewport={"width": 1000, "height": 1000}, **options))
        page = _watched(contexts[-1])
        before(page)
        return _go(page, url, wait)

    yield opened
    for context in contexts:
        context.close()


def _go(page, url, wait=READY):
    page.faults, page.asked = [], []
    page.goto(url)
    if wait:
        page.locator(".mosmed-view").first.scroll_into_view_if_needed()
        page.wait_for_selector(wait)
    return page


def settle(page) -> None:
    """Wait until everything asked for has been drawn: the viewer draws in the next frame."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def picture_of(page) -> np.ndarray:
    """The pixels of the picture, without the letters on it."""
    settle(page)
    page.add_style_tag(content=".mv-stage > div { visibility: hidden !important }")
    return np.asarray(Image.open(io.BytesIO(page.locator(".mv-stage").screenshot())).convert("RGB")).astype(int)


def text_of(page, part: str) -> str:
    """What a part of the viewer says, with plain minus signs."""
    settle(page)
    return page.locator(f".mv-{part}").text_content().replace("\u2212", "-")


def reading(page) -> tuple[int, tuple[int, ...]]:
    """The readout: HU, and the voxel."""
    hu, *index = map(int, re.findall(r"-?\d+", text_of(page, "read")))
    return hu, tuple(index)


def differ(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels that differ to the eye."""
    return float((np.abs(one - other).max(axis=2) > 12).mean())


def focus_by_tab(page, selector: str) -> None:
    """Go on with Tab until an element has the focus."""
    for _ in range(300):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def set_range(page, name: str, value: float) -> None:
    settle(page)  # another plane has another number of slices: wait until the slider has it
    page.locator(f".mv-row-{name} input[type=range]").fill(str(value))


def set_number(page, name: str, value: int) -> None:
    box = page.locator(f".mv-row-{name} input[type=number]")
    box.fill(str(value))
    box.press("Enter")


def test_the_picture_follows_slice_window_and_opacity(open_in_tab, site):
    page = open_in_tab(site + PAGE)
    before = picture_of(page)
    assert before.std() > 30, "an even picture"
    for change in (
        lambda: set_range(page, "slice", 30),
        lambda: page.get_by_role("button", name="Mediastinum").first.click(),
        lambda: set_range(page, "level", -700),
        lambda: set_range(page, "width", 300),
        lambda: set_number(page, "level", -100),
        lambda: page.locator(".mv-row-plane label", has_text="Coronal").click(),
        lambda: page.locator(".mv-row-plane label", has_text="Sagittal").click(),
        lambda: page.get_by_role("button", name="Reset").click(),
    ):
        change()
        after = picture_of(page)
        assert differ(before, after) > 0.02
        before = after
    set_range(page, "mask", 100)
    strong = picture_of(page)
    set_range(page, "mask", 0)
    none = picture_of(page)
    tinted = np.abs(strong - none).max(axis=2) > 12
    assert 0 < tinted.mean() < 0.2
    red, _, blue = strong[tinted].mean(axis=0)
    assert red - blue > 120  # orange where the mask is ...
    assert np.ptp(none, axis=2).max() < 12  # ... and only grey without it
    assert page.faults == [fault for fault in page.faults if "THEBE_JS_URL" in fault]


def test_the_readout_is_the_value_of_the_file_at_that_voxel(open_in_tab, site):
    page = open_in_tab(site + PAGE)
    about = json.loads(page.locator(".mosmed-view").first.get_attribute("data-viewer"))
    ct = open_dataset(about["dataset"])[about["study"]].ct()
    box = page.locator(".mv-stage").bounding_box()
    for part in ((0.3, 0.4), (0.5, 0.5), (0.62, 0.71)):
        page.mouse.move(box["x"] + part[0] * box["width"], box["y"] + part[1] * box["height"])
        hu, index = reading(page)
        assert index[2] == about["slice"]
        assert abs(hu - ct.data[index]) <= about["hu"] / 2
    page.mouse.move(box["x"] + 1, box["y"] - 40)
    assert "Point at the picture" in text_of(page, "read")


def test_all_of_it_works_by_keyboard_and_the_focus_is_seen_and_not_trapped(open_in_tab, site):
    page = open_in_tab(site + PAGE)
    focus_by_tab(page, ".mv-stage")
    assert page.locator(".mv-stage").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    before = picture_of(page)
    presses = [[key] for key in ("ArrowUp", "PageDown", "Home", "End", "r", "2", "m", "c", "s", "r")]
    for keys in (*presses, ["ArrowLeft"] * 8, ["-"] * 12):
        for key in keys:
            page.keyboard.press(key)
        after = picture_of(page)
        assert differ(before, after) > 0.003, keys
        before = after
    page.keyboard.press("Shift+ArrowRight")
    _, first = reading(page)
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
        settle(page)
    _, second = reading(page)
    assert abs(first[0] - second[0]) == 5 * 2  # five of the pixels shown, each the second of the file
    assert first[1:] == second[1:]
    page.keyboard.press("f")
    expect(page.locator(".mv:fullscreen")).to_be_attached()
    page.keyboard.press("f")
    expect(page.locator(":fullscreen")).to_have_count(0)
    focus_by_tab(page, ".mv-row-slice input")
    settle(page)
    shown = page.locator(".mv-shown")
    text = shown.text_content()
    page.keyboard.press("ArrowRight")
    expect(shown).not_to_have_text(text)
    for _ in range(15):
        page.keyboard.press("Tab")
    assert not page.evaluate("Boolean(document.activeElement.closest('.mv'))")


def test_letters_typed_in_another_alphabet_do_the_same(open_in_tab, planted):
    page = open_in_tab(f"{planted.url}1.html")
    page.locator(".mv-stage").focus()
    page.locator(".mv-stage").evaluate(
        "e => e.dispatchEvent(new KeyboardEvent('keydown', {key: '\u0441', code: 'KeyC', bubbles: true}))"
    )
    expect(page.locator(".mv-shown")).to_have_text(re.compile("^Coronal"))


def test_the_wheel_is_the_pages_until_the_picture_is_clicked(open_in_tab, site):
    page = open_in_tab(site + PAGE)
    stage, shown = page.locator(".mv-stage"), page.locator(".mv-shown")
    stage.hover()
    at, text = page.evaluate("scrollY"), shown.text_content()
    page.mouse.wheel(0, 120)
    for _ in range(500):  # a wheel turns after the call for it has returned
        if page.evaluate("scrollY") > at:
            break
        page.wait_for_timeout(20)
    assert page.evaluate("scrollY") > at
    settle(page)
    assert shown.text_content() == text
    stage.click()
    at = page.evaluate("scrollY")
    page.mouse.wheel(0, 120)
    expect(shown).not_to_have_text(text)
    assert page.evaluate("scrollY") == at


#: Axes as files may have them: the dataset's own, DICOM's, and two turned ones.
CODES = {1: "LAS", 2: "LPS", 255: "RAS", 256: "RPI"}
MARK_HU, SHAPE, MARK = 700, (120, 110, 14), (90, 80, 10)  # to the right, in front, near the head


@pytest.fixture(scope="module")
def planted(tmp_path_factory, tiny):
    """A site of one page for each of four volumes with a bright ball at the patient's right, in front, near the head.

    Made by the Sphinx extension itself from what `view` gives.
    """
    folder = tmp_path_factory.mktemp("planted")
    root, out = tiny.write_dataset(folder / "data", {n: "CT-1" for n in CODES}, ()), folder / "html"
    (root / "extras").mkdir()
    (root / "extras" / "drawn.json").write_text("{}")  # a scan that is nobody's: only these are exported
    i, j, k = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    hu = np.where(((i - 60) / 50) ** 2 + ((j - 55) / 40) ** 2 < 1, 40, -1000).astype(np.int16)
    hu[((i - MARK[0]) / 8) ** 2 + ((j - MARK[1]) / 8) ** 2 + ((k - MARK[2]) / 2) ** 2 < 1] = MARK_HU
    image = nib.Nifti1Image(hu, np.diag([3, 3, 8, 1]) + np.eye(4, k=3) * -100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOSMED_ROOT", str(root))
        patch.setenv("MOSMED_BOOK", "1")
        patch.syspath_prepend(str(ROOT / "book" / "_ext"))
        import scan_viewer

        scan_viewer._open.cache_clear()
        app = SimpleNamespace(srcdir=ROOT, outdir=out, builder=SimpleNamespace(format="html"))
        (out / "pages").mkdir(parents=True)
        for number, codes in CODES.items():
            study = open_dataset()[number]
            nib.save(image.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))), study.study_path)
            context = {"body": view(study).html(), "pathto": lambda name, _: f"../{name}"}
            scan_viewer.place_viewers(app, f"pages/{number}", "page.html", context, None)
            page = "<!doctype html><html lang=en><title>x</title>{metatags}<main>{body}</main>".format(**context)
            (out / "pages" / f"{number}.html").write_text(page)
        scan_viewer.finish(app, None)
        scan_viewer._open.cache_clear()
        sys.modules.pop("scan_viewer")

    with serving(folder) as address:  # below a path, as on a public host
        yield SimpleNamespace(url=f"{address}html/pages/", root=root)


@pytest.mark.parametrize("number", CODES)
def test_the_patients_right_is_on_the_viewers_left_whatever_the_files_axes(open_in_tab, planted, number):
    page = open_in_tab(f"{planted.url}{number}.html")
    study = open_dataset(planted.root)[number]
    ct = study.ct()
    mark = np.argwhere(ct.data == MARK_HU)
    along = ct.axis("S")
    page.locator(".mv-stage").focus()
    page.keyboard.press("3")
    set_range(page, "slice", int(np.median(mark[:, along])))

    def bright():
        rows, columns = np.nonzero(picture_of(page).mean(axis=2) > 120)
        assert rows.size > 20
        box = page.locator(".mv-stage").bounding_box()
        return columns.mean() / box["width"], rows.mean() / box["height"]

    x, y = bright()
    assert x < 0.45 and y < 0.45  # right of the patient, in front
    assert (text_of(page, "first"), text_of(page, "second")) == ("R", "L")
    box = page.locator(".mv-stage").bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    hu, index = reading(page)
    assert hu == MARK_HU == ct.data[index]
    for plane, axis, side in (("Coronal", "A", "R"), ("Sagittal", "R", "A")):
        page.locator(".mv-row-plane label", has_text=plane).click()
        about = json.loads(page.locator(".mosmed-view").get_attribute("data-viewer"))
        n = ct.axis(axis)
        set_range(page, "slice", int(np.median(mark[:, n])) - about["origin"][n])
        x, y = bright()
        assert x < 0.45 and y < 0.45  # right (or front) at the left edge, head up
        assert text_of(page, "first") == side
        assert f"{plane} slice {int(np.median(mark[:, n]))} " in text_of(page, "shown")


@pytest.mark.parametrize("number", [1, 256])
def test_up_is_towards_the_head(open_in_tab, planted, number):
    page = open_in_tab(f"{planted.url}{number}.html")
    ct = open_dataset(planted.root)[number].ct()
    page.locator(".mv-stage").focus()
    page.keyboard.press("Home")
    top = ct.shape[2] - 1 if "S" in ct.orientation else 0
    assert f"Axial slice {top} " in text_of(page, "shown")


def test_without_webgl_still_pictures_and_the_reason_are_shown(new_page, site):
    page = new_page(site + PAGE, ".mosmed-view-note", lambda page: page.add_init_script(_NO_WEBGL))
    block = page.locator(".mosmed-view").first
    assert "WebGL2 is missing" in block.get_by_role("alert").inner_text()
    assert block.locator(".mosmed-view-still img").is_visible()
    strip = block.locator(".mosmed-view-strip img")
    assert strip.count() == 6 and all(image.is_visible() for image in strip.all())
    assert block.locator(".mv").count() == 0
    assert not any(NIIVUE in url or "/scans/" in url for url in page.asked)


def test_without_javascript_still_pictures_are_shown(new_page, site):
    page = new_page(site + PAGE, ".mosmed-view", java_script_enabled=False)
    block = page.locator(".mosmed-view").first
    assert block.locator(".mosmed-view-still img").is_visible()
    assert "Synthetic study, not a patient" in block.locator("figcaption").first.inner_text()
    block.locator("summary").click()
    assert block.locator(".mosmed-view-strip img").last.is_visible()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 404, "body": "no"}, "missing on this server (404)"),
        ({"body": b"\x1f\x8b\x08\x00" + b"x" * 500}, "damaged"),
        ({"body": gzip.compress(b"x" * 1000)}, "damaged"),
        ({"body": "<!doctype html>a page instead"}, "damaged"),
        (None, "connection failed"),
    ],
)
def test_a_scan_that_is_missing_or_broken_is_called_so_and_can_be_tried_again(new_page, planted, answer, told):
    scans = re.compile(r"/_static/scans/")

    def before(page):
        page.route(scans, lambda route: route.fulfill(**answer) if answer else route.abort())

    page = new_page(f"{planted.url}1.html", '.mosmed-view[data-state="failed"]', before)
    block = page.locator(".mosmed-view").first
    assert told in block.get_by_role("alert").inner_text()
    assert block.locator(".mosmed-view-still img").is_visible()
    page.unroute(scans)
    block.get_by_role("button", name="Try again").click()
    page.wait_for_selector(READY)
    assert block.get_by_role("alert").count() == 0
    assert picture_of(page).std() > 30


def test_niivue_waits_until_the_viewer_is_near(new_page, site):
    page = new_page(site + PAGE, None)
    page.wait_for_load_state("networkidle")
    assert any("viewer.js" in url for url in page.asked)
    assert not any(NIIVUE in url or "/scans/" in url for url in page.asked)
    page.locator(".mosmed-view").scroll_into_view_if_needed()
    page.wait_for_selector(READY)
    assert sum(NIIVUE in url for url in page.asked) == 1
    assert all(url.startswith((site, "data:", "blob:")) for url in page.asked)


def test_who_saves_data_is_asked_first(new_page, planted):
    saving = "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})"
    page = new_page(f"{planted.url}1.html", ".mosmed-view-open", lambda page: page.add_init_script(saving))
    assert not any(NIIVUE in url or "/scans/" in url for url in page.asked)
    page.get_by_role("button", name=re.compile(r"Open the viewer \(\d\.\d MB\)")).click()
    page.wait_for_selector(READY)


@pytest.fixture
def bundler(monkeypatch):
    """The module that makes the script."""
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    from viewer import bundle

    return bundle


def test_the_script_is_made_once_and_without_network(bundler, html, monkeypatch):
    monkeypatch.setattr(bundler, "_run", lambda *_: pytest.fail("made twice"))
    assert (bundler.bundle(ROOT / "_build" / "viewer") / "viewer.js").is_file()


def test_a_failed_installation_is_said_in_one_line_and_done_again(bundler, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(bundler.BundleError, match=r"npm failed .* Next: connect"):
        patch.setattr(bundler, "_INSTALL", ("no-such-command",))
        bundler.bundle(tmp_path)
    assert not (tmp_path / ".installed-from").exists() and not (tmp_path / "dist").exists()


def test_a_page_without_a_viewer_has_no_script_of_it(html, page_name):
    text = (html / page_name).read_text("utf-8")
    assert ("data-viewer=" in text) == ("_static/viewer/viewer.js" in text)
    assert "data-view=" not in text


@pytest.mark.parametrize("number", range(1, 11))
def test_chapters_have_a_viewer(html, number):
    text = next((html / "notebooks").glob(f"{number:02}-*.html")).read_text("utf-8")
    assert 1 <= text.count("data-viewer=") <= 2


def test_the_intro_opens_with_a_viewer(html):
    text = (html / "book" / "intro.html").read_text("utf-8").partition("<article")[2]
    assert 0 < text.index("data-viewer=") < text.index("<h2")


def test_weights(html):
    script = sum(len(gzip.compress(path.read_bytes(), 9)) for path in (html / "_static" / "viewer").glob("*.js"))
    assert script <= SCRIPT_BYTES
    shown = set()
    for page in html.rglob("*.html"):
        for found in re.findall(r'data-viewer="([^"]*)"', page.read_text("utf-8")):
            about = json.loads(unescape(found))
            paths = [(page.parent / about[key]).resolve() for key in ("scan", "mask") if about[key]]
            assert sum(path.stat().st_size for path in paths) <= MAX_BYTES + 100_000
            shown |= set(paths)
    assert shown
    assert set((html / "_static" / "scans").glob("*.nii.gz")) >= shown
    assert list((html / "_static" / "scans").glob("*.part")) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_viewer_fits_and_axe_finds_nothing(open_in_tab, site, scheme, width):
    page = open_in_tab(site + PAGE, width, 900, color_scheme=scheme, reduced_motion="reduce")
    page.locator(".mv-help summary").click()
    assert axe_faults(page, context=".mosmed-view", least="minor") == []
    for part in page.locator(".mv :is(.mv-stage, input, button, p)").all():
        box = part.bounding_box()
        assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= width)
    assert page.evaluate("document.querySelector('.mv').getAnimations({subtree: true}).length") == 0
