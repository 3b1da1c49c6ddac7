"""Sphinx extension of the book: what follows from the public address and from the dataset the pages are built from."""

from __future__ import annotations

import os
from urllib.parse import urlparse

from mosmed_edu.dataset import ROOT_VARIABLE, open_dataset

_REAL_DATA_BANNER = (
    "This copy was built from MosMedData COVID19_1110 (CC BY-NC-ND 3.0) or another folder of scans "
    "and is for its owner's own eyes: do not publish it."
)


def setup(app):
    app.connect("config-inited", _configure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app, config):
    """Complete what _config.yml says; Jupyter Book lets it replace the theme's options, not add to them."""
    options = config.html_theme_options
    # One search field (the theme shows two otherwise), and light or dark as the reader's system has it.
    options["navbar_persistent"] = []
    options["logo"] = {"text": config.html_title}
    config.html_context.setdefault("default_mode", "auto")
    config.myst_substitutions.update(_addresses(options))
    config.html_css_files.append("mosmed.css")
    if os.environ.get(ROOT_VARIABLE) and not open_dataset().is_synthetic:
        options["announcement"] = _REAL_DATA_BANNER


def _addresses(options: dict) -> dict[str, str]:
    """Say what follows from the repository's address: on a page, `{{ repository }}` and `{{ binder }}`."""
    repository, branch = options["repository_url"].rstrip("/"), options["repository_branch"]
    place = f"gh{urlparse(repository).path}/{branch}?urlpath=lab/tree/notebooks"
    return {"repository": repository, "binder": f"{options['launch_buttons']['binderhub_url']}/v2/{place}"}
