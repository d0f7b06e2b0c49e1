"""Several architectures side by side, a row a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from slt_bias import prior
from slt_bias.compare.coding_bound import Kind, coding_bound, raw_slope
from slt_bias.compare.entropy_bias import entropy_bias
from slt_bias.compare.prior_versus_complexity import prior_versus_complexity
from slt_bias.compare.uniform_law import uniform_complexity
from slt_bias.errors import InputError, SpecError
from slt_bias.estimate import Estimate, clopper_pearson
from slt_bias.maps.base import Map
from slt_bias.maps.programs import description_bits
from slt_bias.prior import FunctionCounts


def architectures(
    maps: Sequence[Map | str],
    samples: int = 100_000,
    seed: int = 0,
    complexity: str = "lz",
    workers: int | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Draw `samples` functions of each map (a map or its spec) and put `architecture_row` of each below one another.

    Raises what `prior.sample` and `prior_versus_complexity` raise.
    """
    rows = []
    for each in maps:
        counts = prior.sample(each, samples=samples, seed=seed, workers=workers, progress=progress)
        rows.append(architecture_row(counts, complexity=complexity))
    return pd.DataFrame(rows)


def architecture_row(counts: FunctionCounts, table: pd.DataFrame | None = None, complexity: str = "lz") -> dict[str, Any]:
    """What one sample says about its map; `table` is `prior_versus_complexity(counts)` where the caller has it.

    Names that end in _low and _high are intervals (95 %, or the table's own confidence).
    spec, complexity (the estimator), samples, distinct;
    description_bits: an upper bound on K(M), the complexity of the map itself, which is the constant in
        log₂P ≤ −K(f) + K(M) + O(1); from `maps.programs` for the family with its default options, NaN where there is no
        program (your own module or family);
    most_frequent (function) and most_frequent_probability, which allows for the selection;
    constant_0, constant_1: P of the two constants, exact intervals;
    unseen_mass: the probability of all functions not drawn;
    entropy (bits) of the prior, entropy_is_lower_bound: no more than that is known;
    mean_complexity over draws and mean_complexity_error, its standard error; mean_complexity_uniform: over random strings;
    rank_correlation, partial_rank_correlation (given the number of ones) and their rows, see `entropy_bias`;
    a_priori_slope, envelope_slope, raw_slope: bits per unit of K, NaN where there is none;
    notes: why a number is missing or doubtful.
    """
    if table is None:
        table = prior_versus_complexity(counts, complexity)
    name, confidence = str(table.attrs["complexity"]), float(table.attrs["confidence"])
    notes: list[str] = []
    first = table.iloc[0]
    row: dict[str, Any] = {
        "spec": counts.spec,
        "complexity": name,
        "samples": counts.samples,
        "distinct": counts.distinct,
        "description_bits": _description_bits(counts.spec),
        "most_frequent": first["function"],
        "most_frequent_probability": float(first["probability"]),
        "most_frequent_probability_low": float(first["probability_low"]),
        "most_frequent_probability_high": float(first["probability_high"]),
    }
    for value, ones in ((0, 0), (1, counts.points)):
        count = int(table.loc[table["ones"] == ones, "count"].sum())
        low, high = clopper_pearson(count, counts.samples, confidence)
        row |= {f"constant_{value}": count / counts.samples, f"constant_{value}_low": low, f"constant_{value}_high": high}
    row |= _columns("unseen_mass", counts.unseen_mass(confidence), notes)
    entropy = counts.entropy(confidence)
    row |= _columns("entropy", entropy, notes) | {"entropy_is_lower_bound": entropy.status != "ok"}
    weights, values = table["count"].to_numpy() / counts.samples, table["complexity"].to_numpy()
    mean = float(weights @ values)
    row["mean_complexity"] = mean
    row["mean_complexity_error"] = float(np.sqrt(weights @ (values - mean) ** 2 / counts.samples))
    row["mean_complexity_uniform"] = float(uniform_complexity(counts.points, name).mean())
    bias = entropy_bias(table, confidence=confidence)
    row |= _columns("rank_correlation", bias.rank_correlation, notes)
    row |= _columns("partial_rank_correlation", bias.partial_rank_correlation, notes)
    row["rank_correlation_rows"] = bias.rows
    kinds: tuple[Kind, ...] = ("a-priori", "envelope")
    for kind in kinds:
        key = f"{kind.replace('-', '_')}_slope"
        try:
            row[key] = coding_bound(table, kind).slope
        except InputError as error:
            row[key] = float("nan")
            notes.append(f"{key}: {error}")
    row["raw_slope"] = raw_slope(table)
    row["notes"] = "; ".join(notes)
    return row


def _description_bits(spec: str) -> float:
    try:
        return float(description_bits(spec.partition(":")[0]))
    except SpecError:
        return float("nan")


def _columns(name: str, estimate: Estimate, notes: list[str]) -> dict[str, float]:
    notes += [f"{name}: {reason}" for reason in estimate.reasons]
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
