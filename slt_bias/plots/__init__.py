"""One function a figure, from tables to matplotlib Axes; nothing is computed here."""

from slt_bias.plots.estimate_versus_truth import estimate_versus_truth
from slt_bias.plots.histogram import complexity_histogram
from slt_bias.plots.overlay import overlay
from slt_bias.plots.picture import Picture
from slt_bias.plots.prior_versus_complexity import Panel, prior_versus_complexity
from slt_bias.plots.routes import routes
from slt_bias.plots.same_function import same_function_scatter
from slt_bias.plots.saving import save
from slt_bias.plots.styles import Bound
from slt_bias.plots.sweep import sweep
from slt_bias.plots.temperatures import temperatures
from slt_bias.plots.traces import TracePanel, traces
from slt_bias.plots.trajectory import trajectory
from slt_bias.plots.volume import volume
from slt_bias.plots.zipf import zipf

__all__ = [
    "Bound",
    "Panel",
    "Picture",
    "TracePanel",
    "complexity_histogram",
    "estimate_versus_truth",
    "overlay",
    "prior_versus_complexity",
    "routes",
    "same_function_scatter",
    "save",
    "sweep",
    "temperatures",
    "traces",
    "trajectory",
    "volume",
    "zipf",
]
