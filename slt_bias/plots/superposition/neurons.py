"""Neurons as stacked bars, the weights of each feature in each (Elhage et al. 2022, "Superposition in a Privileged Basis").

A bar a neuron; a rectangle a weight, as tall as its absolute value, negative weights below the axis. Features in superposition
are hatched; under each bar a circle for a monosemantic neuron, a triangle for a polysemantic one, a cross for an unused one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

EDGE: dict[str, Any] = {"edgecolor": "0.25", "linewidth": 0.4}
OWN: dict[str, Any] = {"facecolor": "#A6D3F0", **EDGE}
SHARED: dict[str, Any] = {"facecolor": "#F2B84B", "hatch": "/////", "hatch_linewidth": 0.35, **EDGE}
MARKS: dict[str, dict[str, Any]] = {
    "monosemantic": {"marker": "o", "color": "#0072B2"},
    "polysemantic": {"marker": "^", "color": "#D55E00"},
    "unused": {"marker": "x", "color": "0.4"},
}
REACH = 1.5  # where the colours of weights end
SMALLEST_NUMBER = 0.055  # of the axis' height, for a rectangle to carry its feature's number
SMALLEST_DRAWN = 0.004  # of the axis' height


@dataclass(frozen=True, eq=False)
class Neurons:
    """One model.

    weights : (hidden, features). shared : which features are in superposition, (features,).
    kinds : "monosemantic", "polysemantic" or "unused" for each neuron, (hidden,).
    """

    title: str
    weights: np.ndarray
    shared: np.ndarray
    kinds: Sequence[str]


def small_models(models: Sequence[Neurons], title: str) -> Figure:
    """A column a model: W as a heat map over its stacked bars, with the number of the feature on each rectangle."""
    figure = Picture(figsize=(max(6.4, 1.75 * len(models) + 0.9), 5.6), layout="constrained")
    grid = figure.subplots(2, len(models), squeeze=False, height_ratios=(1, 1.15), sharey="row")
    low, high = _limits(models)
    colours: dict[str, Any] = {"cmap": "RdBu_r", "norm": Normalize(-REACH, REACH)}
    for number, (model, upper, lower) in enumerate(zip(models, *grid, strict=True)):
        picture = upper.imshow(model.weights.T, aspect="auto", interpolation="nearest", **colours)
        rows, columns = np.nonzero(model.weights.T < -0.1)
        upper.plot(columns, rows, ".", color="black", markersize=2.5)
        upper.set_title(model.title, fontsize=9)
        upper.set_xticks(range(len(model.weights)))
        upper.set_yticks(range(model.weights.shape[1]))
        upper.tick_params(labelsize=7, length=2)
        lower.set_ylim(low, high)
        _stack(lower, model, numbers=True)
        lower.set_xlabel("neuron k", fontsize=8)
        if number == 0:
            upper.set_ylabel("feature i", fontsize=9)
            lower.set_ylabel("weights, stacked", fontsize=9)
    bar = figure.colorbar(picture, ax=list(grid[0]), pad=0.01, aspect=14, extend="both")
    bar.set_label("weight (dot: below −0.1)", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    _legend(figure, "numbers: the feature of a weight")
    figure.suptitle(title, fontsize=11)
    return figure


def large_models(models: Sequence[Neurons], title: str, label: str) -> Figure:
    """A row a model: stacked bars of |weights|, neurons from left to right as given; label : of the vertical axes."""
    figure = Picture(figsize=(9.0, 1.45 * len(models) + 1.1), layout="constrained")
    grid = figure.subplots(len(models), 1, squeeze=False, sharex=True)[:, 0]
    for model, axes in zip(models, grid, strict=True):
        plain = Neurons(model.title, np.abs(model.weights), model.shared, model.kinds)
        axes.set_ylim(*_limits([plain]))
        _stack(axes, plain, numbers=False)
        axes.set_title(model.title, fontsize=9, loc="left", pad=3)
        axes.set_xticks(range(0, len(model.weights), 5))
    grid[-1].set_xlabel("neuron, sorted by the most important of its features", fontsize=9)
    figure.supylabel(label, fontsize=9)
    _legend(figure, None)
    figure.suptitle(title, fontsize=11)
    return figure


def neuron_counts(densities: np.ndarray, counts: dict[str, np.ndarray], claimed: str, label: str, title: str) -> Figure:
    """Numbers (densities, seeds) of neurons or features against density, the best seed first: lines = best, hollow = all seeds.

    The area of a hollow mark is the share of the seeds with that number. counts : a curve a name.
    claimed : what the source says, printed below the title; empty for nothing.
    """
    axes = styles.new_axes(6.4, 4.4)
    for number, (name, values) in enumerate(counts.items()):
        style = styles.line_style(number)
        places = densities * 10 ** (0.02 * ((len(counts) - 1) / 2 - number))  # side by side
        axes.plot(places, values[:, 0], label=f"{name} (best seed)", markersize=4, linewidth=1.4, zorder=3, **style)
        for place, seeds in zip(places, values, strict=True):
            found, hits = np.unique(seeds, return_counts=True)
            sizes = 150 * hits / len(seeds)
            colours = {"edgecolors": style["color"], "facecolors": "none"}
            axes.scatter([place] * len(found), found, s=sizes, marker=style["marker"], **colours)
    axes.plot([], [], "o", markersize=8, markeredgecolor="0.4", markerfacecolor="none", label="hollow: all seeds, area = share")
    axes.set_xscale("log")
    axes.invert_xaxis()
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("density 1−S   (dense → sparse)")
    axes.set_ylabel(label)
    axes.set_title(f"{title}\n{claimed}" if claimed else title, fontsize=10)
    styles.legend_below(axes)
    return axes.get_figure(root=True)  # type: ignore[return-value]


def _stack(axes: Axes, model: Neurons, numbers: bool) -> None:
    low, high = axes.get_ylim()
    height = high - low
    for neuron, row in enumerate(model.weights):
        tops = {True: 0.0, False: 0.0}  # of the weights above and below the axis
        for feature in np.argsort(-np.abs(row), kind="stable"):
            value = float(row[feature])
            if abs(value) < SMALLEST_DRAWN * height:
                break
            style = SHARED if model.shared[feature] else OWN
            axes.bar(neuron, value, bottom=tops[value > 0], width=0.8, **style)
            if numbers and abs(value) > SMALLEST_NUMBER * height:
                text = axes.text(neuron, tops[value > 0] + value / 2, str(feature), ha="center", va="center", fontsize=7)
                text.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6, "boxstyle": "round,pad=0.1"})
            tops[value > 0] += value
    axes.axhline(0, color="0.2", linewidth=0.6)
    at = low + 0.05 * height
    for neuron, kind in enumerate(model.kinds):
        axes.plot([neuron], [at], linestyle="none", markersize=4 if len(model.kinds) > 12 else 6, **MARKS[kind])
    axes.set_xlim(-0.7, len(model.weights) - 0.3)
    axes.tick_params(labelsize=7, length=2)


def _limits(models: Sequence[Neurons]) -> tuple[float, float]:
    """Limits that hold all bars, with room for the marks below."""
    high = float(max(np.maximum(model.weights, 0).sum(1).max() for model in models))
    low = float(min(np.minimum(model.weights, 0).sum(1).min() for model in models))
    room = 0.13 * max(high - low, 1e-9)
    return low - room, high + 0.3 * room


def _legend(figure: Figure, note: str | None) -> None:
    entries: list[Any] = [
        Patch(label="feature with its own dimension", **OWN),
        Patch(label="feature in superposition", **SHARED),
        *(Line2D([], [], linestyle="none", markersize=6, label=f"{kind} neuron", **style) for kind, style in MARKS.items()),
    ]
    if note:
        entries.append(Line2D([], [], linestyle="none", label=note))
    columns = len(entries) if figure.get_figwidth() > 12 else 3 if figure.get_figwidth() > 8 else 2
    figure.legend(handles=entries, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)
