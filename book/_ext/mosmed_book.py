"""Sphinx extension of the book: what follows from the public address and from the dataset the pages are built from."""

from __future__ import annotations

import os
from collections import Counter
from string import ascii_lowercase
from urllib.parse import urlparse

from pybtex.backends.plaintext import Backend as PlaintextBackend
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.util.index_entries import split_index_msg

from mosmed_edu.dataset import ROOT_VARIABLE, open_dataset

_REAL_DATA_BANNER = (
    "This copy was built from MosMedData COVID19_1110 (CC BY-NC-ND 3.0) or another folder of scans "
    "and is for its owner's own eyes: do not publish it."
)


class AuthorYearLabels(BaseLabelStyle):
    """The same words in the text and in the list: Morozov et al., 2020; a letter where two would be the same."""

    def format_labels(self, sorted_entries):
        labels = [_author_year(entry) for entry in sorted_entries]
        count, seen = Counter(labels), Counter()
        for label in labels:
            letter = ascii_lowercase[seen[label]] if count[label] > 1 else ""
            seen[label] += 1
            yield label + letter


def _author_year(entry) -> str:
    names = [" ".join((*person.prelast_names, *person.last_names)) for person in entry.persons.get("author", [])]
    who = f"{names[0]} et al." if len(names) > 2 or "others" in names else " and ".join(names)
    who = who or entry.fields.get("organization") or entry.fields.get("journal") or entry.fields["title"]
    return ", ".join(part for part in (who.strip("{}"), entry.fields.get("year")) if part)


class AuthorYearStyle(PlainStyle):
    """The plain style, with author and year for a label."""

    default_label_style = AuthorYearLabels


register_plugin("pybtex.style.formatting", "author-year", AuthorYearStyle)
# pybtex's own. Unless it is registered, all installed packages are searched for it at every citation: 3 s.
register_plugin("pybtex.backends", "plaintext", PlaintextBackend, force=True)


def setup(app):
    app.connect("config-inited", _configure)
    app.connect("env-updated", _complete_search)
    app.connect("html-page-context", _mend_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app, config):
    """Complete what _config.yml says; Jupyter Book lets it replace the theme's options, not add to them."""
    options = config.html_theme_options
    _leave_out_thebe(app)
    # One search field (the theme shows two otherwise), and light or dark as the reader's system has it.
    options["navbar_persistent"] = []
    options["logo"] = {"text": config.html_title}
    config.html_context.setdefault("default_mode", "auto")
    config.myst_substitutions.update(_addresses(options))
    config.html_css_files.append("mosmed.css")
    config.html_js_files.append("quiz.js")
    config.html_baseurl = config.html_baseurl or _pages_address(options["repository_url"])
    config.html_additional_pages = {"404": "404.html"}
    config.html_context["site_path"] = urlparse(config.html_baseurl).path
    config.project = config.html_title
    config.ogp_site_url, config.ogp_site_name = config.html_baseurl, config.html_title
    config.ogp_image_alt = "The page's title beside a slice of a drawn chest CT. Synthetic, not a patient."
    if os.environ.get(ROOT_VARIABLE) and not open_dataset().is_synthetic:
        options["announcement"] = _REAL_DATA_BANNER


def _pages_address(repository: str) -> str:
    """Where GitHub serves the pages of a repository, unless _config.yml has a `baseurl` under `html`."""
    owner, name = urlparse(repository).path.strip("/").split("/")
    return f"https://{owner}.github.io/{name}/"


def _addresses(options: dict) -> dict[str, str]:
    """What follows from the repository's address: on a page, `{{ repository }}` and `{{ binder }}`, which are links.

    `{{ address }}` and `{{ clone }}` are to be typed: the theme shortens a link that shows its own address.
    """
    repository, branch = options["repository_url"].rstrip("/"), options["repository_branch"]
    place = f"gh{urlparse(repository).path}/{branch}?urlpath=lab/tree/notebooks"
    return {
        "repository": repository,
        "address": f"`{repository}`",
        "clone": f"`git clone {repository}`",
        "binder": f"{options['launch_buttons']['binderhub_url']}/v2/{place}",
    }


def _mend_page(app, pagename, templatename, context, doctree):
    """Give the bibliography roles that a list allows, and the page of results its script."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
    if pagename == "search":
        app.add_js_file("search.js", loading_method="defer")  # after the theme's, which it corrects


def _complete_search(app, env):
    """Let search find index entries, such as glossary terms, of pages that are not written again this time.

    Sphinx forgets them (its issue 12599); what a page is searched for beyond them it takes from the index before.
    """
    for page, entries in env.get_domain("index").entries.items():
        words = {
            (word, target or "", main)
            for kind, text, target, main, _ in entries
            for word in split_index_msg(kind, text)
        }
        env._search_index_index_entries[page] = sorted(words)


def _leave_out_thebe(app):
    """Keep off the pages what runs code in them: Binder does that here, and thebe comes from another host, twice."""
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)
    app.registry.css_files[:] = [file for file in app.registry.css_files if "thebe" not in file[0]]
