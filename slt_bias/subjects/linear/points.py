"""Points w* = (W_1, …, W_L) of a deep linear network: aligned, generic on the fibre, and the minimiser on data."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence

import numpy as np

from slt_bias.errors import InputError


def check_widths(widths: Sequence[int], rank: int) -> tuple[int, ...]:
    """The widths as a tuple. Raises InputError for fewer than two, for widths below 1, and for a rank that no product has."""
    try:
        sizes, wanted = tuple(operator.index(width) for width in widths), operator.index(rank)
    except TypeError:
        raise InputError(f"widths={widths!r}, rank={rank!r}: give whole numbers, such as widths=(5, 3, 5), rank=1.") from None
    if len(sizes) < 2 or min(sizes) < 1:
        raise InputError(f"widths={sizes}: give two or more widths of at least 1: inputs, hidden layers, outputs.")
    if not 0 <= wanted <= min(sizes):
        raise InputError(f"rank={rank}: a product of widths {'-'.join(map(str, sizes))} has a rank from 0 to {min(sizes)}.")
    return sizes


def truncated_identity(rows: int, columns: int, rank: int) -> np.ndarray:
    """Ones at the first `rank` places of the diagonal, zeros elsewhere; shape (rows, columns)."""
    matrix = np.zeros((rows, columns))
    matrix[range(rank), range(rank)] = 1.0
    return matrix


def aligned(widths: Sequence[int], rank: int) -> list[np.ndarray]:
    """Every layer the identity on the first `rank` coordinates and 0 elsewhere: the most singular point of the fibre."""
    return [truncated_identity(after, before, rank) for before, after in itertools.pairwise(widths)]


def generic(widths: Sequence[int], rank: int) -> list[np.ndarray]:
    """The same product with a first layer of rank `rank` and the others of full rank: a smooth point of the fibre.

    Smooth for all widths (`fibre`, point 3): the ranks of W_L … W_{i+1} are the largest there are, u_i = min(width_i … width_L),
    so rank J could only grow with v_i = rank(W_{i−1} … W_1), and only for an i > 1 with u_i > u_1. Then the narrowest layer s of
    1 … L lies below i, and W_L … W_{s+1} is injective: v_i ≤ rank(W_s … W_1) = rank(W_L … W_1) = `rank` on the fibre nearby.
    So 2λ = rank J = width_0 u_1 + rank (width_L − u_1). The fibre may have other smooth parts, with another λ.
    """
    weights = [truncated_identity(after, before, min(before, after)) for before, after in itertools.pairwise(widths)]
    weights[0] = truncated_identity(widths[1], widths[0], rank)
    return weights


def reduced_rank_minimiser(inputs: np.ndarray, targets: np.ndarray, rank: int) -> np.ndarray:
    """argmin ‖Y − X Bᵀ‖² over matrices B (outputs × inputs) of at most this rank (Izenman 1975; unit weights on the outputs).

    B = V Vᵀ B_ols, with V the first `rank` right singular vectors of the fitted values X B_olsᵀ.
    """
    if len(inputs) < inputs.shape[1]:
        raise InputError(f"{len(inputs)} examples of {inputs.shape[1]} inputs leave the minimum open: give more examples.")
    ordinary = np.linalg.lstsq(inputs, targets, rcond=None)[0].T
    directions = np.linalg.svd(inputs @ ordinary.T, full_matrices=False)[2][:rank]
    return directions.T @ directions @ ordinary


def balanced(product: np.ndarray, widths: Sequence[int]) -> list[np.ndarray]:
    """Weights whose product is U S Vᵀ = `product`: every layer S^{1/L}, padded with zeros, with Vᵀ first and U last.

    Balanced means W_{i+1}ᵀ W_{i+1} = W_i W_iᵀ. The widths must be at least the rank of the product.
    """
    left, singular, right = np.linalg.svd(product, full_matrices=False)
    kept, layers = min(widths), len(widths) - 1
    root = singular[:kept] ** (1 / layers)
    weights = [truncated_identity(after, before, kept) for before, after in itertools.pairwise(widths)]
    for matrix in weights:
        matrix[range(kept), range(kept)] = root
    weights[0] = weights[0][:, :kept] @ right[:kept]
    weights[-1] = left[:, :kept] @ weights[-1][:kept] if layers > 1 else left[:, :kept] * root @ right[:kept]
    return weights
