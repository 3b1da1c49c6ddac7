"""A small folder in the shape of the real dataset: its registry and layout, a part of its studies, no ``extras/``."""

from __future__ import annotations

from functools import partial

import pytest
from real_like import chest, write_published


@pytest.fixture(scope="session")
def real_like(tmp_path_factory):
    """Path of the folder. Its pixels are large, so that a chapter takes seconds; `tests/book` has small ones."""
    return write_published(tmp_path_factory.mktemp("COVID19_1110"), content=partial(chest, repeat=1))
