"""Disjunctive normal form of the function or of its complement: the terms, one after another."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code.enumerative import decode_rank, encode_rank, rank_widths
from slt_bias.complexity.code.family import NEVER, Family, gamma_lengths, single
from slt_bias.complexity.code.reader import Reader, fixed, gamma, width
from slt_bias.complexity.dnf import LARGEST, greedy_covers, of_at_most_ten
from slt_bias.functions import Functions


def _term_lengths(inputs: int) -> np.ndarray:
    """Bits of a term by its number of literals: that number, which inputs, and a sign each."""
    return width(inputs + 1) + rank_widths(inputs) + np.arange(inputs + 1)


def _both(functions: Functions) -> tuple[np.ndarray, np.ndarray]:
    """Bits of the terms and of their number, of the functions and of their complements."""
    inputs = functions.points.bit_length() - 1
    out = []
    for side in (functions, functions.complement()):
        cover = greedy_covers(side, "code")
        costs = _term_lengths(inputs)[inputs - np.bitwise_count(cover.free).astype(np.int64)]
        sums = np.concatenate([[0], np.cumsum(costs)])[cover.first]
        out.append(gamma_lengths(np.diff(cover.first) + 1) + np.diff(sums))
    return out[0], out[1]


def _lengths(functions: Functions) -> np.ndarray:
    if not of_at_most_ten(functions.points):
        return np.full(len(functions), NEVER)
    return 1 + np.minimum(*_both(functions))


def _encode(table: np.ndarray) -> str:
    inputs = len(table).bit_length() - 1
    plain, negated = _both(single(table))
    negate = bool(negated[0] < plain[0])
    cover = greedy_covers(single(table ^ negate), "code")
    bits = ("1" if negate else "0") + gamma(len(cover.free) + 1)
    places = np.arange(inputs - 1, -1, -1)
    for free, base in zip(cover.free, cover.base, strict=True):
        fixed_inputs = (free >> places & 1) == 0
        signs = "".join(str(sign) for sign in (base >> places & 1)[fixed_inputs])
        bits += fixed(int(fixed_inputs.sum()), width(inputs + 1)) + encode_rank(fixed_inputs) + signs
    return bits


def _decode(reader: Reader, points: int) -> np.ndarray:
    inputs = points.bit_length() - 1
    negate = reader.take(1) == "1"
    table = np.zeros(points, bool)
    places = np.arange(inputs - 1, -1, -1)
    for _ in range(reader.gamma(points + 1, "the number of terms plus 1") - 1):
        literals = reader.below(inputs + 1, "the number of literals")
        chosen = decode_rank(reader, inputs, literals)
        signs = reader.fixed(literals)
        mask = int((chosen * (1 << places)).sum())
        wanted = sum((signs >> (literals - 1 - k) & 1) << int(place) for k, place in enumerate(places[chosen]))
        table |= (np.arange(points) & mask) == wanted
    return table ^ negate


DNF = Family(
    "dnf",
    f"the terms of a disjunctive normal form of the function or its complement, up to {LARGEST} inputs",
    _lengths,
    _encode,
    _decode,
    hypercube=True,
)
