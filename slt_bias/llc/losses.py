"""The losses that compiled paths recognise, where users of `sb.llc` look for them."""

from slt_bias.losses import CrossEntropy, SquaredError, cross_entropy, squared_error

__all__ = ["CrossEntropy", "SquaredError", "cross_entropy", "squared_error"]
