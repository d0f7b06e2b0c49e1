"""Figures as files: the same figure gives the same bytes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slt_bias.errors import InputError
from slt_bias.files import replacing

DOTS_PER_INCH = 160
WRITTEN = (".png", ".svg")
OTHERS = (".bmp", ".emf", ".eps", ".gif", ".jpeg", ".jpg", ".pdf", ".pgf", ".ps", ".svgz", ".tif", ".tiff", ".webp")


def save(figure: Figure | Axes, path_stem: str | Path) -> tuple[Path, Path]:
    """Write `path_stem`.png (160 dots an inch) and `path_stem`.svg, each whole or not at all; returns both paths.

    A name that ends in .png or .svg stands for its stem. No date and no random identifiers: equal figures give equal files.
    Raises ResultError where they cannot be written, InputError for the suffix of another format.
    """
    whole = figure.get_figure(root=True) if isinstance(figure, Axes) else figure
    if whole is None:
        raise InputError("these axes belong to no figure any more: nothing to save.")
    stem = Path(path_stem)
    if stem.suffix.lower() in OTHERS:
        raise InputError(f"{stem.name}: figures are written as .png and .svg; give a name without {stem.suffix}.")
    if stem.suffix.lower() in WRITTEN:
        stem = stem.with_suffix("")
    png, svg = (stem.with_name(stem.name + suffix) for suffix in WRITTEN)
    with mpl.rc_context({"svg.hashsalt": "slt-bias"}):
        with replacing(png) as temporary:
            whole.savefig(temporary, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
        with replacing(svg) as temporary:
            whole.savefig(temporary, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    return png, svg
