"""Labels beside points, placed so that they cover neither each other nor the points that they name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

# up and to the right first: above the bound a panel is empty
ANGLES = (35, 70, 0, 100, -30, 145, 180, -70, -145)
RADII = (10, 16, 24, 34, 46, 60, 76, 94, 114, 136)  # points
DOT = 20.0  # square pixels: what covering a dot costs
EDGE = 4.0  # pixels between a label and the edge of the axes
MARKED: dict[str, Any] = {
    "marker": "o",
    "markersize": 6,
    "markerfacecolor": "none",
    "markeredgecolor": "black",
    "linestyle": "none",
}


def place(panels: Sequence[tuple[Axes, Mapping[str, tuple[float, float]], np.ndarray]]) -> None:
    """Write a label for each name → (x, y) of each panel (axes, names, dots), once everything else is drawn.

    Each label takes the first of the positions around its point, near ones first, where it overlaps no text, no other
    label, no named point and none of the dots, float64 (dots, 2); where there is none, the one that overlaps least: a name
    is never dropped. A position that reaches out of the axes is moved back into them.
    """
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return
    figure = panels[0][0].get_figure(root=True)
    assert isinstance(figure, Figure)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # the constrained layout settles where the axes are
    renderer = canvas.get_renderer()
    pixels = figure.dpi / 72
    for axes, names, dots in panels:
        frame = axes.get_window_extent(renderer)
        taken = [text.get_window_extent(renderer) for text in axes.texts]
        anchors = {name: axes.transData.transform(point) for name, point in names.items()}
        taken += [Bbox.from_bounds(x - 4 * pixels, y - 4 * pixels, 8 * pixels, 8 * pixels) for x, y in anchors.values()]
        pixel_dots = axes.transData.transform(dots)
        for name, anchor in anchors.items():
            axes.plot(*names[name], **MARKED)
            text = axes.text(0, 0, name, fontsize=8)
            size = text.get_window_extent(renderer)
            text.remove()
            boxes = [_inside(_box(anchor, size.width, size.height, r * pixels, a), frame) for r in RADII for a in ANGLES]
            costs = [_overlap(box, taken) + DOT * _hits(box, pixel_dots) for box in boxes]
            best = boxes[int(np.argmin(costs))]
            taken.append(best)
            written = axes.annotate(
                name, xy=names[name], xytext=((best.x0 - anchor[0]) / pixels, (best.y0 - anchor[1]) / pixels),
                textcoords="offset points", fontsize=8, ha="left", va="bottom", zorder=6,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
                arrowprops={"arrowstyle": "-", "color": "0.25", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
            )  # fmt: skip
            written.set_in_layout(False)  # else the layout, and with it the place, would change once more


def _box(anchor: np.ndarray, width: float, height: float, radius: float, angle: float) -> Bbox:
    """The label's box whose nearest edge is `radius` away from the point in the direction `angle` (degrees)."""
    across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x = anchor[0] + across * radius + (across - 1) / 2 * width
    y = anchor[1] + up * radius + (up - 1) / 2 * height
    return Bbox.from_bounds(x, y, width, height)


def _overlap(box: Bbox, taken: Sequence[Bbox]) -> float:
    """The area that a label shares with what is there, with 3 pixels around it."""
    shared = (Bbox.intersection(box.padded(3), other) for other in taken)
    return sum(part.width * part.height for part in shared if part is not None)


def _hits(box: Bbox, dots: np.ndarray) -> int:
    """How many dots a label would cover."""
    wide = box.padded(4)
    return int(((dots > wide.min) & (dots < wide.max)).all(axis=1).sum())


def _inside(box: Bbox, frame: Bbox) -> Bbox:
    """The box moved, no further than needed, into the frame of the axes."""
    x = max(frame.x0 + EDGE, min(box.x0, frame.x1 - EDGE - box.width))
    y = max(frame.y0 + EDGE, min(box.y0, frame.y1 - EDGE - box.height))
    return Bbox.from_bounds(x, y, box.width, box.height)
