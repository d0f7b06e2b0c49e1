"""How far the estimators agree: rank correlations between all of them over the same functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from slt_bias.complexity.registry import ESTIMATORS, columns, compute
from slt_bias.errors import InputError
from slt_bias.functions import Functions, parse


def rank_agreement(
    functions: str | Sequence[str] | np.ndarray | Functions, estimators: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Spearman's rank correlation of every pair of estimators: a float64 row and column an estimator, 1 on the diagonal.

    functions : anything that `sb.functions.parse` takes, each counted as often as it is given; at least 2. estimators :
    names or groups of `sb.complexity.names()`; None means all that reach the number of points, the exact normal forms
    left out beyond 4 inputs, where they take 20 ms a function. Ties share their mean rank (Spearman 1904); NaN
    where an estimator gives all functions one value. Raises SpecError for an unknown estimator, InputError where one
    does not reach the points or there are fewer than 2 functions.
    """
    from scipy.stats import rankdata  # half a second to import, for this alone

    batch = parse(functions)
    if len(batch) < 2:
        raise InputError(f"rank_agreement needs 2 functions or more, not {len(batch)}.")
    names = quick_estimators(batch.points) if estimators is None else columns(estimators)
    distinct, where = np.unique(batch.packed, axis=0, return_inverse=True)
    once = Functions(distinct, batch.points)
    ranks = np.array([rankdata(compute(once, name)[where.ravel()]) for name in names]).reshape(len(names), len(batch))
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    squares = centred @ centred.T
    spread = np.sqrt(np.diag(squares))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.clip(squares / np.outer(spread, spread), -1.0, 1.0)
    correlations[np.diag_indices(len(names))] = np.where(spread > 0, 1.0, np.nan)
    return pd.DataFrame(correlations, index=list(names), columns=list(names))


def quick_estimators(points: int) -> tuple[str, ...]:
    """All estimators that reach that many points, without the exact normal forms beyond 4 inputs."""
    slow = {"dnf_exact_terms", "dnf_exact_literals"} if points > 16 else set()
    return tuple(name for name, estimator in ESTIMATORS.items() if estimator.reaches(points) and name not in slow)
