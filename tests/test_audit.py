"""`make audit` never calls clean what it has not looked up."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CLEAN = {"name": "a", "version": "1", "vulns": []}
FLAWED = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
SKIPPED = {"name": "c", "skip_reason": "Dependency not found"}


@pytest.fixture(scope="module")
def verdict():
    return runpy.run_path(str(ROOT / ".ci" / "audit.py"))["verdict"]


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        ([CLEAN], 0, "nothing is known against 1 packages"),
        ([CLEAN, FLAWED], 1, "b 2: PYSEC-1. Next: take version 2.1"),
        ([FLAWED, SKIPPED], 1, "b 2: PYSEC-1"),
        ([CLEAN, SKIPPED], 3, "nothing can be learnt about 1 of 2 packages (c)"),
    ],
)
def test_what_is_known_is_said_with_the_next_step(verdict, found, code, says):
    told, lines = verdict(json.dumps({"dependencies": found, "fixes": []}))
    assert told == code and says in lines[0] and all("\n" not in line for line in lines)


@pytest.mark.parametrize("said", ["", "Traceback (most recent call last)", "{}", "[]"])
def test_no_network_is_one_line_and_no_success(verdict, said):
    code, (line,) = verdict(said)
    assert code == 3 and "cannot be reached" in line and "Next: " in line


def test_ci_asks_in_a_job_of_its_own():
    """An advisory of last night must not keep a mended page from being published."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())["jobs"]
    assert any(step.get("run") == "make audit" for step in jobs["audit"]["steps"])
    assert "audit" not in (jobs["deploy"]["needs"], *jobs["deploy"]["needs"])
