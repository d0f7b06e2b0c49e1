"""Compiled dynamic programming over formula sizes: all 65,536 functions of 4 inputs (explained in `formula`)."""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

POINTS = 16
ALL = 2**POINTS - 1

jit = compiled()


@jit
def _permuted(f, source):
    """The truth table with point p taken from source[p]; bit p of f is the output of point p."""
    g = 0
    for p in range(POINTS):
        g |= ((f >> source[p]) & 1) << p
    return g


@jit
def _add_orbit(f, size, sizes, sources, found, count):
    """Give f, its complement and their images under the generators this size; returns how many functions have one now."""
    sizes[f] = size
    found[count] = f
    done, count = count, count + 1
    while done < count:
        g = found[done]
        done += 1
        for k in range(len(sources) + 1):
            h = g ^ ALL if k == len(sources) else _permuted(g, sources[k])
            if sizes[h] < 0:
                sizes[h] = size
                found[count] = h
                count += 1
    return count


@jit
def smallest_sizes(first, sources, exclusive):
    """Leaves of the smallest formula of every function, int64 (65536,), index = truth table as bits.

    first : a function of one leaf; sources : int64 (generators, 16), permutations of the points that generate the
    permutations and negations of inputs; exclusive : whether XOR is a gate.
    """
    sizes = np.full(ALL + 1, -1, np.int64)
    found = np.empty(ALL + 1, np.int64)  # functions in the order of their size, each orbit in one piece
    start = np.zeros(ALL + 3, np.int64)  # found[start[k]:start[k + 1]] has size k
    representatives = np.empty(ALL + 1, np.int64)
    first_of = np.zeros(ALL + 3, np.int64)
    count = _add_orbit(0, 0, sizes, sources, found, 0)
    representatives[0] = 0
    start[1], first_of[1] = count, 1
    orbits = 1
    size = 1
    while count < ALL + 1:
        if size == 1:
            representatives[orbits] = first
            orbits += 1
            count = _add_orbit(first, 1, sizes, sources, found, count)
        for left in range(1, size):
            for r in range(first_of[left], first_of[left + 1]):
                f = representatives[r]
                for j in range(start[size - left], start[size - left + 1]):
                    g = found[j]
                    for gate in range(3 if exclusive else 2):
                        h = f & g if gate == 0 else (f | g if gate == 1 else f ^ g)
                        if sizes[h] < 0:
                            representatives[orbits] = h
                            orbits += 1
                            count = _add_orbit(h, size, sizes, sources, found, count)
        size += 1
        start[size], first_of[size] = count, orbits
    return sizes
