"""The table of the central figure: P(f) beside K(f), a row a function that was drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import entr

from slt_bias.complexity import compute
from slt_bias.prior import FunctionCounts


def prior_versus_complexity(counts: FunctionCounts, complexity: str = "lz", confidence: float = 0.95) -> pd.DataFrame:
    """A row a function seen, the most frequent first (Valle-Pérez, Camargo & Louis 2018, figure 1).

    Columns: function (string of 0 and 1), count, probability, probability_low, probability_high (intervals that allow for
    the selection, see `FunctionCounts.table`), log2_probability (bits, log₂ of count/samples), complexity (float64, in
    the estimator's own unit), ones (the number of ones of f), entropy (bits a point, H₂(ones/points)).
    `attrs` of the table: complexity (the estimator's name), samples, points, spec, confidence.

    complexity : a name of `slt_bias.complexity.names()`. Raises SpecError for an unknown one, and for `formula`, which is
    two (ask for formula_and_or or formula_all_gates); InputError where the estimator does not reach so many points.
    """
    values = compute(counts.functions, complexity)
    table = counts.table(confidence=confidence)
    ones = counts.functions.ones()
    share = ones / max(counts.points, 1)
    table["log2_probability"] = np.log2(counts.count / counts.samples)
    table["complexity"] = values
    table["ones"] = ones
    table["entropy"] = (entr(share) + entr(1 - share)) / np.log(2)
    table.attrs = {
        "complexity": complexity,
        "samples": int(counts.samples),
        "points": int(counts.points),
        "spec": counts.spec,
        "confidence": confidence,
    }
    return table
