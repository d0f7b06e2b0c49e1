"""Compiled prime implicants and greedy covers (explained in `dnf`), all points of a table at once.

A term is (free, base): it covers the points base | s for all s ⊆ free, free and base disjoint.
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled
from slt_bias.complexity import _bits_kernel as bits

u64 = np.uint64
NEVER = 1 << 40

jit = compiled(error_model="numpy")


@jit
def cubes_of_a_word():
    """uint64 (64,): for each set `free` of the last six bits, the points s ⊆ free of a word."""
    cubes = np.zeros(64, u64)
    for free in range(64):
        for point in range(64):
            if point & ~free == 0:
                cubes[free] = u64(cubes[free] | u64(u64(1) << u64(point)))
    return cubes


@jit
def prime_implicants(table, inputs, implicants, free_of, base_of):
    """Fill free_of, base_of with the prime implicants and return their number.

    implicants[free] are the points whose cube along `free` lies in the table; a cube is prime where it lies in no
    larger one.
    """
    points, words = 1 << inputs, len(table)
    implicants[0] = table
    for free in range(1, points):
        bit = bits.lowest(u64(free))
        below = implicants[free ^ (1 << bit)]
        for word in range(words):
            implicants[free, word] = u64(below[word] & bits.flipped(below, bit, word))
    count = 0
    for free in range(points):
        for word in range(words):
            left = implicants[free, word]
            for bit in range(inputs):
                if left == u64(0):
                    break
                if (free >> bit) & 1:
                    left = u64(left & bits.zeros_of(bit, word))
                else:
                    left = u64(left & u64(~implicants[free | (1 << bit), word]))
            while left != u64(0):
                free_of[count] = free
                base_of[count] = (word << 6) | bits.lowest(left)
                left = u64(left & u64(left - u64(1)))
                count += 1
    return count


@jit
def covered(left, free, base, cubes):
    """How many of the points of `left` a term covers."""
    low = u64(cubes[free & 63] << u64(base & 63))
    high_free, high_base = free >> 6, base >> 6
    total = 0
    for word in range(len(left)):
        if word & ~high_free == high_base:
            total += bits.ones(u64(left[word] & low))
    return total


@jit
def _remove(left, free, base, cubes):
    low = u64(cubes[free & 63] << u64(base & 63))
    for word in range(len(left)):
        if word & ~(free >> 6) == base >> 6:
            left[word] = u64(left[word] & u64(~low))


@jit
def greedy_cover(table, inputs, cubes, count, free_of, base_of, costs, left, gains, chosen):
    """Fill `chosen` with the numbers of the terms of a cover and return how many there are.

    Each step takes the term that covers most of what is left, of those the cheapest, of those the first; then terms
    all of whose points others cover go. costs : int64 (inputs + 1,), the cost of a term by its number of literals.
    """
    left[:] = table
    for k in range(count):
        gains[k] = 1 << bits.ones(u64(free_of[k]))
    terms = 0
    while True:
        best, most, cheapest = -1, 0, NEVER
        for k in range(count):
            if gains[k] < most:
                continue  # gains never grow: an old one is an upper bound
            gains[k] = covered(left, free_of[k], base_of[k], cubes)
            price = costs[inputs - bits.ones(u64(free_of[k]))]
            if gains[k] > most or (gains[k] == most and price < cheapest and most > 0):
                best, most, cheapest = k, gains[k], price
        if best < 0:
            break
        _remove(left, free_of[best], base_of[best], cubes)
        chosen[terms] = best
        terms += 1
    for k in range(terms):
        left[:] = table
        for other in range(terms):
            if other != k and chosen[other] >= 0:
                _remove(left, free_of[chosen[other]], base_of[chosen[other]], cubes)
        if not left.any():
            chosen[k] = -1
    place = 0
    for k in range(terms):
        if chosen[k] >= 0:
            chosen[place] = chosen[k]
            place += 1
    return place


@jit
def covers(tables, inputs, costs, first_of, free_of, base_of):
    """A greedy cover of every table; the terms of table k are first_of[k] … first_of[k + 1] − 1, in the order chosen.

    Returns how many terms were written, or −1 where they do not fit.
    """
    size = 3**inputs
    implicants, cubes = np.empty((1 << inputs, tables.shape[1]), u64), cubes_of_a_word()
    free, base = np.empty(size, np.int64), np.empty(size, np.int64)
    gains, chosen = np.empty(size, np.int64), np.empty(size, np.int64)
    left = np.empty(tables.shape[1], u64)
    end = 0
    for row in range(len(tables)):
        count = prime_implicants(tables[row], inputs, implicants, free, base)
        terms = greedy_cover(tables[row], inputs, cubes, count, free, base, costs, left, gains, chosen)
        first_of[row] = end
        if end + terms > len(free_of):
            return -1
        for k in range(terms):
            free_of[end], base_of[end] = free[chosen[k]], base[chosen[k]]
            end += 1
    first_of[len(tables)] = end
    return end
