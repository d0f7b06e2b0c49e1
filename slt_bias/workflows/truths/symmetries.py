"""Functions that a symmetry of the law makes equally likely."""

from __future__ import annotations

import numpy as np

from slt_bias import maps, prior
from slt_bias.functions import Functions
from slt_bias.workflows.truths.row import Row, pairs_equal

SAMPLES = 400_000


def equal_probabilities(seed: int) -> list[Row]:
    """For a network on {0,1}⁴: P(f) = P(not f), and P(f) = P(f with its first two inputs exchanged)."""
    map = maps.MLP(4, preset="valle-perez-2018-normal")
    counts = prior.sample(map, samples=SAMPLES, seed=seed)
    observed = np.zeros(2**16, np.int64)
    observed[_numbers(counts.functions)] = counts.count
    tables = Functions(np.arange(2**16).astype(">u2").view(np.uint8).reshape(-1, 2), 16)
    exchanged = Functions.from_values(tables.values().reshape(-1, 2, 2, 4).swapaxes(1, 2).reshape(-1, 16))
    cases = [
        ("P(f) = P(not f)", "the output's law is symmetric", tables.complement()),
        ("P invariant under exchanging two inputs", "the inputs' weights are alike", exchanged),
    ]
    rows = []
    for name, source, partners in cases:
        partner = _numbers(partners)
        each_once = np.arange(2**16) < partner
        one, other = observed[each_once], observed[partner[each_once]]
        rows.append(pairs_equal(f"mlp 40x40 relu on {{0,1}}⁴: {name}", source, one, other))
    return rows


def _numbers(functions: Functions) -> np.ndarray:
    """Truth tables of 16 points as numbers below 65,536."""
    return functions.packed.astype(np.int64) @ np.array([256, 1])
