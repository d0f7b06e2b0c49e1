"""The code: a selector that says which family follows, then that family's code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from slt_bias.complexity.code import junta
from slt_bias.complexity.code.anf import ANF
from slt_bias.complexity.code.automaton import AUTOMATON
from slt_bias.complexity.code.counter import COUNTER
from slt_bias.complexity.code.ctw import CTW
from slt_bias.complexity.code.dnf import DNF
from slt_bias.complexity.code.family import NEVER, Family, single
from slt_bias.complexity.code.formula import FORMULA
from slt_bias.complexity.code.literal import LITERAL
from slt_bias.complexity.code.ones import ONES
from slt_bias.complexity.code.periodic import PERIODIC
from slt_bias.complexity.code.reader import Reader
from slt_bias.complexity.code.runs import RUNS
from slt_bias.complexity.code.shift_register import SHIFT_REGISTER
from slt_bias.complexity.code.symmetric import SYMMETRIC
from slt_bias.complexity.code.threshold import THRESHOLD
from slt_bias.complexity.words import is_hypercube
from slt_bias.functions import Functions

BARE = 4
"""Tables of up to 4 points stand by themselves, without a selector: no family is shorter."""

BLOCK = 2**14  # functions at a time

ON_BITS = {
    "literal": "00",
    "ctw": "010",
    "junta": "011",
    "periodic": "1000",
    "shift_register": "10010",
    "counter": "100110",
    "automaton": "100111",
    "ones": "1010",
    "runs": "1011",
    "symmetric": "11000",
    "threshold": "11001",
    "anf": "1101",
    "dnf": "1110",
    "formula": "1111",
}
"""The selectors on the 2ⁿ points of a hypercube: a complete prefix code."""

ELSEWHERE = {
    "literal": "00",
    "ctw": "01",
    "ones": "100",
    "runs": "101",
    "periodic": "110",
    "shift_register": "1110",
    "counter": "11110",
    "automaton": "11111",
}
"""The selectors on other numbers of points."""


class Choice(NamedTuple):
    """Bits of the shortest code of each function and the number of its family in `selectors(points)`, int64 (count,)."""

    lengths: np.ndarray
    families: np.ndarray


def selectors(points: int) -> dict[str, str]:
    """Family → selector, in the order in which ties are decided."""
    if points <= BARE:
        return {"literal": ""}
    return ON_BITS if is_hypercube(points) else ELSEWHERE


def choose(functions: Functions) -> Choice:
    """The shortest code of each function."""
    parts = [_choose(functions[start : start + BLOCK]) for start in range(0, max(len(functions), 1), BLOCK)]
    return Choice(np.concatenate([part.lengths for part in parts]), np.concatenate([part.families for part in parts]))


def _choose(functions: Functions) -> Choice:
    lengths = np.full(len(functions), NEVER)
    families = np.zeros(len(functions), np.int64)
    for number, (name, selector) in enumerate(selectors(functions.points).items()):
        family = len(selector) + FAMILIES[name].lengths(functions)
        shorter = family < lengths
        lengths[shorter], families[shorter] = family[shorter], number
    return Choice(lengths, families)


def lengths(functions: Functions) -> np.ndarray:
    """Bits of the shortest code of each function, int64 (count,)."""
    return choose(functions).lengths


def encode_table(table: np.ndarray) -> str:
    """The shortest code of one table, bool (points,)."""
    names = list(selectors(len(table)))
    return encode_as(table, names[int(choose(single(table)).families[0])])


def encode_as(table: np.ndarray, family: str) -> str:
    """Selector and code of one table in a family that has one for it."""
    return selectors(len(table))[family] + FAMILIES[family].encode(table)


def decode_table(reader: Reader, points: int) -> np.ndarray:
    """The table, bool (points,), whose code comes next. Raises InputError where none does."""
    return FAMILIES[selected(reader, points)].decode(reader, points)


def selected(reader: Reader, points: int) -> str:
    """The family whose selector comes next."""
    families = {selector: name for name, selector in selectors(points).items()}
    taken = ""
    while taken not in families:
        taken += reader.take(1)
    return families[taken]


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        LITERAL,
        CTW,
        junta.over(lengths, encode_table, decode_table),
        PERIODIC,
        SHIFT_REGISTER,
        COUNTER,
        AUTOMATON,
        ONES,
        RUNS,
        SYMMETRIC,
        THRESHOLD,
        ANF,
        DNF,
        FORMULA,
    )
}
"""All families by name."""
