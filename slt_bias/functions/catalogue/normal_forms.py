"""Short disjunctive and conjunctive normal forms: two fixed ones, and the random ones of the named function `dnf`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from slt_bias import streams
from slt_bias.functions.catalogue.expression import Expression, Input, all_of, any_of
from slt_bias.functions.catalogue.reference import Member
from slt_bias.functions.named import named

RANDOM = ((2, 3, 0), (3, 2, 2), (3, 3, 3), (4, 3, 4), (5, 4, 5))  # terms, width, seed


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    pairs = [(i, i + 1) for i in range(0, n - 1, 2)]
    left, right = bits[:, [i for i, _ in pairs]], bits[:, [j for _, j in pairs]]
    formula = any_of([Input(i) & Input(j) for i, j in pairs])
    yield Member("DNF: a pair of ones", "normal form", "x0x1 or x2x3 or …", (left & right).any(axis=1), (formula,))
    formula = all_of([Input(i) | Input(j) for i, j in pairs])
    text = "(x0 or x1) and (x2 or x3) and …"
    yield Member("CNF: a one in each pair", "normal form", text, (left | right).all(axis=1), (formula,))
    for terms, width, seed in RANDOM:
        if width > n:
            continue
        spec = f"dnf:terms={terms},width={width},seed={seed}"
        text = f"an or of {terms} random terms of {width} literals: {spec}"
        formula = _dnf(n, terms, width, seed)
        yield Member(f"DNF {terms} x {width}, seed {seed}", "normal form", text, _table(spec, n), (formula,))
        # Other seeds for the ANDs of ORs, so that none is the negation of a DNF above.
        spec = f"dnf:terms={terms},width={width},seed={seed + 10}"
        text = f"an and of {terms} random clauses of {width} literals: the negation of {spec}"
        formula = ~_dnf(n, terms, width, seed + 10)
        yield Member(f"CNF {terms} x {width}, seed {seed + 10}", "normal form", text, ~_table(spec, n), (formula,))


def _table(spec: str, n: int) -> np.ndarray:
    return np.array([character == "1" for character in named(spec, n)])


def _dnf(n: int, terms: int, width: int, seed: int) -> Expression:
    """The terms that `slt_bias.functions.named` draws."""
    parts: list[Expression] = []
    for term in range(terms):
        order, signs = streams.integers(seed, ["functions", "dnf"], term, (2, n))
        chosen = np.argsort(order, kind="stable")[:width]
        parts.append(all_of([Input(int(i)) if signs[i] % 2 else ~Input(int(i)) for i in chosen]))
    return any_of(parts)
