"""`compiled`: numba's njit, with a cache that knows all kernels.

Numba's own cache looks at the file of the function alone: a kernel that calls another file's kernel would keep the old
machine code after an update. Here the cache folder's name is a digest of all kernel sources together.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable)


def compiled(**options: Any) -> Callable[[Function], Function]:
    """A decorator: machine code without the GIL, kept on disk; options as numba's njit."""

    def decorate(function: Function) -> Function:
        config: Any = numba.config
        before = config.CACHE_DIR
        config.CACHE_DIR = str(cache_folder())  # read while the function is decorated, and only then
        try:
            return numba.njit(nogil=True, cache=True, boundscheck=False, **options)(function)
        finally:
            config.CACHE_DIR = before

    return decorate


@cache
def cache_folder() -> Path:
    """Where the machine code is kept: below NUMBA_CACHE_DIR, XDG_CACHE_HOME or ~/.cache, by the digest of all kernels."""
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(Path(__file__).parent.rglob("_*kernel.py")):
        digest.update(source.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "slt_bias" / f"kernels-{digest.hexdigest()}"
