"""Sphinx extension: what is seen of a page where somebody shares a link to it: its title, first words, and a scan."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

from PIL import Image

from mosmed_edu.dataset import open_dataset
from mosmed_edu.plotting import show_slices

#: In the build folder, which lies in the folder that the pages are written from.
_PICTURE, _NOTHING = "_build/social-card.png", "_build/social-card-nothing.png"


def setup(app):
    app.connect("config-inited", draw_picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def draw_picture(app, config):
    """Draw a slice for the cards. Pages of somebody's own scans are not for sharing: they get none."""
    dataset = open_dataset()
    if not dataset.is_synthetic:
        config.ogp_social_cards = {"enable": False}
        return
    study = dataset.studies(category="CT-2")[0]
    figure = show_slices(study, [study.ct().shape[2] // 3])
    picture = re.search(r"base64,([^\"]+)", figure.panels[0].html)[1]
    path = Path(app.srcdir) / _PICTURE
    path.parent.mkdir(exist_ok=True)
    Image.open(BytesIO(base64.b64decode(picture))).save(path)
    Image.new("RGBA", (2, 2)).save(path.with_name(Path(_NOTHING).name))  # or Sphinx's own sign takes the second place
    config.ogp_social_cards = {"image": _PICTURE, "image_mini": _NOTHING, "line_color": "#16324f"}
