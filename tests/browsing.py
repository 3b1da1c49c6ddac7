"""Pages in a browser, opened the same way by every test."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextmanager
def serving(folder):
    """Address of a web server that hands out a folder's files and knows nothing of the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def open_page(page, url: str) -> None:
    """Go there and wait until scripts have run and nothing is fetched any more.

    A busy machine is silent for half a second also before it has run the first script, so the silence alone is no sign.
    """
    page.goto(url, wait_until="load")
    page.wait_for_load_state("networkidle")


def as_new(page) -> None:
    """Give a tab that others have used the look of a new one: nothing kept, light, as wide as a laptop."""
    if page.url != "about:blank":
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
        page.goto("about:blank")
    page.mouse.move(0, 0)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")


def overflow(page) -> int:
    """Pixels by which a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
