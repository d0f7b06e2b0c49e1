"""Entropy bias against simplicity bias: does P follow K, or only the number of ones?

A law may prefer functions with few or many ones (entropy bias), and such functions are simple; P and K then go together
though P knows nothing of structure. The perceptron is biased in this way (Mingard et al. 2019). The remedy is to compare
functions with the same number of ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from slt_bias.compare.brief import brief
from slt_bias.compare.ranks import partial_rank_correlation, rank_correlation
from slt_bias.estimate import Estimate

LEAST_FUNCTIONS = 10


@dataclass(frozen=True, kw_only=True, repr=False)
class EntropyBias:
    """What is left of simplicity bias at a fixed number of ones.

    rank_correlation : of P and K over all rows used (Spearman). Negative: simple functions are more probable.
    partial_rank_correlation : the same given the number of ones, and so given the entropy H₂(ones/points) of f.
        Near 0 although `rank_correlation` is negative: entropy bias, no more.
    within : a row a number of ones: ones, functions, rank_correlation, low, high.
    rows : the number of functions used. least_count : those drawn at least so often.
    """

    rank_correlation: Estimate
    partial_rank_correlation: Estimate
    within: pd.DataFrame
    rows: int
    least_count: int

    def __repr__(self) -> str:
        used = f"{self.rows} functions drawn {self.least_count} times or more, {len(self.within)} numbers of ones"
        partial = brief(self.partial_rank_correlation)
        return f"EntropyBias(rank correlation {brief(self.rank_correlation)}, given the ones {partial};\n            {used})"


def entropy_bias(table: pd.DataFrame, least_count: int = 2, confidence: float = 0.95) -> EntropyBias:
    """Both correlations for a table of `prior_versus_complexity`, each function counting once whatever its P.

    least_count : rows drawn less often are left out. By default these are the functions seen once: their P is the cut-off
        1/samples and not their own, and where most rows are such the correlation would be that of the cut-off. The choice
        looks at the count alone, so where P depends on the number of ones only, counts and K stay independent at a
        fixed number of ones, and the partial correlation is 0 in the mean.
    The partial correlation fixes the number of ones rather than the entropy, which two of them share, so that a
    preference of ones over zeros cannot pass for one of structure either. `within` has the numbers of ones at which 10
    or more functions were used and both P and K vary.
    The intervals take the functions for independent draws; `failed` (value NaN) or `suspect` where there are too few.
    """
    used = table[table["count"] >= least_count]
    count, complexity, ones = (used[name].to_numpy() for name in ("count", "complexity", "ones"))
    rows = []
    for number in np.unique(ones):
        here = ones == number
        if here.sum() < LEAST_FUNCTIONS:
            continue
        found = rank_correlation(count[here], complexity[here], confidence)
        if found.status != "failed":
            rows.append((int(number), int(here.sum()), found.value, found.low, found.high))
    within = pd.DataFrame(rows, columns=["ones", "functions", "rank_correlation", "low", "high"])
    return EntropyBias(
        rank_correlation=rank_correlation(count, complexity, confidence),
        partial_rank_correlation=partial_rank_correlation(count, complexity, ones, confidence),
        within=within.astype({"ones": np.int64, "functions": np.int64}),
        rows=len(used),
        least_count=least_count,
    )
