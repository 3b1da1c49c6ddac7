"""Ask whether a known vulnerability is in what the course installs: `make audit`, and a job of its own in CI.

pip-audit looks each pinned version up in the database of advisories behind the package index. What it cannot look up it
passes over and calls the rest clean; here that is said, and is no success.

Exit code: 0 nothing known, 1 something is known, 3 the database was not to be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOUND, UNREACHED = 1, 3

#: Run by uv in an environment of its own, so that the course's own stays as it is pinned.
TOOL = ("tool", "run", "pip-audit>=2.7,<3", "--format=json", "--progress-spinner=off", "--disable-pip", "--no-deps")


def main(requirements: Path = ROOT / "requirements-test.txt") -> int:
    """Print what is known of the pinned versions."""
    uv = Path(sys.executable).with_name("uv")
    ran = subprocess.run([str(uv), *TOOL, "-r", str(requirements)], capture_output=True, text=True)
    code, lines = verdict(ran.stdout)
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


def verdict(said: str) -> tuple[int, list[str]]:
    """Exit code and lines for what pip-audit has printed as JSON."""
    try:
        asked = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return UNREACHED, ["audit: the database of advisories cannot be reached. Next: connect to the network"]
    known = [
        f"{found['name']} {found['version']}: {flaw['id']}. Next: {_mended(flaw)}."
        for found in asked
        for flaw in found.get("vulns", [])
    ]
    unknown = [found["name"] for found in asked if "skip_reason" in found]
    if unknown:
        some = ", ".join(unknown[:3]) + (" ..." if len(unknown) > 3 else "")
        known.append(
            f"audit: nothing can be learnt about {len(unknown)} of {len(asked)} packages ({some}). "
            "Next: ask an index that serves advisories"
        )
    if not known:
        return 0, [f"audit: nothing is known against {len(asked)} packages"]
    return UNREACHED if len(known) == bool(unknown) else FOUND, known


def _mended(flaw: dict) -> str:
    versions = flaw.get("fix_versions")
    return f"take version {versions[-1]}, with make lock" if versions else "read the advisory; no version mends it yet"


if __name__ == "__main__":
    sys.exit(main())
