"""The report of `slt-bias llc`: one HTML file with its figures inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slt_bias.files import write_text
from slt_bias.workflows.learning_coefficient_figures import Shown
from slt_bias.workflows.report import bracketed, render, shown

METHODS = {
    "fast": "one temperature, a stochastic-gradient thermostat whose step comes from a Metropolis-corrected pilot run",
    "reference": "Hamiltonian Monte Carlo with replica exchange over a ladder of temperatures, and a fit of λ and m over them",
    "volume": "volumes V(ε) ≃ C ε^λ (ln 1/ε)^(m−1) of parameters whose loss exceeds L(w*) by at most ε, by multilevel splitting",
}


def write_report(path: Path, summary: dict[str, Any], figures: Sequence[Shown]) -> Path:
    """Fill the template and write it, whole or not at all."""
    rows = [row | {"shown": bracketed(row["learning_coefficient"], row["low"], row["high"])} for row in summary["estimates"]]
    page = render(
        "learning_coefficient.html",
        summary=summary,
        rows=rows,
        method=METHODS[summary["method"]],
        figures=shown({each.name: each.file for each in figures}, {each.name: each.caption for each in figures}),
    )
    return write_text(path, page)
