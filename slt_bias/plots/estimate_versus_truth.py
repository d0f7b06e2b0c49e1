"""Estimates of λ against the exact values: is the method right where the answer is known?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slt_bias.plots import styles, verdicts
from slt_bias.plots.picture import Picture

WIDE = 8.0  # largest λ over the smallest: from here on logarithmic axes
APART = 0.012  # of the axis between the groups of one truth, so that whiskers do not cover each other


def estimate_versus_truth(table: pd.DataFrame, group: str = "method", title: str | None = None) -> Figure:
    """λ̂ against λ (above) and λ̂ − λ in percent of λ (below), a colour and a line a group, a marker's shape a verdict.

    table : truth (> 0), value, low, high, status, and the column `group`; without that column all are one group.
    """
    figure = Picture(figsize=(6.6, 7.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.0, 1.0))
    names = list(dict.fromkeys(table[group])) if group in table else [""]
    truths = table["truth"].to_numpy(float)
    logarithmic = truths.max() > WIDE * truths.min()
    entries = []
    for number, name in enumerate(names):
        rows = table[table[group] == name] if group in table else table
        colour = styles.COLOURS[number % len(styles.COLOURS)]
        truth = rows["truth"].to_numpy(float)
        offset = (number - (len(names) - 1) / 2) * APART
        x = truth * math.exp(3 * offset) if logarithmic else truth + offset * (np.ptp(truths) or truths[0])
        percent = {name: (rows[name] / truth - 1) * 100 for name in ("value", "low", "high")}
        verdicts.points(upper, x, rows, colour)
        verdicts.points(lower, x, rows.assign(**percent), colour)
        line = {"color": colour, "linestyle": styles.LINES[number % len(styles.LINES)], "linewidth": 0.9}
        order = np.argsort(x)
        lower.plot(x[order], percent["value"].to_numpy()[order], zorder=2, **line)
        if name:
            entries.append(Line2D([], [], **line, label=str(name)))
    ends = np.array([truths.min(), truths.max()])
    span = ends * [0.8, 1.25] if logarithmic else ends + np.array([-0.05, 0.05]) * (np.ptp(ends) or ends[0])
    upper.plot(span, span, zorder=1, **verdicts.TRUTH)
    lower.axhline(0, zorder=1, **verdicts.TRUTH)
    if logarithmic:
        upper.set_xscale("log")
        upper.set_yscale("log")
    entries.append(Line2D([], [], **verdicts.TRUTH, label="equal"))
    upper.set_ylabel(verdicts.LEARNING_COEFFICIENT)
    lower.set_ylabel("error  (% of λ)")
    lower.set_xlabel("exact λ")
    entries += verdicts.handles(table["status"])
    figure.legend(handles=entries, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure
