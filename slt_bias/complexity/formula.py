"""Leaves of the smallest formula, exact for every function of at most 4 inputs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slt_bias.complexity import _formula_kernel as kernel
from slt_bias.complexity.estimator import estimator
from slt_bias.errors import InputError
from slt_bias.functions import Functions, hypercube

LARGEST = 4


def of_at_most_four(points: int) -> bool:
    """Whether that many points are a hypercube's of at most 4 inputs."""
    return points in [2**n for n in range(LARGEST + 1)]


class Leaves(NamedTuple):
    """Leaves of the smallest formula over the two sets of gates: floats for one function, float64 (count,) for several."""

    and_or: float | np.ndarray
    all_gates: float | np.ndarray


def formula(functions: str | Sequence[str] | np.ndarray | Functions) -> Leaves:
    """Leaves of the smallest formula over both sets of gates, `.and_or` and `.all_gates`; always look at both.

    Parity of four inputs is the most complex function over AND and OR (16 leaves) and among the simple ones over all
    gates (4). Raises InputError for more than 4 inputs, or points that are no hypercube's.
    """
    return Leaves(formula_and_or(functions), formula_all_gates(functions))


@estimator(
    "smallest formula over AND, OR and negated inputs, up to 4 inputs (`formula` gives both sets of gates)",
    "leaves",
    reaches=of_at_most_four,
)
def formula_and_or(functions: Functions) -> np.ndarray:
    """Leaves of the smallest formula over {AND, OR} whose leaves are inputs or their negations, float64 (count,).

    Exact: see `smallest_sizes`. 0 for a constant, at most 16 (parity of 4). A function of fewer than 4 inputs is one of
    4 that ignores the rest, which makes no formula smaller. Raises InputError for more than 4 inputs.
    """
    return smallest_sizes(False)[_tables(functions)].astype(np.float64)


@estimator(
    "smallest formula over all two-input gates, up to 4 inputs (`formula` gives both sets of gates)",
    "leaves",
    reaches=of_at_most_four,
)
def formula_all_gates(functions: Functions) -> np.ndarray:
    """Leaves of the smallest formula over all gates of two inputs (AND, OR, XOR, free negation), float64 (count,).

    Exact: see `smallest_sizes`. 0 for a constant, at most 8. Raises InputError for more than 4 inputs.
    """
    return smallest_sizes(True)[_tables(functions)].astype(np.float64)


@functools.cache
def smallest_sizes(exclusive: bool) -> np.ndarray:
    """Leaves of the smallest formula of each of the 65,536 functions of 4 inputs, int64, read-only; ten milliseconds, kept.

    Index: the truth table as a number, point p (lexicographic, first input most significant) at bit p. Dynamic
    programming over sizes: L(f) = 0 for constants, 1 for literals, else the least L(g) + L(h) with f = g ∧ h, g ∨ h or,
    where `exclusive`, g ⊕ h. Sizes are the same under permutations and negations of the inputs and under complement
    (De Morgan), so it is enough that g runs over one function of each class, and a function that is found gives its
    whole class its size.
    """
    bits = hypercube(LARGEST).points.astype(np.int64)
    weights = 1 << np.arange(LARGEST - 1, -1, -1)
    swaps = [bits[:, order] @ weights for order in ([1, 0, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2])]
    negation = np.arange(2**LARGEST) ^ weights[0]
    first_input = int((bits[:, 0] << np.arange(2**LARGEST)).sum())
    sizes = kernel.smallest_sizes(first_input, np.array([*swaps, negation]), exclusive)
    sizes.setflags(write=False)
    return sizes


def _tables(functions: Functions) -> np.ndarray:
    """Each function as a number below 65,536, bit p its output at point p of the 4 inputs."""
    points = functions.points
    if not of_at_most_four(points):
        raise InputError(
            f"formula: functions of {points} points are none of at most {LARGEST} bits, which have 2, 4, 8 or 16 points; "
            "use lz, lzma or entropy."
        )
    return np.repeat(functions.values(), 2**LARGEST // points, axis=1) @ (1 << np.arange(2**LARGEST))
