"""The local λ of a deep linear network at given weights, where the fibre of its product is smooth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError
from slt_bias.llc.exact.value import array_of
from slt_bias.subjects.linear import fibre

if TYPE_CHECKING:
    from torch import Tensor


def deep_linear_at(weights: Sequence[Tensor | np.ndarray]) -> float:
    """λ = rank(J)/2 at a smooth point of {W_L … W_1 = A}, A the product of the given weights; there m = 1.

    J is the derivative of the product. K = ½‖W_L … W_1 − A‖² is Morse–Bott exactly where the fibre is a manifold with tangent
    space ker J, that is, where rank J is constant on the fibre around the point. That is decided from the ranks of all partial
    products (`slt_bias.subjects.linear.fibre`, with the proof), not by trying.

    weights : as in torch (out × in), first layer first; arrays or tensors. A singular value counts as 0 below
        4 · (rounding error of the coarsest dtype) · (largest width) · (factors) · Π‖W‖.
    Raises InputError for shapes that do not chain, NaN or inf, and at a singular point: there λ lies above rank(J)/2, and at the
    worst one it is `deep_linear(widths, rank)`.
    """
    matrices, epsilon = _matrices(weights)
    pattern = fibre.rank_pattern(matrices, epsilon)
    here = fibre.jacobian_rank(pattern)
    near = fibre.jacobian_rank(fibre.maximal_pattern(pattern))
    if here != near:
        widths, rank = tuple(pattern[i][i] for i in range(len(pattern))), pattern[0][-1]
        raise InputError(
            f"deep_linear_at: the fibre is singular at these weights: the derivative of the product has rank {here} here and "
            f"{near} at points of the fibre nearby. At the worst point λ is that of deep_linear({widths}, rank={rank})."
        )
    return here / 2


def _matrices(weights: Sequence[Tensor | np.ndarray]) -> tuple[list[np.ndarray], float]:
    if hasattr(weights, "ndim") or not len(weights):
        raise InputError("deep_linear_at: give a list of weights, one matrix (out × in) a layer, first layer first.")
    pairs = [array_of(matrix) for matrix in weights]
    matrices = [matrix for matrix, _ in pairs]
    for i, matrix in enumerate(matrices):
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise InputError(f"deep_linear_at: weights[{i}] has shape {matrix.shape}: give a matrix (out × in).")
        if not np.isfinite(matrix).all():
            raise InputError(f"deep_linear_at: weights[{i}] holds NaN or inf.")
        if i and matrix.shape[1] != matrices[i - 1].shape[0]:
            raise InputError(
                f"deep_linear_at: weights[{i}] of shape {matrix.shape} takes {matrix.shape[1]} inputs, but weights[{i - 1}] of "
                f"shape {matrices[i - 1].shape} gives {matrices[i - 1].shape[0]}: give (out × in) matrices, first layer first."
            )
    return matrices, max(epsilon for _, epsilon in pairs)
