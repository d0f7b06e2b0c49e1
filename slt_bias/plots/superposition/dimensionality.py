"""Dimensions a feature against 1/(1−S), with sticky lines and graphs of geometries (Elhage et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

GEOMETRIES: dict[str, dict[str, Any]] = {
    "single": {"marker": "o", "color": "#56B4E9"},
    "digon": {"marker": "s", "color": "#0072B2"},
    "triangle": {"marker": "^", "color": "#009E73"},
    "tetrahedron": {"marker": "D", "color": "#CC79A7"},
    "pentagon": {"marker": "p", "color": "#D55E00"},
    "square antiprism": {"marker": "8", "color": "#E69F00"},
    "other polytope": {"marker": "P", "color": "#000000"},
    "irregular": {"marker": "x", "color": "0.45"},
}
TICKS = (1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 70, 100)
LARGE = 13  # components of so many features and more are laid out by springs, smaller ones on a circle


@dataclass(frozen=True, eq=False)
class GeometryGraph:
    """The represented features of one model.

    cosines : (features, features). components : (name of the polytope, numbers of its features in `cosines`) of each.
    tolerance : edges join features of a component with |cosine| above this.
    """

    title: str
    inverse_density: float
    cosines: np.ndarray
    components: Sequence[tuple[str, Sequence[int]]]
    tolerance: float


def sticky_dimensionalities(
    inverse_density: np.ndarray,
    mean: np.ndarray,
    each: np.ndarray,
    represented: np.ndarray,
    fractions: Sequence[tuple[float, str]],
    shares: Mapping[str, np.ndarray],
    graphs: Sequence[GeometryGraph],
    title: str,
) -> Figure:
    """Graphs above, D* and all Dᵢ in the middle, the shares near each fraction below.

    inverse_density : 1/(1−S), (densities,), ascending. mean : D*, (densities,). each : Dᵢ, (densities, features).
    represented : which features count, same shape. fractions : (value, name) of the sticky lines. shares : a curve (densities,)
    a name, in the order of the fractions.
    """
    figure = Picture(figsize=(10.5, 10.0), layout="constrained")
    top, rest = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.0, 3.4))[:, 0]
    for letter, axes, graph in zip("ABCDEFGH", top.subplots(1, len(graphs), squeeze=False)[0], graphs, strict=False):
        _graph(axes, graph)
        axes.set_title(f"{letter}: {graph.title}", fontsize=8.5)
    top.legend(handles=_handles(graphs), loc="outside lower center", ncols=8, fontsize=8, frameon=False)
    main, lower = rest.subplots(2, 1, sharex=True, height_ratios=(2.3, 1))
    _points(main, inverse_density, each, represented)
    main.plot(inverse_density, mean, color="black", marker="o", markersize=3.5, linewidth=1.3, label="D* = m/‖W‖², all features")
    for value, name in fractions:
        main.axhline(value, color="0.45", linestyle="--", linewidth=0.8, zorder=0)
        shift = {2 / 5: "bottom", 3 / 8: "top"}.get(value, "center")  # these two lie closer than a line of text
        main.annotate(name, (1.0, value), (4, 0), ("axes fraction", "data"), "offset points", va=shift, fontsize=8)
    for letter, graph in zip("ABCDEFGH", graphs, strict=False):
        place = (graph.inverse_density, 1.0)
        main.annotate(letter, place, (0, 3), ("data", "axes fraction"), "offset points", ha="center", fontsize=8.5)
        main.axvline(graph.inverse_density, color="0.8", linewidth=0.7, zorder=0)
    main.set(ylim=(-0.02, 1.06), ylabel="dimensions a feature")
    main.legend(loc="upper right", fontsize=8)
    for number, (name, curve) in enumerate(shares.items()):
        lower.plot(inverse_density, curve, label=name, markersize=4, linewidth=1.2, **styles.line_style(number))
    lower.set(ylim=(-0.04, 1.04), ylabel="share of the\nrepresented features")
    keys: dict[str, Any] = {"fontsize": 8, "frameon": False, "title_fontsize": 8}
    lower.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="in the polytope, and\nDᵢ within 0.02 of", **keys)
    lower.set_xscale("log")
    lower.set_xlabel("1/(1−S)   (dense → sparse)", fontsize=9)
    shown = [value for value in TICKS if inverse_density[0] <= value <= inverse_density[-1]]
    lower.set_xticks(shown, [f"{value:g}" for value in shown])
    lower.minorticks_off()
    figure.suptitle(title, fontsize=11)
    return figure


def _points(axes: Axes, inverse_density: np.ndarray, each: np.ndarray, represented: np.ndarray) -> None:
    places = np.broadcast_to(inverse_density[:, None], each.shape)
    kept = np.asarray(represented, bool)
    shared: dict[str, Any] = {"markersize": 5, "alpha": 0.35, "rasterized": True}
    axes.plot(places[~kept], each[~kept], "_", color="0.6", label="Dᵢ, feature not represented", **shared)
    axes.plot(places[kept], each[kept], ".", color="#0072B2", label="Dᵢ, represented feature", **shared)


def _style(name: str) -> dict[str, Any]:
    return GEOMETRIES.get(name, GEOMETRIES["other polytope"])


def _handles(graphs: Sequence[GeometryGraph]) -> list[Line2D]:
    seen = {name if name in GEOMETRIES else "other polytope" for graph in graphs for name, _ in graph.components}
    return [Line2D([], [], linestyle="none", markersize=5, label=name, **GEOMETRIES[name]) for name in GEOMETRIES if name in seen]


def _graph(axes: Axes, graph: GeometryGraph) -> None:
    points = np.zeros((len(graph.cosines), 2))
    at, row, width = np.zeros(2), 0.0, _width(graph)
    for name, members in sorted(graph.components, key=lambda part: (len(part[1]), part[0])):
        shape, size = _layout(graph, members)
        if at[0] and at[0] + size > width:  # a new row
            at = np.array([0.0, at[1] + row])
            row = 0.0
        points[list(members)] = shape + at + size / 2
        axes.plot(*points[list(members)].T, linestyle="none", markersize=3, zorder=3, **_style(name))
        at[0] += size
        row = max(row, size)
    lines, strengths = [], []
    for _, members in graph.components:
        for place, i in enumerate(members):
            for j in members[place + 1 :]:
                if abs(graph.cosines[i, j]) > graph.tolerance:
                    lines.append(points[[i, j]])
                    strengths.append(abs(float(graph.cosines[i, j])))
    widths = [0.2 + value for value in strengths]
    axes.add_collection(LineCollection(lines, linewidths=widths, colors="0.35", alpha=0.6, zorder=2))
    axes.set(xlim=(-0.5, width + 0.5), ylim=(max(width, at[1] + row) + 0.5, -0.5), aspect="equal", xticks=(), yticks=())
    for spine in axes.spines.values():
        spine.set_color("0.8")


def _size(members: Sequence[int]) -> float:
    """The side of the square that a component takes."""
    return 0.9 if len(members) == 1 else 0.8 + 0.5 * float(np.sqrt(len(members))) * (1.0 if len(members) < LARGE else 1.3)


def _width(graph: GeometryGraph) -> float:
    """The side of a square in which all components find room."""
    sizes = [_size(members) for _, members in graph.components]
    return max([1.08 * float(np.sqrt(np.square(sizes).sum())) + 0.3, *sizes])


def _layout(graph: GeometryGraph, members: Sequence[int]) -> tuple[np.ndarray, float]:
    """Places (members, 2) around 0, and the side of their square."""
    size, count = _size(members), len(members)
    radius = size / 2 - 0.35
    if count == 1:
        return np.zeros((1, 2)), size
    if count < LARGE:
        angles = 2 * np.pi * np.arange(count) / count - (np.pi / 4 if count == 2 else np.pi / 2)
        return radius * np.stack([np.cos(angles), np.sin(angles)], 1), size
    points = _springs(graph.cosines[np.ix_(members, members)], graph.tolerance)
    points -= (points.max(0) + points.min(0)) / 2
    return points / max(np.abs(points).max(), 1e-9) * radius, size


def _springs(cosines: np.ndarray, tolerance: float) -> np.ndarray:
    """Places (features, 2) by networkx's spring layout; features joined by larger cosines lie closer."""
    import networkx

    strengths = np.where(np.abs(cosines) > tolerance, np.abs(cosines), 0.0)
    np.fill_diagonal(strengths, 0.0)
    spiral = 2.4 * np.arange(len(cosines))  # where the springs start: no two at one place
    start = {k: (np.cos(angle) * k / len(spiral), np.sin(angle) * k / len(spiral)) for k, angle in enumerate(spiral)}
    places = networkx.spring_layout(networkx.from_numpy_array(strengths), pos=start, iterations=150, method="force", seed=0)
    return np.array([places[k] for k in range(len(cosines))])
