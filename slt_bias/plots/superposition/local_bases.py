"""Figures of the experiment on locally orthogonal bases: W and WᵀW as heat maps, and cosines over the density."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

MAP = {"cmap": "RdBu_r", "vmin": -1.1, "vmax": 1.1, "interpolation": "nearest"}


def bases(weights: np.ndarray, size: int, title: str) -> Figure:
    """W (hidden, features) and WᵀW side by side, one colour scale; the features of the first set are the first `size`."""
    figure = Picture(figsize=(10.4, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.55, 1])
    left.imshow(weights, **MAP)
    image = right.imshow(weights.T @ weights, **MAP)
    left.set(title="$W$", ylabel="hidden dimension", yticks=range(0, len(weights), 3))
    right.set_title("$W^{\\mathrm{T}}W$")
    for axes in (left, right):
        _sets(axes, size, weights.shape[1])
    right.axhline(size - 0.5, color="black", linewidth=1)
    right.set(yticks=_middles(size, weights.shape[1]), yticklabels=["set 1", "set 2"])
    right.tick_params(axis="y", length=0, labelrotation=90)
    for label in right.get_yticklabels():
        label.set_verticalalignment("center")
    figure.colorbar(image, ax=[left, right], label="entry", shrink=0.75)
    figure.suptitle(title, fontsize=10)
    return figure


def ratios(table: pd.DataFrame) -> Figure:
    """Root mean square cosines within and across the sets over the density, a point a seed; table as in the experiment."""
    axes = styles.new_axes(5.6, 4.0)
    densities = sorted(table["density"].unique())
    for number, (column, label) in enumerate((("rms_within", "within a set"), ("rms_across", "across the sets"))):
        style = styles.line_style(number) | {"linestyle": "none"}
        place = table["density"] * (1.04 if number else 0.96)
        axes.plot(place, table[column], alpha=0.55, markersize=5, markeredgewidth=0, **style)
        best = table[table["rank"] == 1].sort_values("density")
        line = styles.line_style(number) | {"markeredgecolor": "black", "markersize": 7}
        axes.plot(best["density"] * (1.04 if number else 0.96), best[column], label=f"{label}; framed: the best seed", **line)
    across = table[table["rank"] == 1].sort_values("density")
    axes.plot(across["density"], across["rms_across"] / 3, label="a third of across, best seed", **styles.FLOOR_STYLE)
    axes.set(xscale="log", xlabel="density of a set  (probability that it is on)", ylabel="root mean square cosine")
    axes.set_ylim(bottom=0)
    axes.set_xticks(densities, [f"{density:g}" for density in densities])
    axes.xaxis.set_minor_formatter(NullFormatter())
    styles.legend_below(axes)
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _sets(axes: Axes, size: int, features: int) -> None:
    axes.axvline(size - 0.5, color="black", linewidth=1)
    axes.set(xticks=_middles(size, features), xticklabels=["set 1", "set 2"], xlabel="feature, by set")
    axes.tick_params(axis="x", length=0)


def _middles(size: int, features: int) -> list[float]:
    return [(size - 1) / 2, (size + features - 1) / 2]
