"""Functions of the number of ones: majorities, thresholds, exact numbers, remainders; `division` finds their formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from slt_bias.functions.catalogue.expression import Input, all_of
from slt_bias.functions.catalogue.reference import Member


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    for k in range(3, n + 1, 2):
        for where, chosen in {"": range(k), "last ": range(n - k, n)}.items():
            text = f"whether most of x{chosen[0]} … x{chosen[-1]} are 1"
            yield _member(f"majority of {where}{k}", "majority", text, bits, chosen, [2 * ones > k for ones in range(k + 1)])
    spread = [0, n // 2, n - 1]
    text = f"whether at least two of x{spread[0]}, x{spread[1]}, x{spread[2]} are 1"
    yield _member("majority of spread 3", "majority", text, bits, spread, [False, False, True, True])
    ones, everything = range(n + 1), range(n)
    for k in range(1, n + 1):
        text = f"whether {k} or more inputs are 1"
        yield _member(f"at least {k} of {n}", "threshold", text, bits, everything, [j >= k for j in ones])
    for k in sorted({1, 2, n // 2, n - 1}):
        yield _member(f"exactly {k} of {n}", "threshold", f"whether {k} inputs are 1", bits, everything, [j == k for j in ones])
    texts = {
        "ones mod 3 = 0": ("the number of ones is a multiple of 3", [j % 3 == 0 for j in ones]),
        "ones mod 3 = 1": ("the number of ones is one more than a multiple of 3", [j % 3 == 1 for j in ones]),
        "ones mod 4 = 0": ("the number of ones is a multiple of 4", [j % 4 == 0 for j in ones]),
        "ones mod 4 > 1": ("the second binary digit of the number of ones", [j % 4 > 1 for j in ones]),
        f"ones from 2 to {n - 2}": ("at least two inputs are 1 and at least two are 0", [2 <= j <= n - 2 for j in ones]),
    }
    for name, (text, values) in texts.items():
        yield _member(name, "symmetric", text, bits, everything, values)
    text = "the inputs are all 0 or all 1"
    equal = all_of([~(Input(i) ^ Input(i + 1)) for i in range(n - 1)])
    ring = all_of([~Input(i) | Input((i + 1) % n) for i in everything])  # each implies the next
    yield Member("all inputs equal", "symmetric", text, (bits == bits[:, :1]).all(axis=1), (equal, ring))


def _member(
    name: str, family: str, description: str, bits: np.ndarray, chosen: Sequence[int], values: Sequence[bool]
) -> Member:
    """values[k] is the output where k of the chosen inputs are 1."""
    return Member(name, family, description, np.array(values)[bits[:, list(chosen)].sum(axis=1)])
