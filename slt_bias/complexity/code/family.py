"""What a family of codes is: lengths in bulk, an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slt_bias.complexity.code.reader import Reader
from slt_bias.functions import Functions

NEVER = 1 << 40
"""The length where a family has no code for a function."""


@dataclass(frozen=True)
class Family:
    """A prefix code for some or all functions on a known number of points.

    lengths : Functions → int64 (count,), the bits of `encode`, or NEVER. encode : the table, bool (points,), → a string
    of 0 and 1. decode : takes exactly those bits from a Reader and returns the table; the number of points is known to
    both. hypercube : only for functions of bits.
    """

    name: str
    meaning: str
    lengths: Callable[[Functions], np.ndarray]
    encode: Callable[[np.ndarray], str]
    decode: Callable[[Reader, int], np.ndarray]
    hypercube: bool = False


def as_text(table: np.ndarray) -> str:
    """A table, bool (points,), as a string of 0 and 1."""
    return (table.astype(np.uint8) + ord("0")).tobytes().decode("ascii")


def as_table(text: str) -> np.ndarray:
    """A string of 0 and 1 as a table, bool (points,)."""
    return np.frombuffer(text.encode("ascii"), np.uint8) == ord("1")


def single(table: np.ndarray) -> Functions:
    """A table as Functions of one."""
    return Functions(np.packbits(table)[None], len(table))


def gamma_lengths(numbers: np.ndarray) -> np.ndarray:
    """Bits of the gamma code of each number ≥ 1, int64."""
    return 2 * np.frexp(numbers.astype(np.float64))[1].astype(np.int64) - 1
