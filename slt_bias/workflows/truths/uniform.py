"""Two laws under which every function is exactly equally likely."""

from __future__ import annotations

import numpy as np

from slt_bias import functions, maps, prior
from slt_bias.workflows.truths.row import Row, all_equal

SAMPLES = 512_000


def flat_laws(seed: int) -> list[Row]:
    """The uniform control, and all Walsh functions with coefficients of equal variance; 256 functions of 3 inputs each."""
    walsh = maps.Polynomial(functions.hypercube(3, values=(-1, 1)), degree=3)
    cases = [
        ("uniform control, 3 inputs: all 256 functions equal", "definition", maps.Uniform(3)),
        ("polynomial of degree 3 on {−1,1}³: all 256 functions equal", "orthogonality of the Walsh functions", walsh),
    ]
    rows = []
    for name, source, map in cases:
        counts = prior.sample(map, samples=SAMPLES, seed=seed)
        observed = np.zeros(256, np.int64)
        observed[counts.functions.packed[:, 0]] = counts.count
        rows.append(all_equal(name, source, observed))
    return rows
