"""Tables that are simple as strings: intervals of the binary number, and periodic strings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from slt_bias.functions.catalogue.reference import Member

PATTERNS = ("001", "011", "00001", "00101", "01101", "000111", "0000001", "000010111")


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    points = len(bits)
    position = np.arange(points)
    half, third = points // 2, points // 3
    intervals = {
        "third to two thirds": (third, 2 * points // 3),
        "first third": (0, third),
        "below half + 1": (0, half + 1),
        "middle quarter": (3 * points // 8, 5 * points // 8),
        "middle two": (half - 1, half + 1),
        "a fifth to four fifths": (points // 5, 4 * points // 5),
        "last tenth": (points - points // 10, points),
        "one point at a third": (third, third + 1),
    }
    for name, (low, high) in intervals.items():
        text = f"whether the inputs read as a binary number lie from {low} to {high - 1}"
        yield Member(f"interval: {name}", "interval", text, (position >= low) & (position < high))
    for pattern in PATTERNS:
        values = np.array([character == "1" for character in pattern])[position % len(pattern)]
        yield Member(f"periodic {pattern}", "periodic", f"the table is {pattern} again and again", values)
