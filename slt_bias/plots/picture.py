"""The figure that every plot draws on."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Picture(Figure):
    """A matplotlib Figure that a notebook shows by itself, without pyplot and its state."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        FigureCanvasAgg(self).print_png(stream)
        return stream.getvalue()
