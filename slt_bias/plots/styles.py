"""What all figures share: colours that the colour-blind tell apart, a line and a marker each, names of quantities."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes

from slt_bias.plots.picture import Picture


class Bound(Protocol):
    """A line to draw, such as `compare.CodingBound`."""

    @property
    def kind(self) -> str:
        """a-priori or envelope."""
        ...

    def log2(self, complexity: np.ndarray) -> np.ndarray:
        """log₂ of the bound, in bits."""
        ...


# Okabe & Ito 2008, without yellow, which is too pale for lines
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (1, 1)))

BOUND_STYLES: dict[str, Any] = {"a-priori": "-", "envelope": "--"}
BOUND_LABELS = {"a-priori": "coding bound, a priori", "envelope": "bound fitted to the upper envelope"}
BOUND_COLOUR = "#D55E00"
FLOOR_STYLE: dict[str, Any] = {"color": "0.35", "linestyle": ":", "linewidth": 1.2}

LEGEND_ROWS = 3  # fit under the axes of a new figure
LEGEND_ROW = 0.18  # inches that each further row takes

LOG2_PROBABILITY = "log₂ P(f)  (bits)"


def complexity_label(name: str) -> str:
    """The axis of an estimator, with its unit."""
    if name == "lz":
        return "complexity $C_{\\mathrm{LZ}}$  (LZ units)"
    if name.startswith("formula"):
        return f"complexity: formula over {name.removeprefix('formula_').replace('_', ' ')}  (leaves)"
    return f"complexity: {name}  (bits)"


def line_style(number: int) -> dict[str, Any]:
    """Colour, line and marker of the curve with this number: no two of the first seven share any of them.

    Each further round of colours moves the lines by one and the markers by two: no two of the first 49 share all three.
    """
    rounds, place = divmod(number, len(COLOURS))
    line, marker = (place + rounds) % len(LINES), (place + 2 * rounds) % len(MARKERS)
    return {"color": COLOURS[place], "linestyle": LINES[line], "marker": MARKERS[marker]}


def bound_points(bound: Bound, right: float) -> tuple[np.ndarray, np.ndarray]:
    """(complexity, log₂P in bits) along a bound from 0 to `right`; nothing is more probable than 1, so it ends at 0 bits."""
    line = np.linspace(0.0, right, 401)
    return line, np.minimum(bound.log2(line), 0.0)


def new_axes(width: float = 6.4, height: float = 4.6) -> Axes:
    """Axes in a figure of their own, independent of pyplot and of any display."""
    return Picture(figsize=(width, height), layout="constrained").add_subplot()


def legend_below(axes: Axes) -> None:
    """A legend under the axis label, where it covers no data; one column where names are long.

    Axes that have their figure to themselves (`new_axes`) get a taller one, so that a long legend takes nothing from them.
    """
    _, names = axes.get_legend_handles_labels()
    columns = 1 if max(map(len, names), default=0) > 40 else 2
    figure = axes.get_figure(root=True)
    if isinstance(figure, Picture) and figure.axes == [axes]:
        figure.set_figheight(figure.get_figheight() + LEGEND_ROW * max(0, -(-len(names) // columns) - LEGEND_ROWS))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=columns, fontsize=8, frameon=False, handlelength=3.2)


def power_of_ten(value: float) -> str:
    """1e-05 as 10⁻⁵ and 0.00002 as 2×10⁻⁵, in mathtext."""
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = value / 10**exponent
    return f"$10^{{{exponent}}}$" if abs(factor - 1) < 0.005 else f"${factor:.2g}\\times10^{{{exponent}}}$"
