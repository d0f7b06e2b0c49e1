"""Vulnerability and features a dimension against 1/(1−S), and against each other (Elhage et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from slt_bias.plots import styles
from slt_bias.plots.picture import Picture

PER_DIMENSION = "features a dimension  ‖W‖²/m"


def vulnerability_curves(table: pd.DataFrame, attacks: Mapping[str, str], title: str) -> Figure:
    """Left: vulnerability over features a dimension, both against 1/(1−S); right: one against the other.

    table : columns inverse_density, features_per_dimension and, for each key of `attacks`, KEY_vulnerability and KEY_error (its
    standard error); bars are ± 2 standard errors. attacks : a name each.
    """
    figure = Picture(figsize=(10.0, 5.6), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1.1, 1))[0]
    upper, lower = left.subplots(2, 1, sharex=True, height_ratios=(1.3, 1))
    plane = right.subplots()
    for number, (key, name) in enumerate(attacks.items()):
        style = styles.line_style(number)
        values, errors = table[f"{key}_vulnerability"], 2 * table[f"{key}_error"]
        shared: dict[str, Any] = {"markersize": 4.5, "linewidth": 1.3, "capsize": 2, "elinewidth": 0.9}
        upper.errorbar(table.inverse_density, values, errors, label=name, **style, **shared)
        plane.errorbar(table.features_per_dimension, values, errors, label=name, **style, **shared)
    lower.plot(table.inverse_density, table.features_per_dimension, color="black", marker="o", markersize=4, linewidth=1.3)
    for axes in (upper, plane):
        axes.axhline(1, color="0.5", linestyle=":", linewidth=1)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, title="attack", title_fontsize=8, loc="upper left")
    upper.set_ylabel("vulnerability  (L′ − L)/(L′₀ − L₀)", fontsize=9)
    upper.set_title("relative to a model without superposition (dotted: 1)", fontsize=9)
    lower.set_ylabel(PER_DIMENSION, fontsize=9)
    lower.set_xlabel("1/(1−S)   (dense → sparse)", fontsize=9)
    lower.set_xscale("log")
    lower.set_ylim(bottom=0)
    plane.set_xlabel(PER_DIMENSION, fontsize=9)
    plane.set_ylabel("vulnerability  (L′ − L)/(L′₀ − L₀)", fontsize=9)
    plane.set_title("a point a density, joined from dense to sparse", fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure
