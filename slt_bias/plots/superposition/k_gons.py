"""Runs of the one-hot model between the levels of the k-gons, and all critical points over the number of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon as Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

LOSS_TICKS = (0.05, 0.07, 0.1, 0.15, 0.2, 0.3)
CLOSEST = 0.075  # of the height of the axes, between two names
ICON, SLIM = 0.026, 1.75  # a vertex's distance from the middle, of the height; height over width of the axes beside
COLUMNS = (0.28, 0.46, 0.68, 0.84)  # name, loss, λ, λ̂


def runs(paths: pd.DataFrame, along: pd.DataFrame, levels: pd.DataFrame) -> Figure:
    """Loss over training, and the levels that are minima with name, λ and sampled λ̂; λ̂ of the runs below.

    Below that the share of runs whose verdict gives a number.

    paths : seed, step, loss, name. along : seed, step, name, value (NaN where refused). levels : name, vertices, positive, loss,
    exact (λ; NaN for saddles, which are not drawn), sampled (λ̂, or NaN).
    """
    figure = Picture(figsize=(9.4, 7.6), layout="constrained")
    grid = figure.subplots(3, 2, sharex="col", height_ratios=(4.6, 2.2, 0.8), width_ratios=(2.6, 1))
    (upper, names), (lower, values), (share, empty) = grid
    for axes in (names, values, empty):
        axes.axis("off")
        axes.set(xlim=(0, 1), ylim=(0, 1))
    minima = levels[levels["exact"].notna()]
    groups = [str(name) for name in _finals(paths).value_counts().index]
    _losses(upper, paths, groups)
    upper.set_yscale("log")
    upper.set(ylim=(0.043, 0.36), ylabel="loss L  (squared error, no factor ½)")
    upper.yaxis.set_major_locator(FixedLocator(LOSS_TICKS))
    upper.yaxis.set_minor_locator(NullLocator())
    upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _names(upper, names, minima)
    _coefficients(lower, values, along, minima, groups)
    _shares(share, along)
    upper.set_xscale("log")
    share.set_xlim(paths["step"].min(), 1.12 * paths["step"].max())
    share.set_xlabel("step of training (Adam, exact gradients)")
    handles = [
        Line2D([], [], color=style["color"], linestyle=style["linestyle"], label=f"ends at {name}")
        for name, style in ((name, styles.line_style(number)) for number, name in enumerate(groups))
    ]
    upper.legend(handles=handles, loc="lower left", fontsize=8, frameon=True, framealpha=0.9)
    return figure


def _finals(paths: pd.DataFrame) -> pd.Series:
    return paths[paths["step"] == paths["step"].max()].set_index("seed")["name"]


def _losses(axes: Axes, paths: pd.DataFrame, groups: list[str]) -> None:
    table = paths.pivot(index="seed", columns="step", values="loss")
    finals = _finals(paths).loc[table.index]
    steps = table.columns.to_numpy(float)
    for number, name in enumerate(groups):
        style = styles.line_style(number)
        rows = table[finals == name].to_numpy()
        lines = [np.column_stack([steps, row]) for row in rows]
        axes.add_collection(
            LineCollection(lines, colors=style["color"], linestyles=style["linestyle"], linewidths=0.7, alpha=0.45, zorder=3)
        )


def _names(axes: Axes, beside: Axes, minima: pd.DataFrame) -> None:
    """Lines across, and beside the axes polygon, name and numbers of each level, moved apart where they would overlap."""
    low, high = np.log(axes.get_ylim())
    levels = minima.sort_values("loss")
    places = (np.log(levels["loss"].to_numpy()) - low) / (high - low)
    for row, place, at in zip(levels.to_dict("records"), places, _apart(places, CLOSEST), strict=True):
        axes.axhline(row["loss"], color="0.55", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        beside.plot([-0.06, 0.04, 0.08], [place, at, at], color="0.55", linewidth=0.7, clip_on=False)
        angles = np.pi / 2 + 2 * np.pi * np.arange(row["vertices"]) / row["vertices"]
        corners = np.array([0.17, at]) + ICON * np.column_stack([SLIM * np.cos(angles), np.sin(angles)])
        beside.add_patch(Patch(corners, closed=True, facecolor="0.85", edgecolor="black", linewidth=1.0))
        beside.plot(corners[:, 0], corners[:, 1], ".", color="black", markersize=4)
        sampled = "" if np.isnan(row["sampled"]) else f"{row['sampled']:.2f}"
        texts = row["name"], f"{row['loss']:.4f}", f"{row['exact']:.1f}", sampled
        for x, text in zip(COLUMNS, texts, strict=True):
            beside.text(x, at, text, va="center", ha="left", fontsize=8)
    for x, text in zip(COLUMNS, ("k-gon", "L", "λ", "λ̂"), strict=True):
        beside.text(x, 0.97, text, va="center", ha="left", fontsize=9)


def _apart(places: np.ndarray, closest: float) -> np.ndarray:
    """Ascending places moved as little as it takes to be `closest` apart: pools of neighbours, each centred on its members."""
    pools: list[list[float]] = []
    for place in places:
        pools.append([place])
        while len(pools) > 1 and _bottom(pools[-1], closest) < _bottom(pools[-2], closest) + closest * len(pools[-2]):
            pools[-2:] = [pools[-2] + pools[-1]]
    return np.concatenate([_bottom(pool, closest) + closest * np.arange(len(pool)) for pool in pools])


def _bottom(pool: list[float], closest: float) -> float:
    return float(np.mean(pool)) - closest * (len(pool) - 1) / 2


def _coefficients(axes: Axes, beside: Axes, along: pd.DataFrame, minima: pd.DataFrame, groups: list[str]) -> None:
    axes.set(ylim=(6.2, 10.2), ylabel="λ̂ at w  (nβ = $10^5$, ½L)")
    good = along[along["value"].notna()]
    for number, name in enumerate(groups):
        style = styles.line_style(number)
        part = good[good["name"] == name]
        shift = 1.0 + 0.022 * (number - (len(groups) - 1) / 2)
        axes.plot(part["step"] * shift, part["value"], linestyle="none", marker=style["marker"], color=style["color"],
                  markersize=3, alpha=0.35, zorder=3)  # fmt: skip
        middle = part.groupby("step")["value"].median()
        axes.plot(middle.index * shift, middle, linestyle="none", marker=style["marker"], markersize=7, markerfacecolor="white",
                  markeredgecolor=style["color"], markeredgewidth=1.6, zorder=4, label=f"median, at {name}")  # fmt: skip
    for value in sorted({float(value) for value in minima["exact"] if value >= 6.5}):
        names = ", ".join(minima.loc[minima["exact"] == value, "name"])
        axes.axhline(value, color="0.55", linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        place = axes.transLimits.transform((0, value))[1]
        beside.text(-0.03, place, f"λ = {value:g}:  {names}", va="center", fontsize=8)
    if len(good):
        axes.legend(loc="upper left", fontsize=8, frameon=False)


def _shares(axes: Axes, along: pd.DataFrame) -> None:
    share = along["value"].notna().groupby(along["step"]).mean()
    axes.vlines(share.index, 0, share, color="0.4", linewidth=5)
    axes.set(ylim=(0, 1.15), ylabel="share with\na number", yticks=(0, 0.5, 1))
    axes.tick_params(axis="y", labelsize=8)


def critical_points(table: pd.DataFrame) -> Figure:
    """The loss of every class of critical points over the number of features; k-gons that are minima are named.

    table : features, name, loss, kind (minimum or saddle).
    """
    counts = sorted(table["features"].unique())
    figure = Picture(figsize=(8.6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    kinds: list[tuple[pd.DataFrame, str, dict[str, Any]]] = [
        (table[table["kind"] == "saddle"], "saddle", {"color": "0.6", "marker": "_", "markersize": 9, "markeredgewidth": 0.6}),
        (table[(table["kind"] == "minimum") & (table["name"] != "")], "minimum: a k-gon",
         {"color": styles.COLOURS[0], "marker": "o", "markersize": 5}),
        (table[(table["kind"] == "minimum") & (table["name"] == "")], "minimum: no k-gon",
         {"color": styles.COLOURS[1], "marker": "x", "markersize": 6, "markeredgewidth": 1.4}),
    ]  # fmt: skip
    shifts = (0.0, 0.0, 0.16)
    for (part, label, style), shift in zip(kinds, shifts, strict=True):
        axes.plot(part["features"] + shift, part["loss"], linestyle="none", label=f"{label} ({len(part)})", **style)
    named = kinds[1][0]
    for count in counts:
        part = named[named["features"] == count].sort_values("loss")
        places = _apart(part["loss"].to_numpy() / 0.35, 0.026) * 0.35
        for name, loss, at in zip(part["name"], part["loss"], places, strict=True):
            line = {"arrowstyle": "-", "color": "0.5", "linewidth": 0.4, "shrinkA": 1, "shrinkB": 3}
            axes.annotate(name, (count, loss), (count - 0.42, at), fontsize=7, va="center", ha="left", arrowprops=line)
    axes.set(xlabel="features c", ylabel="loss L  (squared error, no factor ½)", xticks=counts, ylim=(-0.012, 0.35))
    axes.set_xlim(counts[0] - 0.6, counts[-1] + 0.5)
    axes.legend(loc="lower right", fontsize=8)
    return figure
