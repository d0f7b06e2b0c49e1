"""P(f) against K(f): the table, the coding bound, entropy bias against simplicity bias, distances, architectures."""

from slt_bias.compare.architectures import architecture_row, architectures
from slt_bias.compare.blind_spots import blind_spots
from slt_bias.compare.coding_bound import CodingBound, coding_bound, envelope, raw_slope
from slt_bias.compare.distance import Distance, distance
from slt_bias.compare.entropy_bias import EntropyBias, entropy_bias
from slt_bias.compare.histogram import complexity_histogram
from slt_bias.compare.pac_bayes import pac_bayes
from slt_bias.compare.prior_versus_complexity import prior_versus_complexity
from slt_bias.compare.reference_sets import described, reference_set
from slt_bias.compare.shortfalls import BlindSpotScore, score, shortfalls
from slt_bias.compare.uniform_law import uniform_complexity

__all__ = [
    "BlindSpotScore",
    "CodingBound",
    "Distance",
    "EntropyBias",
    "architecture_row",
    "architectures",
    "blind_spots",
    "coding_bound",
    "complexity_histogram",
    "described",
    "distance",
    "entropy_bias",
    "envelope",
    "pac_bayes",
    "prior_versus_complexity",
    "raw_slope",
    "reference_set",
    "score",
    "shortfalls",
    "uniform_complexity",
]
