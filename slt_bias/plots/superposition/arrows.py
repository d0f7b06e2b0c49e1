"""Arrows in the plane: the columns of W (2, features), coloured and marked by the set that a feature belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

PANEL = 1.45  # inches a side
CIRCLE: dict[str, Any] = {"color": "0.75", "linewidth": 0.7, "linestyle": ":"}


def arrow_panels(
    weights: np.ndarray,
    groups: np.ndarray,
    titles: Sequence[str],
    columns: int,
    names: Sequence[str] | None = None,
    panel: float = PANEL,
) -> Figure:
    """A panel for each of `weights` (panels, 2, features), all to one scale, `columns` in a row; dotted: the unit circle.

    groups : the number of each feature's set, (features,), from 0. titles : one a panel. names : of the sets, for a legend
    below; None for none. panel : inches a side.
    """
    columns = min(columns, len(weights))
    rows = -(-len(weights) // columns)
    lines = max(title.count("\n") + 1 for title in titles)
    size = (panel * columns + 0.1, (panel + 0.17 * lines) * rows + 0.1 + (0.35 if names else 0.0))
    figure = Picture(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.08, wspace=0.02, hspace=0.02))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    reach = limit(weights)
    for axes, matrix, title in zip(grid, weights, titles, strict=False):
        draw_arrows(axes, matrix, groups, reach)
        axes.set_title(title, fontsize=8)
    for axes in grid[len(weights) :]:
        axes.set_visible(False)
    if names:
        figure.legend(handles=group_handles(names), loc="outside lower center", ncols=len(names), fontsize=8, frameon=False)
    return figure


def draw_arrows(axes: Axes, weights: np.ndarray, groups: np.ndarray, reach: float | None = None) -> None:
    """The columns of `weights` (2, features) as arrows from the origin; the axes end at ±reach, by default just beyond them."""
    end = limit(weights) if reach is None else reach
    circle = np.linspace(0, 2 * np.pi, 121)
    axes.plot(np.cos(circle), np.sin(circle), zorder=0, **CIRCLE)
    axes.axhline(0, color="0.9", linewidth=0.6, zorder=0)
    axes.axvline(0, color="0.9", linewidth=0.6, zorder=0)
    for (across, up), group in zip(np.asarray(weights).T, groups, strict=True):
        style = group_style(int(group))
        axes.plot([0, across], [0, up], color=style["color"], linewidth=1.4, solid_capstyle="round", zorder=2)
        axes.plot([across], [up], linestyle="none", markersize=6, markeredgecolor="white", markeredgewidth=0.5, zorder=3, **style)
    axes.set(xlim=(-end, end), ylim=(-end, end), aspect="equal", xticks=(), yticks=())
    for spine in axes.spines.values():
        spine.set_color("0.8")


def limit(weights: np.ndarray) -> float:
    """Where axes end that hold all of these arrows, (…, 2, features), and the unit circle."""
    return 1.15 * max(1.0, float(np.linalg.norm(weights, axis=-2).max(initial=0)))


def group_style(group: int) -> dict[str, Any]:
    """Colour and marker of a set."""
    return {"color": styles.COLOURS[group % len(styles.COLOURS)], "marker": styles.MARKERS[group % len(styles.MARKERS)]}


def group_handles(names: Sequence[str]) -> list[Line2D]:
    """A legend's entries for sets 0, 1, … of these names."""
    return [Line2D([], [], linewidth=1.4, markersize=6, label=name, **group_style(i)) for i, name in enumerate(names)]
