"""λ and m of monomials and of their sums, at w = 0."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from slt_bias.errors import InputError
from slt_bias.llc.exact.value import Exact, whole
from slt_bias.subjects.monomial.monomials import check_exponents

MOST_OPERATIONS = 5_000_000  # of fractions: a few seconds


def monomial(exponents: Sequence[int]) -> Exact:
    """λ = min 1/(2kᵢ), m = how often it is attained: K(w) = Πᵢ wᵢ^(2kᵢ), `monomial((1, 2))` for w₁² w₂⁴ (Watanabe 2009).

    An exponent of 0 is a variable that does not occur. Raises InputError where all are 0, or one is no whole number ≥ 0.
    """
    (row,) = check_exponents([exponents])
    largest = max(row)
    return Exact(float(Fraction(1, 2 * largest)), row.count(largest))


def sum_of_monomials(rows: Sequence[Sequence[int]], powers: Sequence[int] | None = None) -> Exact:
    """λ and m of K(w) = Σⱼ Πᵢ wᵢ^(2kⱼᵢ) under the density Πᵢ |wᵢ|^(hᵢ), from the Newton polyhedron.

    λ = min Σᵢ (hᵢ + 1) vᵢ over v ≥ 0 with Σᵢ 2kⱼᵢ vᵢ ≥ 1 for all j, and m = 1 + the dimension of the set of minimisers
    (Varchenko 1976; Lin 2011, on monomial ideals; sums of squares of monomials are always non-degenerate). Solved by exact
    enumeration of the vertices, so for few variables and monomials.

    rows : exponents kⱼ, variables may be shared. powers : hᵢ ≥ 0, all 0 by default (a positive density at 0).
    Raises InputError for exponents that do not fit, and where the enumeration would take more than some seconds.
    """
    checked = check_exponents(rows)
    size = len(checked[0])
    density = [whole("powers", power, 0) + 1 for power in ([0] * size if powers is None else powers)]
    if len(density) != size:
        raise InputError(f"powers={powers!r}: give one power of at least 0 for each of the {size} variables.")
    # Variables that occur nowhere have v = 0 at the minimum
    used = [i for i in range(size) if any(row[i] for row in checked)]
    cost = [density[i] for i in used]
    halfspaces = [[Fraction(2 * row[i]) for i in used] for row in sorted(set(checked))]
    axes = [[Fraction(int(i == j)) for i in range(len(used))] for j in range(len(used))]
    constraints = [(row, Fraction(1)) for row in halfspaces] + [(row, Fraction(0)) for row in axes]
    if math.comb(len(constraints), len(used)) * len(used) ** 3 > MOST_OPERATIONS:
        raise InputError(f"{len(used)} variables and {len(halfspaces)} monomials are too many for exact enumeration.")
    vertices = set()
    for active in itertools.combinations(constraints, len(used)):
        point = _solve([row for row, _ in active], [bound for _, bound in active])
        if point is not None and all(_dot(row, point) >= bound for row, bound in constraints):
            vertices.add(tuple(point))
    least = min(_dot(vertex, cost) for vertex in vertices)
    best = [vertex for vertex in vertices if _dot(vertex, cost) == least]
    spread = [[x - y for x, y in zip(vertex, best[0], strict=True)] for vertex in best[1:]]
    return Exact(float(least), 1 + _rank(spread))


def _dot(left: Sequence[Fraction], right: Sequence[Fraction | int]) -> Fraction:
    return sum((x * y for x, y in zip(left, right, strict=True)), Fraction(0))


def _reduce(rows: list[list[Fraction]], columns: int) -> int:
    """Gauss–Jordan elimination in place over the first `columns` columns; the rank."""
    rank = 0
    for column in range(columns):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        rows[rank] = [value / rows[rank][column] for value in rows[rank]]
        for i in range(len(rows)):
            if i != rank and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [x - factor * y for x, y in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


def _rank(rows: Sequence[Sequence[Fraction]]) -> int:
    return _reduce([list(row) for row in rows], len(rows[0])) if rows else 0


def _solve(rows: Sequence[Sequence[Fraction]], bounds: Sequence[Fraction]) -> list[Fraction] | None:
    """The one solution of a square system; None where there is none or more than one."""
    joined = [[*row, bound] for row, bound in zip(rows, bounds, strict=True)]
    return [row[-1] for row in joined] if _reduce(joined, len(rows)) == len(rows) else None
