"""Several maps in one Axes: the most probable function of each complexity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slt_bias.plots import styles
from slt_bias.plots.styles import Bound


def overlay(
    envelopes: Mapping[str, pd.DataFrame],
    complexity: str = "lz",
    bounds: Sequence[Bound] = (),
    samples: Sequence[int] = (),
    axes: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Upper envelopes of P against K, a curve a map.

    envelopes : map's label → table of `compare.envelope`; an empty one stands in the legend as such. complexity : the
    estimator. bounds : lines to draw in grey. samples : each marks its floor 1/samples.
    """
    axes = axes or styles.new_axes()
    for number, (name, envelope) in enumerate(envelopes.items()):
        label = name if len(envelope) else f"{name} (none often enough)"
        axes.plot(envelope["complexity"], envelope["log2_probability"], label=label, markersize=5, **styles.line_style(number))
    tables = [envelope for envelope in envelopes.values() if len(envelope)]
    right = max((float(table["complexity"].max()) for table in tables), default=1.0) * 1.05
    bottom = min((float(table["log2_probability"].min()) for table in tables), default=-1.0) - 1
    for bound in bounds:
        label = styles.BOUND_LABELS[bound.kind]
        axes.plot(*styles.bound_points(bound, right), color="0.5", linestyle=styles.BOUND_STYLES[bound.kind], label=label)
    for number in sorted(set(samples)):
        floor = -float(np.log2(number))
        bottom = min(bottom, floor - 1)
        axes.axhline(floor, **styles.FLOOR_STYLE)
        axes.text(
            1.01, floor, f"1/samples\n= {styles.power_of_ten(1 / number)}", transform=axes.get_yaxis_transform(),
            ha="left", va="center", fontsize=8, color="0.35",
        )  # fmt: skip
    axes.set_xlim(0, right)
    axes.set_ylim(bottom, 1)
    axes.set_xlabel(styles.complexity_label(complexity))
    axes.set_ylabel(f"largest {styles.LOG2_PROBABILITY}")
    styles.legend_below(axes)
    if title:
        axes.set_title(title, fontsize=10)
    return axes
