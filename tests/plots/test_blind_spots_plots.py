"""The figures of blind spots: what is where, in which marker, under which name."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

from slt_bias import plots
from slt_bias.errors import InputError
from slt_bias.plots.blind_spots import blind_spots, kinds_of, most_blind
from slt_bias.plots.blind_spots_table import NEVER_COLOUR, blind_spots_table, cell_text
from slt_bias.plots.probability_intervals import probability_intervals

INF, NAN = math.inf, math.nan
ROWS = [  # name, family, K, log₂P, low, high, status
    ("constant 0", "constant", 6.0, -2.0, -2.1, -1.9, "ok"),
    ("x0", "projection", 9.0, -9.0, -9.2, -8.8, "ok"),
    ("x0 xor x1", "gate", 12.0, -21.0, -21.5, -20.5, "suspect"),
    ("x0 and x1", "gate", 12.0, -11.0, -11.2, -10.8, "ok"),
    ("parity of 4", "parity", 10.0, NAN, -INF, -39.0, "suspect"),
    ("ones mod 3 = 0", "symmetric", 10.0, -INF, -INF, -INF, "ok"),
    ("0x1669", "class", 10.0, -INF, -INF, -INF, "ok"),
    ("majority", "majority", 15.0, NAN, NAN, NAN, "failed"),
]


@pytest.fixture
def table():
    names = ["name", "family", "complexity_code", "log2_probability", "log2_low", "log2_high", "status"]
    frame = pd.DataFrame(ROWS, columns=names)
    top = frame["log2_probability"].fillna(frame["log2_high"])
    return frame.assign(bits_below_bound=-top - frame["complexity_code"])


def points(axes, marker=None):
    """(x, y) of every line that is a single point."""
    lines = [line for line in axes.lines if len(line.get_xdata()) == 1 and (marker is None or line.get_marker() == marker)]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def test_kinds(table):
    assert list(kinds_of(table)) == ["ok", "ok", "suspect", "ok", "bound", "never", "never", "failed"]
    counted = table.assign(log2_probability=table["log2_probability"].fillna(-INF))
    assert list(kinds_of(counted))[4] == "bound"  # a count of 0 has the value −∞ too, and is no proof


def test_every_function_is_where_it_belongs(table):
    axes = blind_spots(table)
    drawn = points(axes)
    for name, _, bits, value, *_ in ROWS[:4]:
        assert (bits, value) in drawn, name
    assert (10.0, -39.0) in drawn  # the bound at its limit
    bottom, top = axes.get_ylim()
    crossed = points(axes, "x")
    assert len(crossed) == 2 and all(bottom < y < -39 * 1.08 and x == 10 for x, y in crossed)
    assert len({y for _, y in crossed}) == 2  # under each other, not on each other
    assert 0 < top < 5
    bound = axes.lines[0]
    np.testing.assert_allclose(bound.get_ydata(), -bound.get_xdata())
    assert bound.get_ydata().min() > bottom  # the line does not run into the grey band
    assert min(axes.get_yticks()) >= -39 * 1.08 - 1
    assert any("1 function without a number" in text.get_text() for text in axes.texts)


def test_bars_are_the_intervals(table):
    bars = [line for line in blind_spots(table).lines[1:] if len(line.get_xdata()) == 2]
    assert sorted(tuple(bar.get_ydata()) for bar in bars) == sorted((low, high) for *_, low, high, _ in ROWS[:4])


def test_families_differ_without_their_colour(table):
    axes = blind_spots(table)
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    handles = dict(zip(names, axes.get_legend().legend_handles, strict=True))
    assert {"constant", "projection", "gate", "parity", "symmetric", "without a name"} <= set(names)
    markers = [handles[name].get_marker() for name in ("constant", "projection", "gate", "parity", "symmetric", "without a name")]
    assert len(set(markers)) == len(markers)
    assert {"open: suspect, see its reasons", "arrow: an upper bound", "crossed out, grey: P = 0, proved"} <= set(names)
    many = table.iloc[[0] * 20].assign(family=[f"family {number}" for number in range(20)], complexity_code=range(1, 21))
    shown = blind_spots(many, named=0).get_legend().legend_handles[1:]
    assert len({(handle.get_marker(), handle.get_color()) for handle in shown}) == 20


def test_open_and_filled_markers(table):
    inside = {(float(line.get_xdata()[0]), float(line.get_ydata()[0])): line.get_markerfacecolor()
              for line in blind_spots(table, named=0).lines if len(line.get_xdata()) == 1}  # fmt: skip
    assert inside[12.0, -21.0] == inside[10.0, -39.0] == "white"
    assert inside[6.0, -2.0] != "white"


def test_the_most_blind_have_names_and_the_nameless_come_last(table):
    assert most_blind(table, 4) == ["ones mod 3 = 0", "0x1669", "parity of 4", "x0 xor x1"]
    assert most_blind(table, 3) == ["ones mod 3 = 0", "parity of 4", "x0 xor x1"]
    assert most_blind(table.iloc[:4], 6) == ["x0 xor x1"]  # the others are not below the line
    twins = pd.concat([table.iloc[[2]], table.iloc[[2]].assign(name="the same place")])
    assert most_blind(twins, 6) == ["x0 xor x1"]


def test_labels_overlap_nothing_and_stay_inside(table):
    axes = blind_spots(table, named=[name for name, *_ in ROWS[:7]])
    canvas = FigureCanvasAgg(axes.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    names = {name for name, *_ in ROWS}
    labels = [text for text in axes.texts if isinstance(text, Annotation) and text.get_text() in names]
    assert len(labels) == 7
    boxes = [label.get_bbox_patch().get_window_extent(renderer) for label in labels]
    frame = axes.get_window_extent(renderer)
    for place, box in enumerate(boxes):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert not any(box.overlaps(other) for other in boxes[:place])


def test_points_on_each_other_stand_side_by_side(table):
    twins = pd.concat([table.iloc[[3]]] * 3).assign(name=["a", "b", "c"])
    places = points(blind_spots(twins, named=0))
    assert len({x for x, _ in places}) == 3
    assert all(abs(x - 12) < 0.5 and y == -11 for x, y in places)
    apart = points(blind_spots(twins.assign(log2_probability=[-11.0, -5.0, -2.0]), named=0))
    assert {x for x, _ in apart} == {12.0}


def test_several_figures_on_the_same_axes(table):
    possible = table.iloc[:4]
    one, other = (blind_spots(each, lowest=-50.0, right=20.0, floor=True) for each in (table, possible))
    assert one.get_ylim() == other.get_ylim() and one.get_xlim() == other.get_xlim() == (0, 20)
    assert any("proved): none" in text.get_text() for text in other.texts)


@pytest.fixture
def heat():
    values = pd.DataFrame({"relu": [-2.0, -40.0, NAN], "a perceptron": [-1.0, -INF, -39.0]}, index=["constant", "xor", "odd"])
    bounds = pd.DataFrame(False, index=values.index, columns=values.columns)
    bounds.loc["odd", "a perceptron"] = True
    return values, bounds


def test_cells_say_their_number(heat):
    axes = blind_spots_table(*heat, complexity=pd.Series([6.0, 12.0, 10.0], index=heat[0].index))
    assert [text.get_text() for text in axes.texts] == ["−0.6", "−0.3", "−12.0", "never", "–", "<−11.7"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["constant  (6 bits)", "xor  (12 bits)", "odd  (10 bits)"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["relu", "a perceptron"]
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [(patch.get_x(), patch.get_y()) for patch in cells if patch.get_hatch()] == [(0.5, 1.5)]
    assert sum(patch.get_facecolor()[:3] == (float(NEVER_COLOUR),) * 3 for patch in cells) == 1
    assert "log₁₀" in axes.get_xlabel()


def test_cell_texts():
    given = [(-0.01, False), (-3.25, True), (-123.4, False), (-INF, False), (NAN, False), (0.0, False)]
    assert [cell_text(*each) for each in given] == ["0.0", "<−3.2", "−123", "never", "–", "0.0"]


def test_twelve_maps_and_forty_rows_are_legible():
    values = pd.DataFrame(-np.linspace(1, 40, 480).reshape(40, 12), columns=[f"map number {n} long=1" for n in range(12)])
    values.index = [f"a function {n}" for n in range(40)]
    axes = blind_spots_table(values, values < -100)
    canvas = FigureCanvasAgg(axes.figure)
    canvas.draw()
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == 480
    widest, tallest = max(box.width for box in boxes), max(box.height for box in boxes)
    frame = axes.get_window_extent()
    assert widest < frame.width / 12 and tallest < frame.height / 40


def test_tables_that_do_not_fit(heat):
    values, bounds = heat
    with pytest.raises(InputError, match="table of blind spots is empty"):
        blind_spots_table(values.iloc[:0], bounds.iloc[:0])
    with pytest.raises(InputError, match="give one for each cell"):
        blind_spots_table(values, bounds.iloc[:1])


def test_intervals(table, tmp_path):
    axes = probability_intervals(table)
    assert [text.get_text() for text in axes.get_yticklabels()] == [name for name, *_ in reversed(ROWS)]
    drawn = points(axes)
    assert (-2.0, 7.0) in drawn and (-21.0, 5.0) in drawn and (-39.0, 3.0) in drawn
    words = [text.get_text() for text in axes.texts]
    assert words.count("computed by no parameters (proved)") == 2 and words.count("upper limit") == 1
    assert words.count("no number") == 1
    plots.save(axes, tmp_path / "intervals")  # a layout that does not fit would warn
    plots.save(probability_intervals(table.iloc[2:4]), tmp_path / "two")
    with pytest.raises(InputError, match="no functions to draw"):
        probability_intervals(table.iloc[:0])
