"""One study to scroll through: a live widget where a kernel runs, a viewer in the page where none does.

`show` decides which of the two a reader gets and makes the still picture that both fall back on; `live` makes the
widgets; `export` makes a scan small enough for a web page.
"""

from mosmed_edu.viewer.export import WebScan, export_scan, web_scan
from mosmed_edu.viewer.show import BLOCK, ScanView, view

__all__ = ["BLOCK", "ScanView", "WebScan", "export_scan", "view", "web_scan"]
