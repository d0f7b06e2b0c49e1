"""Upper bounds on the Kolmogorov complexity K(f) of a function, one file an estimator."""

from slt_bias.complexity.agreement import rank_agreement
from slt_bias.complexity.anf import AlgebraicForm, anf, anf_degree, anf_terms
from slt_bias.complexity.bdm import bdm
from slt_bias.complexity.code import code, decode, encode, winner
from slt_bias.complexity.ctw import ctw
from slt_bias.complexity.dnf import DisjunctiveForm, dnf, dnf_literals, dnf_terms, greedy_dnf, prime_implicants
from slt_bias.complexity.dnf_exact import dnf_exact_literals, dnf_exact_terms, smallest_dnf
from slt_bias.complexity.entropy import entropy
from slt_bias.complexity.estimator import Estimator, estimator
from slt_bias.complexity.formula import Leaves, formula, formula_all_gates, formula_and_or
from slt_bias.complexity.fourier import Spectrum, fourier, fourier_degree, fourier_entropy
from slt_bias.complexity.general_compressors import bz2, lzma, zlib
from slt_bias.complexity.lz import lz, lz_words
from slt_bias.complexity.registry import columns, compute, names, table
from slt_bias.complexity.sensitivity import sensitivity

__all__ = [
    "AlgebraicForm",
    "DisjunctiveForm",
    "Estimator",
    "Leaves",
    "Spectrum",
    "anf",
    "anf_degree",
    "anf_terms",
    "bdm",
    "bz2",
    "code",
    "columns",
    "compute",
    "ctw",
    "decode",
    "dnf",
    "dnf_exact_literals",
    "dnf_exact_terms",
    "dnf_literals",
    "dnf_terms",
    "encode",
    "entropy",
    "estimator",
    "formula",
    "formula_all_gates",
    "formula_and_or",
    "fourier",
    "fourier_degree",
    "fourier_entropy",
    "greedy_dnf",
    "lz",
    "lz_words",
    "lzma",
    "names",
    "prime_implicants",
    "rank_agreement",
    "sensitivity",
    "smallest_dnf",
    "table",
    "winner",
    "zlib",
]
