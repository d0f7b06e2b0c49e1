"""Deep linear networks, whose learning coefficients are known exactly: `deep_linear`, `reduced_rank`."""

from slt_bias.subjects.linear.networks import deep_linear, reduced_rank

__all__ = ["deep_linear", "reduced_rank"]
