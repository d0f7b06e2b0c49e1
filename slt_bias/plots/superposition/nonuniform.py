"""One feature of another density: the geometries followed as arrows, and the curves of their losses with the runs of seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture
from slt_bias.plots.superposition.arrows import draw_arrows, group_handles, limit

PANEL = 1.2  # inches a side
LOWEST = "black"
RELATIVE = "density of one feature relative to the others"
TICKS = (0.1, 0.2, 0.4, 1, 2, 4, 10)


def followed_arrows(relative: np.ndarray, rows: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Figure:
    """A row for each geometry: its name, weights (columns, 2, features) and losses (columns,), NaN where it is no minimum.

    The varied feature is number 0. A thick frame marks the lower loss of a column.
    """
    figure = Picture(
        figsize=(PANEL * len(relative) + 0.7, (PANEL + 0.35) * len(rows) + 0.6),
        layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.04, wspace=0.02, hspace=0.02),
    )
    grid = figure.subplots(len(rows), len(relative), squeeze=False)
    groups = np.zeros(rows[0][1].shape[-1], int)
    groups[0] = 1
    reach = limit(np.stack([weights for _, weights, _ in rows]))
    losses = np.stack([each for _, _, each in rows])
    best = np.where(np.isfinite(losses), losses, np.inf).argmin(0)
    for number, (axes_row, (name, weights, loss)) in enumerate(zip(grid, rows, strict=True)):
        axes_row[0].set_ylabel(name.replace(", ", ",\n"), fontsize=8)
        for column, axes in enumerate(axes_row):
            if np.isfinite(loss[column]):
                draw_arrows(axes, weights[column], groups, reach)
                axes.set_xlabel(f"loss {loss[column]:.5f}", fontsize=8)
            else:
                axes.set(xticks=(), yticks=(), xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
                axes.text(0, 0, "no\nminimum", ha="center", va="center", fontsize=8, color="0.35")
            lower = number == best[column]
            for spine in axes.spines.values():
                spine.set(color=LOWEST if lower else "0.8", linewidth=2.2 if lower else 0.8)
            if number == 0:
                axes.set_title(f"{relative[column]:.2g}×", fontsize=9)
    figure.suptitle("density of the varied feature, times that of the others;  thick frame: the lower loss", fontsize=9)
    names = ["the other features", "the varied feature"]
    figure.legend(handles=group_handles(names), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def loss_curves(
    curves: pd.DataFrame, seeds: pd.DataFrame, shares: pd.DataFrame, crossing: float | None, paper: float
) -> Figure:
    """Above: each geometry's loss with the runs from random starts; below: the fraction of the runs in each geometry.

    curves : relative_density, curve, loss (NaN where there is none). seeds : relative_density, loss, geometry. shares :
    relative_density, geometry, fraction, low, high. crossing, paper : relative densities, ours (None for none) and the paper's.
    """
    figure = Picture(figsize=(7.2, 7.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    names = list(dict.fromkeys([*curves["curve"], *seeds["geometry"]]))
    look = {name: styles.line_style(number) for number, name in enumerate(names)}
    for name, part in curves.groupby("curve", sort=False):
        style = {**look[name], "marker": ""}
        upper.plot(part["relative_density"], part["loss"], linewidth=1.8, label=f"{name}: followed", **style)
        reached = part.dropna(subset=["loss"]).sort_values("relative_density")
        if len(reached) < len(part):
            end = reached.iloc[0 if reached["relative_density"].iloc[0] > part["relative_density"].min() else -1]
            upper.plot(end["relative_density"], end["loss"], "|", color=style["color"], markersize=16, markeredgewidth=2)
            at = (end["relative_density"], end["loss"])
            upper.annotate("no minimum\nbeyond", at, (-4, 10), textcoords="offset points", ha="center", size=8)
    for name, part in seeds.groupby("geometry", sort=False):
        upper.plot(
            part["relative_density"],
            part["loss"],
            linestyle="none",
            marker=look[name]["marker"],
            color=look[name]["color"],
            markerfacecolor="none",
            markersize=5,
            alpha=0.75,
            label=f"{name}: random starts",
        )
    if crossing is not None:
        upper.axvline(crossing, color="0.2", linewidth=1, label=f"crossing, {crossing:.4f}")
        lower.axvline(crossing, color="0.2", linewidth=1)
    upper.axvline(paper, label=f"paper: about {paper:g}", **styles.FLOOR_STYLE)
    lower.axvline(paper, **styles.FLOOR_STYLE)
    for name, part in shares.groupby("geometry", sort=False):
        reach = np.maximum([part["fraction"] - part["low"], part["high"] - part["fraction"]], 0)
        lower.errorbar(part["relative_density"], part["fraction"], reach, markersize=4, linewidth=1.2, capsize=2, **look[name])
    upper.set(xscale="log", yscale="log", ylabel="loss  Σᵢ E(xᵢ − x'ᵢ)²")
    lower.set(ylabel="fraction of random starts\n(95 % intervals)", xlabel=RELATIVE, ylim=(-0.04, 1.04))
    lower.xaxis.set_major_locator(FixedLocator(TICKS))
    lower.xaxis.set_minor_locator(NullLocator())
    lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    figure.legend(*upper.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure
