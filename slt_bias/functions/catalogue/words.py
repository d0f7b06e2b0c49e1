"""Functions of the inputs as words: multiplexers, comparisons of two halves, palindromes, sums and products.

The halves are a, the first n//2 inputs, and b, the last n//2, as binary numbers with the most significant bit first; with an
odd number of inputs the middle one belongs to neither.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from slt_bias.functions.catalogue.expression import Constant, Expression, If, Input, all_of, odd_of
from slt_bias.functions.catalogue.reference import Member


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    yield from _multiplexers(n, bits)
    yield from _comparisons(n, bits)
    yield from _palindromes(n, bits)
    yield from _sums(n, bits)


def number(bits: np.ndarray) -> np.ndarray:
    """int64 (points,): bits of shape (points, digits), the most significant first, as a number."""
    return bits @ (1 << np.arange(bits.shape[1] - 1, -1, -1))


def _multiplexers(n: int, bits: np.ndarray) -> Iterator[Member]:
    places: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((0,), (1, 2)),
        ((0,), (n // 2, n - 1)),
        ((n - 1,), (0, 1)),
        ((0, 1), (2, 3, 4, 5)),
        ((n - 2, n - 1), (0, 1, 2, 3)),
    ]
    for address, data in places:
        if max(address + data) >= n or len(set(address + data)) < len(address + data):
            continue
        values = bits[np.arange(len(bits)), np.array(data)[number(bits[:, address])]]
        name = f"x{address[0]}, x{address[1]} choose" if len(address) == 2 else f"x{address[0]} chooses"
        text = f"the address {_listed(address)} chooses one of {_listed(data)}"
        yield Member(f"{name} {_listed(data)}", "multiplexer", text, values, (_choice(address, data),))


def _choice(address: tuple[int, ...], data: tuple[int, ...]) -> Expression:
    if not address:
        return Input(data[0])
    half = len(data) // 2
    return If(Input(address[0]), _choice(address[1:], data[half:]), _choice(address[1:], data[:half]))


def _comparisons(n: int, bits: np.ndarray) -> Iterator[Member]:
    half = n // 2
    left, right = list(range(half)), list(range(n - half, n))
    a, b = number(bits[:, left]), number(bits[:, right])
    where = f"a = {_listed(left)} and b = {_listed(right)} as numbers"
    yield Member("a < b", "comparison", where, a < b, (_less(left, right, False),))
    yield Member("a <= b", "comparison", where, a <= b, (_less(left, right, True),))
    yield Member("a = b", "comparison", where, a == b, (_same(left, right),))
    yield Member("|a - b| <= 1", "comparison", where, np.abs(a - b) <= 1)
    multiple = np.where(b == 0, a == 0, a % np.maximum(b, 1) == 0)
    yield Member("b divides a", "comparison", f"a is a multiple of b; {where}", multiple)
    if n >= 4:
        first, second = [0, 1], [n - 2, n - 1]
        two = f"{_listed(first)} as a number is below {_listed(second)}"
        values = number(bits[:, first]) < number(bits[:, second])
        yield Member(f"{_joined(first)} < {_joined(second)}", "comparison", two, values, (_less(first, second, False),))
    if n % 2:  # halves that touch
        next_half = list(range(half, 2 * half))
        two = f"{_listed(left)} as a number is below {_listed(next_half)}"
        values = a < number(bits[:, next_half])
        yield Member(f"{_joined(left)} < {_joined(next_half)}", "comparison", two, values, (_less(left, next_half, False),))


def _less(left: list[int], right: list[int], equal: bool) -> Expression:
    """a < b, or a ≤ b: the first digits decide unless they are equal, and then the others do."""
    result: Expression = Constant(equal)
    for i, j in zip(reversed(left), reversed(right), strict=True):
        a, b = Input(i), Input(j)
        result = (~a & b) | ((~a | b) & result)
    return result


def _same(left: list[int], right: list[int]) -> Expression:
    return all_of([~(Input(i) ^ Input(j)) for i, j in zip(left, right, strict=True)])


def _palindromes(n: int, bits: np.ndarray) -> Iterator[Member]:
    half = n // 2
    left, right = list(range(half)), list(range(n - 1, n - half - 1, -1))
    equal = bits[:, left] == bits[:, right]
    yield Member("palindrome", "palindrome", "the inputs read the same backwards", equal.all(axis=1), (_same(left, right),))
    opposite = all_of([Input(i) ^ Input(j) for i, j in zip(left, right, strict=True)])
    text = "each input differs from its mirror image"
    yield Member("negated palindrome", "palindrome", text, ~equal.any(axis=1), (opposite,))
    for where, chosen in {"first": range(4), "last": range(n - 4, n)}.items():
        if n >= 5:
            pairs = [[chosen[0], chosen[1]], [chosen[3], chosen[2]]]
            text = f"x{chosen[0]} … x{chosen[3]} read the same backwards"
            values = (bits[:, pairs[0]] == bits[:, pairs[1]]).all(axis=1)
            yield Member(f"palindrome of {where} 4", "palindrome", text, values, (_same(*pairs),))


def _sums(n: int, bits: np.ndarray) -> Iterator[Member]:
    half = n // 2
    left, right = list(range(half)), list(range(n - half, n))
    a, b = number(bits[:, left]), number(bits[:, right])
    where = f"a = {_listed(left)} and b = {_listed(right)} as numbers"
    for digit in range(half):
        i, j = half - 1 - digit, n - 1 - digit
        formula = odd_of([Input(i), Input(j), _carry(left[i + 1 :], right[i + 1 :], Constant(False))])
        yield Member(f"a + b: bit {digit}", "addition", where, ((a + b) >> digit) & 1 == 1, (formula,))
    yield Member("a + b: carry", "addition", where, (a + b) >> half == 1, (_carry(left, right, Constant(False)),))
    if n % 2:
        total, formula = a + b + bits[:, half], _carry(left, right, Input(half))
        yield Member(f"a + b + x{half}: carry", "addition", where, total >> half == 1, (formula,))
    for digit in range(1, min(2 * half, 4)):
        yield Member(f"a times b: bit {digit}", "multiplication", where, ((a * b) >> digit) & 1 == 1)
    opposite = all_of([Input(i) ^ Input(j) for i, j in zip(left, right, strict=True)])
    yield Member(f"a + b = {2**half - 1}", "addition", where, a + b == 2**half - 1, (opposite,))


def _carry(left: list[int], right: list[int], into: Expression) -> Expression:
    """The carry out of a + b and a carry `into` the last digit."""
    for i, j in zip(reversed(left), reversed(right), strict=True):
        into = (Input(i) & Input(j)) | ((Input(i) | Input(j)) & into)
    return into


def _listed(chosen: tuple[int, ...] | list[int]) -> str:
    return ", ".join(f"x{i}" for i in chosen)


def _joined(chosen: list[int]) -> str:
    return "".join(f"x{i}" for i in chosen)
