"""Figures of experiments on correlated and anticorrelated sets: seeds as arrows, and shares of arrangements over densities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture
from slt_bias.plots.superposition.arrows import arrow_panels

COLUMNS = 8  # panels in a row
# of arrangements: a colour, line and marker each, the same in all figures
WORDS = ("orthogonal", "side by side", "opposite", "collapsed", "opposite sides", "feature lost", "other")
RING: dict[str, Any] = {"s": 130, "facecolors": "none", "edgecolors": "black", "linewidths": 1.2}


def best_first(
    weights: np.ndarray, groups: np.ndarray, titles: Sequence[str], names: Sequence[str], title: str, columns: int = COLUMNS
) -> Figure:
    """Seeds as arrows, a panel each in the order given: weights (panels, 2, features), the set of each feature, sets' names."""
    figure = arrow_panels(weights, groups, titles, columns, names)
    figure.suptitle(title, fontsize=10)
    return figure


def shares_of_seeds(table: pd.DataFrame, problems: Sequence[str]) -> Figure:
    """Fraction of seeds with each arrangement over the density, an axes a problem; a ring marks that of the best seed.

    table : problem, density, arrangement, fraction, low, high, best.
    """
    figure = Picture(figsize=(4.6 * len(problems), 4.1), layout="constrained")
    grid = figure.subplots(1, len(problems), sharey=True, squeeze=False)[0]
    handles = {}
    for axes, problem in zip(grid, problems, strict=True):
        for line, word in _lines(axes, table[table["problem"] == problem]):
            handles[word] = line
        axes.set(title=problem, xscale="log", ylim=(-0.04, 1.06), xlabel="density of a set  (probability that it is on)")
        densities = sorted(table.loc[table["problem"] == problem, "density"].unique())
        axes.set_xticks(densities, [f"{density:g}" for density in densities])
        axes.xaxis.set_minor_formatter(NullFormatter())
    grid[0].set_ylabel("fraction of seeds  (95 % intervals)")
    words = [word for word in WORDS if word in handles]
    ring = grid[0].scatter([], [], **RING, label="of the best seed")
    entries: list[Any] = [*(handles[word] for word in words), ring]
    figure.legend(handles=entries, loc="outside lower center", ncols=4, fontsize=9, frameon=False)
    return figure


def _lines(axes: Axes, table: pd.DataFrame) -> Iterator[tuple[ErrorbarContainer, str]]:
    for word in WORDS:
        part = table[table["arrangement"] == word].sort_values("density")
        if part.empty:
            continue
        # beside one another: intervals of different words at one density must not lie on each other
        place = part["density"].to_numpy() * 1.03 ** (WORDS.index(word) - 2)
        error = np.abs(part[["low", "high"]].to_numpy().T - part["fraction"].to_numpy())
        style = {"capsize": 2, "markersize": 5, "linewidth": 1.2, **styles.line_style(WORDS.index(word))}
        line = axes.errorbar(place, part["fraction"], yerr=error, label=word, **style)
        rings = part["best"].to_numpy(bool)
        axes.scatter(place[rings], part["fraction"][rings], **RING, zorder=4)
        yield line, word
