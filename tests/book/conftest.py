"""The built book, served and opened in a real browser."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = [f"{name}.html" for name in parse_toc_yaml(ROOT / "_toc.yml")]


@pytest.fixture(scope="session")
def html() -> Path:
    """The folder of the built site."""
    assert (HTML / "index.html").is_file(), f"{HTML} has no book. Next: make book"
    return HTML


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site(html: Path):
    """Address of a web server that serves the built site, below a path as on a public host."""
    handler = partial(_QuietHandler, directory=html)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")


@pytest.fixture(scope="session")
def chromium(browser):
    """The same browser as `browser`, with WebGL2 drawn by the processor."""
    path = browser.browser_type.executable_path
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), path)
    launched = browser.browser_type.launch(executable_path=path, args=["--no-sandbox", *_GL])
    yield launched
    launched.close()


@pytest.fixture(params=PAGES)
def page_name(request) -> str:
    """Each page of _toc.yml, in turn."""
    return request.param
