"""Where the fibre {(W_1, …, W_L) : W_L … W_1 = A} of a deep linear network is smooth, from the ranks of partial products.

A tuple of matrices is a representation of the quiver 0 → 1 → … → L. Up to changes of basis it is fixed by its rank pattern
r_ij = rank(W_j … W_{i+1}), with r_ii = width_i, and it splits into intervals [a, b] (a direction that lives in the layers
a … b) of multiplicity m_ab = r_ab − r_{a−1,b} − r_{a,b+1} + r_{a−1,b+1} (Gabriel 1972).

1. The derivative J of (W_1, …, W_L) ↦ W_L … W_1 has the image Σᵢ col(W_L … W_{i+1}) ⊗ row(W_{i−1} … W_1). Both factors are
   nested subspaces, so rank J is the area of a staircase: rank J = Σᵢ r_{0,i−1} (r_{iL} − r_{i−1,L}), with the lowest r_{0L}
   counted as 0 (compare Trager, Kohn & Bruna 2020, arXiv 1910.01671).
2. Near a point there are exactly the points of larger or equal rank pattern (Abeasis & Del Fra 1985), and one comes to them by
   moves [a, b] + [c, d] → [a, d] + [c, b] with a < c ≤ b + 1 ≤ d. The moves with a = 0 and d = L raise the rank of the product
   itself, the others stay on the fibre.
3. Where no move is left that stays on the fibre, ker J is the tangent space of the fibre: the first-order directions that
   leave the stratum are the pairs of 2. with a = 0 and d = L, and J maps them to independent directions ker A → coker A.
   So the fibre is smooth of dimension dim ker J at a point if and only if rank J is the same at the points of maximal pattern
   nearby. One of them decides: were rank J equal at one and larger at another, the fibre would be both smooth and not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from slt_bias.errors import InputError

Pattern = tuple[tuple[int, ...], ...]  # ranks[i][j], 0 ≤ i ≤ j ≤ L; 0 where j < i
Intervals = Mapping[tuple[int, int], int]  # (a, b) → how often


def rank_pattern(weights: Sequence[np.ndarray], epsilon: float = float(np.finfo(np.float64).eps)) -> Pattern:
    """Ranks of all partial products of weights[0] = W_1 (width_1 × width_0), …, weights[L−1] = W_L.

    epsilon : relative rounding error of the weights. Singular values of W_j … W_{i+1} count as 0 below
        4 · epsilon · (largest width) · (number of factors) · Π‖W‖, so that products which cancel have rank 0.
    """
    layers = len(weights)
    widths = [weights[0].shape[1], *(matrix.shape[0] for matrix in weights)]
    norms = [float(np.linalg.norm(matrix, 2)) for matrix in weights]
    ranks = [[0] * (layers + 1) for _ in range(layers + 1)]
    for i in range(layers + 1):
        ranks[i][i] = widths[i]
        product = np.eye(widths[i])
        for j in range(i + 1, layers + 1):
            if norms[j - 1] == 0:
                break
            # of unit norms, so that long products neither overflow nor vanish
            product = weights[j - 1] / norms[j - 1] @ product
            singular = np.linalg.svd(product, compute_uv=False)
            ranks[i][j] = int(np.sum(singular > 4 * epsilon * max(widths) * (j - i)))
    return tuple(tuple(row) for row in ranks)


def intervals(pattern: Pattern) -> Counter[tuple[int, int]]:
    """How often each interval [a, b] occurs. Raises InputError where no tuple of matrices has such ranks."""
    layers = len(pattern) - 1

    def rank(i: int, j: int) -> int:
        return pattern[i][j] if i >= 0 and j <= layers else 0

    found: Counter[tuple[int, int]] = Counter()
    for a in range(layers + 1):
        for b in range(a, layers + 1):
            count = rank(a, b) - rank(a - 1, b) - rank(a, b + 1) + rank(a - 1, b + 1)
            if count < 0:
                raise InputError(
                    "the ranks of the products of weights contradict one another at this precision: some singular values are "
                    "neither clearly 0 nor clearly above the rounding error. Give the weights in float64."
                )
            if count:
                found[a, b] = count
    return found


def pattern_of(found: Intervals, layers: int) -> Pattern:
    """The rank pattern of a sum of intervals: r_ij counts the intervals that contain both i and j."""
    return tuple(
        tuple(sum(n for (a, b), n in found.items() if a <= i and j <= b) if i <= j else 0 for j in range(layers + 1))
        for i in range(layers + 1)
    )


def jacobian_rank(pattern: Pattern) -> int:
    """rank J = Σᵢ r_{0,i−1} (r_{iL} − r_{i−1,L}), i = 1 … L (point 1 above)."""
    layers = len(pattern) - 1
    left = [0, *(pattern[i][layers] for i in range(1, layers + 1))]
    return sum(pattern[0][i - 1] * (left[i] - left[i - 1]) for i in range(1, layers + 1))


def maximal_pattern(pattern: Pattern) -> Pattern:
    """The pattern of generic points of the fibre near a point: moves of point 2 until none is left that stays on the fibre."""
    layers = len(pattern) - 1
    found = intervals(pattern)
    while (pair := _next_move(found, layers)) is not None:
        (a, b), (c, d) = pair
        times = min(found[a, b], found[c, d])
        found[a, b] -= times
        found[c, d] -= times
        found[a, d] += times
        if c <= b:
            found[c, b] += times
        found = +found  # drops intervals that are used up
    return pattern_of(found, layers)


def _next_move(found: Intervals, layers: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    for a, b in found:
        for c, d in found:
            if a < c <= b + 1 <= d and (a, d) != (0, layers):
                return (a, b), (c, d)
    return None


def is_smooth(pattern: Pattern) -> bool:
    """Whether the fibre is a manifold with tangent space ker J at points of this pattern (point 3 above)."""
    return jacobian_rank(pattern) == jacobian_rank(maximal_pattern(pattern))
