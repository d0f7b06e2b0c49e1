"""Simple functions that a map almost never computes: log₂P against certified bits (after Dingle, Pérez & Louis 2020)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from slt_bias.plots import labels, styles

NAMED = 6
BAND = 0.17  # of the height of the axes: the floor of what no parameters compute
COLUMN = 0.018  # of the width of the axes: functions nearer than that stand above each other on the floor
ARROW = 0.035  # of the height of the axes
HEADROOM = 1.5  # bits above P = 1
SIZE = 5.0  # points
UNNAMED = "class"  # the family of functions that have no name
RELATIVE = "≅"  # in a name: the function has none, but one of its class has
MOST_BESIDE = 0.4  # bits
SAME = 0.75  # bits in both directions within which one name is enough
FLOOR = "computed by no parameters (proved)"
KINDS = {  # what the legend calls the ways to draw a point, besides the filled marker
    "suspect": "open: suspect, see its reasons",
    "bound": "arrow: an upper bound",
    "never": "crossed out, grey: P = 0, proved",
}


def blind_spots(
    table: pd.DataFrame,
    axes: Axes | None = None,
    *,
    title: str | None = None,
    named: int | Sequence[str] = NAMED,
    families: Sequence[str] | None = None,
    lowest: float | None = None,
    right: float | None = None,
    floor: bool | None = None,
    legend: bool = True,
) -> Axes:
    """Certified bits of each reference function across, log₂P (bits) up, with the line log₂P = −K and nothing fitted.

    table : of `compare.blind_spots`, for one map: name, family, complexity_code, log2_probability (NaN where only an upper
        bound is known, −∞ where no parameters compute the function), log2_low, log2_high, bits_below_bound, status.
    A family has a marker and a colour of its own, a bar is the interval of the estimate. An upper bound is an open marker with
    an arrow down; what no parameters compute lies crossed out in the grey band, where the height means nothing.
    named : how many of the most blind functions get their name (fewest bits first where all are never computed), or which.
    Points of equal complexity that would cover each other stand beside each other, less than half a bit away.
    families : their order, so that several figures agree. lowest, right : ends of the axes, floor : whether there is a grey band,
    below `lowest` (default: where it is needed), for the same reason. Functions without any number (status failed) are not
    drawn; the axes say how many there are.
    """
    axes = axes or styles.new_axes(8.4, 5.4)
    table = table.reset_index(drop=True)
    kinds = kinds_of(table)
    across = table["complexity_code"].to_numpy(float)
    high = table["log2_high"].to_numpy(float)
    low = table["log2_low"].to_numpy(float)
    up = np.where(kinds == "bound", high, table["log2_probability"].to_numpy(float))
    bottom = lowest_value(table) if lowest is None else lowest
    right = 1.04 * float(np.max(across, initial=1.0)) if right is None else right
    span = HEADROOM - bottom
    never = kinds == "never"
    band = BAND * span if (never.any() if floor is None else floor or never.any()) else 0.0
    across = _beside(across, up, ~never & (kinds != "failed"), 0.6 * COLUMN * right, COLUMN * span)
    up = np.where(never, _stacked(across, never, right, bottom, band), up)
    end = min(right, -bottom)
    axes.plot([0, end], [0, -end], color=styles.BOUND_COLOUR, linewidth=1.3, zorder=2)
    order = list(dict.fromkeys(table["family"])) if families is None else list(families)
    for family, rows in table.groupby("family", sort=False).groups.items():
        style = _style(order, str(family))
        for row in rows:
            _point(axes, across[row], up[row], (low[row], high[row]), str(kinds[row]), style, ARROW * span, bottom)
    if band:
        axes.axhspan(bottom - band, bottom, color="0.92", linewidth=0, zorder=0)
        words = FLOOR if never.any() else f"{FLOOR}: none"
        axes.annotate(
            words, (0.008, bottom), xycoords=axes.get_yaxis_transform(), xytext=(0, -3), textcoords="offset points",
            ha="left", va="top", fontsize=8, color="0.35",
        )  # fmt: skip
    axes.set_xlim(0, right)
    axes.set_ylim(bottom - band, HEADROOM)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= 0])  # in the band height means nothing
    axes.set_xlabel("complexity: code  (certified bits)")
    axes.set_ylabel(styles.LOG2_PROBABILITY)
    _tens(axes, bottom)
    _without_number(axes, int((kinds == "failed").sum()))
    if title:
        axes.set_title(title, fontsize=10)
    if legend:
        _legend(axes, [family for family in order if family in set(table["family"])], order, set(kinds))
    drawn = kinds != "failed"
    chosen = most_blind(table, named) if isinstance(named, int) else [name for name in named if name in set(table["name"])]
    places = {str(name): (x, y) for name, x, y in zip(table["name"][drawn], across[drawn], up[drawn], strict=True)}
    points = np.stack([across[drawn], up[drawn]], axis=1)
    along = np.linspace(0, end, 201)
    dots = np.concatenate([points, np.stack([along, -along], axis=1)])
    labels.place([(axes, {name: places[name] for name in chosen if name in places}, dots)])
    return axes


def kinds_of(table: pd.DataFrame) -> np.ndarray:
    """How each function is drawn, (rows,): ok, suspect, bound, never or failed."""
    value, high = table["log2_probability"].to_numpy(float), table["log2_high"].to_numpy(float)
    kinds = np.where(table["status"] == "ok", "ok", "suspect").astype(object)
    kinds[~np.isfinite(value)] = "failed"
    kinds[~np.isfinite(value) & np.isfinite(high) & (table["status"] != "failed")] = "bound"
    kinds[(value == -np.inf) & ~(high > -np.inf)] = "never"
    return kinds


def lowest_value(table: pd.DataFrame) -> float:
    """Where the axis of log₂P ends below, in bits: under all limits and numbers that are finite."""
    numbers = np.concatenate([table[name].to_numpy(float) for name in ("log2_probability", "log2_low", "log2_high")])
    least = float(np.min(numbers[np.isfinite(numbers)], initial=-4.0))
    return 1.08 * least - 1.0


def most_blind(table: pd.DataFrame, count: int) -> list[str]:
    """Names of the functions furthest below the line log₂P = −K; the simplest first among those that are never computed.

    At most half of them are functions that are never computed, where there are enough others below the line. Functions of the
    family "class", which have no name of their own, come only where names are left over; of functions at one place, one has
    its name.
    """
    known = table.assign(kind=kinds_of(table)).query("kind != 'failed'")
    known = known.sort_values(["bits_below_bound", "complexity_code"], ascending=[False, True], kind="stable")
    speaking = (known["family"] != UNNAMED) | known["name"].str.contains(RELATIVE)
    known = pd.concat([known[speaking], known[~speaking]])
    never = known["kind"] == "never"
    below = known[~never & (known["bits_below_bound"] > 0)]
    others: list[str] = []
    places: list[tuple[float, float]] = []
    for name, bits, short in zip(below["name"], below["complexity_code"], below["bits_below_bound"], strict=True):
        if all(abs(bits - x) > SAME or abs(short - y) > SAME for x, y in places):
            others.append(name)
            places.append((bits, short))
    impossible = known[never].sort_values("complexity_code", kind="stable")["name"].tolist()
    taken = impossible[: max(count - len(others), count // 2)]
    return [str(name) for name in taken + others[: count - len(taken)]]


def _style(order: Sequence[str], family: str) -> dict[str, Any]:
    """Marker and colour of a family: no two share both; what has no name is small and grey."""
    if family == UNNAMED:
        return {"marker": "p", "color": "0.55"}
    style = styles.line_style([each for each in order if each != UNNAMED].index(family))
    return {"marker": style["marker"], "color": style["color"]}


def _beside(across: np.ndarray, up: np.ndarray, chosen: np.ndarray, width: float, height: float) -> np.ndarray:
    """Points that would cover others moved to the nearest free place to the right or left, by MOST_BESIDE bits at most."""
    moved = across.copy()
    steps = int(MOST_BESIDE / width)
    offsets = [0.0, *(sign * step * width for step in range(1, steps + 1) for sign in (1, -1))]
    placed: list[tuple[float, float]] = []
    for row in np.flatnonzero(chosen)[np.argsort(-up[chosen], kind="stable")]:
        for offset in offsets:
            x = across[row] + offset
            if all(abs(x - a) > 0.9 * width or abs(up[row] - b) > height for a, b in placed):
                moved[row] = x
                break
        placed.append((float(moved[row]), float(up[row])))
    return moved


def _stacked(across: np.ndarray, chosen: np.ndarray, right: float, bottom: float, band: float) -> np.ndarray:
    """Heights on the floor: functions of about equal complexity stand under each other, below the floor's own words."""
    heights = np.full(len(across), np.nan)
    columns = np.round(across / (COLUMN * right)).astype(int)
    top, room = bottom - 0.34 * band, 0.56 * band
    tallest = max((int((columns[chosen] == column).sum()) for column in set(columns[chosen].tolist())), default=1)
    step = room / max(tallest - 1, 3)
    for column in set(columns[chosen].tolist()):
        rows = np.flatnonzero(chosen & (columns == column))
        heights[rows] = top - step * np.arange(len(rows))
    return heights


def _point(
    axes: Axes, x: float, y: float, limits: tuple[float, float], kind: str, style: dict, arrow: float, bottom: float
) -> None:
    if kind == "failed":
        return
    colour = style["color"]
    inside = colour if kind == "ok" else "white"
    axes.plot(
        [x], [y], marker=style["marker"], markersize=SIZE, markerfacecolor=inside, markeredgecolor=colour,
        markeredgewidth=1.1, linestyle="none", zorder=4,
    )  # fmt: skip
    if kind == "never":
        axes.plot([x], [y], marker="x", markersize=SIZE + 2.5, color=colour, markeredgewidth=0.9, linestyle="none", zorder=5)
    elif kind == "bound":
        axes.annotate(
            "", (x, y - arrow), (x, y), zorder=3,
            arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.0, "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
    else:
        ends = [max(limits[0], bottom) if limits[0] == limits[0] else y, min(limits[1], 0.0) if limits[1] == limits[1] else y]
        axes.plot([x, x], ends, color=colour, linewidth=1.0, zorder=3, solid_capstyle="butt")


def _tens(axes: Axes, bottom: float) -> None:
    """The same axis in powers of ten, to the right."""

    def tens(bits: Any) -> Any:
        return bits * math.log10(2)

    def bits(tens: Any) -> Any:
        return tens / math.log10(2)

    powers = axes.secondary_yaxis("right", functions=(tens, bits))
    whole = np.arange(math.ceil(bottom * math.log10(2)), 1)
    step = max(1, -(-len(whole) // 9))
    powers.set_yticks([float(power) for power in whole[::-1][::step]])
    powers.set_ylabel("log₁₀ P(f)")


def _without_number(axes: Axes, count: int) -> None:
    if count:
        axes.annotate(
            f"{count} function{'s' if count > 1 else ''} without a number", (0.99, 0.99), xycoords="axes fraction",
            ha="right", va="top", fontsize=8, color="0.35",
        )  # fmt: skip


def _legend(axes: Axes, families: Sequence[str], order: Sequence[str], kinds: set[str]) -> None:
    """To the right of the axes: the line, the families in use and what the ways to draw a point mean."""
    entries = [Line2D([], [], color=styles.BOUND_COLOUR, linewidth=1.3, label="log₂P = −K, nothing fitted")]
    for family in families:
        style = _style(order, family)
        words = "without a name" if family == UNNAMED else family
        entries.append(Line2D([], [], linestyle="none", markersize=SIZE, label=words, **style))
    grey: dict[str, Any] = {"color": "0.3", "markerfacecolor": "white", "markersize": SIZE, "linestyle": "none"}
    signs = {"suspect": "o", "bound": r"$\downarrow$", "never": "x"}
    for kind, words in KINDS.items():
        if kind in kinds:
            entries.append(Line2D([], [], marker=signs[kind], label=words, **grey))
    axes.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(1.13, 1.0), fontsize=8, frameon=False, handlelength=1.6,
        borderaxespad=0.0,
    )  # fmt: skip
