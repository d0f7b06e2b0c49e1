"""Several routes to the same λ side by side: stochastic sampling, replica exchange, volumes, and the exact value."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slt_bias.errors import InputError
from slt_bias.plots import styles, verdicts
from slt_bias.plots.picture import Picture

COLUMNS = 2
ROW = 0.42  # inches of a route


def routes(table: pd.DataFrame, title: str | None = None) -> Figure:
    """A panel a system and a row a route: the estimate with its interval, in numbers beside it with its verdict.

    table : system, route, value, low, high, status, and truth (NaN or absent where λ is not known), in the order in which they
    shall appear. Raises InputError for an empty table.
    """
    if not len(table):
        raise InputError("no routes to draw: the table has no rows.")
    systems = list(dict.fromkeys(table["system"]))
    names = list(dict.fromkeys(table["route"]))
    across = min(COLUMNS, len(systems))
    down = -(-len(systems) // across)
    figure = Picture(figsize=(0.6 + 5.0 * across, 0.8 + down * (0.9 + ROW * len(names))), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes, system in zip(grid.flat, systems, strict=False):
        _panel(axes, table[table["system"] == system], names)
        axes.set_title(str(system), fontsize=9, loc="left")
    for axes in grid.flat[len(systems) :]:
        axes.set_axis_off()
    for axes in grid[-1]:
        axes.set_xlabel("λ", fontsize=9)
    entries = verdicts.handles(table["status"])
    if "truth" in table and np.isfinite(table["truth"].to_numpy(float)).any():
        entries.append(Line2D([], [], **verdicts.TRUTH, label="exact"))
    figure.legend(handles=entries, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, names: list[str]) -> None:
    """Routes from top to bottom; the numbers stand above their whisker, where they cover no marker."""
    seen: list[float] = []
    for row in rows.to_dict("records"):
        height = len(names) - 1 - names.index(row["route"])
        value, low, high = (float(row[name]) for name in ("value", "low", "high"))
        colour = styles.COLOURS[names.index(row["route"]) % len(styles.COLOURS)]
        text = "failed"
        if math.isfinite(value):
            axes.plot([low, high], [height, height], color=colour, linewidth=1.6, zorder=3)
            axes.plot([value], [height], zorder=4, **verdicts.marker(row["status"], colour, 6.5))
            text = f"{value:.4g} [{low:.4g}, {high:.4g}]  {row['status']}"
            seen += [edge for edge in (value, low, high) if math.isfinite(edge)]
        else:
            axes.plot([0.5], [height], transform=axes.get_yaxis_transform(), zorder=4, **verdicts.marker("failed", colour, 6.5))
        axes.text(0.02, height + 0.2, text, transform=axes.get_yaxis_transform(), fontsize=7.5, va="bottom", color="0.2")
    truth = float(rows["truth"].iloc[0]) if "truth" in rows else math.nan
    if math.isfinite(truth):
        axes.axvline(truth, zorder=2, **verdicts.TRUTH)
        seen.append(truth)
    if seen:
        room = 0.12 * float(np.ptp(seen)) or 0.1 * abs(seen[0]) or 0.1
        axes.set_xlim(min(seen) - room, max(seen) + room)
    axes.set_yticks(range(len(names)), names[::-1], fontsize=9)
    axes.set_ylim(-0.5, len(names) - 0.25)
