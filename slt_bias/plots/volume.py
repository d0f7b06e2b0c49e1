"""How the volume of near-optimal parameters shrinks: log V(ε) against log ε, whose slope is λ."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slt_bias.plots import styles

COLOUR = styles.COLOURS[0]


def volume(
    curve: pd.DataFrame,
    learning_coefficient: float,
    window: tuple[float, float] | None = None,
    axes: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """log₁₀ V(ε) against log₁₀ ε with its interval; a dashed line of slope λ̂ through the lower end of the fitted range.

    curve : log_epsilon, log_volume, low, high (natural logarithms). window : (low, high) of log ε that was fitted, shaded.
    The dashed line and the curve part where the multiplicity bends it.
    """
    axes = axes or styles.new_axes(7.0, 4.8)
    decade = math.log(10)
    x = curve["log_epsilon"] / decade
    axes.fill_between(x, curve["low"] / decade, curve["high"] / decade, color=COLOUR, alpha=0.2, linewidth=0)
    axes.plot(x, curve["log_volume"] / decade, color=COLOUR, label="V(ε), with its interval")
    if window is not None and learning_coefficient == learning_coefficient:
        axes.axvspan(window[0] / decade, window[1] / decade, color="0.93", zorder=0, label="range of the fit")
        end = int((curve["log_epsilon"] - window[0]).abs().argmin())
        line = np.array(window) / decade
        height = curve["log_volume"].iloc[end] / decade + learning_coefficient * (line - x.iloc[end])
        axes.plot(line, height, color=styles.COLOURS[1], linestyle="--", label=f"slope λ̂ = {learning_coefficient:.4g}")
    axes.set_xlabel("log₁₀ ε  (loss above L(w*), nats)")
    axes.set_ylabel("log₁₀ V(ε)")
    axes.legend(fontsize=8, loc="upper left")
    if title:
        axes.set_title(title, fontsize=10)
    return axes
