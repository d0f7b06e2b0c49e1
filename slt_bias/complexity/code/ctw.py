"""Context-tree weighting made bits by an arithmetic coder: the plain version, which encodes and decodes.

The compiled lengths (`_ctw_kernel`) do the same operations on the same doubles: see there why both agree everywhere.
"""

from __future__ import annotations

import numpy as np

from slt_bias.complexity._ctw_kernel import LARGEST_RATIO, PRECISION, REGISTER, SMALLEST_RATIO
from slt_bias.complexity.code.family import Family
from slt_bias.complexity.code.reader import Reader
from slt_bias.complexity.ctw import DEPTH, lengths
from slt_bias.functions import Functions

TOP = 1 << REGISTER
HALF, QUARTER = TOP // 2, TOP // 4


class ContextTree:
    """The weighted tree of Willems, Shtarkov & Tjalkens 1995, one bit after another.

    A node is 1 followed by the bits before, the most recent lowest; `ratio` is P_e of the node over the product of its
    children's P_w, so that P_w(next) = (ratio·P_e(next) + P_w(next | child))/(ratio + 1).
    """

    def __init__(self, depth: int = DEPTH) -> None:
        self.depth = depth
        self.counts: dict[int, list[float]] = {}
        self.ratio: dict[int, float] = {}
        self.context = 0

    def share_of_zero(self) -> int:
        """The probability that the next bit is 0, as a whole number of 2⁻²², neither 0 nor 1."""
        self.path = [(1 << level) | (self.context & ((1 << level) - 1)) for level in range(self.depth + 1)]
        self.chances = [0.0] * (self.depth + 1)
        for level in range(self.depth, -1, -1):
            node = self.path[level]
            zeros, ones = self.counts.get(node, (0.0, 0.0))
            own = (ones + 0.5) / (zeros + ones + 1.0)
            if level == self.depth:
                self.chances[level] = own
            else:
                ratio = self.ratio.get(node, 1.0)
                self.chances[level] = (ratio * own + self.chances[level + 1]) / (ratio + 1.0)
        return int((1.0 - self.chances[0]) * ((1 << PRECISION) - 2)) + 1

    def update(self, bit: int) -> None:
        """Learn the bit that `share_of_zero` was asked about."""
        for level, node in enumerate(self.path):
            counts = self.counts.setdefault(node, [0.0, 0.0])
            own = (counts[bit] + 0.5) / (counts[0] + counts[1] + 1.0)
            if level < self.depth:
                below = self.chances[level + 1] if bit else 1.0 - self.chances[level + 1]
                ratio = self.ratio.get(node, 1.0) * own / below
                self.ratio[node] = min(max(ratio, SMALLEST_RATIO), LARGEST_RATIO)
            counts[bit] += 1.0
        self.context = self.context << 1 & ((1 << self.depth) - 1) | bit


class Interval:
    """The coder's interval (Witten, Neal & Cleary 1987): [low, high] among 2⁴⁰, doubled when half of it is enough."""

    def __init__(self) -> None:
        self.low, self.high = 0, TOP - 1
        self.pending = 0
        self.doublings: list[tuple[int, int]] = []
        """What the last `narrow` did: (bit or −1 where it is still open, what was subtracted before doubling)."""

    def split(self, share_of_zero: int) -> int:
        """Where the part of bit 1 begins."""
        return self.low + ((self.high - self.low + 1) * share_of_zero >> PRECISION)

    def narrow(self, share_of_zero: int, bit: int) -> None:
        """Keep the part of the bit, and double while the interval lies in one half or in the middle."""
        border = self.split(share_of_zero)
        self.low, self.high = (border, self.high) if bit else (self.low, border - 1)
        self.doublings = []
        while True:
            if self.high < HALF:
                step = (0, 0)
            elif self.low >= HALF:
                step = (1, HALF)
            elif self.low >= QUARTER and self.high < 3 * QUARTER:
                step = (-1, QUARTER)
            else:
                return
            self.pending = self.pending + 1 if step[0] < 0 else 0
            self.low, self.high = 2 * (self.low - step[1]), 2 * (self.high - step[1]) + 1
            self.doublings.append(step)

    def ending(self) -> str:
        """The fewest bits all of whose continuations lie in the interval."""
        if self.low == 0:
            return "" if self.high == TOP - 1 and not self.pending else "0"  # high ≥ ½, or it would have been doubled
        if self.high == TOP - 1:
            return "1"
        return "01" if self.low < QUARTER else "10"


def _lengths(functions: Functions) -> np.ndarray:
    return lengths(functions)[1]


def _encode(table: np.ndarray) -> str:
    tree, interval = ContextTree(), Interval()
    out: list[str] = []
    waiting = 0

    def emit(bit: int) -> None:
        nonlocal waiting
        out.append("01"[bit] + "10"[bit] * waiting)
        waiting = 0

    for bit in table.astype(int).tolist():
        interval.narrow(tree.share_of_zero(), bit)
        tree.update(bit)
        for decided, _ in interval.doublings:
            if decided < 0:
                waiting += 1
            else:
                emit(decided)
    for character in interval.ending():
        emit(int(character))
    return "".join(out)


def _decode(reader: Reader, points: int) -> np.ndarray:
    tree, interval = ContextTree(), Interval()
    rest = reader.bits[reader.position :]
    value, used = int((rest[:REGISTER]).ljust(REGISTER, "0"), 2), REGISTER
    table = np.zeros(points, bool)
    for place in range(points):
        share = tree.share_of_zero()
        bit = int(value >= interval.split(share))
        interval.narrow(share, bit)
        tree.update(bit)
        for _, subtracted in interval.doublings:
            value = 2 * (value - subtracted) + (rest[used : used + 1] == "1")
            used += 1
        table[place] = bit
    reader.take(used - REGISTER + len(interval.ending()))
    return table


CTW = Family("ctw", f"context-tree weighting of depth {DEPTH}, arithmetically coded", _lengths, _encode, _decode)
