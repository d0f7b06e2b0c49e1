"""All estimators by name, and tables of them. One of your own: a file with `@estimator`, a line here, one in `__init__.py`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from slt_bias.complexity.anf import anf_degree, anf_terms
from slt_bias.complexity.bdm import bdm
from slt_bias.complexity.code import code
from slt_bias.complexity.ctw import ctw
from slt_bias.complexity.dnf import dnf_literals, dnf_terms
from slt_bias.complexity.dnf_exact import dnf_exact_literals, dnf_exact_terms
from slt_bias.complexity.entropy import entropy
from slt_bias.complexity.estimator import Estimator
from slt_bias.complexity.formula import formula_all_gates, formula_and_or
from slt_bias.complexity.fourier import fourier_degree, fourier_entropy
from slt_bias.complexity.general_compressors import bz2, lzma, zlib
from slt_bias.complexity.lz import lz
from slt_bias.complexity.sensitivity import sensitivity
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.functions import Functions, InputSet, parse

ESTIMATORS: dict[str, Estimator] = {
    "lz": lz,
    "lzma": lzma,
    "zlib": zlib,
    "bz2": bz2,
    "entropy": entropy,
    "formula_and_or": formula_and_or,
    "formula_all_gates": formula_all_gates,
    "code": code,
    "ctw": ctw,
    "bdm": bdm,
    "sensitivity": sensitivity,
    "fourier_entropy": fourier_entropy,
    "fourier_degree": fourier_degree,
    "anf_terms": anf_terms,
    "anf_degree": anf_degree,
    "dnf_terms": dnf_terms,
    "dnf_literals": dnf_literals,
    "dnf_exact_terms": dnf_exact_terms,
    "dnf_exact_literals": dnf_exact_literals,
}
GROUPS = {
    "formula": ("formula_and_or", "formula_all_gates"),
    "fourier": ("fourier_entropy", "fourier_degree"),
    "anf": ("anf_terms", "anf_degree"),
    "dnf": ("dnf_terms", "dnf_literals"),
    "dnf_exact": ("dnf_exact_terms", "dnf_exact_literals"),
}
"""One name for estimators that are read side by side."""

DEFAULT = ("lz", "lzma", "entropy")
"""The columns of a table that asks for none: they work at any number of points."""


def names() -> dict[str, str]:
    """Each estimator that `compute` knows, with one line on what it is and its unit."""
    return {name: f"{estimator.meaning} [{estimator.unit}]" for name, estimator in ESTIMATORS.items()}


def columns(estimators: str | Sequence[str]) -> tuple[str, ...]:
    """The estimators meant, `formula` as its two, each once. Raises SpecError with the nearest name for an unknown one."""
    out: dict[str, None] = {}
    for name in [estimators] if isinstance(estimators, str) else estimators:
        if name not in ESTIMATORS and name not in GROUPS:
            raise SpecError(f"no complexity estimator is named `{name}`.{nearest(str(name), [*ESTIMATORS, *GROUPS])}")
        out |= dict.fromkeys(GROUPS.get(name, (name,)))
    return tuple(out)


def compute(functions: Functions, estimator: str) -> np.ndarray:
    """One estimator for a whole batch without a string in the loop (the compressors excepted), float64 (count,).

    Raises InputError for anything but Functions (`table` and each estimator take strings), SpecError for an unknown name,
    and for a group such as `formula`, which is two estimators.
    """
    if estimator in GROUPS:
        raise SpecError(f"`{estimator}` is {' and '.join(GROUPS[estimator])}: ask for one of them, or for a table.")
    (name,) = columns(estimator)
    if not isinstance(functions, Functions):
        kind = type(functions).__name__
        raise InputError(f"compute takes Functions, not {kind}: use sb.complexity.table, or sb.complexity.{name} for strings.")
    return ESTIMATORS[name].bulk(functions)


def table(
    functions: str | Sequence[str] | np.ndarray | Functions,
    estimators: str | Sequence[str] = DEFAULT,
    inputs: int | InputSet | None = None,
) -> pd.DataFrame:
    """A row a function: column `function` (a string of 0 and 1), then a float64 column an estimator.

    functions : anything that `sb.functions.parse` takes. estimators : names of `names()`, or of `GROUPS`: `formula`
    gives the two columns `formula_and_or` and `formula_all_gates`. inputs : for named functions without inputs of their own.
    Units are those of `names()`. Raises SpecError for an unknown estimator, InputError for what is no function or
    for a number of points that an estimator does not reach (`formula`: at most 4 inputs).
    """
    wanted = columns(estimators)
    batch = parse(functions, inputs)
    return pd.DataFrame({"function": pd.Series(batch.strings(), dtype="str")} | {name: compute(batch, name) for name in wanted})
