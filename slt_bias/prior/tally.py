"""A tally of packed functions: exact int64 counts, memory proportional to the number of distinct functions."""

from __future__ import annotations

import threading

import numpy as np

from slt_bias.functions.tables import Functions
from slt_bias.prior import _table_kernel as kernel


class Tally:
    """Counts by packed key; `add` may be called from several threads. About 40 bytes a distinct function at 128 points."""

    def __init__(self, points: int) -> None:
        self.points = points
        self._bytes = -(-points // 8)
        self._words = max(1, -(-self._bytes // 8))
        self._lock = threading.Lock()
        self._used = 0
        self._slots = np.full(2**12, -1, np.int64)
        self._keys = np.empty((2**11, self._words), np.uint64)
        self._counts = np.empty(2**11, np.int64)

    def __len__(self) -> int:
        return self._used

    def add(self, packed: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Count rows of packed bits, uint8 (count, bytes), once each or `weights` times."""
        rows = np.zeros((len(packed), self._words * 8), np.uint8)
        rows[:, : self._bytes] = packed
        ones = np.ones(len(rows), np.int64) if weights is None else np.asarray(weights, np.int64)
        with self._lock:
            self._reserve(self._used + len(rows))
            self._used = int(kernel.add(self._slots, self._keys, self._counts, self._used, rows.view(np.uint64), ones))

    def _reserve(self, needed: int) -> None:
        if needed > len(self._counts):
            grown = max(needed, len(self._counts) * 3 // 2)
            keys, counts = np.empty((grown, self._words), np.uint64), np.empty(grown, np.int64)
            keys[: self._used], counts[: self._used] = self._keys[: self._used], self._counts[: self._used]
            self._keys, self._counts = keys, counts
        size = len(self._slots)
        while size < 2 * needed:
            size *= 2
        if size != len(self._slots):
            self._slots = np.full(size, -1, np.int64)
            kernel.rebuild(self._slots, self._keys, self._used)

    def sorted(self) -> tuple[Functions, np.ndarray]:
        """(functions, counts): the most frequent first, equal counts in the order of their truth tables."""
        with self._lock:
            packed = self._keys[: self._used].view(np.uint8).reshape(self._used, -1)[:, : self._bytes].copy()
            counts = self._counts[: self._used].copy()
        order = order_of(packed, counts)
        return Functions(packed[order], self.points), counts[order]


def order_of(packed: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The order of a table: counts falling, then truth tables rising."""
    if packed.shape[1] > 32:  # one comparison of bytes a pair beats one sort a word
        by_table = np.argsort(np.ascontiguousarray(packed).view(f"S{packed.shape[1]}").ravel(), kind="stable")
        return by_table[np.argsort(-counts[by_table], kind="stable")]
    padded = np.zeros((len(packed), max(8, -(-packed.shape[1] // 8) * 8)), np.uint8)
    padded[:, : packed.shape[1]] = packed
    words = padded.view(">u8").astype(np.uint64)
    return np.lexsort((*words.T[::-1], -counts))
