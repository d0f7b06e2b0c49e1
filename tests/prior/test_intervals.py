"""The intervals of a table cover, whatever the prior; each test could fail (a broken variant does)."""

import numpy as np
import pytest

from slt_bias.estimate import clopper_pearson
from slt_bias.prior.intervals import entropy, selected, unseen_mass

# (functions, exponent of Zipf's law, samples, points)
PRIORS = [(16, 0, 1000, 4), (16, 1, 300, 4), (10**4, 1.0, 10**4, 128), (10**5, 1.5, 10**4, 128), (10**5, 0.6, 10**4, 128)]
REPEATS = 100


def laws(functions, exponent):
    p = 1 / np.arange(1, functions + 1) ** exponent
    return p / p.sum()


@pytest.mark.parametrize(("functions", "exponent", "samples", "points"), PRIORS)
def test_false_coverage_of_a_table(functions, exponent, samples, points):
    rng = np.random.default_rng(0)
    p = laws(functions, exponent)
    wrong = rows = often_wrong = often = 0
    for _ in range(REPEATS):
        n = rng.multinomial(samples, p)
        seen = n > 0
        low, high = selected(n[seen], samples, points)
        out = (p[seen] < low) | (p[seen] > high)
        wrong, rows = wrong + out.sum(), rows + seen.sum()
        many = n[seen] >= 4
        often_wrong, often = often_wrong + out[many].sum(), often + many.sum()
    assert wrong / rows <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / rows)
    assert often_wrong / often <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / often)


def test_an_interval_that_ignores_selection_fails():
    """Draws of the uniform law over many functions: every row is a singleton, and Clopper–Pearson excludes its P."""
    samples, truth = 10**4, 2.0**-40
    low, high = selected(np.ones(samples, np.int64), samples, 40)
    assert (low <= truth).all() and (truth <= high).all()
    assert clopper_pearson(1, samples)[0] > truth


def test_selected_is_clopper_pearson_where_every_function_is_seen_equally():
    low, high = selected(np.full(16, 100), 1600, 4)
    exact = clopper_pearson(100, 1600)
    assert low[0] == pytest.approx(exact[0], rel=1e-6)
    assert exact[1] * 0.99 < high[0] <= exact[1]  # of the functions with a P so large there can be fewer than 16


def test_edges():
    low, high = selected(np.array([1000]), 1000, 128)
    assert 0.98 < low[0] < 1 and high[0] == 1
    low, high = selected(np.array([1]), 1, 128)
    assert low[0] == 0 and high[0] == 1
    low, high = selected(np.array([10**9, 3, 2, 1]), 10**9 + 6, 65536)
    assert (low <= high).all() and (low[2:] == 0).all() and low[1] > 0


@pytest.mark.parametrize(("functions", "exponent", "samples", "points"), PRIORS)
def test_unseen_mass_and_entropy_cover(functions, exponent, samples, points):
    rng = np.random.default_rng(1)
    p = laws(functions, exponent)
    truth = -(p @ np.log2(p))
    mass = bits = 0
    for _ in range(REPEATS):
        n = rng.multinomial(samples, p)
        _, low, high = unseen_mass(int((n == 1).sum()), int((n == 2).sum()), samples, 0.95)
        mass += low <= p[n == 0].sum() <= high
        plain, corrected, low, high = entropy(n[n > 0], samples, points, 0.95)
        assert low <= corrected <= high and low <= plain <= high
        bits += low <= truth <= high
    assert mass / REPEATS >= 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / REPEATS)
    assert bits / REPEATS >= 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / REPEATS)


# priors on which nearly all draws differ, or nearly none: (probabilities, samples, points)
EDGES = {
    "all draws differ": (np.full(256, 1 / 256), 10, 8),
    "all draws differ, many functions": (np.full(65536, 1 / 65536), 100, 16),
    "two nearly equal": (np.array([0.55, 0.45]), 100, 1),
    "two equal to a hair": (np.array([0.52, 0.48]), 1000, 1),
    "very few draws": (np.array([0.8, 0.2]), 4, 1),
    "one takes all": (np.append(0.999, np.full(255, 0.001 / 255)), 1000, 8),
}


@pytest.mark.parametrize("name", EDGES)
def test_coverage_at_the_edges(name):
    p, samples, points = EDGES[name]
    rng, repeats = np.random.default_rng(3), 400
    truth = -(p @ np.log2(p))
    mass = bits = 0
    for _ in range(repeats):
        n = rng.multinomial(samples, p)
        _, low, high = unseen_mass(int((n == 1).sum()), int((n == 2).sum()), samples, 0.95)
        mass += low - 1e-12 <= p[n == 0].sum() <= high + 1e-12
        _, _, low, high = entropy(n[n > 0], samples, points, 0.95)
        bits += low - 1e-12 <= truth <= high + 1e-12
    allowed = 0.95 - 3.5 * np.sqrt(0.05 * 0.95 / repeats)
    assert mass / repeats >= allowed, ("unseen mass", mass / repeats)
    assert bits / repeats >= allowed, ("entropy", bits / repeats)
