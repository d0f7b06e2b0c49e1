"""Constants, projections, gates of two and three inputs, and parities of some of the inputs."""

from __future__ import annotations

import operator
from collections.abc import Iterator

import numpy as np

from slt_bias.functions.catalogue.expression import Input, odd_of
from slt_bias.functions.catalogue.reference import Member


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    for value in (0, 1):
        yield Member(f"constant {value}", "constant", f"{value} everywhere", np.full(2**n, value == 1))
    for i in range(n):
        yield Member(f"x{i}", "projection", f"input {i}", bits[:, i], (Input(i),))
    yield from _pairs(n, bits)
    yield from _triples(n, bits)
    yield from _parities(n, bits)


def _pairs(n: int, bits: np.ndarray) -> Iterator[Member]:
    """The first two inputs with four gates, the last two and two apart with AND and XOR, the two ends with XOR."""
    gates = {"and": operator.and_, "or": operator.or_, "xor": operator.xor, "implies": lambda a, b: ~a | b}
    few = ("and", "xor")
    places = [(0, 1, tuple(gates)), (n - 2, n - 1, few), (n // 3, 2 * n // 3 + 1, few), (0, n - 1, ("xor",))]
    for i, j, words in places:
        for word in words if j < n else ():
            name, gate = f"x{i} {word} x{j}", gates[word]
            formula = gate(Input(i), Input(j))
            yield Member(name, "gate", f"a gate of two inputs: {name}", gate(bits[:, i], bits[:, j]), (formula,))


def _triples(n: int, bits: np.ndarray) -> Iterator[Member]:
    """Gates of three inputs: five of the first three, three of the last three, two of three apart."""
    gates = {
        "{0} and {1} and {2}": lambda a, b, c: a & b & c,
        "{0} xor ({1} and {2})": lambda a, b, c: a ^ (b & c),
        "{0} = {1} = {2}": lambda a, b, c: ~(a ^ b) & ~(b ^ c),
        "{0} and ({1} or {2})": lambda a, b, c: a & (b | c),
        "{0} or {1} or {2}": lambda a, b, c: a | b | c,
    }
    all_patterns = list(gates)
    places = [(0, 1, 2, all_patterns), (n - 3, n - 2, n - 1, all_patterns[:3]), (0, n // 2, n - 1, all_patterns[1:4:2])]
    for i, j, k, patterns in places:
        for pattern in patterns:
            name, gate = pattern.format(f"x{i}", f"x{j}", f"x{k}"), gates[pattern]
            formula = gate(Input(i), Input(j), Input(k))
            values = gate(bits[:, i], bits[:, j], bits[:, k])
            yield Member(name, "gate", f"a gate of three inputs: {name}", values, (formula,))


def _parities(n: int, bits: np.ndarray) -> Iterator[Member]:
    """Of all inputs; of the first k, the last k, and 3 or 4 spread evenly from first to last."""
    for k in range(3, n + 1):
        places = {"": list(range(k)), "last ": list(range(n - k, n))}
        if k <= 4:
            places["spread "] = [round(step * (n - 1) / (k - 1)) for step in range(k)]
        for where, chosen in places.items():
            formula = odd_of([Input(i) for i in chosen])
            text = f"whether the number of ones among {_listed(chosen)} is odd"
            yield Member(f"parity of {where}{k}", "parity", text, bits[:, chosen].sum(axis=1) % 2 == 1, (formula,))


def _listed(chosen: list[int]) -> str:
    return ", ".join(f"x{i}" for i in chosen)
