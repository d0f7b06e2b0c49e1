"""What a model represents from dense to sparse: WᵀW and b as heat maps over bars ‖Wᵢ‖ (Elhage et al. 2022, "Basic Results")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from slt_bias.plots.picture import Picture

COLUMN = 1.75  # inches
ENTRIES: dict[str, Any] = {"cmap": "RdBu_r", "norm": Normalize(-1, 1)}
SUPERPOSED = Normalize(0, 1)
COLOURS = "cividis"
HATCH = "////"
MARKED_FEATURES = 30  # beyond this many, negative entries are too small for a mark
NEGATIVE = -0.1


@dataclass(frozen=True, eq=False)
class Represented:
    """One model: its title, WᵀW (features, features), b, ‖Wᵢ‖ and Σⱼ≠ᵢ(Ŵᵢ·Wⱼ)², each (features,)."""

    title: str
    gram: np.ndarray
    bias: np.ndarray
    norms: np.ndarray
    superposition: np.ndarray


def represented_features(models: Sequence[Represented], title: str, represented: float, shared: float) -> Figure:
    """A column a model: WᵀW with b beside it, and below it the bars ‖Wᵢ‖.

    Bars are coloured by superposition; hatched where it is above `shared`. Dotted line: ‖Wᵢ‖ = `represented`, above which a
    feature counts. Dots mark entries of WᵀW below −0.1 where they are large enough to carry one.
    """
    figure = Picture(figsize=(COLUMN * len(models) + 1.0, 4.7), layout="constrained")
    grid = figure.subplots(2, len(models), squeeze=False, height_ratios=(1.35, 1), sharey="row")
    tallest = 1.1 * max(1.2, *(float(model.norms.max()) for model in models))
    for number, (model, upper, lower) in enumerate(zip(models, *grid, strict=True)):
        _heat_map(upper, model)
        upper.set_title(model.title, fontsize=9)
        _bars(lower, model, shared)
        lower.axhline(represented, color="0.3", linestyle=":", linewidth=0.9)
        lower.set_ylim(0, tallest)
        if number == 0:
            upper.set_ylabel("output feature j", fontsize=9)
            lower.set_ylabel("norm ‖Wᵢ‖", fontsize=9)
    _keys(figure, grid, shared, len(models[0].bias), represented)
    figure.suptitle(title, fontsize=11)
    return figure


def _heat_map(axes: Axes, model: Represented) -> None:
    count = len(model.bias)
    wide = max(1, round(count / 12))  # columns that the bias takes
    picture = np.full((count, count + 2 * wide), np.nan)
    picture[:, :count] = model.gram
    picture[:, count + wide :] = model.bias[:, None]
    axes.imshow(picture, interpolation="nearest", aspect="equal", **ENTRIES)
    if count <= MARKED_FEATURES:
        rows, columns = np.nonzero(model.gram < NEGATIVE)
        axes.plot(columns, rows, linestyle="none", marker=".", markersize=1.6, color="black")
        low = np.flatnonzero(model.bias < NEGATIVE)
        axes.plot(np.full(len(low), count + 1.5 * wide - 0.5), low, linestyle="none", marker=".", markersize=1.6, color="black")
    axes.set_xticks([(count - 1) / 2, count + 1.5 * wide - 0.5], ["WᵀW", "b"], fontsize=8)
    axes.set_yticks(_ticks(count))
    axes.tick_params(labelsize=7, length=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bars(axes: Axes, model: Represented, shared: float) -> None:
    places = np.arange(len(model.norms))
    colours = ScalarMappable(SUPERPOSED, COLOURS).to_rgba(model.superposition)
    few = len(places) <= MARKED_FEATURES
    bars = axes.bar(places, model.norms, width=0.85 if few else 1.0, color=colours, edgecolor="0.2", linewidth=0.3 if few else 0)
    for bar, value in zip(bars, model.superposition, strict=True):
        if value > shared:
            bar.set_hatch(HATCH)
            bar.set_hatch_linewidth(0.5)
    axes.set_xticks(_ticks(len(places)))
    axes.tick_params(labelsize=7, length=2)
    axes.set_xlim(-1, len(places))
    axes.set_xlabel("feature i", fontsize=8)


def _keys(figure: Figure, grid: np.ndarray, shared: float, count: int, represented: float) -> None:
    for row, mapping, text in (
        (grid[0], ScalarMappable(ENTRIES["norm"], ENTRIES["cmap"]), "entry of WᵀW, b"),
        (grid[1], ScalarMappable(SUPERPOSED, COLOURS), "superposition\nΣⱼ≠ᵢ(Ŵᵢ·Wⱼ)²"),
    ):
        bar = figure.colorbar(mapping, ax=list(row), pad=0.01, aspect=14, extend="both" if row is grid[0] else "max")
        bar.set_label(text, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    entries: list[Patch | Line2D] = [
        Patch(facecolor="0.85", edgecolor="0.2", linewidth=0.4, label=f"superposition ≤ {shared:g}"),
        Patch(facecolor="0.85", edgecolor="0.2", linewidth=0.4, hatch=HATCH, label=f"superposition > {shared:g}"),
        Line2D([], [], color="0.3", linestyle=":", linewidth=0.9, label=f"a feature counts above ‖Wᵢ‖ = {represented:g}"),
    ]
    if count <= MARKED_FEATURES:
        entries.append(Line2D([], [], linestyle="none", marker=".", color="black", label=f"entry below −{-NEGATIVE:g}"))
    columns = len(entries) if grid.shape[1] > 4 else 2
    figure.legend(handles=entries, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def _ticks(count: int) -> np.ndarray:
    step = max(5, 5 * round(count / 20))
    return np.arange(0, count, step)
