"""The figures of a comparison: which tables go into which plot."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slt_bias import plots
from slt_bias.workflows.distances import Pair
from slt_bias.workflows.measured import Measured

MOST_PAIRS = 6  # panels of the same-function figure
TITLE_WIDTH = 40  # characters of a panel's title on one line


def draw_figures(measured: list[Measured], pairs: list[Pair], folder: Path) -> dict[str, Path]:
    """Draw and save all figures of a comparison; name → the .png file, beside which lies the .svg.

    A figure of an earlier comparison in this folder that the present one does not have is removed.
    """
    figures: dict[str, Figure | Axes] = {
        "figure": plots.prior_versus_complexity([_panel(each) for each in measured]),
        "overlay": _overlay(measured),
        "zipf": plots.zipf({each.label: each.zipf for each in measured}),
        "complexity": plots.complexity_histogram({each.label: each.histogram for each in on_the_first_points(measured)}),
    }
    if pairs:
        figures["same-function"] = _same_function(pairs)
    else:
        for suffix in (".png", ".svg"):
            (folder / f"same-function{suffix}").unlink(missing_ok=True)
    return {name: plots.save(figure, folder / name)[0] for name, figure in figures.items()}


def on_the_first_points(measured: list[Measured]) -> list[Measured]:
    """The maps that have as many points as the first: only their complexities share a scale."""
    return [each for each in measured if each.counts.points == measured[0].counts.points]


def _panel(each: Measured) -> plots.Panel:
    title = textwrap.fill(each.label, TITLE_WIDTH, break_on_hyphens=False)
    lines = f"{title}\n{each.counts.samples:,} draws, {each.counts.distinct:,} functions"
    named = {mark.label: (mark.complexity, math.log2(mark.probability)) for mark in each.landmarks if mark.count}
    return plots.Panel(title=lines, table=each.table, bounds=list(each.bounds.values()), named=named)


def _overlay(measured: list[Measured]) -> Axes:
    """Envelopes in one plot, with each a priori bound that occurs: one where all maps have as many points."""
    bounds = {each.bounds["a-priori"].slope: each.bounds["a-priori"] for each in measured if "a-priori" in each.bounds}
    envelopes = {each.label: each.envelope for each in measured}
    return plots.overlay(
        envelopes, measured[0].row["complexity"], list(bounds.values()), [each.counts.samples for each in measured]
    )


def _same_function(pairs: list[Pair]) -> Figure:
    pairs = pairs[:MOST_PAIRS]
    across = min(3, len(pairs))
    down = -(-len(pairs) // across)
    figure = plots.Picture(figsize=(5.2 * across, 4.4 * down), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False)
    for axes, pair in zip(grid.flat, pairs, strict=False):
        samples = (pair.a.counts.samples, pair.b.counts.samples)
        plots.same_function_scatter(pair.distance.pairs, pair.a.label, pair.b.label, *samples, axes=axes)
    for axes in grid.flat[len(pairs) :]:
        axes.set_axis_off()
    return figure
