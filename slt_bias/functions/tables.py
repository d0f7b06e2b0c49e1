"""Functions: truth tables as packed bits, and every text form that a user may give for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Functions:
    """A batch of truth tables on the same points.

    packed : uint8 (count, ⌈points/8⌉) in np.packbits order: the first point is the highest bit of byte 0, padding is 0.
    points : the number of points of each table.
    """

    packed: np.ndarray
    points: int

    def __post_init__(self) -> None:
        if self.packed.dtype != np.uint8 or self.packed.ndim != 2 or self.packed.shape[1] != -(-self.points // 8):
            raise InputError(
                f"packed functions of {self.points} points need uint8 of shape (count, {-(-self.points // 8)}), "
                f"not {self.packed.dtype} {self.packed.shape}."
            )
        spare = -self.points % 8
        if spare and len(self.packed) and (self.packed[:, -1] & ((1 << spare) - 1)).any():
            raise InputError(f"packed functions of {self.points} points: the last {spare} bits are padding and must be 0.")

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: int | slice | np.ndarray) -> Functions:
        """A single function or several, as Functions again."""
        return Functions(np.atleast_2d(self.packed[index]), self.points)

    def __iter__(self) -> Iterator[str]:
        return iter(self.strings())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Functions) and self.points == other.points and np.array_equal(self.packed, other.packed)

    def __hash__(self) -> int:
        return hash((self.points, self.packed.tobytes()))

    @classmethod
    def from_values(cls, values: np.ndarray) -> Functions:
        """From outputs of shape (count, points): a value > 0 is 1."""
        table = np.atleast_2d(np.asarray(values)) > 0
        return cls(np.packbits(table, axis=1), table.shape[1])

    def values(self) -> np.ndarray:
        """bool (count, points)."""
        return np.unpackbits(self.packed, axis=1, count=self.points).astype(bool)

    def _text(self) -> np.ndarray:
        """uint8 (count, points): the characters 0 and 1."""
        text = np.unpackbits(self.packed, axis=1, count=self.points)
        text += ord("0")
        return text

    def strings(self) -> list[str]:
        """One string of 0 and 1 a function."""
        text, size = self._text().tobytes().decode("ascii"), self.points
        return [text[k * size : (k + 1) * size] for k in range(len(self))]

    def series(self) -> pd.Series:
        """The strings as a column of pandas: a byte a point, where a Python string takes 50 bytes more."""
        import pandas as pd
        import pyarrow as pa

        ends = np.arange(len(self) + 1, dtype=np.int64) * self.points
        column = pa.LargeStringArray.from_buffers(len(self), pa.py_buffer(ends), pa.py_buffer(self._text()))
        return pd.Series(column, dtype=pd.StringDtype("pyarrow", na_value=np.nan))

    def ones(self) -> np.ndarray:
        """int64 (count,): the number of ones of each table."""
        return np.bitwise_count(self.packed).sum(axis=1, dtype=np.int64)

    def complement(self) -> Functions:
        """Every output negated."""
        return Functions.from_values(~self.values())


def from_strings(strings: Sequence[str]) -> Functions:
    """Strings of 0 and 1, all of one length. Raises InputError that names the first bad one."""
    length = len(strings[0]) if strings else 0
    for number, text in enumerate(strings):
        if not isinstance(text, str):
            raise InputError(f"function {number}: {type(text).__name__} is no string of 0 and 1; turn numbers into bits first.")
        if len(text) != length:
            raise InputError(f"function {number} has {len(text)} points, the first has {length}: all need the same number.")
        wrong = text.strip("01")
        if wrong:
            raise InputError(f"`{text[:40]}{'…' if len(text) > 40 else ''}` is no truth table: `{wrong[0]}` is neither 0 nor 1.")
    flat = np.frombuffer("".join(strings).encode("ascii"), dtype=np.uint8).reshape(len(strings), length)
    return Functions(np.packbits(flat == ord("1"), axis=1), length)


def from_hexadecimal(text: str) -> str:
    """`0x…` as a string of 0 and 1, four points a digit. Raises InputError."""
    digits = text[2:]
    try:
        return "".join(f"{int(digit, 16):04b}" for digit in digits) if digits else _no_digits(text)
    except ValueError:
        raise InputError(f"`{text[:40]}` is no hexadecimal truth table.") from None


def _no_digits(text: str) -> str:
    raise InputError(f"`{text}` has no digits: a hexadecimal truth table reads like 0x6996.")
