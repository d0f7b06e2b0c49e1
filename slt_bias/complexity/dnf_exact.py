"""Disjunctive normal form, the smallest there is: a set cover by integer programming. Slow: for few functions."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np

from slt_bias.complexity.dnf import Cover, a_single, as_text, primes, refuse_large
from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import inputs_of, is_hypercube
from slt_bias.errors import InputError
from slt_bias.functions import Functions, hypercube

LARGEST = 7
BY_CLASS = 4  # up to here, functions are told apart up to permutations and negations of the inputs
SECONDS = 60.0  # for one function; HiGHS needs about 15 milliseconds for a random one of 7 inputs


def of_at_most_seven(points: int) -> bool:
    """Whether that many points are a hypercube's of at most 6 inputs."""
    return is_hypercube(points) and points <= 2**LARGEST


@estimator("terms of the smallest disjunctive normal form, exact, up to 7 inputs; slow", "terms", reaches=of_at_most_seven)
def dnf_exact_terms(functions: Functions) -> np.ndarray:
    """The least number of terms of a disjunctive normal form, float64 (count,); see `least_cover` for how and how far.

    0 for the constant 0, 1 for the constant 1, 2ⁿ⁻¹ for parity. Raises InputError for more than 7 inputs or points
    that are no hypercube's. Up to 4 inputs one function of each class is solved; beyond, allow 20 ms a function.
    """
    return _each_class(functions, "dnf_exact_terms", lambda one: len(least_cover(one, literals=False).free))


@estimator("literals of the smallest disjunctive normal form, exact, up to 7 inputs; slow", "literals", reaches=of_at_most_seven)
def dnf_exact_literals(functions: Functions) -> np.ndarray:
    """The least number of literals of a disjunctive normal form, float64 (count,); see `least_cover`.

    0 for both constants, n·2ⁿ⁻¹ for parity. Raises InputError as `dnf_exact_terms`.
    """
    inputs = inputs_of(functions, "dnf_exact_literals")

    def literals(one: Functions) -> int:
        free = least_cover(one, literals=True).free
        return int((inputs - np.bitwise_count(free).astype(np.int64)).sum())

    return _each_class(functions, "dnf_exact_literals", literals)


def smallest_dnf(function: str | Functions) -> list[str]:
    """The terms of one function's normal form with the fewest literals, as text: `1-0` is x₁ ∧ ¬x₃ (see `least_cover`)."""
    one = a_single(function, "smallest_dnf")
    cover = least_cover(one, literals=True)
    return as_text(cover.free, cover.base, inputs_of(one, "smallest_dnf"))


def least_cover(function: Functions, literals: bool) -> Cover:
    """The cover of one function's ones by prime implicants with the fewest literals, or the fewest terms.

    minimise Σ c_t u_t, u_t ∈ {0, 1}, with Σ_{t covers x} u_t ≥ 1 for every x with f(x) = 1 (McCluskey 1956), solved by
    HiGHS (Huangfu & Hall 2018) with `scipy.optimize.milp`; c_t the literals of t, with the number of terms to break
    ties, or 1. Raises InputError beyond 10 inputs, or where 60 seconds are not enough.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # a quarter of a second to import, for this alone
    from scipy.sparse import csc_array

    inputs = inputs_of(function, "least_cover")
    free, base = primes(function, "least_cover")
    points = np.flatnonzero(function.values()[0])
    if not len(points):
        return Cover(np.array([0, 0]), free, base)
    covers = csc_array(((points[:, None] & ~free[None, :]) == base[None, :]).astype(np.float64))
    sizes = (inputs - np.bitwise_count(free).astype(np.int64)).astype(np.float64)
    cost = sizes * 2.0**inputs + 1 if literals else np.ones(len(free))
    solved = milp(
        cost,
        integrality=np.ones(len(free)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(covers, lb=1),
        options={"mip_rel_gap": 0.0, "time_limit": SECONDS},
    )
    if solved.status != 0:
        raise InputError(f"least_cover: no proof of the least cover in {SECONDS:.0f} seconds; use dnf_terms and dnf_literals.")
    chosen = np.flatnonzero(solved.x > 0.5)
    return Cover(np.array([0, len(chosen)]), free[chosen], base[chosen])


def _each_class(functions: Functions, name: str, measure: Callable[[Functions], int]) -> np.ndarray:
    """The measure of every function, computed once for equal ones and, up to 4 inputs, once a class."""
    inputs = inputs_of(functions, name)
    refuse_large(inputs, name, LARGEST)
    if not len(functions):
        return np.zeros(0)
    packed = _representatives(functions, inputs) if inputs <= BY_CLASS else functions.packed
    distinct, where = np.unique(packed, axis=0, return_inverse=True)
    values = [measure(Functions(row[None], functions.points)) for row in distinct]
    return np.array(values, np.float64)[where.ravel()]


def _representatives(functions: Functions, inputs: int) -> np.ndarray:
    """Packed: of all functions that permutations and negations of inputs make of one, the first in binary order."""
    table = functions.values()
    weights = 1 << np.arange(functions.points - 1, -1, -1)
    least = np.full(len(table), 1 << functions.points)
    for order in _symmetries(inputs):
        least = np.minimum(least, table[:, order] @ weights)
    bits = (least[:, None] & weights) > 0
    return np.packbits(bits, axis=1)


@functools.cache
def _symmetries(inputs: int) -> np.ndarray:
    """int64 (n!·2ⁿ, 2ⁿ): where each point goes under permutations and negations of the inputs."""
    if not inputs:
        return np.zeros((1, 1), np.int64)
    bits = hypercube(inputs).points.astype(np.int64)
    weights = 1 << np.arange(inputs - 1, -1, -1)
    orders = [bits[:, list(order)] @ weights for order in itertools.permutations(range(inputs))]
    return np.array([order ^ negated for order in orders for negated in range(2**inputs)])
