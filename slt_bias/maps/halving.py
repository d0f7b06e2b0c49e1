"""Work in pieces that fit into a device's memory: out of memory halves the piece and goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

Result = TypeVar("Result")

log = logging.getLogger("slt_bias")


class Halving:
    """How many items are worked on at once; once halved it stays so. `size` is the largest number that is tried."""

    def __init__(self, size: int) -> None:
        self.size = size

    def pieces(self, work: Callable[[int, int], Result], count: int) -> Iterator[Result]:
        """work(start, stop) for pieces of 0 … count, in order. What `work` returns must not depend on the pieces.

        Raises torch.cuda.OutOfMemoryError where one item alone does not fit.
        """
        import torch

        start = 0
        while start < count:
            stop = min(count, start + self.size)
            try:
                result = work(start, stop)
            except torch.cuda.OutOfMemoryError:
                if stop - start == 1:
                    raise
                self.size = (stop - start + 1) // 2
                log.warning("the device is out of memory: going on with %d of %d at once", self.size, stop - start)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                continue
            yield result
            start = stop
