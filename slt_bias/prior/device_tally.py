"""A tally of packed functions in a GPU's memory: sorted runs of distinct functions, merged as they pile up.

A run is sorted by one 64-bit hash of its functions. Where two functions share a hash, one may stand twice in a run: counts
stay exact, for the last sort, by the whole truth table, adds them up.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.functions.tables import Functions
from slt_bias.maps.device import as_words
from slt_bias.maps.network_device import unpack_words
from slt_bias.prior.tally import Tally

if TYPE_CHECKING:
    import torch

log = logging.getLogger("slt_bias")

MIX = -7046029254386353131  # 2⁶⁴/φ, odd, as a signed number


class DeviceTally:
    """Counts by packed key, `Tally`'s counterpart; where the device's memory is full, what is there goes to the host."""

    def __init__(self, points: int, device: str) -> None:
        self.points, self.device = points, device
        self._host: Tally | None = None
        self._runs: list[tuple[torch.Tensor, torch.Tensor]] = []

    def add(self, words: torch.Tensor | np.ndarray, weights: np.ndarray | None = None) -> None:
        """Count functions, int64 (count, words) on the device or packed uint8 (count, bytes), once each or `weights` times."""
        import torch

        if isinstance(words, np.ndarray):
            words = torch.from_numpy(as_words(words)).to(self.device)
        counts = torch.ones(len(words), dtype=torch.int64, device=words.device)
        if weights is not None:
            counts = torch.from_numpy(np.asarray(weights, np.int64)).to(words.device)
        is_run = False
        try:
            self._runs.append(merged(words, counts))
            is_run = True
            while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
                pair = [torch.cat(part) for part in zip(*self._runs[-2:], strict=True)]
                self._runs[-2:] = [merged(*pair)]
        except torch.cuda.OutOfMemoryError:
            self._to_host()
            if not is_run:
                self._add_to_host(words, counts)

    def sorted(self) -> tuple[Functions, np.ndarray]:
        """(functions, counts): the most frequent first, equal counts in the order of their truth tables."""
        import torch

        if self._host is not None or not self._runs:
            self._to_host()
            assert self._host is not None
            return self._host.sorted()
        try:
            words, counts = (torch.cat(part) for part in zip(*self._runs, strict=True))
            order = table_order(words)
            words, counts = _joined(words[order], counts[order])
            order = torch.argsort(counts, descending=True, stable=True)
            words, counts = words[order], counts[order]
        except torch.cuda.OutOfMemoryError:
            self._to_host()
            return self.sorted()
        return Functions(unpack_words(words, self.points), self.points), counts.cpu().numpy()

    def _to_host(self) -> None:
        if self._host is None:
            self._host = Tally(self.points)
        if self._runs:
            log.warning("the device is out of memory: its counts go to the host")
        while self._runs:
            self._add_to_host(*self._runs.pop())

    def _add_to_host(self, words: torch.Tensor, counts: torch.Tensor) -> None:
        assert self._host is not None
        self._host.add(unpack_words(words, self.points), counts.cpu().numpy())


def merged(words: torch.Tensor, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Equal rows of `words` (count, words) as one with the sum of their counts, in the order of a hash."""
    import torch

    key = words[:, 0].clone()
    for column in range(1, words.shape[1]):
        key = (key ^ (key >> 29)) * MIX + words[:, column]
    order = torch.argsort(key)
    return _joined(words[order], counts[order])


def _joined(words: torch.Tensor, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Neighbours that are equal as one row."""
    import torch

    first = torch.ones(len(words), dtype=torch.bool, device=words.device)
    first[1:] = (words[1:] != words[:-1]).any(dim=1)
    starts = first.nonzero()[:, 0]
    before = torch.cumsum(counts, 0)[starts] - counts[starts]
    total = counts.sum()[None]
    return words[starts], torch.cat([before[1:], total]) - before


def table_order(words: torch.Tensor) -> torch.Tensor:
    """The order of truth tables: bytes compared from the first on, as numbers without a sign."""
    import torch

    swapped = words.contiguous().view(torch.uint8).reshape(*words.shape, 8).flip(-1).contiguous().view(torch.int64)[..., 0]
    swapped = swapped ^ torch.iinfo(torch.int64).min
    order = torch.argsort(swapped[:, -1], stable=True)
    for column in range(words.shape[1] - 2, -1, -1):
        order = order[torch.argsort(swapped[order, column], stable=True)]
    return order
