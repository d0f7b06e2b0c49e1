"""λ and m of deep linear networks at the worst point of the fibre: the largest singularity of ‖W_L … W_1 − A‖²."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from slt_bias.llc.exact.value import Exact
from slt_bias.subjects.linear.points import check_widths


def deep_linear(widths: Sequence[int], rank: int) -> Exact:
    """λ and m of f(x) = W_L … W_1 x with the loss ½‖y − f(x)‖², at the worst point of the fibre (smallest λ).

    widths : inputs H₁, hidden layers, outputs H_{L+1}. rank : r, of the true matrix.
    Aoyagi (2024), "Consideration on the learning efficiency of multiple-layered neural networks with linear units", Neural
    Networks 172, theorem 1, with M_s = H_s − r. There is one set 𝓜 of ℓ + 1 layers with

        max_{s∈𝓜} M_s < min_{s∉𝓜} M_s,   Σ_𝓜 M_s ≥ ℓ max_{s∈𝓜} M_s,   Σ_𝓜 M_s < ℓ min_{s∉𝓜} M_s;

    with M = ⌈Σ_𝓜 M_s/ℓ⌉ and a = Σ_𝓜 M_s − (M − 1)ℓ:

        λ = (r(H₁ + H_{L+1}) − r²)/2 + a(ℓ − a)/(4ℓ) − (ℓ(ℓ − 1)/4)(Σ_𝓜 M_s/ℓ)² + ½ Σ_{s<t∈𝓜} M_s M_t,   m = a(ℓ − a) + 1.

    With two widths this is the regular H₁H₂/2. Raises InputError for widths or a rank that do not fit.
    """
    sizes = check_widths(widths, rank)
    excess = sorted(width - rank for width in sizes)
    # the set is made of the smallest; where the last condition fails for k of them, the second holds for k + 1
    count = 2
    while count < len(excess) and sum(excess[:count]) >= (count - 1) * excess[count]:
        count += 1
    chosen, layers = excess[:count], count - 1
    total = sum(chosen)
    ceiling = -(-total // layers)
    a = total - (ceiling - 1) * layers
    pairs = (total * total - sum(value * value for value in chosen)) // 2
    coefficient = (
        Fraction(rank * (sizes[0] + sizes[-1]) - rank * rank, 2)
        + Fraction(a * (layers - a), 4 * layers)
        - Fraction(layers * (layers - 1), 4) * Fraction(total, layers) ** 2
        + Fraction(pairs, 2)
    )
    return Exact(float(coefficient), a * (layers - a) + 1)


def reduced_rank(inputs: int, hidden: int, outputs: int, rank: int) -> Exact:
    """λ and m of reduced-rank regression, f(x) = B A x, at the worst point of the fibre.

    Aoyagi & Watanabe (2005), "Stochastic complexities of reduced rank regression in Bayesian estimation", Neural Networks 18,
    main theorem, with M inputs, H hidden units, N outputs and rank r:

        N + r ≤ M + H, M + r ≤ N + H, H + r ≤ M + N:  λ = (2(H + r)(M + N) − (M − N)² − (H + r)²)/8, m = 1 where M + H + N + r is
                                                      even; 1/8 more and m = 2 where it is odd
        M + H < N + r:  λ = (HM − Hr + Nr)/2;   N + H < M + r:  λ = (HN − Hr + Mr)/2;   M + N < H + r:  λ = MN/2;   m = 1.

    Raises InputError for widths or a rank that do not fit.
    """
    m, h, n = check_widths((inputs, hidden, outputs), rank)
    if m + h < n + rank:
        return Exact((h * m - h * rank + n * rank) / 2, 1)
    if n + h < m + rank:
        return Exact((h * n - h * rank + m * rank) / 2, 1)
    if m + n < h + rank:
        return Exact(m * n / 2, 1)
    odd = (m + h + n + rank) % 2
    eighths = 2 * (h + rank) * (m + n) - (m - n) ** 2 - (h + rank) ** 2 + odd
    return Exact(float(Fraction(eighths, 8)), 1 + odd)
