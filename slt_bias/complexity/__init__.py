"""Upper bounds on the Kolmogorov complexity K(f) of a function, one file an estimator."""

from slt_bias.complexity.entropy import entropy
from slt_bias.complexity.estimator import Estimator, estimator
from slt_bias.complexity.formula import Leaves, formula, formula_all_gates, formula_and_or
from slt_bias.complexity.general_compressors import bz2, lzma, zlib
from slt_bias.complexity.lz import lz, lz_words
from slt_bias.complexity.registry import columns, compute, names, table

__all__ = [
    "Estimator",
    "Leaves",
    "bz2",
    "columns",
    "compute",
    "entropy",
    "estimator",
    "formula",
    "formula_all_gates",
    "formula_and_or",
    "lz",
    "lz_words",
    "lzma",
    "names",
    "table",
    "zlib",
]
