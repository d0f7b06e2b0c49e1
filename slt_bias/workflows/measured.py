"""One map of a comparison: its draw and everything that is computed from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from slt_bias import compare
from slt_bias.compare import CodingBound, EntropyBias
from slt_bias.compare.coding_bound import Kind
from slt_bias.errors import InputError
from slt_bias.maps.base import FamilyMember
from slt_bias.prior import FunctionCounts
from slt_bias.workflows.landmarks import Landmark, known_names, landmarks, short_table
from slt_bias.workflows.laws import inputs_in_words, law_in_words

FREQUENT = 10
KINDS: tuple[Kind, ...] = ("a-priori", "envelope")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A map, its counts and what follows from them.

    table : the columns complexity and log2_probability of `compare.prior_versus_complexity`, all that the figure needs.
    envelope, histogram, zipf : tables of `compare.envelope`, `compare.complexity_histogram` and the counts.
    row : of `compare.architecture_row`.
    bounds : "a-priori" and "envelope", without those that this draw does not give (`row["notes"]` says why).
    frequent : the most frequent functions as rows: function (shortened), name, ones, complexity, probability with limits.
    """

    label: str
    map: FamilyMember
    counts: FunctionCounts
    file: Path
    table: pd.DataFrame
    envelope: pd.DataFrame
    histogram: pd.DataFrame
    zipf: pd.DataFrame
    row: dict[str, Any]
    bias: EntropyBias
    bounds: dict[str, CodingBound]
    landmarks: list[Landmark]
    frequent: list[dict[str, Any]]

    def summary(self) -> dict[str, Any]:
        """What a program reading summary.json gets of this map; `bias_within` is a row a number of ones."""
        return {
            "label": self.label,
            "counts": str(self.file),
            "law": law_in_words(self.map),
            "inputs": inputs_in_words(self.map),
            "inputs_source": getattr(self.map.inputs, "source", None),
            **self.row,
            "bounds": {kind: asdict(bound) for kind, bound in self.bounds.items()},
            "bias_within": self.bias.within.to_dict("records"),
            "named": [asdict(landmark) for landmark in self.landmarks],
            "frequent": self.frequent,
        }


def measure(map: FamilyMember, label: str, counts: FunctionCounts, file: Path, complexity: str, extra: Sequence[str]) -> Measured:
    """Everything about one map; `extra` are functions to label beside the usual ones."""
    table = compare.prior_versus_complexity(counts, complexity)
    bounds: dict[str, CodingBound] = {}
    for kind in KINDS:
        try:
            bounds[kind] = compare.coding_bound(table, kind)
        except InputError:
            continue  # the row's notes say why
    return Measured(
        label=label,
        map=map,
        counts=counts,
        file=file,
        table=table[["complexity", "log2_probability"]],
        envelope=compare.envelope(table),
        histogram=compare.complexity_histogram(table),
        zipf=counts.zipf(),
        row=compare.architecture_row(counts, table),
        bias=compare.entropy_bias(table),
        bounds=bounds,
        landmarks=landmarks(counts, map.inputs, complexity, extra),
        frequent=_frequent(map, table),
    )


def _frequent(map: FamilyMember, table: pd.DataFrame) -> list[dict[str, Any]]:
    names = known_names(map.inputs)
    columns = ["function", "ones", "complexity", "count", "probability", "probability_low", "probability_high"]
    rows: list[dict[str, Any]] = table[columns].head(FREQUENT).to_dict("records")  # type: ignore[assignment]
    return [row | {"function": short_table(row["function"]), "name": names.get(row["function"], "")} for row in rows]
