"""The coding-theorem bound log₂P(f) ≤ −a·K(f) − b, a priori and fitted to the upper envelope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import pandas as pd

from slt_bias.compare.uniform_law import uniform_complexity
from slt_bias.errors import InputError

LEAST_COUNT = 5  # a function used for a slope must stand above the cut-off at one draw
LEAST_BINS = 3
MOST_VALUES = 64  # an estimator with more values than this is binned
BINS = 40

Kind = Literal["a-priori", "envelope"]


@dataclass(frozen=True, kw_only=True, repr=False)
class CodingBound:
    """log₂P(f) ≤ −slope·K(f) − offset.

    slope : bits per unit of the estimator. offset : bits. kind : "a-priori" or "envelope".
    complexity : the estimator's name. notes : what the line rests on and what it cannot say.
    """

    slope: float
    offset: float
    kind: Kind
    complexity: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"CodingBound({self.kind}: log2 P <= -{self.slope:.4g} K({self.complexity}) {-self.offset:+.4g})"

    @overload
    def log2(self, complexity: float) -> float: ...
    @overload
    def log2(self, complexity: np.ndarray) -> np.ndarray: ...
    def log2(self, complexity: float | np.ndarray) -> float | np.ndarray:
        """The bound on log₂P in bits at a complexity, or at several."""
        return -self.slope * complexity - self.offset


def coding_bound(table: pd.DataFrame, kind: Kind = "a-priori") -> CodingBound:
    """The bound for a table of `prior_versus_complexity`.

    "a-priori": a = log₂(N_O)/max K and b = 0 (Dingle, Camargo & Louis 2018, Methods), with N_O = 2^points outputs and the
    maximum of K over 10⁵ random strings; nothing of the sample enters. The coding theorem leaves an additive constant
    open, and with b = 0 functions may stand above the line: `notes` says by how much.
    "envelope": the least-squares line through `envelope(table)`, then raised until it bounds these points. It is flatter
    than the truth: counts are cut off at 1/samples, so that of the complex functions only the luckiest show. At 128
    points, 10⁶ draws of the network of Valle-Pérez et al. 2018 give log₁₀P slopes per LZ unit of −0.06 on the raw cloud
    (`raw_slope`), −0.10 on the envelope and −0.225 a priori (max K = 171.5; one of 164.5 would give −0.234).

    Raises InputError where fewer than three complexities have a function drawn 5 times, or all K are 0.
    """
    if kind not in ("a-priori", "envelope"):
        raise InputError(f"kind={kind}: give a-priori or envelope.")
    return _a_priori(table) if kind == "a-priori" else _envelope_bound(table)


def envelope(table: pd.DataFrame, least_count: int = LEAST_COUNT) -> pd.DataFrame:
    """The most probable function of each complexity, where it was drawn at least `least_count` times.

    Columns: complexity (of that function), log2_probability (bits), count, function, functions (how many of this
    complexity were seen); rising in complexity. An estimator with more than 64 values is put into 40 equal bins.
    """
    values = table["complexity"].to_numpy()
    distinct = np.unique(values)
    if len(distinct) <= MOST_VALUES:
        bins = np.searchsorted(distinct, values)
    else:
        bins = np.minimum(((values - distinct[0]) / (distinct[-1] - distinct[0]) * BINS).astype(int), BINS - 1)
    # a table made by hand need not come most frequent first
    order = np.lexsort((-table["count"].to_numpy(), bins))
    _, first, functions = np.unique(bins[order], return_index=True, return_counts=True)
    rows = order[first]
    kept = table["count"].to_numpy()[rows] >= least_count
    points = table.iloc[rows[kept]][["complexity", "log2_probability", "count", "function"]].reset_index(drop=True)
    points["functions"] = functions[kept]
    return points


def raw_slope(table: pd.DataFrame, least_count: int = LEAST_COUNT) -> float:
    """−d log₂P/dK of the least-squares line through all functions drawn `least_count` times or more, in bits per unit.

    NaN where K or P does not vary. The cut-off makes it far too flat, the more so the fewer draws are let in (with the
    singletons it is 0 but for the first digits): read it beside the envelope's and the a priori slope, never alone.
    """
    used = table["count"].to_numpy() >= least_count
    values, log2 = table["complexity"].to_numpy()[used], table["log2_probability"].to_numpy()[used]
    if len(values) < 2 or np.ptp(values) == 0 or np.ptp(log2) == 0:
        return float("nan")
    return float(-np.polynomial.polynomial.polyfit(values, log2, 1)[1])


def _a_priori(table: pd.DataFrame) -> CodingBound:
    points, name = int(table.attrs["points"]), str(table.attrs["complexity"])
    strings = uniform_complexity(points, name)
    largest = float(strings[-1]) if len(strings) else 0.0
    if largest <= 0:
        raise InputError(f"{name} of random strings of {points} point(s) is 0 throughout: there is no a priori slope.")
    slope = points / largest
    notes = [f"a = log2(2^{points})/{largest:g}, the largest {name} of {len(strings)} random strings; b = 0"]
    used = table[table["count"] >= LEAST_COUNT]
    excess = float((used["log2_probability"] + slope * used["complexity"]).max()) if len(used) else 0.0
    if excess > 0:
        notes.append(f"holds up to an additive constant only: functions of this sample stand up to {excess:.1f} bits above it")
    return CodingBound(slope=slope, offset=0.0, kind="a-priori", complexity=name, notes=tuple(notes))


def _envelope_bound(table: pd.DataFrame) -> CodingBound:
    name = str(table.attrs["complexity"])
    upper = envelope(table)
    if len(upper) < LEAST_BINS:
        raise InputError(
            f"only {len(upper)} value(s) of {name} have a function drawn {LEAST_COUNT} times, an envelope needs {LEAST_BINS}: "
            "draw more samples, or take kind=a-priori."
        )
    values, log2 = upper["complexity"].to_numpy(), upper["log2_probability"].to_numpy()
    intercept, gradient = np.polynomial.polynomial.polyfit(values, log2, 1)
    intercept += float(np.max(log2 - intercept - gradient * values))
    notes = (
        f"fitted to the most probable function at each of {len(upper)} complexities, drawn {LEAST_COUNT} times or more",
        f"flatter than the truth: probabilities are cut off at 1/samples = {1 / int(table.attrs['samples']):.3g}",
    )
    return CodingBound(slope=float(-gradient), offset=float(-intercept), kind="envelope", complexity=name, notes=notes)
