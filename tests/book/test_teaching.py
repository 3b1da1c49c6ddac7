"""The pages for teachers: what they promise is there, what they add up is right, and what they tell to type exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import nbformat
import pytest
from axe_faults import axe_faults
from browsing import open_page
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "book" / "teaching").glob("*.md"))
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
ASSIGNMENTS = ("a1", "a2", "a3", "a4")
TITLE = ".slides .present :is(h1, h2)"


def source(name: str) -> str:
    return (ROOT / "book" / "teaching" / f"{name}.md").read_text("utf-8")


def rows(text: str) -> list[list[str]]:
    """Cells of the rows of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


# Computed tables


def test_outcomes_have_a_row_for_each_chapter_with_what_its_first_cell_says(html):
    page = (html / "book/teaching/outcomes.html").read_text("utf-8")
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", page, re.DOTALL)[1:]
    assert len(found) == len(CHAPTERS) + 1
    total = 0
    for row, path in zip(found, CHAPTERS, strict=False):
        opening = nbformat.read(path, 4).cells[0].source
        minutes = int(re.search(r"\*\*Time:\*\* (\d+) minutes", opening)[1])
        total += minutes
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        assert f"notebooks/{path.stem}.html" in cells[0]
        assert plain(cells[1]).strip() == str(minutes)
        assert cells[2].count("<li>") == len(re.findall(r"^- ", opening, re.MULTILINE)) >= 3
        assert plain(cells[3]).strip()
    assert str(total) in plain(found[-1])


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_points_on_the_page_are_those_of_the_notebook(html, name):
    cells = nbformat.read(ROOT / f"notebooks/assignments/source/{name}/{name}.ipynb", 4).cells
    points = [cell.metadata.nbgrader["points"] for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    promised = [int(n) for cell in cells for n in re.findall(r"^## .*\((\d+) points?\)", cell.source, re.MULTILINE)]
    assert points == promised and sum(points) == 20
    page = (html / "book/teaching/assignments.html").read_text("utf-8")
    part = page[page.index(f"<h2>{name.upper()}:") :].split("<h3>")[0]
    table = re.findall(r"<tr[^>]*>(.*?)</tr>", part, re.DOTALL)[1:]
    assert [int(plain(re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[2])) for row in table] == points
    assert f"{sum(points)} points" in plain(part)
    assert re.search(rf"lab/tree/notebooks/assignments/release/{name}/{name}\.ipynb", part)
    download = re.search(r'href="([^"]+\.ipynb)"[^>]*>(?:<[^>]*>)*download it', part)[1]
    released = ROOT / f"notebooks/assignments/release/{name}/{name}.ipynb"
    assert (html / "book/teaching" / download).resolve().read_bytes() == released.read_bytes()


def test_every_free_text_has_a_rubric_of_as_many_rows_as_points():
    for name in ASSIGNMENTS:
        cells = nbformat.read(ROOT / f"notebooks/assignments/source/{name}/{name}.ipynb", 4).cells
        points = next(
            c.metadata.nbgrader["points"]
            for c in cells
            if c.metadata.get("nbgrader", {}).get("grade") and c.metadata.nbgrader["solution"]
        )
        rubric = source("assignments").split(f"of {name.upper()}\n")[1].split("\n## ")[0]
        assert len(rows(rubric)) == points
        assert all(word in rubric for word in ("**Three points.**", "**Two points.**", "**One point.**"))


# Plans


@pytest.mark.parametrize("heading", ["A class of 90 minutes", "A term"])
def test_the_minutes_of_a_class_add_up(heading):
    table = rows(re.search(r"^\| Minutes \|.*?\n\n", section(source("plans"), heading), re.DOTALL | re.MULTILINE)[0])
    *parts, total = [int(row[0].strip("*")) for row in table]
    assert sum(parts) == total == 90


def test_the_hours_of_the_day_follow_each_other():
    table = rows(section(source("plans"), "A day"))
    clock = [int(hour) * 60 + int(minute) for hour, minute in (row[0].split(":") for row in table)]
    *parts, total = [int(row[1].strip("*")) for row in table]
    assert [start + minutes for start, minutes in zip(clock, parts, strict=False)] == clock[1:]
    assert sum(parts) == total
    assert f"{table[0][0]} to {table[-1][0]}" in source("plans")


def test_the_term_has_every_chapter_once_and_every_assignment_out_before_it_is_due():
    weeks = [row for row in rows(section(source("plans"), "A term")) if row[0].isdigit() and len(row) == 5]
    assert [int(row[0]) for row in weeks] == list(range(1, len(weeks) + 1))
    home = [name for row in weeks for name in re.findall(r"notebooks/([\w-]+)`", row[2])]
    assert home == [path.stem for path in CHAPTERS]
    for row in weeks:
        timed = re.findall(r"\{minutes\}`([^`]+)`", row[3])
        assert (timed[0].split(", ") if timed else []) == re.findall(r"notebooks/([\w-]+)`", row[2])
    for name in ("A1", "A2", "A3", "A4"):
        out, due = (next(n for n, row in enumerate(weeks) if row[4] == f"{name} {when}") for when in ("out", "due"))
        assert out < due


def needed_by(assignment: str) -> list[str]:
    """The chapters that an assignment says one needs first."""
    opening = nbformat.read(ROOT / f"notebooks/assignments/source/{assignment}/{assignment}.ipynb", 4).cells[0].source
    first, last = map(int, re.search(r"\*\*You need first:\*\* chapters (\d+) to (\d+)", opening).groups())
    return [path.stem for path in CHAPTERS[first - 1 : last]]


def test_an_assignment_comes_after_the_chapters_that_it_needs():
    weeks = [row for row in rows(section(source("plans"), "A term")) if row[0].isdigit() and len(row) == 5]
    read, found = [], []
    for row in weeks:
        found += [name for name in re.findall(r"(A\d) out", row[4]) if set(needed_by(name.lower())) <= set(read)]
        read += re.findall(r"notebooks/([\w-]+)`", row[2])
    assert found == ["A1", "A2", "A3", "A4"]
    day = rows(section(source("plans"), "A day"))
    (at,) = [n for n, row in enumerate(day) if row[2].startswith("Assignment ")]
    done = [name for row in day[:at] for name in re.findall(r"notebooks/([\w-]+)`", row[2])]
    assert set(needed_by(day[at][2].split()[1].lower())) <= set(done)


def test_the_minutes_on_the_page_are_added_up_from_the_chapters(html):
    page = plain((html / "book/teaching/plans.html").read_text("utf-8"))
    first = [nbformat.read(path, 4).cells[0].source for path in CHAPTERS[:3]]
    total = sum(int(re.search(r"\*\*Time:\*\* (\d+)", text)[1]) for text in first)
    assert f"{total} minutes together" in page


# What they tell to type


def _commands(program: str) -> list[str]:
    """Each line of a code block, and each code within a sentence, that starts this program."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
        prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        lines = [*blocks.splitlines(), *re.findall(r"`([^`\n]+)`", prose)]
        found += [line.strip() for line in lines if re.search(rf"(^|[ /]){program} [a-z]", line)]
    return sorted(set(found))


def test_every_make_target_on_the_pages_exists():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set()
    for command in _commands("make"):
        words = shlex.split(command.split("make ", 1)[1].split("&&")[0])
        named |= {word for word in words if "=" not in word}
    assert {"grading", "grade-demo", "lab"} <= named
    assert named <= targets


@cache
def _help(*words: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "mosmed_edu", *words, "--help"], capture_output=True, text=True, cwd=ROOT
    )
    assert ran.returncode == 0, f"{' '.join(words)}: {ran.stderr}"
    return ran.stdout


def test_every_command_and_option_on_the_pages_exists():
    lines = _commands("mosmed-edu")
    named = {}
    for line in lines:
        command, *words = shlex.split(line.split("mosmed-edu ", 1)[1])
        named.setdefault(command, set()).update(word for word in words if word.startswith("--"))
    assert {"assignment", "grade", "sample", "check"} <= set(named)
    for command, options in named.items():
        known = set(re.findall(r"--[a-z][a-z-]*", _help(command)))
        assert options <= known, command
    text = " ".join(page.read_text("utf-8") for page in PAGES)
    for option in re.findall(r"`(--(?:only|timeout|cases-only|class-seed|export|student)\b)", text):
        assert option in _help("assignment") + _help("grade"), option


# Reading without sight


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_numbers_given_in_place_of_a_picture_lead_to_the_answer(name, capsys):
    """On the cases to practise on: what the page's cells print, read by the rules that stand beside them."""
    from mosmed_edu.classroom import open_cases
    from mosmed_edu.classroom.cases import read_key

    cases = open_cases(name)
    key, scope = read_key(cases), {"cases": cases}
    part = section(source("assignments"), "Reading without sight")
    blocks = re.findall(r"^```python\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    run = {"a1": [0], "a2": [0, 1], "a3": [0, 2], "a4": [0, 3]}[name]
    code = [blocks[n] for n in run]
    if name != "a1":  # of the first cell, the function and the imports alone
        code[0] = code[0].split("\nct = ")[0]
    for block in code:
        exec(block, scope)
    said = capsys.readouterr().out
    numbers = [
        float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", re.sub(r"case [AB]|600 HU|950 HU|5 mm|-(?=[69])", "", said))
    ]
    if name == "a1":
        mean, _, first, last, width = numbers
        low, high = {"lung": (-900, -780), "fat": (-120, -85), "soft tissue": (30, 65), "bone": (200, 1500)}[key["q5"]]
        assert low < mean < high
        assert abs((last - first + 1) * width - key["q6"]) <= 12
    if name == "a2":
        for mean, question in ((numbers[0], "q5"), (numbers[2], "q6")):
            sign = "consolidation" if mean > -150 else "crazy paving" if mean > -400 else "ground-glass opacity"
            assert sign == key[question]
    if name == "a3":
        limits = {"CT-0": (0, 8), "CT-1": (0, 25), "CT-2": (25, 50), "CT-3": (50, 75), "CT-4": (75, 100)}[key["q5"]]
        assert limits[0] <= numbers[0] <= limits[1]
        assert abs(numbers[1] - key["q6"]) <= 12
    if name == "a4":
        dark, right, left = numbers
        found = "emphysema" if dark > 2 else "lobar pneumonia" if abs(right - left) > 3 else "pleural effusion"
        assert found == key["q7"]


# Slides


@pytest.fixture
def deck(site, browser):
    """The slides in a browser, and what it complained about."""
    page, faults = browser.new_page(viewport={"width": 1280, "height": 720}), []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda r: faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.on(
        "request",
        lambda r: faults.append(f"leaves the site: {r.url}") if not r.url.startswith((site, "data:")) else None,
    )
    open_page(page, site + "slides/index.html")
    page.wait_for_selector("html[data-ready]")
    yield page
    page.close()
    assert faults == []


def _title(page) -> str:
    return page.locator(TITLE).inner_text()


def test_the_lecture_takes_45_minutes_and_goes_on_by_keyboard(deck):
    minutes = deck.locator(".slides > section").evaluate_all("all => all.map((s) => Number(s.dataset.minutes))")
    assert 15 <= len(minutes) <= 20 and sum(minutes) == 45
    seen = [_title(deck)]
    for _ in minutes[1:]:
        deck.keyboard.press("ArrowRight")
        seen.append(_title(deck))
    assert len(set(seen)) == len(minutes)


def test_nothing_on_a_slide_is_cut_off(deck):
    for number in range(deck.locator(".slides > section").count()):
        cut = deck.evaluate(
            """() => {
                const box = document.querySelector(".slides").getBoundingClientRect();
                return [...document.querySelectorAll(".slides .present :is(h1, h2, p, li, pre, img, svg)")]
                    .filter((e) => !e.closest(".notes") && e.getClientRects().length)
                    .map((e) => e.getBoundingClientRect())
                    .filter((r) => r.bottom > box.bottom + 1 || r.right > box.right + 1).length;
            }"""
        )
        assert cut == 0, f"slide {number + 1}"
        deck.keyboard.press("ArrowRight")


@pytest.mark.parametrize("page", ["index", "handout"])
def test_every_picture_of_the_slides_says_what_is_seen_and_that_it_is_drawn(html, page):
    text = (html / "slides" / f"{page}.html").read_text("utf-8")
    pictures = re.findall(r"<img[^>]*>", text)
    assert len(pictures) >= 15
    for picture in pictures:
        assert len(re.search(r'alt="([^"]*)"', picture)[1]) > 40
        assert (html / "slides" / re.search(r'src="([^"]*)"', picture)[1]).is_file()
    for chart in re.findall(r"<svg[^>]*>", text):
        assert len(re.search(r'aria-label="([^"]*)"', chart)[1]) > 40
    for figure in re.findall(r"<figure>.*?</figure>", text, re.DOTALL):
        assert "<img" not in figure or "ynthetic" in re.search(r"<figcaption>(.*?)</figcaption>", figure)[1]


def test_slides_are_drawn_even_where_the_real_dataset_is_named(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    monkeypatch.setenv("MOSMED_ROOT", str(tmp_path))
    import slide_figures
    import slides

    from mosmed_edu import open_dataset

    with slides._drawn_data_only():
        assert open_dataset("sample").is_synthetic
    real = type("Real", (), {"is_synthetic": False})()
    with pytest.raises(ValueError, match="drawn studies alone"):
        slide_figures.draw_figures(real)


def test_the_notes_go_with_the_slides_in_a_window_of_their_own(deck):
    with deck.expect_popup() as opened:
        deck.keyboard.press("s")
    notes = opened.value
    notes.wait_for_selector("html[data-ready]")
    assert notes.locator(".speaker-notes").inner_text().strip()
    deck.keyboard.press("ArrowRight")
    expect(notes.locator(TITLE)).to_have_text(_title(deck))
    notes.keyboard.press("ArrowRight")
    expect(deck.locator(TITLE)).to_have_text(_title(notes))
    assert "this slide ends at" in notes.locator("#clock").inner_text()
    notes.close()


@pytest.mark.parametrize("page", ["index", "handout"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_serious_on_slides_and_handout(site, tab, page, mode):
    tab.emulate_media(color_scheme=mode)
    open_page(tab, f"{site}slides/{page}.html")
    assert axe_faults(tab) == []


def test_the_slides_open_from_a_folder_without_a_server(html, browser, tmp_path):
    with zipfile.ZipFile(html / "slides" / "slides.zip") as packed:
        packed.extractall(tmp_path)
    page, faults = browser.new_page(), []
    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "slides" / "index.html").as_uri())
    page.wait_for_selector("html[data-ready]")
    page.keyboard.press("ArrowRight")
    assert _title(page) != "" and page.locator(".slides img").first.evaluate("image => image.naturalWidth") > 100
    page.close()
    assert faults == []


def test_the_guide_leads_to_slides_handout_and_every_other_page(html):
    text = (html / "book/teaching/guide.html").read_text("utf-8")
    for name in ("index.html", "handout.html", "slides.zip"):
        assert f'href="../../slides/{name}"' in text
    for page in PAGES:
        assert page.stem == "guide" or f'href="{page.stem}.html"' in text
    for start in ("intro", "how-to-use"):
        assert "teaching/guide.html" in (html / "book" / f"{start}.html").read_text("utf-8")
