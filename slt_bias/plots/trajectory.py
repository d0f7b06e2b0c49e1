"""Loss and learning coefficient along training (compare Lau et al. 2023; Hoogland et al. 2024, arXiv 2402.02364)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slt_bias.errors import InputError
from slt_bias.plots import styles, verdicts
from slt_bias.plots.picture import Picture


def trajectory(
    runs: Mapping[str, pd.DataFrame],
    loss_label: str = "training loss\n(nats an example)",
    step_label: str = "training step",
    logarithmic: bool = False,
    title: str | None = None,
) -> Figure:
    """The loss above and λ̂ with its band below, on one axis of steps; a run (a seed) has a colour and a line of its own.

    runs : label → table of `workflows.training.trajectory`: step, loss, value, low, high, status. The marker's shape is the
    verdict at that checkpoint. logarithmic : the axis of steps from 1 on. Raises InputError for no runs.
    """
    if not runs:
        raise InputError("no runs to draw: give a mapping from labels to tables.")
    figure = Picture(figsize=(7.4, 6.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.0, 1.5))
    entries = []
    for number, (label, table) in enumerate(runs.items()):
        style = styles.line_style(number)
        line = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.3}
        step = table["step"].to_numpy(float)
        upper.plot(step, table["loss"], **line)
        value, low, high = (table[name].to_numpy(float) for name in ("value", "low", "high"))
        lower.plot(step, value, zorder=2, **line)
        lower.fill_between(step, low, high, color=style["color"], alpha=0.18, linewidth=0, zorder=1)
        verdicts.points(lower, step, table, style["color"], whiskers=False, series=number)
        entries.append(Line2D([], [], **line, label=label))
    if logarithmic:
        lower.set_xscale("symlog", linthresh=1, linscale=0.4)
        lower.set_xlim(left=-0.3)
    if all((table["loss"] > 0).all() for table in runs.values()):
        upper.set_yscale("log")
    upper.set_ylabel(loss_label, fontsize=9)
    lower.set_ylabel(verdicts.LEARNING_COEFFICIENT, fontsize=9)
    lower.set_xlabel(step_label)
    if any((table["value"] < 0).any() for table in runs.values()):
        lower.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    entries += verdicts.handles(status for table in runs.values() for status in table["status"])
    figure.legend(handles=entries, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
