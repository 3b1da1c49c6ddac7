"""What axe holds against a page: WCAG 2.2 A and AA, and good practice."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_faults(page, context: str | None = None, least: str = "moderate") -> list[str]:
    """A line for each element at fault, at least as grave as `least`."""
    impacts = ("minor", "moderate", "serious", "critical")
    options = {"runOnly": _TAGS, "resultTypes": ["violations"]}  # to list all that is right takes as long again
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        if impacts.index(fault["impact"]) >= impacts.index(least)
        for node in fault["nodes"]
    ]
