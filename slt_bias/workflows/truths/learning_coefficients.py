"""Learning coefficients that are known exactly: by formula, by sampling at one temperature, and by replica exchange."""

from __future__ import annotations

from typing import Any

from slt_bias import subjects
from slt_bias.llc import exact as formulas
from slt_bias.llc.estimator import estimate
from slt_bias.workflows.truths.row import CONFIDENCE, Row, exact, within

FAST: dict[str, Any] = {"inverse_temperature": 1e4, "chains": 16, "draws": 500}  # at this nβ, γ = 1 shifts λ̂ by 10⁻⁴
REFERENCE: dict[str, Any] = {"chains": 8, "draws": 100}


def formula(seed: int) -> list[Row]:
    """λ of a linear network with widths 5, 3, 5 and a truth of rank 1; nothing is random here."""
    found = formulas.deep_linear((5, 3, 5), 1).learning_coefficient
    return [exact("λ of the linear network 5-3-5 of rank 1, by formula", "Aoyagi & Watanabe 2005, by hand", 8.0, found)]


def regular(seed: int) -> list[Row]:
    """A quadratic loss in two parameters: λ = 1."""
    system = subjects.linear.deep_linear((2, 1), 1)
    found = estimate(system.model, system.loss, system.data, confidence=CONFIDENCE, seed=seed, **FAST)
    source = "regular: half the number of parameters"
    return [within("λ of a quadratic loss in 2 parameters, method fast", source, 1.0, found.value, found.low, found.high)]


def normal_crossing(seed: int) -> list[Row]:
    """K = w₁² w₂², where two branches of zeros cross: λ = ½ with multiplicity 2."""
    system = subjects.monomial.monomial((1, 1))
    found = estimate(
        system.model, system.loss, system.data, method="reference", confidence=CONFIDENCE, seed=seed, **REFERENCE
    )
    source = "Watanabe 2009, the largest pole"
    return [within("λ of w₁² w₂², method reference", source, 0.5, found.value, found.low, found.high)]
