"""How far the priors of a comparison are from the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slt_bias import compare
from slt_bias.compare import Distance
from slt_bias.functions import same_points
from slt_bias.workflows.measured import Measured


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two maps whose functions are labellings of the same points, and how far apart they are."""

    a: Measured
    b: Measured
    distance: Distance

    def summary(self) -> dict[str, Any]:
        """Both distances with their intervals and verdicts."""
        row: dict[str, Any] = {"a": self.a.label, "b": self.b.label, "functions_both": self.distance.functions_both}
        for name in ("total_variation", "kullback_leibler"):
            estimate = getattr(self.distance, name)
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            row |= {f"{name}_status": estimate.status, f"{name}_reasons": list(estimate.reasons)}
        return row


def distances(measured: list[Measured]) -> list[Pair]:
    """The first map paired with each other one on the same points."""
    first, *others = measured
    fitting = [each for each in others if same_points(first.map.inputs, each.map.inputs)]
    return [Pair(a=first, b=each, distance=compare.distance(first.counts, each.counts, limit=1)) for each in fitting]
