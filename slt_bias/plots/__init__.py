"""One function a figure, from tables to matplotlib Axes; nothing is computed here."""

from slt_bias.plots.blind_spots import blind_spots
from slt_bias.plots.blind_spots_table import blind_spots_table
from slt_bias.plots.estimate_versus_truth import estimate_versus_truth
from slt_bias.plots.histogram import complexity_histogram
from slt_bias.plots.overlay import overlay
from slt_bias.plots.picture import Picture
from slt_bias.plots.prior_versus_complexity import Panel, prior_versus_complexity
from slt_bias.plots.probability_intervals import probability_intervals
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
    "blind_spots",
    "blind_spots_table",
    "complexity_histogram",
    "estimate_versus_truth",
    "overlay",
    "prior_versus_complexity",
    "probability_intervals",
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
