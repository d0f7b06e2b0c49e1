"""The figures of `slt-bias llc` and their captions: which tables go into which plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slt_bias import plots
from slt_bias.llc.reference import HIGHEST_RHAT
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.volume import VolumeScaling
from slt_bias.workflows.training import trajectory_table

MOST_TRACES = 4  # rows of the traces' figure, where there are more checkpoints
NAMES = ("trajectory", "temperatures", "volume", "traces")


@dataclass(frozen=True)
class Shown:
    """A figure as the report shows it: the .png, beside which lies the .svg, and what stands under it."""

    name: str
    file: Path
    caption: str


def draw_figures(
    folder: Path, rows: Sequence[dict[str, Any]], results: Sequence[LearningCoefficient | VolumeScaling]
) -> list[Shown]:
    """Draw and save the figures that these results have; those of an earlier run that they do not have are removed."""
    chains = [result for result in results if isinstance(result, LearningCoefficient)]
    drawn: dict[str, tuple[Figure | Axes, str]] = {}
    if len(chains) > 1:
        table = trajectory_table([row["step"] for row in rows], chains)
        figure = plots.trajectory({"λ̂ with its interval": table}, loss_label="L(w*)\n(nats an example)", step_label="checkpoint")
        drawn["trajectory"] = figure, (
            "Loss and λ̂ at each checkpoint, with the interval of the chains as a band, conditional on the data. The shape of the "
            "marker is the verdict. Across: the number in the file's name, or the order of the files."
        )
    if len(rows) == 1 and chains and chains[0].temperatures is not None:
        drawn["temperatures"] = _temperatures(chains[0], rows[0])
    if len(rows) == 1 and isinstance(results[0], VolumeScaling):
        drawn["volume"] = _volume(results[0])
    if chains:
        drawn["traces"] = _traces(rows, chains)
    for name in NAMES:
        if name not in drawn:
            for suffix in (".png", ".svg"):
                (folder / f"{name}{suffix}").unlink(missing_ok=True)
    return [Shown(name, plots.save(figure, folder / name)[0], caption) for name, (figure, caption) in drawn.items()]


def _temperatures(result: LearningCoefficient, row: dict[str, Any]) -> tuple[Axes, str]:
    assert result.temperatures is not None
    fitted = bool(result.multiplicities)
    limit = (result.value, result.low, result.high) if fitted else None
    caption = (
        "nβ·(E[L] − L(w*)) at each temperature of the ladder, with its interval. "
        + ("The line is the limit nβ → ∞ of the fit λ − (m − 1)/(ln nβ + c) + …, with its interval as a band. " if fitted else "")
        + f"Rungs at which the ladders disagree (R-hat ≥ {HIGHEST_RHAT:g}) enter no fit."
    )
    return plots.temperatures(result.temperatures, limit, row["truth"], HIGHEST_RHAT), caption


def _volume(result: VolumeScaling) -> tuple[Axes, str]:
    curve = pd.DataFrame(
        {
            "log_epsilon": result.log_epsilon,
            "log_volume": result.log_volume,
            "low": result.log_volume_low,
            "high": result.log_volume_high,
        }
    )
    caption = (
        "The share V(ε) of a Gaussian around w* whose loss exceeds L(w*) by ε at most, by multilevel splitting. Its slope "
        "tends to λ; the dashed line has slope λ̂. A multiplicity above 1 bends the curve by (m − 1) log log 1/ε, and the two "
        "part."
    )
    return plots.volume(curve, result.learning_coefficient, result.window), caption


def _traces(rows: Sequence[dict[str, Any]], results: Sequence[LearningCoefficient]) -> tuple[Figure, str]:
    count = min(MOST_TRACES, len(results))
    chosen = sorted({round(place * (len(results) - 1) / max(count - 1, 1)) for place in range(count)})
    panels = []
    for place in chosen:
        row, result = rows[place], results[place]
        title = f"{row['label']}: {len(result.trace)} chains at nβ = {result.inverse_temperature:.4g}, {result.status}"
        limits = (result.value, result.low, result.high)
        fit = bool(result.multiplicities)  # λ̂ is then the fit's limit, which one rung's mean need not meet
        level = (float(result.trace.mean()), float("nan"), float("nan")) if fit else limits
        panels.append(plots.TracePanel(title, result.trace, *level, truth=None if fit else row["truth"]))
    caption = (
        "nβ·(L(w) − L(w*)) at each draw after burn-in, a line a chain (left), and the running mean of each chain (right): chains "
        "that have not found the same place end apart. Grey: the interval."
    )
    if any(result.multiplicities for result in results):
        caption += " Shown is the coldest rung of the ladder, whose mean is not yet the limit."
    if len(chosen) < len(results):
        caption += f" {len(chosen)} of {len(results)} checkpoints are shown; traces.npz has all."
    return plots.traces(panels), caption
