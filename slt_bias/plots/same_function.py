"""The same functions under two priors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from slt_bias.plots import styles


def same_function_scatter(
    pairs: pd.DataFrame,
    name_a: str,
    name_b: str,
    samples_a: int,
    samples_b: int,
    axes: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """P_a(f) across and P_b(f) up, both logarithmic, a point a pair of counts, its colour how many functions share it.

    pairs : `compare.Distance.pairs`. Functions that one of both did not draw stand in the grey margins, below the floor
    1/samples of that one (dotted). Solid: equal probability.
    """
    axes = axes or styles.new_axes(6.6, 5.4)
    pairs = pairs.sort_values("functions")
    functions = pairs["functions"].to_numpy()
    floor_a, floor_b = 1 / samples_a, 1 / samples_b
    p, q = pairs["probability_a"].to_numpy(), pairs["probability_b"].to_numpy()
    top = 2.0 * max(float(p.max()), float(q.max()))
    low_a, low_b = floor_a / 6, floor_b / 6
    norm = LogNorm(1, max(10, int(functions.max())))
    scatter = axes.scatter(
        np.where(p > 0, p, floor_a / 2.5), np.where(q > 0, q, floor_b / 2.5), c=functions, norm=norm, cmap="viridis",
        s=14, linewidths=0, rasterized=True, zorder=3,
    )  # fmt: skip
    axes.axvspan(low_a, floor_a / 1.4, color="0.92", zorder=0)
    axes.axhspan(low_b, floor_b / 1.4, color="0.92", zorder=0)
    axes.axvline(floor_a, **styles.FLOOR_STYLE, zorder=1)
    axes.axhline(floor_b, **styles.FLOOR_STYLE, zorder=1, label="one draw, 1/samples")
    line = np.array([max(floor_a, floor_b), top])
    axes.plot(line, line, color=styles.BOUND_COLOUR, linewidth=1, zorder=2, label="equal probability")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low_a, top)
    axes.set_ylim(low_b, top)
    axes.text(floor_a / 2.5, top / 1.3, f"not drawn by {name_a}", rotation=90, ha="center", va="top", fontsize=8, color="0.3")
    axes.text(top / 1.3, floor_b / 2.5, f"not drawn by {name_b}", ha="right", va="center", fontsize=8, color="0.3")
    axes.set_xlabel(f"P(f), {name_a}")
    axes.set_ylabel(f"P(f), {name_b}")
    axes.legend(fontsize=8, loc="upper center")
    figure = axes.get_figure()
    if figure is not None:
        figure.colorbar(scatter, ax=axes, label="functions at this point")
    if title:
        axes.set_title(title, fontsize=10)
    return axes
