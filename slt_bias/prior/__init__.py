"""P(f): how likely random parameters compute a function."""

from slt_bias.prior.closed_form import closed_form
from slt_bias.prior.counts import FunctionCounts
from slt_bias.prior.result import FunctionProbability
from slt_bias.prior.sampling import sample

__all__ = ["FunctionCounts", "FunctionProbability", "closed_form", "sample"]
