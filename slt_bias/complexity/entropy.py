"""The entropy of a truth table: what the number of ones alone says about its complexity."""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from slt_bias.complexity.estimator import estimator
from slt_bias.functions import Functions


@estimator("points times the binary entropy of the share of ones: blind to the order of the outputs", "bits")
def entropy(functions: Functions) -> np.ndarray:
    """N·H₂(k/N) for k ones among N points, in bits, float64 (count,); H₂(p) = −p log₂p − (1−p) log₂(1−p) (Shannon 1948).

    The leading term of log₂ of the number of tables with k ones (N choose k), and the code length of the table for
    who knows k already: telling k costs up to log₂(N+1) bits more, which are not counted. 0 for a constant and for no
    points.
    """
    if not functions.points:
        return np.zeros(len(functions))
    share = functions.ones() / functions.points
    return functions.points * (entr(share) + entr(1 - share)) / np.log(2)
