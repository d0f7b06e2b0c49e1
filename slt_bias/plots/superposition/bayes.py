"""The posterior's share of each k-gon over the sample size: a stacked area for each loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture


class Shape(Protocol):
    """A k-gon with its name and loss, such as `subjects.superposition.Polygon`."""

    @property
    def name(self) -> str:
        """Its name, such as "5+"."""

    @property
    def loss(self) -> float:
        """Its level."""


HATCHES = {"4+": "//", "4++": "xx", "5+": "//"}
MARKS: tuple[Any, ...] = (":", "--", "-.")
LABELLED = 0.055  # share from which an area is wide enough for its name


def occupancy(
    table: pd.DataFrame, crossovers: pd.DataFrame, predicted: Mapping[str, float], points: Sequence[Shape], stack: Sequence[str]
) -> Figure:
    """A panel for each loss: shares stacked from the bottom in the order of `stack`, with the crossover that is sampled.

    table : loss, n, name, share, low, high; the interval is drawn at the edge of the last of the stack. crossovers : loss,
    system, n (NaN: none). predicted : label → n of the crossover 5 → 6, lines.
    points : levels for the legend. stack : names from the bottom to the top.
    """
    kinds = table["loss"].unique()
    figure = Picture(figsize=(8.6, 3.6 * len(kinds) + 0.4), layout="constrained")
    panels = figure.subplots(len(kinds), 1, sharex=True, squeeze=False)[:, 0]
    for axes, kind in zip(panels, kinds, strict=True):
        part = table[table["loss"] == kind].pivot(index="name", columns="n", values="share").reindex(list(stack))
        _areas(axes, part)
        _whiskers(axes, table[(table["loss"] == kind) & (table["name"] == stack[-1])])
        own = crossovers.loc[(crossovers["loss"] == kind) & crossovers["n"].notna(), "n"].to_numpy()
        _crossings(axes, own, predicted)
        axes.set(xscale="log", xlim=(part.columns.min(), part.columns.max()), ylim=(0, 1), ylabel="share of the posterior")
        axes.set_title(f"{kind}: posterior ∝ exp(−n·½L) × standard normal", fontsize=10)
    panels[-1].set_xlabel("sample size n")
    levels = {point.name: point.loss for point in points}
    handles = [_patch(name, levels) for name in reversed(list(stack))]
    figure.legend(handles=handles, loc="outside right upper", fontsize=8, frameon=False, title="k-gon (loss)", title_fontsize=8)
    lines = [Line2D([], [], color="black", linestyle=line, label=f"{label}: {n:.0f}") for (label, n), line in _lines(predicted)]
    lines.append(Line2D([], [], color="black", linewidth=1.0, marker="|", linestyle="none", label=f"95 % interval, {stack[-1]}"))
    lines.append(Line2D([], [], color="black", marker="v", linestyle="none", label="sampled, each system"))
    figure.legend(handles=lines, loc="outside lower center", ncols=2, fontsize=8, frameon=False, title="5 → 6 crossover",
                  title_fontsize=8)  # fmt: skip
    return figure


def _colour(name: str) -> tuple[float, float, float]:
    """A colour for each number of vertices, paler with a positive bias."""
    if not name[0].isdigit():
        return (0.6, 0.6, 0.6)
    base = np.array(to_rgb(styles.COLOURS[(int(name[0]) - 2) % len(styles.COLOURS)]))
    share = 1.0 if name[-1].isdigit() else 0.6
    r, g, b = share * base + (1 - share)
    return float(r), float(g), float(b)


def _areas(axes: Axes, part: pd.DataFrame) -> None:
    bottom = np.zeros(part.shape[1])
    steps = part.columns.to_numpy(float)
    for name, row in zip(part.index, part.to_numpy(), strict=True):
        top = bottom + row
        axes.fill_between(steps, bottom, top, facecolor=_colour(name), hatch=HATCHES.get(name), edgecolor="white", linewidth=0.5)
        at = int(np.argmax(np.where((steps > steps[0]) & (steps < steps[-1]), row, -1.0)))
        if row[at] > LABELLED:
            box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
            axes.text(steps[at], (bottom[at] + top[at]) / 2, name, ha="center", va="center", fontsize=9, bbox=box, zorder=5)
        bottom = top


def _whiskers(axes: Axes, part: pd.DataFrame) -> None:
    """The interval of the share at the top, on its lower edge."""
    part = part[np.isfinite(part["low"])]
    axes.vlines(part["n"], 1 - part["high"], 1 - part["low"], color="black", linewidth=1.0, zorder=5)


def _crossings(axes: Axes, own: np.ndarray, predicted: Mapping[str, float]) -> None:
    for (_, n), line in _lines(predicted):
        axes.axvline(n, color="black", linestyle=line, linewidth=1.1, zorder=4)
    axes.plot(own, np.full(len(own), 0.985), "v", color="black", markersize=5, markeredgecolor="white", zorder=6)
    if len(own):
        middle = math.exp(np.log(own).mean())
        axes.annotate(f"sampled: {middle:.0f}", (middle, 0.97), (middle, 0.88), ha="center", fontsize=8, zorder=6,
                      bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85})  # fmt: skip


def _lines(predicted: Mapping[str, float]) -> list[tuple[tuple[str, float], Any]]:
    return [(item, MARKS[number % len(MARKS)]) for number, item in enumerate(predicted.items()) if math.isfinite(item[1])]


def _patch(name: str, levels: Mapping[str, float]) -> Patch:
    label = f"{name}  ({levels[name]:.4f})" if name in levels else name
    return Patch(facecolor=_colour(name), hatch=HATCHES.get(name), edgecolor="white", label=label)
