"""How complex the functions of a draw are: priors beside the uniform law."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from slt_bias.plots import styles


def complexity_histogram(histograms: Mapping[str, pd.DataFrame], axes: Axes | None = None, title: str | None = None) -> Axes:
    """The share of draws by complexity, a line a map, and of random strings (filled).

    histograms : map's label → table of `compare.complexity_histogram`, all of one estimator.
    """
    axes = axes or styles.new_axes()
    first = next(iter(histograms.values()))
    edges = [*first["complexity_low"], first["complexity_high"].iloc[-1]]
    axes.stairs(first["uniform"], edges, fill=True, color="0.82", label="uniform law (random strings)")
    for number, (name, frame) in enumerate(histograms.items()):
        middle = (frame["complexity_low"] + frame["complexity_high"]) / 2
        drawn = frame["prior"] > 0
        axes.plot(middle[drawn], frame["prior"][drawn], label=name, markersize=4, linewidth=1.2, **styles.line_style(number))
    axes.set_yscale("log")
    axes.set_ylim(top=2)
    axes.set_xlabel(styles.complexity_label(str(first.attrs["complexity"])))
    axes.set_ylabel("share of draws")
    styles.legend_below(axes)
    if title:
        axes.set_title(title, fontsize=10)
    return axes
