import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation

from slt_bias import compare, plots, prior
from slt_bias.errors import InputError, ResultError
from slt_bias.plots import styles

SPECS = {
    "ReLU network": "mlp:hidden=40x40,inputs=7,preset=valle-perez-2018-normal",
    "perceptron": "perceptron:inputs=7",
    "control": "uniform:inputs=7",
}


@pytest.fixture(scope="module")
def counts():
    return {name: prior.sample(spec, samples=20_000, workers=1) for name, spec in SPECS.items()}


@pytest.fixture(scope="module")
def tables(counts):
    return {name: compare.prior_versus_complexity(each) for name, each in counts.items()}


def panel(name, table, named=None):
    bounds = [compare.coding_bound(table)]
    if name != "control":
        bounds.append(compare.coding_bound(table, "envelope"))
    return plots.Panel(name, table, bounds, named or {})


def test_a_panel_a_map_on_the_same_axes(tables):
    figure = plots.prior_versus_complexity([panel(*item) for item in tables.items()], "three maps")
    panels = figure.axes[: len(tables)]
    assert len({axes.get_xlim() for axes in panels}) == len({axes.get_ylim() for axes in panels}) == 1
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        dots = axes.collections[0]
        # every function is in one dot, and the colours count them
        assert dots.get_array().sum() == len(table)
        x, y = dots.get_offsets().T
        assert x.max() == table["complexity"].max() and y.min() == pytest.approx(-math.log2(20_000))
        low, high = axes.get_ylim()
        assert low < y.min() and y.max() < high
        assert len(axes.lines) == (2 if name == "control" else 3)
    assert "bits" in panels[0].get_ylabel() and "LZ units" in panels[0].get_xlabel()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*styles.BOUND_LABELS.values(), "one draw, 1/samples"]
    colour_bar = figure.axes[-1]
    assert "functions" in colour_bar.get_ylabel()


def test_labels_overlap_nothing(tables):
    """Five names for two close points: all are written, inside the panel, and apart."""
    close = (7.0, -2.0), (7.5, -2.1)
    named = {f"function {number}": close[number % 2] for number in range(5)}
    figure = plots.prior_versus_complexity([panel("ReLU network", tables["ReLU network"], named)])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes, renderer = figure.axes[0], canvas.get_renderer()
    written = [text for text in axes.texts if isinstance(text, Annotation) and text.get_text() in named]
    assert sorted(text.get_text() for text in written) == sorted(named)
    # the text alone, without the arrow that leads to its point
    boxes = [text.get_bbox_patch().get_window_extent(renderer) for text in written]
    frame = axes.get_window_extent(renderer)
    for number, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_panels_of_two_estimators_are_refused(counts, tables):
    other = compare.prior_versus_complexity(counts["perceptron"], "entropy")
    with pytest.raises(InputError, match="entropy, lz"):
        plots.prior_versus_complexity([plots.Panel("a", tables["perceptron"]), plots.Panel("b", other)])
    with pytest.raises(InputError, match="one or more"):
        plots.prior_versus_complexity([])


def test_curves_differ_in_more_than_colour(counts, tables):
    axes = plots.zipf({name: each.zipf() for name, each in counts.items()})
    assert len({line.get_linestyle() for line in axes.lines}) == len({line.get_marker() for line in axes.lines}) == 3
    assert axes.get_xscale() == axes.get_yscale() == "log" and axes.get_xlabel() and axes.get_ylabel()
    for line, each in zip(axes.lines, counts.values(), strict=True):
        assert line.get_xdata()[-1] == each.distinct and line.get_ydata()[0] == each.count[0] / each.samples


def test_overlay_says_which_map_has_no_envelope(tables):
    envelopes = {name: compare.envelope(table) for name, table in tables.items()}
    axes = plots.overlay(envelopes, "lz", [compare.coding_bound(tables["control"])], samples=[20_000])
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["ReLU network", "perceptron", "control (none often enough)", styles.BOUND_LABELS["a-priori"]]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), envelopes["ReLU network"]["log2_probability"])


def test_histogram_shows_the_uniform_law_once(tables):
    frames = {name: compare.complexity_histogram(table) for name, table in tables.items()}
    axes = plots.complexity_histogram(frames)
    assert len(axes.get_legend().get_texts()) == 4 and len(axes.lines) == 3


def test_scatter_shows_each_function_of_either(counts):
    found = compare.distance(counts["ReLU network"], counts["perceptron"], limit=10)
    axes = plots.same_function_scatter(found.pairs, "ReLU network", "perceptron", 20_000, 20_000)
    dots = axes.collections[0]
    assert dots.get_array().sum() == found.functions_a + found.functions_b - found.functions_both
    x, y = dots.get_offsets().T
    assert x.min() < 1 / 20_000 and y.min() < 1 / 20_000  # those that one did not draw, in the margins
    assert axes.get_xlim()[0] < x.min() and axes.get_ylim()[0] < y.min()


def test_equal_figures_give_equal_files(tables, tmp_path):
    paths = [
        plots.save(plots.prior_versus_complexity([panel("perceptron", tables["perceptron"])]), tmp_path / name) for name in "ab"
    ]
    for first, second in zip(*paths, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert paths[0][0].read_bytes().startswith(b"\x89PNG") and b"<svg" in paths[0][1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]


def test_a_name_with_a_dot_keeps_it(counts, tmp_path):
    axes = plots.zipf({"control": counts["control"].zipf()})
    assert [path.name for path in plots.save(axes, tmp_path / "n=7.5")] == ["n=7.5.png", "n=7.5.svg"]


def test_an_unwritable_place_is_one_clear_line(counts, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultError, match="cannot be written"):
        plots.save(plots.zipf({"control": counts["control"].zipf()}), tmp_path / "file" / "figure")


@pytest.mark.parametrize(("value", "text"), [(1e-5, "$10^{-5}$"), (2.0**-10, r"$9.8\times10^{-4}$"), (5e-5, r"$5\times10^{-5}$")])
def test_powers_of_ten(value, text):
    assert styles.power_of_ten(value) == text


def test_save_takes_a_name_of_either_format_and_no_other(tmp_path, counts):
    axes = plots.zipf({"control": counts["control"].zipf()})
    for name in ("fig", "fig.png", "fig.SVG"):
        assert [path.name for path in plots.save(axes, tmp_path / name)] == ["fig.png", "fig.svg"]
    for name in ("fig.pdf", "fig.JPG", "fig.eps"):
        with pytest.raises(InputError, match=r"written as .png and .svg"):
            plots.save(axes, tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 2


def test_curves_differ_and_a_long_legend_leaves_the_axes_their_height(counts):
    styles_of = [styles.line_style(number) for number in range(49)]
    assert len({(each["color"], str(each["linestyle"]), each["marker"]) for each in styles_of}) == 49
    heights = []
    for curves in (2, 13):
        axes = plots.zipf({f"map {number}": counts["control"].zipf() for number in range(curves)})
        FigureCanvasAgg(axes.figure).draw()
        heights.append(axes.get_window_extent().height)
    assert heights[1] > 0.9 * heights[0]


def test_no_colour_bar_where_each_point_is_one_function(tables):
    few = compare.prior_versus_complexity(prior.sample("uniform:inputs=5", samples=1, workers=1))
    shown = plots.prior_versus_complexity([plots.Panel("few", few)])
    assert len(shown.axes) == few.groupby(["complexity", "log2_probability"]).size().max() == 1
    assert len(plots.prior_versus_complexity([plots.Panel("many", tables["control"])]).axes) == 2


def test_no_line_stands_above_probability_one(tables):
    bound = compare.CodingBound(slope=0.5, offset=-3.0, kind="envelope", complexity="lz")
    panels = plots.prior_versus_complexity([plots.Panel("network", tables["ReLU network"], [bound])]).axes[0]
    curves = plots.overlay({"network": compare.envelope(tables["ReLU network"])}, bounds=[bound])
    for line in (panels.lines[0], curves.lines[1]):
        assert line.get_ydata().max() == 0 and line.get_ydata()[-1] == pytest.approx(bound.log2(line.get_xdata()[-1]))


def test_labels_stay_inside_thirteen_panels(tables):
    table = tables["ReLU network"]
    named = {"and": (0.3, -13.0), "x0": (0.2, -12.5), "or": (float(table["complexity"].max()), -2.0), "constant": (0.1, 0.0)}
    figure = plots.prior_versus_complexity([panel("network", table, named) for _ in range(13)])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    for axes in figure.axes[:13]:
        frame = axes.get_window_extent(renderer)
        for text in axes.texts:
            if text.get_text() in named:
                box = text.get_bbox_patch().get_window_extent(renderer)
                assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
