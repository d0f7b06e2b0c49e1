"""A formula in which every gate takes one literal or chooses by one input: a decision tree with gates.

A node is one of: a constant; a literal; literal AND rest; literal OR rest; input XOR rest; `rest₁ if input else rest₀`.
An input is used once on each way down, so that below a gate the formula is one of fewer inputs. Prefix order:

    00 constant | 01 input sign | 10 0 input sign rest | 10 10 input sign rest | 10 11 input rest | 11 input rest₀ rest₁

an input as its number among those not yet used, in ⌈log₂ r⌉ bits; with none left a node is a constant, 1 bit. Found
greedily: a literal gate wherever one fits, else XOR, else the choice by the most influential input.
"""

from __future__ import annotations

import numpy as np

from slt_bias.complexity._dnf_kernel import cubes_of_a_word
from slt_bias.complexity.code import _formula_kernel as kernel
from slt_bias.complexity.code.family import NEVER, Family
from slt_bias.complexity.code.reader import Reader, fixed, width
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions

LARGEST_INPUTS = 12  # the search takes a time that grows as 4ⁿ n²

HEADS = {
    kernel.CONSTANT: "00",
    kernel.LITERAL: "01",
    kernel.AND: "100",
    kernel.OR: "1010",
    kernel.XOR: "1011",
    kernel.CHOICE: "11",
}


def _lengths(functions: Functions) -> np.ndarray:
    if functions.points > 2**LARGEST_INPUTS:
        return np.full(len(functions), NEVER)
    out = np.empty(len(functions), np.int64)
    kernel.code_lengths(first_point_lowest(functions.packed), functions.points.bit_length() - 1, out)
    return out


def _encode(table: np.ndarray) -> str:
    inputs = len(table).bit_length() - 1
    words = first_point_lowest(np.packbits(table)[None])[0]
    nodes = np.empty((2 * len(table), 3), np.int64)
    stack = np.empty((inputs + 2, 2), np.int64)
    count, _ = kernel.grow(words, inputs, cubes_of_a_word(), stack, np.empty(len(words), np.uint64), nodes)
    out: list[str] = []
    waiting = [list(range(inputs - 1, -1, -1))]  # the unused inputs of the nodes to come, the next last
    for kind, bit, sign in nodes[:count].tolist():
        unused = waiting.pop()
        if not unused:
            out.append(str(sign))
            continue
        out.append(HEADS[kind])
        if kind != kernel.CONSTANT:
            out.append(fixed(unused.index(bit), width(len(unused))))
            rest = [other for other in unused if other != bit]
            waiting += [rest] * {kernel.LITERAL: 0, kernel.CHOICE: 2}.get(kind, 1)
        if kind not in (kernel.XOR, kernel.CHOICE):
            out.append(str(sign))
    return "".join(out)


def _decode(reader: Reader, points: int) -> np.ndarray:
    inputs = points.bit_length() - 1
    everywhere = np.arange(points)

    def node(unused: list[int]) -> np.ndarray:
        if not unused:
            return np.full(points, reader.take(1) == "1")
        kind = _kind(reader)
        if kind == kernel.CONSTANT:
            return np.full(points, reader.take(1) == "1")
        bit = unused[reader.below(len(unused), "the number of an input")]
        literal = everywhere >> bit & 1 == 1
        if kind not in (kernel.XOR, kernel.CHOICE) and reader.take(1) == "1":
            literal = ~literal
        if kind == kernel.LITERAL:
            return literal
        rest = [other for other in unused if other != bit]
        first = node(rest)
        if kind == kernel.AND:
            return literal & first
        if kind == kernel.OR:
            return literal | first
        if kind == kernel.XOR:
            return literal ^ first
        return np.where(literal, node(rest), first)

    return node(list(range(inputs - 1, -1, -1)))


def _kind(reader: Reader) -> int:
    head = reader.take(2)
    while head not in HEADS.values():
        head += reader.take(1)
    return {text: kind for kind, text in HEADS.items()}[head]


FORMULA = Family(
    "formula",
    f"a formula of literal gates and choices, found greedily, up to {LARGEST_INPUTS} inputs",
    _lengths,
    _encode,
    _decode,
    hypercube=True,
)
