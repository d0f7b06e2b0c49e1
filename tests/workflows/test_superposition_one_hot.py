"""`k-gons` and `bayes`: predictions, shares, crossovers, the chains' λ, and what the figures are made of."""

import math

import numpy as np
import pandas as pd
import pytest

from slt_bias.llc.fast import Plan
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.plots.superposition import bayes as bayes_figures
from slt_bias.plots.superposition import k_gons as k_gon_figures
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition.landscape import OneHotLandscape
from slt_bias.workflows.superposition import bayes, k_gons
from slt_bias.workflows.superposition.experiment import Setting

SIX = {point.name: point for point in s.polygons(6)}


# λ


def test_sampled_coefficients_agree_with_the_exact_ones_and_chains_that_leave_are_refused():
    landscape = OneHotLandscape(6, scale=k_gons.SCALE)
    names = ("6", "5", "4")
    centres = np.stack([landscape.vectors(SIX[name].weights, SIX[name].biases) for name in names])
    results = k_gons.estimates(landscape, centres, Plan(1e6, k_gons.INSIDE, 8, 250, 125, 0.95, 0), HMC(), workers=2)
    for name, result, exact in zip(names, results, (8.5, 7.0, 7.5), strict=True):
        # nβL is Gamma(λ): about 500 effective draws of standard deviation √λ; four standard errors
        assert abs(result.value - exact) < 4 * math.sqrt(exact / 500), name
        assert k_gons._row(result)["value"] == result.value and result.status == "ok"
    # a model's result depends on itself alone
    again = k_gons.estimates(landscape, centres[1:2], Plan(1e6, k_gons.INSIDE, 8, 250, 125, 0.95, 0), HMC(), workers=1)
    assert again[0].value == results[1].value
    # γ = 1 does not hold a chain on the plateau of the triangle, from where the loss falls
    centre = landscape.vectors(SIX["3"].weights, SIX["3"].biases)[None]
    (left,) = k_gons.estimates(landscape, centre, Plan(1e4, k_gons.WIDE, 8, 250, 125, 0.95, 0), HMC(), workers=1)
    row = k_gons._row(left)
    assert left.status != "ok" and math.isnan(row["value"]) and math.isnan(row["low"]) and len(row["reason"]) > 20


def test_levels_and_coefficients_hold():
    points = s.polygons(6)
    claims = k_gons._about_levels(points)
    assert len(claims) == 14 and all(claim.holds for claim in claims)
    assert {claim.name: claim.measured for claim in claims}["loss of 5, c = 5"] == pytest.approx(0.01583, abs=1e-5)


def test_a_claim_about_a_coefficient_fails_where_the_number_is_off():
    rows = [
        {"name": name, "exact": exact, "inverse_temperature": 1e6, "localization": k_gons.INSIDE, "value": value, "low": 0.0,
         "high": 9.0, "standard_error": 0.1, "status": "ok", "reason": ""}
        for name, exact, value in (("6", 8.5, 8.62), ("5", 7.0, 7.05), ("4", 7.5, np.nan))
    ]  # fmt: skip
    claims = k_gons._about_coefficients(s.polygons(6), pd.DataFrame(rows), Setting("quick"))
    holds = {claim.name: claim.holds for claim in claims}
    assert holds["sampled λ of 5, nβ = 1e+06"]
    assert not holds["sampled λ of 6, nβ = 1e+06"] and not holds["sampled λ of 4, nβ = 1e+06"]
    rows.append({**rows[2], "inverse_temperature": 1e5, "localization": k_gons.WIDE, "value": -3.0})
    claims = k_gons._about_coefficients(s.polygons(6), pd.DataFrame(rows), Setting("quick"))
    assert not any(claim.holds for claim in claims if claim.name.startswith(("numbers given", "negative")))


# predictions


def test_the_crossing_of_two_lines_with_logarithms():
    for scale, about in ((1.0, 440), (0.5, 1000)):
        n = bayes.crossing(SIX["5"].loss - SIX["6"].loss, 1.5, scale)
        assert n * scale * (SIX["5"].loss - SIX["6"].loss) == pytest.approx(1.5 * math.log(n), rel=1e-9)
        assert abs(n - about) < 0.02 * about
    assert math.isnan(bayes.crossing(1.0, 1.0, 1.0))  # n > ln n everywhere


def test_free_energy_against_sampled_evidence():
    """At n = 3,000 the hexagon is all of the posterior: ln Z of the particles is its free energy."""
    ladder = np.unique(np.geomspace(1, 3000, 40).round()).astype(int)
    points = s.polygons(6)
    runs = [bayes._anneal(bayes.POPULATION, number, 256, 64, ladder, np.array([len(ladder) - 1]), points, 0) for number in (0, 1)]
    assert all((run.names == "6").all() for run in runs)
    evidence = np.mean([run.log_evidence[-1] for run in runs])
    # two systems of 256: standard error about 0.3; Laplace's method is off by about 0.2 here
    expected = -bayes.free_energy(SIX["6"], 3000)
    assert abs(evidence - expected) < 1.2
    # a hexagon counted once, and not for all labels: ln 120 = 4.8
    assert abs(evidence - (expected - math.log(120))) > 1.2


def test_the_scale_and_the_size_of_the_sample_enter_as_a_product():
    for name in ("6", "5", "5+"):
        assert bayes.free_energy(SIX[name], 400, 0.5) == pytest.approx(bayes.free_energy(SIX[name], 200, 1.0), rel=1e-12)
    table = bayes._predictions(s.polygons(6)).set_index(["how", "scale", "prior_variance"])["n"]
    whole, half = table["with constants", 1.0, 1.0], table["with constants", 0.5, 1.0]
    assert half == pytest.approx(2 * whole, rel=2e-3) and 400 < half < 460


def test_plateau_against_its_hard_volume():
    """Far out only the part of the plateau with the loss of the pentagon is left: W inside a polygon, b below."""
    five, generator = SIX["5"], np.random.default_rng(0)
    draws = generator.normal(size=(400_000, 3))
    weights, biases = np.tile(five.weights, (len(draws), 1, 1)), np.tile(five.biases, (len(draws), 1))
    weights[:, :, -1], biases[:, -1] = draws[:, :2], draws[:, 2]
    rise = s.one_hot_loss(weights, biases) - five.loss
    for n in (400.0, 1e4):
        values = np.where((rise > -1e-9) & (draws[:, 2] <= 0), np.exp(-n * 0.5 * np.maximum(rise, 0)), 0.0)
        error = 5 * values.std() / math.sqrt(len(draws))
        # the midpoint rule on the grid adds a few per cent at most
        assert abs(bayes._plateau(five, n, 0.5, 1.0) - values.mean()) < error + 0.03 * values.mean()


# shares


def systems(*tables):
    return [bayes.Annealed(np.array(table), np.zeros(len(table))) for table in tables]


def test_shares_and_their_intervals():
    found = systems([["5", "5", "6", "6"], ["6", "6", "6", "6"]], [["5", "6", "6", "6"], ["6", "6", "6", "5"]])
    table = bayes._occupancy("population loss", np.array([10, 100]), found).set_index(["name", "n"])
    assert table["share"]["6", 10] == 0.625 and table["share"]["5", 100] == 0.125
    assert table.groupby("n")["share"].sum().tolist() == [1.0, 1.0]
    # Student's t with one degree of freedom, 12.7 standard errors of 0.125, is cut off at 0 and 1
    assert table["high"]["5", 100] == 1.0 and table["low"]["5", 100] == 0.0
    half = 4.3027 / math.sqrt(3)
    assert bayes._mean(np.array([1.0, 2.0, 3.0]))[1:] == pytest.approx((2 - half, 2 + half), abs=1e-3)


def test_where_the_hexagon_overtakes():
    steps = np.array([100, 200, 400])
    even = [["5"] * 9 + ["6"], ["5"] * 5 + ["6"] * 5, ["6"] * 10]
    later = [["5"] * 9 + ["6"], ["5"] * 8 + ["6"] * 2, ["5"] * 2 + ["6"] * 8]
    table = bayes._crossovers("population loss", steps, systems(even, later, [["6"] * 10] * 3, [["5"] * 10] * 3))
    assert table["n"][0] == pytest.approx(200) or 100 < table["n"][0] <= 200
    assert table["n"][1] == pytest.approx(200 * math.sqrt(2))
    assert table["n"][2:].isna().all()
    middle, low, high = bayes._sampled(table, "population loss")
    assert low < middle < high and middle == pytest.approx(math.sqrt(table["n"][0] * table["n"][1]))


def test_the_order_of_the_leaders():
    rows = [("a", n, name, share) for n, shares in ((1, (0.6, 0.4)), (2, (0.7, 0.3)), (3, (0.1, 0.9))) for name, share in
            zip(("4", "6"), shares, strict=True)]  # fmt: skip
    assert bayes._order(pd.DataFrame(rows, columns=["loss", "n", "name", "share"])) == ["4", "6"]


def test_a_system_of_particles_depends_on_its_own_key():
    ladder, points = np.array([1, 3, 10, 30]), s.polygons(6)
    one, same, other = (
        bayes._anneal(bayes.DRAWN, number, 32, 8, ladder, np.array([1, 3]), points, 0) for number in (0, 0, 1)
    )
    assert np.array_equal(one.names, same.names) and np.array_equal(one.log_evidence, same.log_evidence)
    assert one.names.shape == (2, 8) and not np.array_equal(one.log_evidence, other.log_evidence)


# figures


def test_names_are_moved_apart_and_stay_in_order():
    places = np.array([0.1, 0.11, 0.12, 0.5, 0.9])
    moved = k_gon_figures._apart(places, 0.05)
    assert np.diff(moved).min() > 0.05 - 1e-12 and moved[3:] == pytest.approx(places[3:])
    assert moved[:3].mean() == pytest.approx(places[:3].mean())
    assert k_gon_figures._apart(places, 0.001) == pytest.approx(places)


def test_figures_draw_tables_of_any_outcome():
    paths = pd.DataFrame({"seed": [0, 1] * 3, "step": [1, 1, 10, 10, 99, 99], "loss": [0.3, 0.3, 0.1, 0.2, 0.05, 0.06],
                          "name": ["none"] * 4 + ["6", "none"]})  # fmt: skip
    along = pd.DataFrame({"seed": [0, 1], "step": [99, 99], "name": ["6", "none"], "value": [np.nan, np.nan]})
    levels = pd.DataFrame([("6", 6, 0.048, 8.5, 8.4), ("3+", 3, 0.16, np.nan, np.nan), ("2", 2, 0.22, 2.0, np.nan)],
                          columns=["name", "vertices", "loss", "exact", "sampled"])  # fmt: skip
    assert len(k_gon_figures.runs(paths, along, levels).axes) == 6
    table = pd.DataFrame({"loss": "population loss", "n": [10, 10, 100, 100], "name": ["5", "6"] * 2, "share": [0.9, 0.1, 0, 1]})
    table = table.assign(low=np.nan, high=np.nan)
    none = pd.DataFrame({"loss": ["population loss"], "system": [0], "n": [np.nan]})
    figure = bayes_figures.occupancy(table, none, {"a": 50.0, "b": math.nan}, s.polygons(6), ("5", "6"))
    assert figure.axes[0].get_ylim() == (0, 1)
