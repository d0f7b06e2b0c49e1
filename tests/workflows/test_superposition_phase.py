"""The experiments `phase` and `nonuniform`: what they read off solutions, on inputs with known answers."""

import matplotlib
import numpy as np
import pandas as pd
import pytest

from slt_bias.plots.superposition.nonuniform import followed_arrows, loss_curves
from slt_bias.plots.superposition.phase import OWN, SHARED, colours, phase_maps
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition.phases import TheoreticalPhase
from slt_bias.workflows.superposition import nonuniform as n
from slt_bias.workflows.superposition import phase as p

matplotlib.use("Agg")


# phase


def make_map(kinds, features=2, lowest=0):
    """A map whose theory has these phases; the seed `lowest` of two has the same, the other the next phase."""
    kinds = np.asarray(kinds)
    norm, shared = np.array([0.0, 1.0, 1.0])[kinds], np.array([0.0, 0.0, 1.0])[kinds]
    other = (kinds + 1) % 3
    seeds = [(norm, shared), (np.array([0.0, 1.0, 1.0])[other], np.array([0.0, 0.0, 1.0])[other])]
    losses = [np.full(kinds.shape, 0.1), np.full(kinds.shape, 0.2)]
    if lowest:
        losses.reverse()
    theory = TheoreticalPhase(np.ones((3, *kinds.shape)), kinds, np.full(kinds.shape, 0.1), norm, shared, kinds)
    columns = (np.stack([each[i] for each in seeds], -1) for i in range(2))
    density, importance = np.geomspace(1, 0.01, kinds.shape[0]), np.geomspace(0.1, 10, kinds.shape[1])
    return p.PhaseMap(features, density, importance, np.stack(losses, -1), *columns, theory, 1.0)


SYMMETRIC = [[0, 0, 1, 1], [0, 2, 2, 1], [2, 2, 2, 2]]


def test_mirror():
    assert p.mirrored(np.array(SYMMETRIC)) == 1
    assert p.mirrored(np.array([[0, 0], [2, 2]])) == 0.5  # not represented on both sides is no mirror image


def test_claims_of_a_map_that_agrees_and_of_one_that_does_not():
    claims = {claim.name: claim for claim in p.map_claims(make_map(SYMMETRIC))}
    assert claims["n=2: cells that agree with the theory, best of seeds"].measured == 1
    assert claims["n=2: seeds that agree with the theory"].measured == 0.5
    assert claims["n=2: cells like their mirror, importance → 1/importance"].holds
    assert claims["n=2: share superposition"].measured == pytest.approx(0.5)
    assert not claims["n=2: share superposition"].holds
    wrong = {claim.name: claim for claim in p.map_claims(make_map(SYMMETRIC, lowest=1))}
    assert wrong["n=2: cells that agree with the theory, best of seeds"].measured == 0
    assert not wrong["n=2: cells that agree with the theory, best of seeds"].holds
    assert not any("share" in claim.name or "mirror" in claim.name for claim in p.map_claims(make_map(SYMMETRIC, 3), True))


def test_cells_table_and_map():
    table = p.cells_table(make_map(SYMMETRIC))
    assert len(table) == 12 and list(table["phase"][:4]) == ["not represented"] * 2 + ["own dimension"] * 2
    assert table["density"].tolist()[:4] == [1.0] * 4 and (table["seeds_at_best"] == 0.5).all()
    figure = phase_maps(pd.concat([table, p.cells_table(make_map(SYMMETRIC, 3, lowest=1))]))
    trained = figure.axes[3]
    crosses = [line for line in trained.lines if line.get_marker() == "x"]
    assert len(crosses) == 1 and len(crosses[0].get_xdata()) == 12  # all cells differ from the theory
    assert not any(len(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() == "x")


def test_two_way_colours():
    found = colours(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.7, 0.0, 1.0, 3.0]))
    np.testing.assert_allclose(found, [np.ones(3), OWN, SHARED, SHARED])


# nonuniform


def polygon(count, turn=0.3):
    angles = turn + 2 * np.pi * np.arange(count) / count
    return np.array([np.cos(angles), np.sin(angles)])


def test_names_of_geometries():
    assert n.geometry(polygon(5)) == n.PENTAGON
    deformed = polygon(5)[:, [3, 0, 4, 1, 2]] * np.array([0.8, 1, 1.2, 1, 1])
    assert n.geometry(deformed) == n.PENTAGON
    assert n.geometry(n.STARTS[n.DIGONS]) == n.DIGONS and n.geometry(n.STARTS[n.OTHER_DIGONS]) == n.OTHER_DIGONS
    # five features, but a right angle without one: no pentagon
    assert n.geometry(np.array([[1.0, 0, -1, 0, 0.7], [0, 1, 0, -1, 0.7]])) != n.PENTAGON
    assert n.geometry(np.array([[1.0, -1, 0, 0, 0], [0, 0, 1, 0, 0]])) == "digon + single"


def test_branches_and_their_crossing():
    relative = np.geomspace(0.2, 0.4, 4)
    pentagon, digons = n.follow(n.PENTAGON, relative), n.follow(n.DIGONS, relative)
    assert pentagon.there.all() and (pentagon.curvature > 0).all()
    for k in range(4):
        loss, slopes, offsets = s.independent_gradient(pentagon.weights[k], pentagon.bias[k], n.densities(relative[k]))
        assert loss == pytest.approx(pentagon.loss[k], rel=1e-12)
        assert max(np.abs(slopes).max(), np.abs(offsets).max()) < 1e-6
    # two digons: each pair at its best, and the variance of the feature left out
    pair = s.independent_loss(np.array([[1.0, -1.0]]), np.zeros(2), 0.05)
    share = 0.05 * relative
    np.testing.assert_allclose(digons.loss, share / 3 - share**2 / 4 + 2 * pair, rtol=0.01)
    assert n.lowest([pentagon, digons]).tolist() == [n.DIGONS, n.DIGONS, n.PENTAGON, n.PENTAGON]
    (at,) = n.crossings(pentagon, digons)
    ends = [n.follow(name, np.array([at])).loss[0] for name in (n.PENTAGON, n.DIGONS)]
    assert 0.25 < at < 0.3 and ends[0] == pytest.approx(ends[1], rel=1e-6)
    assert n.follow(n.PENTAGON, np.geomspace(0.1, 1, 11)).there.tolist() == [False] + [True] * 10


def test_claims_of_curves():
    relative, best = np.array([0.1, 0.2, 0.4, 1]), np.array([n.DIGONS, n.DIGONS, n.PENTAGON, n.PENTAGON])
    changes, where = n.curve_claims(relative, best, [0.3])
    assert changes.holds and changes.measured == 1 and where.holds and where.measured == 0.3
    assert not n.curve_claims(relative, best, [0.5])[1].holds
    assert not n.curve_claims(relative, best[::-1], [0.3])[0].holds
    back = np.array([n.DIGONS, n.PENTAGON, n.DIGONS, n.PENTAGON])
    assert n.curve_claims(relative, back, [0.15, 0.3, 0.5])[0].measured == 3


def make_seeds():
    rows = [
        (value, seed, 0.1 + 0.1 * seed, name, seed == 0)
        for value, names in ((0.1, (n.DIGONS, n.DIGONS)), (1.0, (n.PENTAGON, n.DIGONS)), (10.0, (n.PENTAGON, n.OTHER_DIGONS)))
        for seed, name in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=["relative_density", "seed", "loss", "geometry", "best"])


def test_claims_and_shares_of_seeds():
    seeds = make_seeds()
    changes, digons, pentagon, dense = n.seed_claims(seeds, False)
    assert changes.holds and (digons.measured, pentagon.measured, dense.measured) == (1, 0.5, 0.5)
    assert len(n.seed_claims(seeds, True)) == 3
    shares = n.share_table(seeds)
    assert shares.groupby("relative_density")["fraction"].sum().tolist() == [1, 1, 1]
    assert (shares["low"] <= shares["fraction"]).all() and (shares["fraction"] <= shares["high"]).all()


def test_figures():
    relative = np.geomspace(0.1, 1, 3)
    losses = np.array([np.nan, 0.2, 0.1]), np.array([0.1, 0.1, 0.2])
    weights = np.stack([polygon(5)] * 3)
    figure = followed_arrows(relative, [("a", weights, losses[0]), ("b", weights, losses[1])])
    thick = [axes.spines["top"].get_linewidth() > 1 for axes in figure.axes]
    assert thick == [False, False, True, True, True, False]
    curves = pd.DataFrame({"relative_density": relative, "curve": n.PENTAGON, "loss": losses[0]})
    seeds = make_seeds()
    figure = loss_curves(curves, seeds, n.share_table(seeds), 0.3, 0.4)
    assert len(figure.axes) == 2 and figure.axes[0].texts[0].get_text().startswith("no minimum")
