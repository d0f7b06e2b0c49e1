"""Figures of the experiment on collapsing sets: a strip of arrows over the density, and the staircase of collapsed sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture
from slt_bias.plots.superposition.arrows import arrow_panels

LARGEST = 0.2  # excess loss to which the lower axes go
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def strip(weights: np.ndarray, groups: np.ndarray, titles: Sequence[str]) -> Figure:
    """The best seed at each density, a panel each, sparse first: weights (panels, 2, features), the set of each feature."""
    figure = arrow_panels(weights, groups, titles, 5, [f"pair {number + 1}" for number in range(int(groups.max()) + 1)])
    figure.suptitle("best seed at each density 1 − S of a set", fontsize=10)
    return figure


def staircase(summary: pd.DataFrame, paper: Sequence[tuple[int, float, float]]) -> Figure:
    """Collapsed sets of the best seed over the density, with the fractions of the seeds, above the excess losses.

    summary : density, collapsed, seeds, hits_0 … hits_3, loss_0 … loss_3; paper : (collapsed sets, from density, to density).
    """
    figure = Picture(figsize=(6.8, 6.0), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1.4, 1])
    density = summary["density"].to_numpy()
    left, right = density.min() / 1.15, density.max() * 1.15
    for number, (count, low, high) in enumerate(paper):
        span = max(low, left), min(high, right)
        label = "paper's ranges" if number == 0 else None
        top.fill_between(span, count - 0.22, count + 0.22, color="0.88", linewidth=0, zorder=0, label=label)
    for count in range(4):
        part = (summary[f"hits_{count}"] / summary["seeds"]).to_numpy()
        some = part > 0
        top.scatter(
            density[some], np.full(int(some.sum()), count), s=170 * part[some], color=styles.COLOURS[4], linewidths=0, zorder=2
        )
    top.step(density, summary["collapsed"], where="mid", color="black", linewidth=1.3, zorder=3)
    top.plot(density, summary["collapsed"], "x", color="black", markersize=5, zorder=3, label="best seed")
    for share in (0.1, 0.5, 1.0):
        top.scatter([], [], s=170 * share, color=styles.COLOURS[4], linewidths=0, label=f"{share:.0%} of the seeds")
    top.set(yticks=range(4), ylim=(-0.45, 3.45), ylabel="collapsed sets")
    top.legend(loc="upper left", fontsize=8, frameon=False, labelspacing=0.7)
    losses = summary[[f"loss_{count}" for count in range(4)]].to_numpy()
    excess = losses / np.nanmin(losses, axis=1, keepdims=True) - 1
    for count in range(4):
        known = excess[:, count] < LARGEST
        bottom.plot(
            density[known], 100 * excess[known, count], label=f"{count} collapsed", markersize=4, **styles.line_style(count)
        )
    bottom.set(ylabel="loss above the least  (%)", ylim=(-0.7, 115 * LARGEST), xscale="log", xlim=(left, right))
    bottom.set_xlabel("density of a set, 1 − S  (probability that it is on)")
    ticks = [tick for tick in TICKS if left <= tick <= right]
    bottom.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    bottom.xaxis.set_minor_formatter(NullFormatter())
    bottom.legend(loc="upper center", fontsize=8, frameon=False, ncols=4)
    return figure
