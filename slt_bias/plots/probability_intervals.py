"""log₂P of several chosen functions, a row each, with intervals and verdicts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slt_bias.errors import InputError
from slt_bias.plots import styles, verdicts

ROW = 0.36  # inches
ARROW = 0.04  # of the width of the axes


def probability_intervals(table: pd.DataFrame, axes: Axes | None = None, title: str | None = None) -> Axes:
    """A row a function, from top to bottom: log₂P in bits with its interval, the shape of the marker its verdict.

    table : name, log2_probability, log2_low, log2_high, status. An upper limit alone (value NaN or −∞, limit finite) is an arrow
        to the left; what no parameters compute (−∞ with the limit −∞), and what has no number, is said in words.
    Raises InputError for an empty table.
    """
    if not len(table):
        raise InputError("no functions to draw: the table has no rows.")
    axes = axes or styles.new_axes(7.2, 1.8 + ROW * len(table))
    numbers = table[["log2_probability", "log2_low", "log2_high"]].to_numpy(float)
    finite = numbers[np.isfinite(numbers)]
    right = 0.0
    left = min(1.08 * float(np.min(finite, initial=-4.0)) - 1.0, -5.0)
    colour = styles.COLOURS[0]
    drawn = []
    for place, (value, low, high) in enumerate(numbers):
        status = str(table["status"].iloc[place])
        height = len(table) - 1 - place
        if math.isfinite(value):
            axes.plot([max(low, left), min(high, right)], [height, height], color=colour, linewidth=1.6, zorder=3)
            axes.plot([value], [height], zorder=4, clip_on=False, **verdicts.marker(status, colour, 6.5))
            drawn.append(status)
        elif math.isfinite(high) and status != "failed":
            axes.plot([high], [height], marker="|", markersize=11, markeredgewidth=1.6, color=colour, zorder=4)
            axes.annotate(
                "", (high - ARROW * (right - left), height), (high, height), zorder=4,
                arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0},
            )  # fmt: skip
            axes.annotate("upper limit", (high, height), xytext=(6, 0), textcoords="offset points", fontsize=8, va="center")
        else:
            words = "computed by no parameters (proved)" if value == -math.inf and status == "ok" else "no number"
            axes.annotate(words, (0.01, height), xycoords=axes.get_yaxis_transform(), fontsize=8, va="center", color="0.3")
    axes.set_xlim(left, right)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_yticks(range(len(table)), [str(name) for name in table["name"]][::-1], fontsize=9)
    axes.grid(axis="x", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(styles.LOG2_PROBABILITY)
    _tens(axes, left)
    figure = axes.get_figure(root=True)
    if set(drawn) - {"ok"} and isinstance(figure, Figure):
        figure.legend(handles=verdicts.handles(drawn), loc="outside lower center", fontsize=8, frameon=False, ncols=2)
    if title:
        axes.set_title(title, fontsize=10)
    return axes


def _tens(axes: Axes, left: float) -> None:
    """Powers of ten on a second axis above, a factor log₁₀2 apart."""
    factor = math.log10(2)
    powers = axes.twiny()
    powers.set_xlim(left * factor, 0.0)
    powers.set_xlabel("log₁₀ P(f)", fontsize=9)
    powers.tick_params(labelsize=8)
