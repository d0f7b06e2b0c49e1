"""Which architecture is blind to which simple function: log₁₀P, functions down and architectures across."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from slt_bias.errors import InputError
from slt_bias.plots.picture import Picture

DIGIT = math.log10(2)  # log₁₀P = DIGIT · log₂P
NEVER = "never"
NEVER_COLOUR = "0.12"
NOTE = "numbers: log₁₀ P(f);  <, hatched: an upper bound;  never: P = 0, proved;  –: no number"
MISSING_COLOUR = "white"
NOTE_WIDTH = 11  # characters of the note for each column
COLUMN, ROW = 0.66, 0.235  # inches
LABEL_WIDTH = 26  # characters of a map's label on one line
BAR_INCHES = 2.2


def blind_spots_table(
    table: pd.DataFrame,
    upper_bounds: pd.DataFrame,
    axes: Axes | None = None,
    *,
    complexity: pd.Series | None = None,
    title: str | None = None,
) -> Axes:
    """A cell a function and architecture, its colour and its number log₁₀P: −6.6 is P = 10^−6.6.

    table : log₂P in bits, a row a function (index: its name), a column a map (its label); −∞ where no parameters compute the
        function ("never"), NaN where there is no number (a dash). Choose the rows: up to about 40 are legible.
    upper_bounds : bool, the same shape: the number is an upper bound, written with "<".
    complexity : bits of each function, written beside its name.
    Raises InputError for an empty table, or bounds of another shape.
    """
    if not table.size:
        raise InputError("no functions or no maps: the table of blind spots is empty.")
    if upper_bounds.shape != table.shape:
        raise InputError(f"upper_bounds have the shape {upper_bounds.shape}, the table {table.shape}: give one for each cell.")
    axes = axes or _axes_for(table)
    values = table.to_numpy(float) * DIGIT
    finite = values[np.isfinite(values)]
    norm = Normalize(min(float(np.min(finite, initial=-1.0)), -1.0), 0.0)
    colours = _colours()
    shown = np.ma.masked_invalid(values)
    image = axes.imshow(shown, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    for (row, column), value in np.ndenumerate(values):
        bound = bool(upper_bounds.iat[row, column])
        if value == -math.inf:
            axes.add_patch(_cell(column, row, facecolor=NEVER_COLOUR, edgecolor="none"))
        elif bound:  # its colour is that of the limit, not of P
            axes.add_patch(_cell(column, row, facecolor="none", edgecolor="white", hatch="////", alpha=0.45, linewidth=0))
        dark = value == -math.inf or (math.isfinite(value) and _dark(colours(norm(value))))
        colour = "white" if dark else "black"
        axes.text(column, row, cell_text(value, bound), ha="center", va="center", fontsize=7.5, color=colour)
    names = [str(name) for name in table.index]
    if complexity is not None:
        names = [f"{name}  ({complexity[key]:.0f} bits)" for name, key in zip(names, table.index, strict=True)]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    columns = [textwrap.fill(str(label), LABEL_WIDTH, break_on_hyphens=False) for label in table.columns]
    axes.set_xticks(range(len(columns)), columns, fontsize=8, rotation=40, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_xlabel(textwrap.fill(NOTE, 22 + NOTE_WIDTH * len(columns)), fontsize=8, color="0.3")
    axes.xaxis.set_label_position("bottom")
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(-0.5, len(columns)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(names)), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.0)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure = axes.get_figure(root=True)
    if isinstance(figure, Figure):
        bar = figure.colorbar(image, ax=axes, pad=0.015, shrink=min(1.0, BAR_INCHES / (ROW * len(names))), anchor=(0.0, 1.0))
        bar.set_label("log₁₀ P(f)", fontsize=8)
        bar.ax.tick_params(labelsize=8)
    if title:
        axes.set_title(title, fontsize=10)
    return axes


def cell_text(value: float, bound: bool) -> str:
    """log₁₀P as a cell shows it: −6.6, <−12.0, never, or a dash where there is no number."""
    if math.isnan(value):
        return "–"
    if value == -math.inf:
        return NEVER
    number = f"{value:.0f}" if value < -99.5 else f"{value:.1f}"
    return f"{'<' if bound else ''}{number}".replace("-0.0", "0.0").replace("-", "−")


def _axes_for(table: pd.DataFrame) -> Axes:
    rows, columns = table.shape
    longest = max(len(str(name)) for name in table.index)
    width = 1.9 + 0.068 * (longest + 11) + COLUMN * columns
    return Picture(figsize=(max(width, 5.0), 1.5 + ROW * rows), layout="constrained").add_subplot()


def _colours() -> ListedColormap:
    """Viridis without its darkest end, which is too near to the colour of what is never computed."""
    return ListedColormap(colormaps["viridis"](np.linspace(0.14, 1.0, 256)), bad=MISSING_COLOUR)


def _cell(column: int, row: int, **style: Any) -> Rectangle:
    return Rectangle((column - 0.5, row - 0.5), 1, 1, zorder=1, **style)


def _dark(colour: tuple[float, float, float, float]) -> bool:
    """Whether white is easier to read on it than black (relative luminance, ITU-R BT.709)."""
    red, green, blue, _ = colour
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.45
