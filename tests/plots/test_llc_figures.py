"""Figures of learning coefficients: what they show, that verdicts are shapes, and that text fits."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from slt_bias import plots
from slt_bias.errors import InputError
from slt_bias.plots import verdicts

NAN = float("nan")


def cells(*rows):
    return pd.DataFrame(rows, columns=["value", "low", "high", "status"])


STATUSES = cells((8.0, 7.5, 8.5, "ok"), (9.0, 8.0, 10.0, "suspect"), (NAN, NAN, NAN, "failed"))


def shapes(axes):
    """Markers that were drawn, without the lines."""
    return [line.get_marker() for line in axes.lines if line.get_marker() not in ("", "None", None)]


def texts(figure):
    return [text.get_text() for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes)] if legend
            for text in legend.get_texts()]  # fmt: skip


def check_layout(figure):
    """Every axis label, title and legend lies within the figure, and legends do not cover axes."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    frame = figure.bbox
    for axes in figure.axes:
        if not axes.axison:
            continue
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title):
            box = text.get_window_extent(renderer)
            if text.get_text():
                assert frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1, text
                assert frame.y0 - 1 <= box.y0 and box.y1 <= frame.y1 + 1, text
        legend = axes.get_legend()
        if legend is not None:
            box = legend.get_window_extent(renderer)
            assert box.y0 >= frame.y0 - 1 and box.x0 >= frame.x0 - 1
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        assert not any(box.overlaps(axes.get_window_extent(renderer)) for axes in figure.axes)


def test_verdicts_differ_in_shape_and_not_only_in_colour():
    assert len(set(verdicts.MARKERS.values())) == len(verdicts.ORDER)
    inside = {verdicts.marker(status, "#0072B2")["markerfacecolor"] for status in ("ok", "suspect")}
    assert len(inside) == 2  # filled and open
    assert [handle.get_label().split(":")[0] for handle in verdicts.handles(["failed", "ok"])] == ["verdict", "failed"]


def test_traces_show_every_chain_and_say_which_diverged():
    trace = np.random.default_rng(0).gamma(8.0, 1.0, (5, 200))
    broken = trace.copy()
    broken[2, 90:] = NAN
    figure = plots.traces(
        [plots.TracePanel("one", trace, 8.0, 7.9, 8.1, truth=8.05), plots.TracePanel("two", broken, NAN, NAN, NAN)]
    )
    left, right, below, _ = figure.axes
    drawn = [line for line in left.lines if len(line.get_xdata()) == 200]
    assert len(drawn) == 5 and np.array_equal(drawn[3].get_ydata(), trace[3])
    running = [line for line in right.lines if len(line.get_xdata()) == 200]
    assert running[1].get_ydata()[-1] == pytest.approx(trace[1].mean())
    assert "nats" in left.get_ylabel() and below.get_xlabel() == "draw"
    assert [text.get_text() for text in below.texts] == ["1 of 5 chains left the finite numbers"]
    assert "λ, exact" in texts(figure)
    check_layout(figure)
    with pytest.raises(InputError, match="one or more"):
        plots.traces([])


def test_temperatures_mark_rungs_that_enter_no_fit():
    table = pd.DataFrame(
        {
            "inverse_temperature": [1e3, 1e4, 1e5, 1e6],
            "value": [6.0, 7.0, 7.6, 7.9],
            "low": [5.8, 6.8, 7.4, 7.0],
            "high": [6.2, 7.2, 7.8, 8.8],
            "rhat": [1.0, 1.01, 1.02, 1.5],
        }
    )
    axes = plots.temperatures(table, (8.02, 7.9, 8.1), truth=8.0)
    assert shapes(axes) == ["o", "o", "o", "^"]
    assert axes.get_xscale() == "log" and "nβ" in axes.get_xlabel() and "nats" in axes.get_ylabel()
    legend = texts(axes.figure)
    assert any("8.02 [7.9, 8.1]" in text for text in legend) and any("exact: 8" in text for text in legend)
    check_layout(axes.figure)
    assert len(texts(plots.temperatures(table.iloc[:3]).figure)) == 1  # neither fit nor truth nor a rung left out


def test_sweep_draws_a_line_a_temperature_and_a_shape_a_verdict():
    table = pd.concat([STATUSES.assign(inverse_temperature=beta, step_size=[1e-4, 1e-3, 1e-2]) for beta in (100.0, 1e4)])
    axes = plots.sweep(table, truth=8.0)
    assert sorted(shapes(axes)) == ["^", "^", "o", "o", "x", "x"]
    crosses = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "x"]
    assert len(set(crosses)) == 2  # of two temperatures at one step size: apart
    legend = texts(axes.figure)
    assert legend[0] == "nβ = 100" and "10^{4}" in legend[1] and sum("failed" in text for text in legend) == 1
    assert axes.get_yscale() == "linear" and "step size" in axes.get_xlabel()
    check_layout(axes.figure)
    wide = table.assign(value=[1.0, 100.0, NAN] * 2)
    assert plots.sweep(wide).get_yscale() == "log"


def test_trajectory_has_two_axes_and_a_band_for_each_run():
    run = STATUSES.iloc[::-1].assign(step=[0, 10, 1000], loss=[2.3, 1.0, 0.1])
    figure = plots.trajectory({"seed 0": run, "seed 1": run.assign(value=[NAN, 7.5, 7.0])}, logarithmic=True)
    loss, coefficient = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [run["loss"].tolist()] * 2
    assert len(coefficient.collections) == 2 and sorted(shapes(coefficient)) == ["^", "^", "o", "o", "x", "x"]
    styles = {line.get_linestyle() for line in loss.lines}
    assert len(styles) == 2  # told apart without colours
    low, high = coefficient.get_xlim()
    assert low < 0 and high > 1000
    assert "nats" in loss.get_ylabel() and "step" in coefficient.get_xlabel()
    check_layout(figure)
    with pytest.raises(InputError, match="no runs"):
        plots.trajectory({})


@pytest.mark.parametrize("truths", [(2.5, 8.0), (0.5, 46.0), (8.0, 8.0)])
def test_estimate_versus_truth_shows_errors_in_percent(truths):
    rows = []
    for method in ("fast", "reference"):
        for truth in truths:
            numbers = {"truth": truth, "value": 1.1 * truth, "low": truth, "high": 1.2 * truth}
            rows.append({"method": method, "status": "ok", **numbers})
    rows[0] |= {"value": NAN, "low": NAN, "high": NAN, "status": "failed"}
    figure = plots.estimate_versus_truth(pd.DataFrame(rows))
    upper, lower = figure.axes
    errors = [line.get_ydata()[0] for line in lower.lines if line.get_marker() == "o"]
    assert errors == pytest.approx([10.0] * 3)
    assert "%" in lower.get_ylabel() and upper.get_yscale() == ("log" if truths[0] == 0.5 else "linear")
    assert {"fast", "reference", "equal"} <= set(texts(figure))
    check_layout(figure)


def test_routes_print_each_number_and_verdict():
    one = STATUSES.assign(system="a", route=["fast", "reference", "volume"], truth=8.2)
    table = pd.concat([one, one.assign(system="b", truth=NAN)])
    figure = plots.routes(table)
    first, second = figure.axes
    written = [text.get_text() for text in first.texts]
    assert written == ["8 [7.5, 8.5]  ok", "9 [8, 10]  suspect", "failed"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["volume", "reference", "fast"]
    assert any(line.get_xdata()[0] == 8.2 for line in first.lines) and not any(8.2 in line.get_xdata() for line in second.lines)
    check_layout(figure)
    with pytest.raises(InputError, match="no rows"):
        plots.routes(table.iloc[:0])


def test_volume_has_a_line_of_slope_lambda():
    log_epsilon = np.linspace(0, -20, 30)
    curve = pd.DataFrame({"log_epsilon": log_epsilon, "log_volume": 1.5 * log_epsilon})
    curve = curve.assign(low=curve["log_volume"] - 0.1, high=curve["log_volume"] + 0.1)
    axes = plots.volume(curve, 1.5, (-18.0, -3.0))
    line = axes.lines[-1]
    assert np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0] == pytest.approx(1.5)
    check_layout(axes.figure)
    assert len(plots.volume(curve, NAN, None).lines) == 1  # a failed estimate has no slope
