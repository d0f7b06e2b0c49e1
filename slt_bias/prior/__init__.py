"""P(f): how likely random parameters compute a function."""

from slt_bias.prior.closed_form import closed_form
from slt_bias.prior.counts import FunctionCounts
from slt_bias.prior.orbits import orbit_counts, pooled
from slt_bias.prior.probability import probabilities, probability
from slt_bias.prior.result import FunctionProbability
from slt_bias.prior.sampling import sample

__all__ = [
    "FunctionCounts",
    "FunctionProbability",
    "closed_form",
    "orbit_counts",
    "pooled",
    "probabilities",
    "probability",
    "sample",
]
