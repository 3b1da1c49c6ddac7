"""How many threads a product of matrices takes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager:
    """Keep numpy's products of matrices to one thread.

    Ours are small: on a busy machine, threads that share them wait for each other most of the time.
    """
    return _pools().limit(limits=1, user_api="blas")


@cache
def _pools() -> ThreadpoolController:
    """Numpy's pools of threads, looked up once."""
    return ThreadpoolController()
