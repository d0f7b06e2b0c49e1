"""Probabilities of chosen functions that are known: the Gaussian-process limit, and 2⁻¹²⁸."""

from __future__ import annotations

import math

from slt_bias import functions, maps, prior
from slt_bias.workflows.truths.row import CONFIDENCE, Row, within

# orthants of four dimensions by numerical integration to seven digits
LIMIT = {
    (1, "0000"): 0.220682, (1, "0001"): 0.0429734, (1, "0011"): 0.051255, (1, "0110"): 0.0049145,
    (2, "0000"): 0.2794525, (2, "0001"): 0.0359309, (2, "0011"): 0.0354631, (2, "0110"): 0.0058977,
}  # fmt: skip
DIGITS = 2e-5  # relative: what the truths' last digits leave open, and 99.9 % of 16 shifts


def infinite_width(seed: int) -> list[Row]:
    """Relu on {−1, 1}² with σ_w² = 2, σ_b² = 1 and infinitely wide hidden layers."""
    square = functions.hypercube(2, values=(-1, 1))
    rows = []
    for (layers, function), truth in LIMIT.items():
        map = maps.MLP(square, hidden=(10,) * layers, weight_std=math.sqrt(2), bias_std=1.0)
        found = prior.probability(
            map, function, seed, relative_error=1e-5, method="gaussian-process", confidence=CONFIDENCE
        )
        slack = DIGITS / math.log(2)
        name = f"Gaussian process, relu, {layers} hidden layer{'s' * (layers > 1)}: log₂P({function})"
        rows.append(
            within(name, "4-d integrals", math.log2(truth), found.value, found.low - slack, found.high + slack)
        )
    return rows


def random_function(seed: int) -> list[Row]:
    """All monomials with equal variance on {−1, 1}⁶: every function of 64 points has P = 2⁻⁶⁴, by splitting."""
    map = maps.Polynomial(functions.hypercube(6, values=(-1, 1)), degree=6)
    found = prior.probability(map, "random", seed, relative_error=0.3, method="splitting", confidence=CONFIDENCE)
    name = "all Walsh functions on {−1,1}⁶: log₂P(random function)"
    return [within(name, "rotation", -64.0, found.value, found.low, found.high)]
