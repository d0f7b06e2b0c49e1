"""Bits as text: how numbers are written into a code, and the reader that takes them out again."""

from __future__ import annotations

from slt_bias.errors import InputError


def width(count: int) -> int:
    """Bits of a number below `count` ≥ 1, written with a fixed width."""
    return (count - 1).bit_length()


def fixed(number: int, bits: int) -> str:
    """A number below 2^bits with that many bits, highest first."""
    return format(number, f"0{bits}b") if bits else ""


def gamma(number: int) -> str:
    """A number ≥ 1 in the gamma code of Elias 1975: as many zeros as bits follow the first, then the number."""
    return "0" * (number.bit_length() - 1) + format(number, "b")


def gamma_length(number: int) -> int:
    """Bits of `gamma(number)`."""
    return 2 * number.bit_length() - 1


class Reader:
    """Takes numbers from the front of a string of 0 and 1; `position` is how far it has read."""

    def __init__(self, bits: str, position: int = 0) -> None:
        self.bits = bits
        self.position = position

    def take(self, count: int) -> str:
        """The next bits. Raises InputError where there are not so many."""
        end = self.position + count
        if end > len(self.bits):
            raise InputError(f"the code ends after {len(self.bits)} bits, in the middle of a function.")
        taken, self.position = self.bits[self.position : end], end
        return taken

    def fixed(self, bits: int) -> int:
        """A number of fixed width."""
        return int(self.take(bits), 2) if bits else 0

    def below(self, count: int, what: str) -> int:
        """A number of fixed width that must be below `count`. Raises InputError."""
        return self._limited(self.fixed(width(count)), count - 1, what)

    def gamma(self, largest: int, what: str) -> int:
        """A number ≥ 1 in gamma code, at most `largest`. Raises InputError."""
        zeros = 0
        while self.take(1) == "0":
            zeros += 1
        return self._limited((1 << zeros) | self.fixed(zeros), largest, what)

    def _limited(self, number: int, largest: int, what: str) -> int:
        if number > largest:
            raise InputError(f"the code is of no function: {what} is {number}, at most {largest} is possible.")
        return number
