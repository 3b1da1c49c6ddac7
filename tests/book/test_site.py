"""The site that a reader gets: whole, linked, and silent."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
import yaml
from browsing import open_page, overflow

ROOT = Path(__file__).resolve().parents[2]


class _Collector(HTMLParser):
    """Ids, links, pictures of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.ids, self.links, self.images = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.update(found[key] for key in ("id", "name") if found.get(key))
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.images.append(found)


def test_every_entry_of_the_toc_has_a_page_with_a_heading(html, page_name):
    text = (html / page_name).read_text(encoding="utf-8")
    assert "<h1>" in text


def test_every_link_and_anchor_inside_the_site_leads_somewhere(html):
    # 404.html is served at any depth: where its links lead is tested below.
    others = [path for path in html.rglob("*.html") if "_static" not in path.parts and path.name != "404.html"]
    pages = {path: _Collector(path) for path in others}
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlparse(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].ids):
                dead.append(f"{path.name}: {link}")
    assert not dead


def test_every_picture_says_what_is_to_be_seen(html, page_name):
    # The logo stands beside the site's name, which says what it would say.
    pictures = [image for image in _Collector(html / page_name).images if "logo__image" not in image.get("class", "")]
    for image in pictures:
        alt = (image.get("alt") or "").strip()
        assert len(alt) >= 10 and not alt.endswith((".png", ".svg", ".webp")) and "/" not in alt.split()[0], image


def test_page_loads_without_an_error_and_without_a_request_that_leaves_the_site(first_visit):
    assert first_visit.faults == []
    assert first_visit.has_heading


def test_page_does_not_scroll_sideways(first_visit, site, tab, page_name):
    assert first_visit.overflow <= 1
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(site + page_name, wait_until="load")
    assert overflow(tab) <= 1


@pytest.mark.parametrize("place", ["", "notebooks/", "a/b/c/"])
def test_a_wrong_address_leads_home_from_any_depth(site, browser, html, place):
    """As on a host that answers a wrong address with 404.html: the page finds out where the site begins."""
    page = browser.new_page()
    body = (html / "404.html").read_text("utf-8")
    page.route("**/nowhere.html", lambda route: route.fulfill(status=404, body=body, content_type="text/html"))
    open_page(page, f"{site}{place}nowhere.html")
    assert page.locator("#home").evaluate("link => link.href") == f"{site}index.html"
    page.fill("#q", "ground glass")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}search.html?q=ground+glass")
    page.close()


def test_a_shared_link_has_words_and_a_picture(html, page_name):
    text = (html / page_name).read_text("utf-8")
    said = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', text))
    assert said["title"] and said["description"] and said["site_name"] == "MosMed-Edu"
    assert (html / "_images" / said["image"].split("/_images/")[1]).is_file()
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert urlparse(said["url"]).path == f"/{urlparse(address).path.split('/')[-1]}/{page_name}"


def test_the_status_page_says_how_long_each_chapter_took(html):
    text = (html / "book" / "status.html").read_text("utf-8")
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert re.search(rf"notebooks/{notebook.stem}</span>.*?<td>.*?[\d.]+", text, re.DOTALL), notebook.stem


def test_the_status_page_shows_the_last_bench_and_its_machine(html):
    text = unescape((html / "book" / "status.html").read_text("utf-8"))
    runs = json.loads((ROOT / "book" / "bench.json").read_text("utf-8"))["runs"]
    assert runs and all(run["date"] in text and run["processor"] in text and run["rows"] for run in runs)
    rows = [row for run in runs for row in run["rows"]]
    assert [row["name"] for row in rows if row["name"] not in text] == []
    assert all(row["right"] and row["ratio"] == row["ours"] / row["other"] for row in rows)


def test_the_status_page_shows_what_every_notebook_takes_on_binder(html):
    text = unescape((html / "book" / "status.html").read_text("utf-8"))
    binder = json.loads((ROOT / "book" / "binder.json").read_text("utf-8"))
    chapters, handed_out = (ROOT.glob(f"notebooks/{name}") for name in ("*.ipynb", "assignments/release/*/*.ipynb"))
    assert {row["notebook"] for row in binder["rows"]} == {path.stem for path in (*chapters, *handed_out)}
    assert all(row["peak_mb"] < binder["allowed_mb"] for row in binder["rows"])
    assert [row["notebook"] for row in binder["rows"] if f"{row['notebook']}</td>" not in text] == []


def test_no_page_names_a_folder_of_the_machine_that_built_it(html):
    texts = (path for path in html.rglob("*") if path.suffix in {".html", ".js", ".json", ".ipynb", ".txt", ".css"})
    assert [path.name for path in texts if str(ROOT) in path.read_text("utf-8")] == []


def test_the_reference_has_the_names_that_people_type(html):
    ids = _Collector(html / "book" / "api.html").ids
    assert {f"mosmed_edu.{name}" for name in ("open_dataset", "apply_window", "masks.dice", "phantom.draw")} <= ids


def test_search_finds_ground_glass(site, browser):
    page = browser.new_page()
    page.goto(site + "search.html?q=ground+glass", wait_until="load")
    page.wait_for_selector("#search-results li p.context", timeout=15_000)
    page.wait_for_load_state("networkidle")
    found = page.locator("#search-results li p.context").all_text_contents()
    assert found and all(re.search("ground|glass", text, re.IGNORECASE) for text in found)
    in_chapters = page.locator("#search-results li:has(a[href*='notebooks/']) p.context").all_text_contents()
    assert in_chapters and [text for text in in_chapters if "Russian:" in text] == []  # the glossary's notes are hidden
    # Words of a page, not of the theme's menus.
    assert [text for text in found if re.search(r"\.(ipynb|pdf|md)\b", text)] == []
    page.close()


def test_the_magnifier_does_not_cover_what_is_typed(tab, site):
    open_page(tab, site + "search.html")
    form = tab.locator("form.bd-search:visible")
    sign = form.locator("i").bounding_box()
    typed = form.locator("input").evaluate(
        "e => e.getBoundingClientRect().x + parseFloat(getComputedStyle(e).paddingLeft)"
    )
    assert sign["x"] + sign["width"] <= typed


def test_the_public_address_is_said_once():
    address = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = (path for path in map(ROOT.joinpath, listed) if path.is_file() and path.name != "_config.yml")
    assert [path.name for path in texts if address.encode() in path.read_bytes()] == []


def test_binder_button_opens_this_notebook(html):
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    repository = urlparse(config["repository"]["url"]).path
    binder = config["launch_buttons"]["binderhub_url"]
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        links = _Collector(html / "notebooks" / f"{notebook.stem}.html").links
        wanted = f"{binder}/v2/gh{repository}/main?urlpath=lab/tree/notebooks/{notebook.name}"
        assert wanted in [unquote(link) for link in links]


def test_the_build_names_a_page_that_is_missing(tmp_path, monkeypatch, html):
    """The last step of `make book`: a site with a page missing is not called built."""
    monkeypatch.syspath_prepend(str(ROOT / "book"))
    import build

    monkeypatch.setattr(build, "HTML", tmp_path)
    for name in ("index", "book/intro"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.html").write_text("x")
    missing = build.missing_pages()
    assert "book/intro" not in missing and "notebooks/01-the-dataset" in missing
