"""Population losses K(w) = Σⱼ Πᵢ wᵢ^(2kⱼᵢ) at w* = 0, whose λ is known: `sb.llc.exact.monomial`, `sb.llc.exact.sum_of_monomials`.

Every analytic loss is such a monomial in suitable coordinates near each point (Hironaka 1964; Watanabe 2009).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from slt_bias.errors import InputError
from slt_bias.subjects.system import System


def check_exponents(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Exponents kⱼᵢ ≥ 0, a row a monomial, as tuples. Raises InputError where they do not fit, or a row is all 0 (a constant)."""
    try:
        checked = tuple(tuple(operator.index(k) for k in row) for row in rows)
    except TypeError:
        raise InputError(f"exponents {rows!r}: give whole numbers, such as (1, 2) for w1^2 w2^4.") from None
    if not checked or len({len(row) for row in checked}) != 1 or any(k < 0 for row in checked for k in row):
        raise InputError(f"exponents {rows!r}: give one exponent of at least 0 for each variable, the same number in every row.")
    if any(sum(row) == 0 for row in checked):
        raise InputError(f"exponents {rows!r}: a monomial whose exponents are all 0 is the constant 1, with no minimum at 0.")
    return checked


def monomial(exponents: Sequence[int]) -> System:
    """K(w) = Πᵢ wᵢ^(2kᵢ) at w* = 0: `monomial((1, 2))` is w₁² w₂⁴.

    The module holds `weights`, float64, shape (variables,); the loss is a population loss, `loss(model)`, and data is None.
    A variable of exponent 0 is a parameter that the loss does not depend on. Raises InputError where all exponents are 0.
    """
    return _system("monomial", check_exponents([exponents]))


def sum_of_monomials(rows: Sequence[Sequence[int]]) -> System:
    """K(w) = Σⱼ Πᵢ wᵢ^(2kⱼᵢ) at w* = 0: `sum_of_monomials([(1, 0), (0, 2)])` is w₁² + w₂⁴. As `monomial`, a row a monomial."""
    return _system("sum_of_monomials", check_exponents(rows))


def _system(kind: str, rows: tuple[tuple[int, ...], ...]) -> System:
    from slt_bias.subjects.monomial.module import Monomials, value

    text = "+".join("x".join(map(str, row)) for row in rows)
    return System(f"{kind}:exponents={text}", Monomials(rows).eval(), value)
