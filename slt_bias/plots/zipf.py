"""The rank plot of the priors (Zipf 1949)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slt_bias.plots import styles


def zipf(curves: Mapping[str, pd.DataFrame], axes: Axes | None = None, title: str | None = None) -> Axes:
    """Probability against rank, both logarithmic, a curve a map; the last step of each is its floor, one draw.

    curves : map's label → table of `FunctionCounts.zipf`, whose rank is the last one that has this probability.
    """
    axes = axes or styles.new_axes()
    for number, (name, curve) in enumerate(curves.items()):
        rank = np.r_[1, curve["rank"].to_numpy()]
        probability = np.r_[curve["probability"].to_numpy()[0], curve["probability"].to_numpy()]
        style = styles.line_style(number)
        axes.plot(rank, probability, drawstyle="steps-pre", markevery=0.12, markersize=4.5, label=name, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rank of the function")
    axes.set_ylabel("P(f), share of draws")
    styles.legend_below(axes)
    if title:
        axes.set_title(title, fontsize=10)
    return axes
