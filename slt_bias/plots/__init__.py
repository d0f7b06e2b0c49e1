"""One function a figure, from tables to matplotlib Axes; nothing is computed here."""

from slt_bias.plots.histogram import complexity_histogram
from slt_bias.plots.overlay import overlay
from slt_bias.plots.picture import Picture
from slt_bias.plots.prior_versus_complexity import Panel, prior_versus_complexity
from slt_bias.plots.same_function import same_function_scatter
from slt_bias.plots.saving import save
from slt_bias.plots.styles import Bound
from slt_bias.plots.zipf import zipf

__all__ = [
    "Bound",
    "Panel",
    "Picture",
    "complexity_histogram",
    "overlay",
    "prior_versus_complexity",
    "same_function_scatter",
    "save",
    "zipf",
]
