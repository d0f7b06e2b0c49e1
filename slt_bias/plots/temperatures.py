"""λ̂ over temperatures, with the limit that the fit gives and the truth (Lau et al. 2023; Watanabe 2009, theorem 6.7)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from slt_bias.plots import styles, verdicts

COLOUR = styles.COLOURS[0]


def temperatures(
    table: pd.DataFrame,
    limit: tuple[float, float, float] | None = None,
    truth: float | None = None,
    highest_rhat: float = 1.2,
    axes: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """nβ·(E[L] − L(w*)) against nβ, a point a rung with its interval.

    table : `LearningCoefficient.temperatures`: inverse_temperature, value, low, high, rhat.
    limit : (value, low, high) of the fit over the rungs, nβ → ∞, where one was made; drawn as a line with its band.
    truth : λ where it is known. Rungs whose ladders disagree (R-hat ≥ highest_rhat) are open triangles: no fit uses them.
    """
    axes = axes or styles.new_axes(7.2, 4.8)
    entries: list[Line2D | Patch] = []
    agreeing = table["rhat"] < highest_rhat
    for chosen, status, words in (
        (agreeing, "ok", "mean over the draws at nβ, with its interval"),
        (~agreeing, "suspect", f"the same where the chains disagree (R-hat ≥ {highest_rhat:g})"),
    ):
        rows = table[chosen]
        if len(rows):
            verdicts.points(axes, rows["inverse_temperature"], rows.assign(status=status), COLOUR)
            entries.append(Line2D([], [], **verdicts.marker(status, COLOUR), label=words))
    if limit is not None and np.isfinite(limit).all():
        value, low, high = limit
        axes.axhspan(low, high, color=styles.COLOURS[1], alpha=0.2, linewidth=0, zorder=0)
        axes.axhline(value, color=styles.COLOURS[1], linewidth=1.4, zorder=1)
        text = f"limit nβ → ∞ of the fit: {value:.4g} [{low:.4g}, {high:.4g}]"
        entries.append(Line2D([], [], color=styles.COLOURS[1], linewidth=1.4, label=text))
    if truth is not None:
        axes.axhline(truth, zorder=2, **verdicts.TRUTH)
        entries.append(Line2D([], [], **verdicts.TRUTH, label=f"λ, exact: {truth:.6g}"))
    axes.set_xscale("log")
    axes.set_xlabel("inverse temperature nβ")
    axes.set_ylabel("nβ·(E[L] − L(w*))  (nats)")
    axes.legend(handles=entries, loc="upper center", bbox_to_anchor=(0.5, -0.14), fontsize=8, frameon=False)
    if title:
        axes.set_title(title, fontsize=10)
    return axes
