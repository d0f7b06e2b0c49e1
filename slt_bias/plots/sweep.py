"""λ̂ over step sizes and temperatures, with a verdict for each cell: where a number can be trusted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from slt_bias.plots import styles, verdicts

WIDE = 30.0  # largest λ̂ over the smallest: from here on a logarithmic axis


def sweep(table: pd.DataFrame, truth: float | None = None, axes: Axes | None = None, title: str | None = None) -> Axes:
    """λ̂ against the step size, a line a temperature; the marker's shape is the verdict of the cell.

    table : of `sb.llc.sweep`: step_size, inverse_temperature, value, low, high, status. truth : λ where it is known.
    λ̂ is on a logarithmic axis where it spreads over more than a factor of 30 and is positive.
    """
    axes = axes or styles.new_axes(7.4, 5.0)
    entries = []
    for number, (_, rows) in enumerate(table.groupby("inverse_temperature", sort=True)):
        rows = rows.sort_values("step_size")
        temperature = float(rows["inverse_temperature"].iloc[0])
        style = styles.line_style(number)
        line = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.2}
        finite = np.isfinite(rows["value"])
        axes.plot(rows["step_size"][finite], rows["value"][finite], zorder=2, **line)
        verdicts.points(axes, rows["step_size"], rows, style["color"], series=number)
        entries.append(Line2D([], [], **line, label=f"nβ = {_text(temperature)}"))
    axes.set_xscale("log")
    values = table["value"][np.isfinite(table["value"])]
    if len(values) and values.min() > 0 and values.max() > WIDE * values.min():
        axes.set_yscale("log")
    elif len(values):
        _limit(axes, values.to_numpy(), truth)
    if truth is not None:
        axes.axhline(truth, zorder=1, **verdicts.TRUTH)
        entries.append(Line2D([], [], **verdicts.TRUTH, label=f"λ, exact: {truth:.6g}"))
    axes.set_xlabel("step size ε of SGLD")
    axes.set_ylabel(verdicts.LEARNING_COEFFICIENT)
    entries += verdicts.handles(table["status"])
    columns = 1 if len(entries) <= 3 else 2
    axes.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=columns, fontsize=8, frameon=False)
    if title:
        axes.set_title(title, fontsize=10)
    return axes


def _text(temperature: float) -> str:
    return styles.power_of_ten(temperature) if temperature >= 1e4 else f"{temperature:.4g}"


def _limit(axes: Axes, values: np.ndarray, truth: float | None) -> None:
    """The values, not the whiskers of cells with few draws, set the scale; room below for crosses."""
    shown = values if truth is None else np.r_[values, truth]
    room = 0.15 * float(np.ptp(shown)) or 0.2 * abs(float(shown[0])) or 1.0
    axes.set_ylim(float(shown.min()) - 1.5 * room, float(shown.max()) + room)
