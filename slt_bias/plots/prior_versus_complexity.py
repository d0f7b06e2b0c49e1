"""The central figure: P(f) against K(f), a panel a map (after Valle-Pérez, Camargo & Louis 2018, figure 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slt_bias.errors import InputError
from slt_bias.plots import labels, styles
from slt_bias.plots.picture import Picture
from slt_bias.plots.styles import Bound

COLUMNS = 3
MARKER_AREA = 13.0  # points²


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    title : one line or two. table : of `compare.prior_versus_complexity`. bounds : lines, told apart by their kind.
    named : name → (complexity, log₂P in bits), the points to be labelled.
    """

    title: str
    table: pd.DataFrame
    bounds: Sequence[Bound] = ()
    named: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def prior_versus_complexity(panels: Sequence[Panel], title: str | None = None) -> Figure:
    """Each function seen as a point, complexity across, log₂P (bits) up, all panels on the same axes.

    Functions with equal K and equal count fall on one point: its colour tells how many (logarithmic, one scale for all
    panels; no colour bar where each point is one function). Solid line: the a priori bound; dashed: the one fitted to the
    envelope; dotted: one draw, 1/samples.
    Raises InputError for no panels, or panels of different estimators.
    """
    names = {str(panel.table.attrs["complexity"]) for panel in panels}
    if len(names) != 1:
        raise InputError(f"panels of {', '.join(sorted(names)) or 'nothing'}: give one or more, all of one complexity estimator.")
    across = min(COLUMNS, len(panels))
    down = -(-len(panels) // across)
    figure = Picture(figsize=(1.3 + 3.5 * across, 1.1 + 3.1 * down), layout="constrained")
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    points = [panel.table.groupby(["complexity", "log2_probability"]).size() for panel in panels]
    most = max(int(each.max()) for each in points)
    norm = LogNorm(1, max(10, most))
    floors = [-np.log2(int(panel.table.attrs["samples"])) for panel in panels]
    right = 1.04 * max(float(panel.table["complexity"].max()) for panel in panels)
    mappable = ScalarMappable(norm, "viridis")
    for axes, panel, each, floor in zip(grid.flat, panels, points, floors, strict=False):
        each = each.sort_values()  # the many over the few
        axes.scatter(
            each.index.get_level_values(0), each.index.get_level_values(1), c=each.to_numpy(), norm=norm, cmap="viridis",
            s=MARKER_AREA, linewidths=0, rasterized=True, zorder=3,
        )  # fmt: skip
        for bound in panel.bounds:
            style = styles.BOUND_STYLES[bound.kind]
            axes.plot(*styles.bound_points(bound, right), color=styles.BOUND_COLOUR, linestyle=style, zorder=2)
        axes.axhline(floor, **styles.FLOOR_STYLE, zorder=1)
        axes.annotate(
            f"1/samples = {styles.power_of_ten(2.0**floor)}", (0.985, floor), xycoords=axes.get_yaxis_transform(),
            xytext=(0, -4), textcoords="offset points", ha="right", va="top", fontsize=8, color="0.35",
        )  # fmt: skip
        axes.set_title(panel.title, fontsize=9)
    grid[0, 0].set_xlim(0, right)
    grid[0, 0].set_ylim(min(floors) - 1.9, 1.0)
    _frame(grid, len(panels), next(iter(names)))
    if most > 1:
        figure.colorbar(mappable, ax=grid, label="functions at this point", pad=0.01, aspect=max(30, 15 * down))
    _legend(figure, panels)
    if title:
        figure.suptitle(title, fontsize=11)
    drawn = zip(grid.flat, panels, points, strict=False)
    labels.place([(axes, panel.named, _obstacles(panel, each, right)) for axes, panel, each in drawn])
    return figure


def _obstacles(panel: Panel, points: pd.Series, right: float) -> np.ndarray:
    """What a label should not cover: the points and the lines, float64 (dots, 2)."""
    bounds = [np.stack(styles.bound_points(bound, right), axis=1) for bound in panel.bounds]
    return np.concatenate([np.array(points.index.tolist(), float), *bounds])


def _frame(grid: np.ndarray, used: int, complexity: str) -> None:
    """Axis labels at the left and below; tick labels under the lowest panel of each column; unused panels away."""
    across = grid.shape[1]
    axes: Axes
    for place, axes in enumerate(grid.flat):
        if place >= used:
            axes.set_axis_off()
        elif place + across >= used:
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(styles.complexity_label(complexity), fontsize=9)
        if place % across == 0:
            axes.set_ylabel(styles.LOG2_PROBABILITY, fontsize=9)


def _legend(figure: Figure, panels: Sequence[Panel]) -> None:
    kinds = [kind for kind in styles.BOUND_LABELS if any(bound.kind == kind for panel in panels for bound in panel.bounds)]
    handles = [
        Line2D([], [], color=styles.BOUND_COLOUR, linestyle=styles.BOUND_STYLES[kind], label=styles.BOUND_LABELS[kind])
        for kind in kinds
    ]
    handles.append(Line2D([], [], **styles.FLOOR_STYLE, label="one draw, 1/samples"))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles) if len(panels) > 1 else 1, fontsize=9, frameon=False
    )
