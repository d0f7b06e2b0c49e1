"""The phase of an extra feature over density and importance: trained beside theory (Elhage et al. 2022, "Phase Change")."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

OWN, SHARED = np.array(to_rgb(styles.COLOURS[0])), np.array(to_rgb(styles.COLOURS[5]))  # blue, orange
LETTERS = {"not represented": "N", "own dimension": "D", "superposition": "S"}
LONGEST = 1.0  # norms and superpositions from here on have the full colour


def phase_maps(table: pd.DataFrame) -> Figure:
    """A row for each number of features: the map of the best seeds, the map of the best candidates; a colour key at the right.

    table : a row a cell, columns features, density, importance, phase, norm, superposition and theory_phase, theory_norm,
    theory_superposition. Lines and letters mark the phases; crosses the trained cells whose phase is not that of the theory.
    """
    counts = sorted(table["features"].unique())
    figure = Picture(figsize=(8.6, 3.7 * len(counts) + 0.3), layout="constrained")
    grid = figure.subplots(len(counts), 3, squeeze=False, width_ratios=(1, 1, 0.5))
    for count, (left, right, key) in zip(counts, grid, strict=True):
        part = table[table["features"] == count]
        size = f"n = {count}, m = {count - 1}"
        draw_map(left, part, "")
        draw_map(right, part, "theory_")
        _crosses(left, part)
        left.set_title(f"{size}: trained, best of seeds", fontsize=9)
        right.set_title(f"{size}: theory, best candidate", fontsize=9)
        left.set_ylabel("relative importance of the extra feature", fontsize=9)
        key.axis("off")
    for axes in grid[-1, :2]:
        axes.set_xlabel("feature density 1 − S  (dense → sparse)", fontsize=9)
    _key(grid[0, 2])
    _legend(figure, grid[0, 2])
    return figure


def colours(norm: np.ndarray, superposition: np.ndarray) -> np.ndarray:
    """RGB (…, 3): white at norm 0; at norm 1 blue for superposition 0 and orange for superposition 1."""
    depth = np.clip(norm / LONGEST, 0, 1)[..., None]
    blend = np.clip(superposition / LONGEST, 0, 1)[..., None]
    return 1 - depth * (1 - ((1 - blend) * OWN + blend * SHARED))


def draw_map(axes: Axes, part: pd.DataFrame, prefix: str) -> None:
    """One map of the cells in `part`; prefix : "" for the trained columns, "theory_" for those of the theory."""
    density, importance = np.unique(part["density"])[::-1], np.unique(part["importance"])
    shape = len(density), len(importance)
    norm, shared = (part[prefix + name].to_numpy().reshape(shape) for name in ("norm", "superposition"))
    kinds = part[prefix + "phase"].to_numpy().reshape(shape)
    across, up = _edges(np.log10(density)), _edges(np.log10(importance))
    axes.pcolormesh(across, up, colours(norm, shared).swapaxes(0, 1), rasterized=True)
    axes.add_collection(LineCollection(_boundaries(kinds, across, up), colors="black", linewidths=1.3))
    for name, letter in LETTERS.items():
        places = np.argwhere(kinds == name)
        if len(places) >= 4:
            row, column = places[np.abs(places - np.median(places, axis=0)).sum(1).argmin()]
            box = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "black", "linewidth": 0.8}
            middle = (across[row] + across[row + 1]) / 2, (up[column] + up[column + 1]) / 2
            axes.text(*middle, letter, ha="center", va="center", fontsize=10, fontweight="bold", bbox=box)
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    _decades(axes)


def _crosses(axes: Axes, part: pd.DataFrame) -> None:
    """A cross on every cell whose trained phase is not that of the theory."""
    other = part[part["phase"] != part["theory_phase"]]
    axes.plot(np.log10(other["density"]), np.log10(other["importance"]), "x", color="black", markersize=4, markeredgewidth=1.1)


def _edges(middles: np.ndarray) -> np.ndarray:
    half = np.diff(middles).mean() / 2
    return np.append(middles - half, middles[-1] + half)


def _boundaries(kinds: np.ndarray, across: np.ndarray, up: np.ndarray) -> list[list[tuple[float, float]]]:
    """The sides that cells of different phases have in common."""
    lines = [
        [(across[i + 1], up[j]), (across[i + 1], up[j + 1])] for i, j in np.argwhere(kinds[1:] != kinds[:-1])
    ]
    lines += [[(across[i], up[j + 1]), (across[i + 1], up[j + 1])] for i, j in np.argwhere(kinds[:, 1:] != kinds[:, :-1])]
    return lines


def _decades(axes: Axes) -> None:
    for axis, places in ((axes.xaxis, (1, 0.3, 0.1, 0.03, 0.01)), (axes.yaxis, (0.1, 0.3, 1, 3, 10))):
        axis.set_major_locator(FixedLocator(np.log10(places).tolist()))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{10**value:.2g}"))
    axes.tick_params(labelsize=8)


def _key(axes: Axes) -> None:
    """The two-way colour key, drawn in the upper part of an empty panel."""
    key = axes.inset_axes((0.3, 0.42, 0.68, 0.46))
    steps = np.linspace(0, 1, 41)
    norm, shared = np.meshgrid(steps, steps)
    edges = _edges(steps)
    key.pcolormesh(edges, edges, colours(norm, shared), rasterized=True)
    key.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 1), yticks=(0, 1), xticklabels=("0", "1+"), yticklabels=("0", "1+"))
    key.tick_params(labelsize=8)
    key.set_xlabel("norm ‖W‖ of the\nextra feature", fontsize=8)
    key.set_ylabel("its superposition\n$\\sum_j (\\hat{W}\\cdot W_j)^2$", fontsize=8)
    key.set_title("colour", fontsize=9)


def _legend(figure: Figure, axes: Axes) -> None:
    signs = [*((f"$\\mathbf{{{letter}}}$", name) for name, letter in LETTERS.items()), ("x", "not as in theory")]
    entries = [Line2D([], [], linestyle="none", marker=marker, color="black", label=name) for marker, name in signs]
    entries.append(Line2D([], [], color="black", linewidth=1.3, label="boundary"))
    axes.legend(handles=entries, loc="lower left", bbox_to_anchor=(-0.1, -0.16), fontsize=8, frameon=False)
