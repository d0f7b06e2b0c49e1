"""Monomials and their sums as population losses, K = Σⱼ Πᵢ wᵢ^(2kᵢⱼ) at w* = 0: singularities in normal form."""

from slt_bias.subjects.monomial.monomials import monomial, sum_of_monomials

__all__ = ["monomial", "sum_of_monomials"]
