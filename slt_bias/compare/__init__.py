"""P(f) against K(f): the table, the coding bound, entropy bias against simplicity bias, distances, architectures."""

from slt_bias.compare.architectures import architecture_row, architectures
from slt_bias.compare.coding_bound import CodingBound, coding_bound, envelope, raw_slope
from slt_bias.compare.distance import Distance, distance
from slt_bias.compare.entropy_bias import EntropyBias, entropy_bias
from slt_bias.compare.histogram import complexity_histogram
from slt_bias.compare.prior_versus_complexity import prior_versus_complexity
from slt_bias.compare.uniform_law import uniform_complexity

__all__ = [
    "CodingBound",
    "Distance",
    "EntropyBias",
    "architecture_row",
    "architectures",
    "coding_bound",
    "complexity_histogram",
    "distance",
    "entropy_bias",
    "envelope",
    "prior_versus_complexity",
    "raw_slope",
    "uniform_complexity",
]
