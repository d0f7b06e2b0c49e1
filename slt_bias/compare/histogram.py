"""How complex the functions of a draw are, beside those of the uniform law."""

from __future__ import annotations

import numpy as np
import pandas as pd

from slt_bias.compare.uniform_law import uniform_complexity

MOST_BINS = 100
BINS = 40


def complexity_histogram(table: pd.DataFrame, bins: np.ndarray | None = None) -> pd.DataFrame:
    """The share of draws by complexity under the prior, and of random strings under the uniform law.

    table : of `prior_versus_complexity`. bins : edges, float64 (bins + 1,), in the estimator's unit; by default a bin
    for each value that the estimator can take (steps of log₂(points)/2 for `lz`), or 40 equal ones where these are too
    many; what lies outside given edges is left out.
    Columns: complexity_low, complexity_high, prior (share of draws), prior_error (its standard error), uniform (share of
    random strings), uniform_error. `attrs` are those of the table.
    """
    values, weights = table["complexity"].to_numpy(), table["count"].to_numpy()
    strings = uniform_complexity(int(table.attrs["points"]), str(table.attrs["complexity"]))
    edges = _edges(np.union1d(values, strings)) if bins is None else np.asarray(bins, float)
    samples = int(table.attrs["samples"])
    prior = np.histogram(values, edges, weights=weights)[0] / samples
    uniform = np.histogram(strings, edges)[0] / len(strings)
    frame = pd.DataFrame(
        {
            "complexity_low": edges[:-1],
            "complexity_high": edges[1:],
            "prior": prior,
            "prior_error": np.sqrt(prior * (1 - prior) / samples),
            "uniform": uniform,
            "uniform_error": np.sqrt(uniform * (1 - uniform) / len(strings)),
        }
    )
    frame.attrs = dict(table.attrs)
    return frame


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges around sorted distinct values: as wide as the smallest step between them, or 40 in all."""
    span = float(values[-1] - values[0])
    if span == 0:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    step = float(np.diff(values).min())
    # steps that are rounding, or a few values far apart, make too many bins
    step = step if span / step <= MOST_BINS else span / BINS
    return values[0] - step / 2 + step * np.arange(round(span / step) + 2)
