"""Compiled search for the canonical form of a Boolean function (explained in `symmetry`), and images of truth tables.

A truth table is a row of packed bits; input v is bit n − 1 − v of a point's number. A literal 2v + s is input v, negated
where s = 1. `relations[v, w, 0]` says whether f stays the same where v and w are exchanged (f(x) = f(x with both
negated) wherever x_v ≠ x_w), `relations[v, w, 1]` whether it does where each becomes the other's negation (the same
wherever x_v = x_w), and `relations[v, v, 0]` whether it does not depend on v; −1 is not yet known. Where both relations
of a pair hold, negating both inputs changes nothing.
"""

# mypy: allow-untyped-defs
from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy")


@jit
def walsh_transform(spectrum):
    """In place: Σ_x F(x)·(−1)^(x·S) for every S; spectrum int16 (2ⁿ,)."""
    half = 1
    while half < len(spectrum):
        for start in range(0, len(spectrum), 2 * half):
            for place in range(start, start + half):
                one, other = spectrum[place], spectrum[place + half]
                spectrum[place] = one + other
                spectrum[place + half] = one - other
        half *= 2


@jit
def related(table, n, v, w, kind, relations):
    """One entry of `relations`, computed where it is not yet known."""
    if relations[v, w, kind] < 0:
        first, second = 1 << (n - 1 - v), 1 << (n - 1 - w)
        both = first | second
        answer = 1
        for x in range(len(table)):
            if v != w and ((x & first != 0) == (x & second != 0)) != (kind == 1):
                continue
            if table[x] != table[x ^ both]:
                answer = 0
                break
        relations[v, w, kind] = answer
        relations[w, v, kind] = answer
    return relations[v, w, kind] == 1


@jit
def interchangeable(table, n, one, other, used, permute, negate_each, relations):
    """Whether a symmetry of f that leaves all used inputs alone takes one literal to the other (False: none is known)."""
    v, w = one >> 1, other >> 1
    if v == w:
        if not negate_each:
            return False
        if related(table, n, v, v, 0, relations):
            return True
        for third in range(n):
            if third == v or used[third]:
                continue
            if related(table, n, v, third, 0, relations) and related(table, n, v, third, 1, relations):
                return True
        return False
    if not permute:
        return False
    if (one ^ other) & 1:
        return negate_each and related(table, n, v, w, 1, relations)
    return related(table, n, v, w, 0, relations)


@jit
def merge_interchangeable(table, n, literals, weights, number, used, permute, negate_each, relations):
    """Keep one literal of each set of interchangeable ones, with their number as its weight; returns how many are kept."""
    leader = np.arange(number)
    for i in range(number):
        for j in range(i + 1, number):
            if leader[i] == leader[j]:
                continue
            if interchangeable(table, n, literals[i], literals[j], used, permute, negate_each, relations):
                old, new = max(leader[i], leader[j]), min(leader[i], leader[j])
                for k in range(number):
                    if leader[k] == old:
                        leader[k] = new
    kept = 0
    for i in range(number):
        if leader[i] == i:
            size = 0
            for k in range(i, number):
                size += leader[k] == i
            literals[kept], weights[kept] = literals[i], size
            kept += 1
    return kept


@jit
def canonical_rows(packed, n, permute, negate_each, negate_all, negate_output, out, automorphisms):
    """Canonical forms of packed tables into `out`, and into `automorphisms` the number of group elements that fix each.

    The search gives places to inputs one after another. With the first k places given, the coefficients of the 2ᵏ sets
    of these are known: only what agrees with the best beginning known is followed further, and of literals that a
    symmetry of f takes into each other one alone, counted as often as there are.
    """
    points = 1 << n
    table = np.empty(points, np.int16)
    spectrum = np.empty(points, np.int16)
    best = np.empty(points, np.int16)
    mask, sign = np.empty(points, np.int64), np.empty(points, np.int16)
    relations = np.empty((n, n, 2), np.int8)
    literals, weights = np.empty((n, 2 * n), np.int64), np.empty((n, 2 * n), np.int64)
    number, place = np.empty(n, np.int64), np.empty(n, np.int64)
    weight = np.empty(n + 1, np.int64)
    path, winner = np.empty(n, np.int64), np.empty(n, np.int64)
    used = np.zeros(n, np.bool_)
    source = np.empty(points, np.int64)
    for row in range(len(packed)):
        for x in range(points):
            table[x] = 1 - 2 * ((packed[row, x >> 3] >> (7 - (x & 7))) & 1)
        spectrum[:] = table
        walsh_transform(spectrum)
        relations[:] = -1
        count, known, winning_output = 0, 0, 1  # `best` holds the coefficients of the first `known` places
        weight[0] = 1
        for root in range(4):
            output, common = 1 - 2 * (root & 1), root & 2  # common: negate all inputs
            if (output < 0 and not negate_output) or (common and not negate_all) or (negate_output and output * spectrum[0] < 0):
                continue
            mask[0], sign[0] = 0, output
            level, arrived = 0, True
            while level >= 0:
                size = 1 << level
                if arrived:  # which literals may take this place
                    m = 0
                    for v in range(n):
                        if used[v] or (v != level and not permute):
                            continue
                        bit = 1 << (n - 1 - v)
                        for phase in range(2 if negate_each else 1):
                            negated = phase == 1 or common != 0
                            verdict = 1 if known <= level else 0
                            if verdict == 0:
                                for t in range(size):
                                    value = sign[t] * spectrum[mask[t] | bit]
                                    value = -value if negated else value
                                    if value != best[size + t]:
                                        verdict = 1 if value > best[size + t] else -1
                                        break
                            if verdict < 0:
                                continue
                            if verdict > 0:
                                for t in range(size):
                                    value = sign[t] * spectrum[mask[t] | bit]
                                    best[size + t] = -value if negated else value
                                m, count, known = 0, 0, level + 1
                            literals[level, m], weights[level, m] = 2 * v + negated, 1
                            m += 1
                    if m > 1:
                        m = merge_interchangeable(
                            table, n, literals[level], weights[level], m, used, permute, negate_each, relations
                        )
                    number[level], place[level] = m, 0
                if place[level] == number[level]:
                    level -= 1
                    arrived = False
                    if level >= 0:
                        used[path[level] >> 1] = False
                    continue
                literal = literals[level, place[level]]
                weight[level + 1] = weight[level] * weights[level, place[level]]
                place[level] += 1
                path[level] = literal
                if level == n - 1:  # a group element that gives the best form
                    if count == 0:
                        winner[:] = path
                        winning_output = output
                    count += weight[n]
                    arrived = False
                    continue
                used[literal >> 1] = True
                bit = 1 << (n - 1 - (literal >> 1))
                for t in range(size):
                    mask[size + t] = mask[t] | bit
                    sign[size + t] = -sign[t] if literal & 1 else sign[t]
                level += 1
                arrived = True
        automorphisms[row] = count
        image_points(winner, n, source)
        for byte in range(packed.shape[1]):
            out[row, byte] = 0
        for y in range(points):
            one = (table[source[y]] < 0) != (winning_output < 0)
            out[row, y >> 3] |= np.uint8(one) << np.uint8(7 - (y & 7))


@jit
def image_points(path, n, source):
    """For each point y of the image the point of f whose output stands there: place p holds literal path[p]."""
    source[0] = 0
    for p in range(n):
        source[0] |= (path[p] & 1) << (n - 1 - (path[p] >> 1))
    for y in range(1, 1 << n):
        low = 0
        while not (y >> low) & 1:
            low += 1
        source[y] = source[y & (y - 1)] ^ (1 << (n - 1 - (path[n - 1 - low] >> 1)))


@jit
def move_rows(packed, source, out):
    """out[row] is the packed table with the output of point source[y] at point y."""
    points = len(source)
    place, shift = source >> 3, 7 - (source & 7)
    for row in range(len(packed)):
        table = packed[row]
        for byte in range(out.shape[1]):
            value, stop = 0, min(8 * byte + 8, points)
            for y in range(8 * byte, stop):
                value = 2 * value + ((table[place[y]] >> shift[y]) & 1)
            out[row, byte] = value << (8 * byte + 8 - stop)


@jit
def classes_of_all(sources, negate_output, points, label, first):
    """Label all 2^points tables (as numbers, first point highest) by their orbits; returns the number of orbits.

    sources : int64 (generators, points). label : int64 (2^points,), −1 on entry; first : the least member of each orbit.
    """
    total = 1 << points
    stack = np.empty(total, np.int64)
    orbits = 0
    for start in range(total):
        if label[start] >= 0:
            continue
        first[orbits] = start
        label[start] = orbits
        stack[0] = start
        height = 1
        while height:
            height -= 1
            f = stack[height]
            for generator in range(len(sources) + negate_output):
                if generator == len(sources):
                    image = total - 1 - f
                else:
                    image = 0
                    for y in range(points):
                        image |= ((f >> (points - 1 - sources[generator, y])) & 1) << (points - 1 - y)
                if label[image] < 0:
                    label[image] = orbits
                    stack[height] = image
                    height += 1
        orbits += 1
    return orbits
