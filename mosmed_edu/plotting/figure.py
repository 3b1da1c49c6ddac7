"""A figure as a page needs it: pictures or a chart in HTML, their alt text and a caption.

A scan is a WebP picture on black, as on a reading screen, so it looks the same on a light and on a dark page. A chart
is an SVG without background that draws its lines and letters in the page's own text colour. Panels sit in a grid that
has fewer columns on a narrow page, so that letters stay legible on a phone.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from html import escape
from io import BytesIO, StringIO

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from PIL import Image

_GAP_REM = 0.6
_CAPTION = 'style="margin-top:.4rem;text-align:left;font-size:.95em;font-weight:inherit;color:inherit"'


@dataclass(frozen=True)
class Panel:
    """One picture or chart: its HTML, its alt text, and a short title ('' for none)."""

    html: str
    alt: str
    title: str = ""


class Figure:
    """Pictures or a chart, with the words that go with them. A notebook shows it as HTML, a terminal as its alt text.

    Parameters
    ----------
    panels : list of Panel
    caption : str
        One or two sentences below the figure.
    columns : int
        Panels in a row at most.

    Attributes
    ----------
    alt : str
        What is to be seen, one line a panel.
    """

    def __init__(self, panels: list[Panel], caption: str = "", columns: int = 1):
        self.panels, self.caption, self.columns = panels, caption, columns

    @property
    def alt(self) -> str:
        return "\n".join(panel.alt for panel in self.panels)

    def __repr__(self) -> str:
        return f"{self.alt}\n{self.caption}".strip()

    def _repr_html_(self) -> str:
        gaps = (self.columns - 1) * _GAP_REM
        narrowest = 13 if self.columns <= 3 else 9  # rem: what keeps the letters on a picture legible
        column = f"minmax(max(min(100%,{narrowest}rem),(100% - {gaps:g}rem)/{self.columns}),1fr)"
        caption = f"<figcaption {_CAPTION}>{escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure class="mosmed-figure" style="margin:1rem 0;max-width:{30 if self.columns == 1 else 52}rem">'
            f'<div style="display:grid;gap:{_GAP_REM}rem;grid-template-columns:repeat(auto-fill,{column})">'
            f"{''.join(map(_cell, self.panels))}</div>{caption}</figure>"
        )


def _cell(panel: Panel) -> str:
    title = f'<div style="text-align:center;font-size:.9em">{escape(panel.title)}</div>' if panel.title else ""
    return f'<div style="min-width:0">{panel.html}{title}</div>'


def picture_panel(canvas: Canvas, alt: str, title: str = "", shrink: int = 1) -> Panel:
    """Turn a drawn scan into a panel, its pixels fewer by a whole factor where many stand on one page."""
    canvas.set_facecolor("black")
    drawn, raw = FigureCanvasAgg(canvas), BytesIO()
    drawn.draw()
    picture = Image.fromarray(np.asarray(drawn.buffer_rgba())).convert("L" if shrink > 1 else "RGB").reduce(shrink)
    picture.save(raw, format="webp", quality=80, method=6)
    data = base64.b64encode(raw.getvalue()).decode()
    width, height = picture.size
    # "dark-light" keeps the theme from dimming the picture on a dark page: grey values are what it teaches.
    html = (
        f'<img class="dark-light" alt="{escape(alt)}" width="{width}" height="{height}" '
        'style="width:100%;height:auto;border-radius:.3rem;background:#000;padding:0" '
        f'src="data:image/webp;base64,{data}">'
    )
    return Panel(html, alt, title)


def chart_panel(canvas: Canvas, alt: str, title: str = "") -> Panel:
    """Turn a drawn chart into a panel."""
    text, nobody = StringIO(), dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        canvas.savefig(text, format="svg", transparent=True, metadata=nobody)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w.-]+)[\")]", svg))
    svg = re.sub(r' id="([\w.-]+)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r"'DejaVu Sans',[^;\"]*", "system-ui, sans-serif", svg)
    view = re.search(r'viewBox="[^"]+"', svg)[0]
    start = (
        f'<svg {view} role="img" aria-label="{escape(alt)}" style="width:100%;height:auto;fill:currentColor" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return Panel(start + re.sub(r"\s*\n\s*", " ", svg[svg.index(">") + 1 :]), alt, title)
