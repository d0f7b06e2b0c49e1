"""Algebraic normal form: a function as an exclusive or of monomials of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import first_point_lowest, inputs_of, is_hypercube
from slt_bias.functions import Functions

LOW_HALVES = np.array(
    [0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0x00000000FFFFFFFF],
    np.uint64,
)
"""The positions p of a word with bit j of p equal to 0, for j = 0 … 5."""


class AlgebraicForm(NamedTuple):
    """Terms and degree: floats for one function, float64 (count,) for several."""

    terms: float | np.ndarray
    degree: float | np.ndarray


def anf(functions: str | Sequence[str] | np.ndarray | Functions) -> AlgebraicForm:
    """Both numbers, `.terms` and `.degree`. Raises InputError off a hypercube."""
    return AlgebraicForm(anf_terms(functions), anf_degree(functions))


@estimator("terms of the algebraic normal form (exclusive or of monomials)", "terms", reaches=is_hypercube)
def anf_terms(functions: Functions) -> np.ndarray:
    """Number of monomials of each function's algebraic normal form, float64 (count,), 0 … 2ⁿ; hypercubes only, else InputError.

    f(x) = ⊕_S a(S) Π_{i∈S} xᵢ with a(S) = ⊕_{x ⊆ S} f(x), the Möbius transform over GF(2) (Zhegalkin 1927). 0 for the
    constant 0, n for parity, 2ⁿ for the function that is 1 only where all inputs are 0.
    """
    return np.bitwise_count(coefficients(functions, "anf_terms")).sum(axis=1, dtype=np.int64).astype(np.float64)


@estimator("degree of the algebraic normal form (exclusive or of monomials)", "inputs", reaches=is_hypercube)
def anf_degree(functions: Functions) -> np.ndarray:
    """Degree of each function's algebraic normal form, float64 (count,), 0 … n; hypercubes only, else InputError.

    The inputs of its largest monomial, see `anf_terms`: 0 for constants, 1 for parity, n exactly where the number of
    ones is odd (Zhegalkin 1927).
    """
    inputs = inputs_of(functions, "anf_degree")
    terms = coefficients(functions, "anf_degree")
    sizes = np.bitwise_count(np.arange(functions.points))
    out = np.zeros(len(functions))
    for size in range(1, inputs + 1):
        chosen = first_point_lowest(np.packbits(sizes == size)[None])
        out[(terms & chosen).any(axis=1)] = size
    return out


def coefficients(functions: Functions, estimator: str = "anf") -> np.ndarray:
    """a(S) of each function as bits, uint64 (count, ⌈2ⁿ/64⌉): bit S of the words, an input a bit of S, the last input lowest.

    The Möbius transform, n steps on all bits at once. Raises InputError, in the estimator's name, off a hypercube.
    """
    inputs = inputs_of(functions, estimator)
    words = first_point_lowest(functions.packed)
    for bit in range(min(inputs, 6)):
        words ^= (words & LOW_HALVES[bit]) << np.uint64(1 << bit)
    for bit in range(6, inputs):
        pairs = words.reshape(len(words), -1, 2, 1 << (bit - 6))
        pairs[:, :, 1] ^= pairs[:, :, 0]
    return words
