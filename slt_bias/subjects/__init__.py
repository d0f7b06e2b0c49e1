"""Systems to measure, one folder each: a model at w*, a loss and data. Torch is imported when a system is made."""

from slt_bias.subjects import linear, monomial, regression, superposition
from slt_bias.subjects.system import System

__all__ = ["System", "linear", "monomial", "regression", "superposition"]
