"""How a verdict is drawn: by the shape of the marker, so that it is seen without colours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

ORDER = ("ok", "suspect", "failed")
MARKERS = {"ok": "o", "suspect": "^", "failed": "x"}
WORDS = {
    "ok": "verdict: ok",
    "suspect": "suspect: the number stands, but see its reasons",
    "failed": "failed: no number",
}
LEARNING_COEFFICIENT = "learning coefficient $\\hat{\\lambda}$"
TRUTH: dict[str, Any] = {"color": "black", "linestyle": (0, (4, 2)), "linewidth": 1.1}


def marker(status: str, colour: str, size: float = 5.5) -> dict[str, Any]:
    """A filled circle for ok, an open triangle for suspect, a cross for failed."""
    inside = colour if status == "ok" else "white"
    return {
        "marker": MARKERS[status], "color": colour, "markerfacecolor": inside, "markeredgecolor": colour, "markersize": size,
        "markeredgewidth": 1.3, "linestyle": "none",
    }  # fmt: skip


def handles(statuses: Iterable[str]) -> list[Line2D]:
    """Entries of a legend for the verdicts that occur."""
    seen = set(statuses)
    return [Line2D([], [], **marker(status, "0.25"), label=WORDS[status]) for status in ORDER if status in seen]


def points(
    axes: Axes, x: npt.ArrayLike, table: pd.DataFrame, colour: str, whiskers: bool = True, series: int = 0
) -> None:
    """The estimates of a table (value, low, high, status) at x, with whiskers.

    A failed one, which has no number, is a cross at the lower edge of the axes, those of each series above the one before.
    """
    value, low, high = (table[name].to_numpy(float) for name in ("value", "low", "high"))
    rows = zip(np.asarray(x, float), value, low, high, table["status"], strict=True)
    for across, middle, bottom, top, status in rows:
        if not np.isfinite(middle):
            height = 0.03 + 0.045 * series
            axes.plot([across], [height], transform=axes.get_xaxis_transform(), zorder=5, **marker("failed", colour))
            continue
        if whiskers and np.isfinite([bottom, top]).all():
            axes.plot([across, across], [bottom, top], color=colour, linewidth=1.2, zorder=3, solid_capstyle="butt")
        axes.plot([across], [middle], zorder=4, **marker(str(status), colour))
