"""Figures as files: the same figure gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slt_bias.errors import InputError
from slt_bias.files import replacing

DOTS_PER_INCH = 160


def save(figure: Figure | Axes, path_stem: str | Path) -> tuple[Path, Path]:
    """Write `path_stem`.png (160 dots an inch) and `path_stem`.svg, each whole or not at all; returns both paths.

    No date and no random identifiers: equal figures give equal files. Raises ResultError where they cannot be written.
    """
    whole = figure.get_figure(root=True) if isinstance(figure, Axes) else figure
    if whole is None:
        raise InputError("these axes belong to no figure any more: nothing to save.")
    stem = Path(path_stem)
    png, svg = (stem.with_name(stem.name + suffix) for suffix in (".png", ".svg"))
    with mpl.rc_context({"svg.hashsalt": "slt-bias"}):
        with replacing(png) as temporary:
            whole.savefig(temporary, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
        with replacing(svg) as temporary:
            whole.savefig(temporary, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    return png, svg
