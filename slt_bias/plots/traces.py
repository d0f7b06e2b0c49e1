"""What the chains did: nβ·(L_n(w) − L_n(w*)) at each draw, and how the mean of each chain settles."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from slt_bias.errors import InputError
from slt_bias.plots import styles, verdicts
from slt_bias.plots.picture import Picture

TITLE_WIDTH = 60  # characters of a panel's title on one line


@dataclass(frozen=True)
class TracePanel:
    """One estimate.

    title : broken into lines where it is long.
    trace : nβ·(L_n − L_n(w*)), nats, float64 (chains, draws); NaN from where a chain diverged.
    value, low, high : the estimate, NaN where it failed. truth : λ where it is known.
    """

    title: str
    trace: np.ndarray
    value: float
    low: float
    high: float
    truth: float | None = None


def traces(panels: Sequence[TracePanel], title: str | None = None) -> Figure:
    """A row an estimate: the trace of each chain (left) and the running mean of each chain (right).

    Solid black: the mean over all chains (`value`); grey band: the interval of λ̂;
    dashed: the truth, where it is known. Raises InputError for no panels.
    """
    if not panels:
        raise InputError("no traces to draw: give one or more panels.")
    figure = Picture(figsize=(10.0, 0.9 + 2.7 * len(panels)), layout="constrained")
    grid = figure.subplots(len(panels), 2, squeeze=False)
    for (left, right), panel in zip(grid, panels, strict=True):
        _chains(left, panel)
        _running_means(right, panel)
        left.set_title(textwrap.fill(panel.title, TITLE_WIDTH), fontsize=8.5, loc="left")
        right.set_title("mean of each chain so far", fontsize=8.5, loc="left")
        for axes in (left, right):
            axes.set_xlim(0, panel.trace.shape[1])
    for axes in grid[-1]:
        axes.set_xlabel("draw")
    _legend(figure, panels)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _chains(axes: Axes, panel: TracePanel) -> None:
    for number, chain in enumerate(panel.trace):
        colour = styles.COLOURS[number % len(styles.COLOURS)]
        axes.plot(np.arange(1, len(chain) + 1), chain, color=colour, linewidth=0.5, alpha=0.6, rasterized=True)
    _level(axes, panel)
    axes.set_ylabel("nβ·(L − L(w*))  (nats)", fontsize=9)
    diverged = int((~np.isfinite(panel.trace)).any(axis=1).sum())
    if diverged:
        axes.text(
            0.98, 0.95, f"{diverged} of {len(panel.trace)} chains left the finite numbers", transform=axes.transAxes,
            ha="right", va="top", fontsize=8, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
        )  # fmt: skip


def _running_means(axes: Axes, panel: TracePanel) -> None:
    draws = np.arange(1, panel.trace.shape[1] + 1)
    means = np.cumsum(panel.trace, axis=1) / draws
    for number, mean in enumerate(means):
        style = styles.line_style(number)
        axes.plot(draws, mean, color=style["color"], linestyle=style["linestyle"], linewidth=1.0, zorder=2)
    _level(axes, panel)
    settled = means[:, len(draws) // 10 :]  # the first draws alone would set the scale
    shown = np.r_[settled.ravel(), panel.low, panel.high, np.nan if panel.truth is None else panel.truth]
    shown = shown[np.isfinite(shown)]
    if len(shown):
        room = 0.08 * float(np.ptp(shown)) or 0.1 * abs(float(shown[0])) or 0.1
        axes.set_ylim(float(shown.min()) - room, float(shown.max()) + room)
    axes.set_ylabel("running mean  (nats)", fontsize=9)


def _level(axes: Axes, panel: TracePanel) -> None:
    if np.isfinite(panel.value):
        if np.isfinite([panel.low, panel.high]).all():
            axes.axhspan(panel.low, panel.high, color="0.8", zorder=0)
        axes.axhline(panel.value, color="black", linewidth=1.2, zorder=5)
    if panel.truth is not None:
        axes.axhline(panel.truth, zorder=6, **verdicts.TRUTH)


def _legend(figure: Figure, panels: Sequence[TracePanel]) -> None:
    entries: list[Line2D | Patch] = []
    if any(np.isfinite(panel.value) for panel in panels):
        entries.append(Line2D([], [], color="black", linewidth=1.2, label="mean over all chains"))
    if any(np.isfinite([panel.low, panel.high]).all() for panel in panels):
        entries.append(Patch(color="0.8", label="interval of $\\hat{\\lambda}$"))
    if any(panel.truth is not None for panel in panels):
        entries.append(Line2D([], [], **verdicts.TRUTH, label="λ, exact"))
    if entries:
        figure.legend(handles=entries, loc="outside lower center", ncols=len(entries), fontsize=8, frameon=False)
