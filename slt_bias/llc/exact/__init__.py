"""Exact learning coefficients: λ and the multiplicity m in F = nL_n + λ ln n − (m − 1) ln ln n + O(1) (Watanabe 2009).

Equivalently V(ε) = Vol{K(w) < ε} ~ c ε^λ (−ln ε)^{m−1}. Every function names its source; `deep_linear_at` gives λ alone.
"""

from slt_bias.llc.exact.fibre import deep_linear_at
from slt_bias.llc.exact.linear import deep_linear, reduced_rank
from slt_bias.llc.exact.monomials import monomial, sum_of_monomials
from slt_bias.llc.exact.tanh import tanh_network
from slt_bias.llc.exact.value import Exact, morse_bott, product_of, regular, sum_of

__all__ = [
    "Exact",
    "deep_linear",
    "deep_linear_at",
    "monomial",
    "morse_bott",
    "product_of",
    "reduced_rank",
    "regular",
    "sum_of",
    "sum_of_monomials",
    "tanh_network",
]
