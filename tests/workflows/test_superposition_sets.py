"""Experiments on sets and on dynamics: how arrangements are told, who leads, where curves cross, stages, and the figures."""

import numpy as np
import pandas as pd
import pytest

from slt_bias.plots.superposition.dynamics import Stage, unfolding
from slt_bias.subjects.superposition import AnticorrelatedSets, Model
from slt_bias.workflows.superposition import anticorrelated, collapse, correlated, dynamics, local_bases
from slt_bias.workflows.superposition.correlated import THREE_PAIRS, TWO_PAIRS, arrangement, cosines_within, side_by_side

NAN = float("nan")


def at_degrees(*degrees, size=1.0):
    angles = np.radians(degrees)
    return size * np.array([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize(
    ("degrees", "sets", "word"),
    [
        ((0, 90, 180, 270), TWO_PAIRS, "orthogonal"),
        ((0, 180, 90, 270), TWO_PAIRS, "opposite"),
        ((0, 90, 180, 181), TWO_PAIRS, "collapsed"),
        ((-3, 61, 117, 181, 237, 301), THREE_PAIRS, "side by side"),  # the first pair lies across the cut of the angle
        ((0, 180, 60, 240, 120, 300), THREE_PAIRS, "opposite"),
        ((0, 180, 60, 300, 120, 240), THREE_PAIRS, "opposite sides"),
        ((0, 120, 60, 180, 240, 300), THREE_PAIRS, "other"),
    ],
)
def test_arrangements(degrees, sets, word):
    weights = np.stack([at_degrees(*(np.array(degrees) + turn), size=0.7) for turn in (0, 100, 250)])
    for row, beside in zip(cosines_within(weights, sets), side_by_side(weights, sets), strict=True):
        assert arrangement(row, beside) == word


def test_a_lost_feature_has_no_direction():
    weights = at_degrees(0, 90, 180, 270)
    weights[:, 2] *= 0.1
    cosines = cosines_within(weights, TWO_PAIRS)
    assert cosines[0] == pytest.approx(0, abs=1e-12) and np.isnan(cosines[1])
    assert arrangement(cosines, True) == correlated.LOST
    assert arrangement([0.99, NAN], True) == "collapsed"
    # of a larger set the cosine farthest from 0, with its sign
    assert cosines_within(at_degrees(0, 90, 200, 300), ((0, 1, 2),)) == pytest.approx(np.cos(np.radians(160)))


def test_the_hexagons_are_the_five_layouts():
    for name, vertices in anticorrelated.HEXAGONS.items():
        degrees = 60 * np.array(vertices)
        found = np.degrees(np.arccos(np.clip(cosines_within(at_degrees(*degrees), THREE_PAIRS), -1, 1)))
        assert sorted(np.round(found)) == sorted(map(int, name.split(", "))) and sorted(vertices) == list(range(6))
    assert len({tuple(sorted(name.split(", "))) for name in anticorrelated.HEXAGONS}) == 5


def test_opposite_anticorrelated_pairs_lose_nothing():
    for density in (0.1, 1.0):
        model = Model(4, 2, law=AnticorrelatedSets(TWO_PAIRS, density))
        right, wrong = at_degrees(0, 180, 90, 270), at_degrees(0, 90, 180, 270)
        loss, _ = model.loss(np.stack([right, wrong]), np.zeros((2, 4)), examples=4096)
        assert loss[0] < 1e-12 < 1e-3 < loss[1]


def test_leaders_and_crossings():
    loss = np.array([[3.0, 1.0, 2.0, 0.5], [1.0, 2.0, 3.0, 4.0]])
    collapsed = np.array([[0, 0, 2, 3], [1, 1, 1, 1]])
    assert collapse.leaders(loss, collapsed).tolist() == [[1, -1, 2, 3], [-1, 0, -1, -1]]
    density = np.array([0.01, 0.1, 1.0])
    # ln(loss ratio) = ½ ln(density/.03): the curves cross at .03, wherever the grid lies
    frame = pd.DataFrame({"density": density, "loss_0": (density / 0.03) ** 0.5, "loss_1": 1.0, "loss_2": [NAN, 5.0, NAN]})
    assert collapse.crossing(frame, 0) == pytest.approx(0.03)
    assert np.isnan(collapse.crossing(frame, 1))
    gap = frame.assign(loss_0=[frame["loss_0"][0], NAN, frame["loss_0"][2]])
    assert collapse.crossing(gap, 0) == pytest.approx(0.03)


def test_where_half_of_the_seeds_collapse():
    density = np.array([0.01, 0.1, 1.0])
    # from .2 to .8: a half in the middle of .01 and .1 on the logarithmic axis
    assert collapse.half_reached(density, np.array([0.2, 0.8, 1.0])) == pytest.approx(10**-1.5)
    assert collapse.half_reached(density, np.array([0.6, 0.4, 0.9])) == pytest.approx(0.1 * 10**0.2)
    assert collapse.half_reached(density, np.array([0.6, 0.7, 0.9])) == 0.01
    assert np.isnan(collapse.half_reached(density, np.array([0.6, 0.7, 0.4])))
    counts = pd.DataFrame({"density": density, "seeds": 1000, "hits_1": [100, 200, 0], "hits_2": [100, 600, 1000], "hits_3": 0})
    value, low, high = collapse.typical(counts, 1)
    # 95 % of a fraction of 1,000 near a half: ± .03, on a line that rises by .6 over a factor of 10
    assert value == pytest.approx(10**-1.5) and low < value < high < low * 10 ** (0.07 / 0.6)
    assert collapse.typical(counts, 2)[0] == pytest.approx(0.01 * 10 ** (0.4 / 0.5))
    assert np.isnan(collapse.typical(counts, 3)[0])


def test_cosines_of_two_bases():
    generator = np.random.default_rng(0)
    first, second = (np.linalg.qr(generator.normal(size=(10, 10)))[0] for _ in range(2))
    weights = np.hstack([first, second]) * generator.uniform(0.5, 1.5, 20)
    within, across = local_bases.cosine_spread(weights)
    assert within == pytest.approx(0, abs=1e-12) and across == pytest.approx(10**-0.5)
    # one basis and its opposite, disguised by an order and a rotation
    weights = first @ np.hstack([np.eye(10), -np.eye(10)[:, generator.permutation(10)]])
    np.testing.assert_allclose(local_bases.in_first_basis(weights), np.hstack([np.eye(10), -np.eye(10)]), atol=1e-12)


def test_share_of_fall():
    # the first 90 % of the fall are at once; of the rest all is in one of twenty windows, at the largest movement
    loss = np.r_[100.0, np.full(10, 10.0), np.zeros(10)]
    movement = np.where(np.arange(20) == 10, 5.0, 1.0)
    assert dynamics.share_of_fall(loss, movement) == 1
    assert dynamics.share_of_fall(loss, -movement) == 0
    assert np.isnan(dynamics.share_of_fall(np.ones(5), np.ones(4)))


def test_levels_at_the_end():
    path = np.zeros((40, 4))
    path[-4:] = [0.5, 0.41, 0.45, 0.01]
    path[-1, 0] = 0.53  # one noisy record
    names = list(dynamics.LEVELS)
    assert dynamics.at_level(path).tolist() == [names.index("1/2"), names.index("2/5"), -1, names.index("0")]


def octahedron():
    around = 2 * np.pi * np.arange(3) / 3
    top = np.array([np.sqrt(2 / 3) * np.cos(around), np.sqrt(2 / 3) * np.sin(around), np.full(3, np.sqrt(1 / 3))])
    return np.hstack([top, -top])


def test_directions_and_stages():
    end = octahedron()
    line = np.outer([0, 0, 1.0], [1, 1, 1, -1, -1, -1])
    assert dynamics.directions(0.1 * end) == 0 and dynamics.directions(line) == 2 and dynamics.directions(end) == 6
    path = np.stack([0.01 * end] * 30 + [line] * 50 + [end] * 1 + [line] * 20 + [end] * 99)
    found = dynamics.stages(10 * np.arange(200), path, np.linspace(1, 0, 200))
    # one record of six directions is too short for a stage
    assert [(stage.from_step, stage.to_step, stage.directions) for stage in found] == [
        (0, 290, 0),
        (300, 790, 2),
        (810, 1000, 2),
        (1010, 1990, 6),
    ]
    assert found[1].loss_from == pytest.approx(1 - 30 / 199)


def test_a_path_stands_upright_at_its_end():
    generator = np.random.default_rng(1)
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    start, order = generator.normal(size=(3, 6)), np.array([4, 3, 5, 1, 2, 0])
    path = np.stack([turn @ start[:, order], turn @ octahedron()[:, order]])
    upright = dynamics.upright_path(path)
    np.testing.assert_allclose(np.abs(upright[-1, 2]), np.sqrt(1 / 3), atol=1e-12)
    assert (upright[-1, 2, :3] > 0).all() and (upright[-1, 2, 3:] < 0).all()
    # the whole path turns alike: lengths and angles of the start stay
    assert np.linalg.norm(upright[0]) == pytest.approx(np.linalg.norm(start))
    records, stage = np.array([0, 50, 100]), Stage(0, 100, 6, 1.0, 0.1)
    figure = unfolding(records, upright[[0, 1, 1]], np.repeat([0, 1], 3), np.array([1.0, 0.2, 0.1]), [stage])
    assert figure.subfigs[1].axes[0].get_title() == "A: step 50\n6 directions"


def test_tables_and_panels_of_trained_sets():
    trained = correlated.Trained(
        "two pairs",
        TWO_PAIRS,
        (0.1, 0.2),
        (5, 6),
        np.array([[at_degrees(0, 90, 180, 270), at_degrees(0, 180, 90, 270)]] * 2),
        np.array([[0.3, 0.2], [0.1, 0.4]]),
        np.zeros((2, 2)),
    )
    table = correlated.seed_table(trained)
    assert table["rank"].tolist() == [2, 1, 1, 2] and table["represented"].tolist() == [4] * 4
    assert table["arrangement"].tolist() == ["orthogonal", "opposite"] * 2
    shares = correlated.share_table(table)
    assert shares.groupby("density")["hits"].sum().tolist() == [2, 2]
    assert shares[shares["best"]]["arrangement"].tolist() == ["opposite", "orthogonal"]
    figure = correlated.panels(trained, table, 0.1, ["one", "two"])
    assert [axes.get_title() for axes in figure.axes[:2]] == ["rank 1 of 2\nopposite", "rank 2 of 2\northogonal"]


def test_the_claims_are_about_densities_that_are_trained():
    for grid in (collapse.FULL, collapse.QUICK, collapse.SMOKE):
        assert set(collapse.EXPECTED) <= set(grid) and list(grid) == sorted(grid)
