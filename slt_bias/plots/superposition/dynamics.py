"""Figures of the experiment on learning dynamics: dimensionalities over training, and two sets that unfold in space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture
from slt_bias.plots.superposition.arrows import draw_arrows, group_handles, group_style, limit

LETTERS = "ABCDEFGHIJKLMNOP"
MOST_STAGES = 6  # snapshots
ELEVATION, AZIMUTH = 22, -52  # of the view aslant, in degrees
# across and up on the screen, of a view from there
SCREEN = np.array(
    [
        [-np.sin(np.radians(AZIMUTH)), np.cos(np.radians(AZIMUTH)), 0],
        [
            -np.sin(np.radians(ELEVATION)) * np.cos(np.radians(AZIMUTH)),
            -np.sin(np.radians(ELEVATION)) * np.sin(np.radians(AZIMUTH)),
            np.cos(np.radians(ELEVATION)),
        ],
    ]
)


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one number of directions: first and last step, directions, loss at both ends."""

    from_step: int
    to_step: int
    directions: int
    loss_from: float
    loss_to: float


def levels_over_training(
    steps: np.ndarray,
    dimensionality: np.ndarray,
    loss: np.ndarray,
    movement: np.ndarray,
    at_level: np.ndarray,
    levels: Mapping[str, float],
) -> Figure:
    """Dᵢ of every feature, the loss and the movement of the Dᵢ over the step, one above the other.

    steps, loss : (records,); dimensionality : (records, features); movement : (records,), NaN at the first; levels : name → Dᵢ;
    at_level : the number of the level at which each feature ends, −1 for none.
    """
    figure = Picture(figsize=(7.2, 7.8), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[2.4, 1.1, 0.9])
    handles = []
    for number, (name, value) in enumerate([*levels.items(), ("none", float("nan"))]):
        there = at_level == (number if number < len(levels) else -1)
        if there.any():
            style = _ending(number, value)
            top.plot(steps[1:], dimensionality[1:, there], linewidth=0.7, alpha=0.8, **style)
            label = f"ends at {name}: {there.sum()} features" if number < len(levels) else f"ends at no level: {there.sum()}"
            handles.append(Line2D([], [], label=label, **style))
    highest = max(0.55, float(dimensionality.max()) * 1.08)
    for name, value in levels.items():
        if 0 < value < highest:
            top.axhline(value, color="0.8", linewidth=0.8, zorder=0)
            # 3/8 and 2/5 are near to each other: one name below its line and one above
            where = {"3/8": "top", "2/5": "bottom"}.get(name, "center")
            top.annotate(name, (1.01, value), xycoords=("axes fraction", "data"), fontsize=9, va=where)
    top.set(ylabel="dimensionality Dᵢ of a feature", ylim=(-0.02, highest))
    top.legend(handles=handles, loc="upper left", fontsize=8, edgecolor="none")
    # the last records carry noise alone: what is above their least is drawn
    excess = np.where(loss > loss.min(), loss - loss.min(), np.nan)
    middle.plot(steps[1:], excess[1:], color="black", linewidth=1.2)
    middle.set(yscale="log", ylabel=f"loss above its least,\n{loss.min():.4g}")
    bottom.plot(steps[2:], movement[2:], color=styles.COLOURS[1], linewidth=1)
    bottom.set(xscale="log", xlabel="step of training", ylabel="Σ |ΔDᵢ| since\nthe record before")
    bottom.set(xlim=(steps[1], steps[-1]), ylim=(0, None))
    return figure


def unfolding(
    steps: np.ndarray, weights: np.ndarray, groups: np.ndarray, loss: np.ndarray, stages: Sequence[Stage]
) -> Figure:
    """The loss with its stages, the features in the middle of each stage aslant, and the whole path from above and aslant.

    weights : (records, 3, features), groups : the set of each feature.
    """
    shown = list(stages)[:MOST_STAGES]
    columns = max(len(shown), 2)
    figure = Picture(figsize=(max(7.6, 1.55 * columns), 8.8), layout="constrained")
    parts: Any = figure.subfigures(3, 1, height_ratios=[1.1, 1.0, 2.0])
    _loss(parts[0].subplots(), steps, loss, shown)
    grid = parts[1].subplots(1, columns, squeeze=False)[0]
    reach = limit(weights)
    for axes, stage, letter in zip(grid, shown, LETTERS, strict=False):
        record = int(np.abs(steps - _middle(stage, steps)).argmin())
        draw_arrows(axes, SCREEN @ weights[record], groups, reach)
        word = "direction" if stage.directions == 1 else "directions"
        text = f"{stage.directions} {word}" if stage.directions else "nothing learned"
        axes.set_title(f"{letter}: step {steps[record]}\n{text}", fontsize=8)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    above = parts[2].add_subplot(1, 2, 1)
    aslant = parts[2].add_subplot(1, 2, 2, projection="3d")
    _from_above(above, weights, groups, reach)
    _aslant(aslant, weights, groups)
    names = [f"set {number + 1}" for number in range(int(groups.max()) + 1)]
    parts[2].legend(handles=group_handles(names), loc="outside lower center", ncols=len(names), fontsize=9, frameon=False)
    return figure


def _ending(number: int, value: float) -> dict[str, Any]:
    """Colour and line of the features that end at a level."""
    if value == 0:
        return {"color": "0.6", "linestyle": "-"}
    if np.isnan(value):
        return {"color": "black", "linestyle": (0, (1, 1))}
    return {key: part for key, part in styles.line_style(number - 1).items() if key != "marker"}


def _loss(axes: Axes, steps: np.ndarray, loss: np.ndarray, stages: Sequence[Stage]) -> None:
    axes.plot(steps, loss, color="black", linewidth=1.3)
    axes.set(xscale="log", yscale="log", xlabel="step of training", ylabel="loss, Σ (xᵢ − x'ᵢ)²", xlim=(steps[1], steps[-1]))
    axes.set_title("grey: stages with one number of directions, below from aslant; dotted: the unit sphere", fontsize=9)
    for number, (stage, letter) in enumerate(zip(stages, LETTERS, strict=False)):
        axes.axvspan(stage.from_step, stage.to_step, color="0.92" if number % 2 else "0.84", linewidth=0, zorder=0)
        axes.annotate(
            letter, (_middle(stage, steps), 0.96), xycoords=("data", "axes fraction"), ha="center", va="top"
        )


def _middle(stage: Stage, steps: np.ndarray) -> float:
    """The geometric middle of a stage, on an axis that begins with steps[1]."""
    return float(np.sqrt(max(stage.from_step, int(steps[1])) * stage.to_step))


def _from_above(axes: Axes, weights: np.ndarray, groups: np.ndarray, reach: float) -> None:
    draw_arrows(axes, weights[-1, :2], groups, reach)
    for feature, group in enumerate(groups):
        axes.plot(*weights[:, :2, feature].T, color=group_style(int(group))["color"], linewidth=0.9, linestyle=(0, (3, 1)))
    axes.set_title("paths from above, arrows at the end", fontsize=9)


def _aslant(axes: Any, weights: np.ndarray, groups: np.ndarray) -> None:
    for feature, group in enumerate(groups):
        style = group_style(int(group))
        axes.plot(*weights[:, :, feature].T, color=style["color"], linewidth=0.9, linestyle=(0, (3, 1)))
        axes.plot(*weights[-1:, :, feature].T, linestyle="none", markersize=7, **style)
    # the triangle of each set, and the sides between the two
    last = weights[-1].T
    for i in range(len(groups)):
        for j in range(i):
            same = groups[i] == groups[j]
            if same or last[i] @ last[j] > -0.5:
                colour = group_style(int(groups[i]))["color"] if same else "0.7"
                axes.plot(*last[[i, j]].T, color=colour, linewidth=1.6 if same else 0.8)
    axes.set(xticklabels=[], yticklabels=[], zticklabels=[])
    axes.grid(False)
    axes.view_init(elev=ELEVATION, azim=AZIMUTH)
    axes.set_box_aspect((1, 1, 0.9))
    axes.set_title("the same aslant; lines: edges of the octahedron", fontsize=9)
