"""Compiled greedy search for a formula (explained in `formula`), node by node, each a restriction of the function.

A node is the cube base | s, s ⊆ unused, on which the formula below it must agree with the function; `unused` are the
inputs that no gate above has taken.
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.complexity import _bits_kernel as bits
from slt_bias.complexity import _dnf_kernel as terms

u64 = np.uint64
ALL = u64(0xFFFFFFFFFFFFFFFF)
CONSTANT, LITERAL, AND, OR, XOR, CHOICE = 0, 1, 2, 3, 4, 5
COSTS = (3, 3, 4, 5, 4, 2)  # bits of a node but for the number of its input, among all gates

jit = compiled(error_model="numpy")


@jit
def _width(count):
    bits_needed = 0
    while (1 << bits_needed) < count:
        bits_needed += 1
    return bits_needed


@jit
def _cube(unused, base, cubes, out):
    low = u64(cubes[unused & 63] << u64(base & 63))
    for word in range(len(out)):
        out[word] = low if word & ~(unused >> 6) == base >> 6 else u64(0)


@jit
def _relevant(table, inputs, unused, split, inside):
    """How many inputs matter below a choice by `split`, counted once for each of both sides."""
    count = 0
    for bit in range(inputs):
        if bit == split or not (unused >> bit) & 1:
            continue
        low, high = u64(0), u64(0)
        for word in range(len(table)):
            changed = u64(u64(table[word] ^ bits.flipped(table, bit, word)) & inside[word])
            zeros = bits.zeros_of(split, word)
            low = u64(low | u64(changed & zeros))
            high = u64(high | u64(changed & u64(~zeros)))
        count += (low != u64(0)) + (high != u64(0))
    return count


@jit
def _node(table, inputs, unused, inside):
    """(kind, input, sign) of the gate at a node; the sign is the constant, or that the literal is negated."""
    words = len(table)
    size = 1 << bits.ones(u64(unused))
    half = size >> 1
    total = 0
    for word in range(words):
        total += bits.ones(u64(table[word] & inside[word]))
    if total == 0 or total == size:
        return CONSTANT, -1, 1 if total else 0
    exclusive, influential, most, fewest = -1, -1, 0, 0
    for bit in range(inputs - 1, -1, -1):
        if not (unused >> bit) & 1:
            continue
        zeros, changed = 0, 0
        for word in range(words):
            zeros += bits.ones(u64(u64(table[word] & inside[word]) & bits.zeros_of(bit, word)))
            changed += bits.ones(u64(u64(table[word] ^ bits.flipped(table, bit, word)) & inside[word]))
        ones = total - zeros
        if changed == size and (zeros == 0 or zeros == half):
            return LITERAL, bit, 1 if zeros else 0
        if zeros == 0:
            return AND, bit, 0
        if ones == 0:
            return AND, bit, 1
        if zeros == half:
            return OR, bit, 1
        if ones == half:
            return OR, bit, 0
        if changed == size and exclusive < 0:
            exclusive = bit
        if changed:
            matter = _relevant(table, inputs, unused, bit, inside)
            if influential < 0 or matter < fewest or (matter == fewest and changed > most):
                influential, most, fewest = bit, changed, matter
    if exclusive >= 0:
        return XOR, exclusive, 0
    return CHOICE, influential, 0


@jit
def grow(table, inputs, cubes, stack, inside, nodes):
    """Fill nodes, int64 (…, 3), with (kind, input, sign) in prefix order; returns (how many, bits of their code)."""
    depth, count, cost = 1, 0, 0
    stack[0, 0], stack[0, 1] = (1 << inputs) - 1, 0
    while depth:
        depth -= 1
        unused, base = stack[depth, 0], stack[depth, 1]
        _cube(unused, base, cubes, inside)
        kind, bit, sign = _node(table, inputs, unused, inside)
        nodes[count, 0], nodes[count, 1], nodes[count, 2] = kind, bit, sign
        count += 1
        if unused == 0:
            cost += 1
            continue
        cost += COSTS[kind]
        if kind == CONSTANT:
            continue
        cost += _width(bits.ones(u64(unused)))
        if kind == LITERAL:
            continue
        rest = unused & ~(1 << bit)
        if kind == CHOICE:
            stack[depth, 0], stack[depth, 1] = rest, base | (1 << bit)
            depth += 1
        # where the literal is true, an AND is what stands below it; where it is false, an OR or XOR is
        one = (kind == AND and sign == 0) or (kind == OR and sign == 1)
        stack[depth, 0], stack[depth, 1] = rest, base | (1 << bit) if one else base
        depth += 1
    return count, cost


@jit
def code_lengths(tables, inputs, out):
    """Bits of the formula of each table; int64 (count,) into out."""
    cubes = terms.cubes_of_a_word()
    stack, inside = np.empty((inputs + 2, 2), np.int64), np.empty(tables.shape[1], u64)
    nodes = np.empty((2 << inputs, 3), np.int64)
    for row in range(len(tables)):
        out[row] = grow(tables[row], inputs, cubes, stack, inside, nodes)[1]
