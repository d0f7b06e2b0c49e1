"""The fit of (λ, m) over temperatures: its intervals hold the truth as often as they say, its m is hardly ever wrong."""

import numpy as np
import pytest
from scipy.stats import binom

from slt_bias.llc import temperature_fit
from slt_bias.llc.replica_exchange import rungs
from slt_bias.llc.temperature_fit import fit_temperatures

SIMULATIONS = 150
LADDERS = 8
NOISE, CORRELATION = 0.02, 0.7  # of a ladder's mean at a rung, in units of √λ; between neighbouring rungs


def simulate(generator, coefficient, multiplicity, noise=NOISE):
    """λ − (m − 1)/(s + c) with s + c at the lowest rung from the stated prior, and autoregressive noise over the rungs."""
    ladder = rungs(1e3, 1e9, coefficient)
    logs = np.log(ladder)
    first = 5 * np.exp(np.log(1.8) * generator.standard_normal())
    fresh = generator.standard_normal((len(logs), LADDERS))
    errors = fresh.copy()
    for rung in range(1, len(logs)):
        errors[rung] = CORRELATION * errors[rung - 1] + np.sqrt(1 - CORRELATION**2) * fresh[rung]
    mean = coefficient - (multiplicity - 1) / (logs - logs[0] + first)
    return ladder, mean[:, None] + noise * np.sqrt(coefficient) * errors


def shares(coefficient, multiplicity, dimension, simulations=SIMULATIONS):
    generator = np.random.default_rng(1)
    inside, right, wrong = 0, 0, 0
    for _ in range(simulations):
        fit = fit_temperatures(*simulate(generator, coefficient, multiplicity), dimension)
        inside += fit.low <= coefficient <= fit.high
        right += fit.multiplicity == multiplicity
        wrong += fit.multiplicity not in (None, multiplicity)
        assert fit.low < fit.learning_coefficient < fit.high
        assert abs(sum(fit.multiplicities) - 1) < 1e-9 and len(fit.multiplicities) <= min(dimension, 10)
    return inside, right / simulations, wrong / simulations


CASES = [(8.0, 1, 20, 0.7), (6.5, 2, 20, 0.0), (0.5, 2, 2, 0.75), (0.5, 3, 3, 0.6), (0.25, 1, 1, 1.0), (6.5, 4, 20, 0.0)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_coverage_and_multiplicity(case):
    """The 99.9 % band of a binomial variable of 0.95; `least`: how often m must be found (λ = 6.5 leaves it open)."""
    coefficient, multiplicity, dimension, least = case
    inside, right, wrong = shares(coefficient, multiplicity, dimension)
    low, high = binom.ppf([0.0005, 0.9995], SIMULATIONS, 0.95)
    assert low <= inside <= high, inside
    assert right >= least
    assert wrong < 0.12


def test_an_interval_that_forgets_the_multiplicities_fails(monkeypatch):
    monkeypatch.setattr(temperature_fit, "HIGHEST_MULTIPLICITY", 1)
    inside, *_ = shares(0.5, 2, 2)
    assert inside < binom.ppf(0.0005, SIMULATIONS, 0.95)


def test_without_noise_the_numbers_come_out():
    """s + c at the lowest rung is a point of the fit's own grid; the noise is 10⁻⁴ of √λ."""
    ladder, values = simulate(np.random.default_rng(0), 0.5, 2, noise=1e-4)
    fit = fit_temperatures(ladder, values, 2)
    assert fit.multiplicity == 2 and fit.multiplicities[1] > 0.99
    assert abs(fit.learning_coefficient - 0.5) < 2e-3
    ladder, values = simulate(np.random.default_rng(0), 8.0, 1, noise=1e-4)
    fit = fit_temperatures(ladder, values, 20)
    assert abs(fit.learning_coefficient - 8.0) < 2e-3


def test_confidence_widens_the_interval():
    ladder, values = simulate(np.random.default_rng(2), 0.5, 2)
    widths = [np.ptp([fit.low, fit.high]) for fit in (fit_temperatures(ladder, values, 2, c) for c in (0.5, 0.95, 0.99))]
    assert widths[0] < widths[1] < widths[2]


def test_the_sum_over_cells_is_the_plain_one():
    """One cell (m, c, δ) written out as a weighted least-squares fit with the prior on a as one more observation."""
    ladder, values = simulate(np.random.default_rng(3), 6.5, 2)
    logs = np.log(ladder)[::3][:8]
    binned = values[::3][:8]
    precision, _ = temperature_fit._precision(binned)
    centre, deviation, _, powers = temperature_fit._cells(logs, binned.mean(1), precision, 20)
    first, cells = np.exp(np.linspace(np.log(1.0), np.log(30.0), 35)), 1 + 9 * 35
    place = cells + 1 + 35 + 12  # δ = 0.25, m − 1 = 2, the 13th width
    target = binned.mean(1) + 2 / (logs - logs[0] + first[12])
    root = np.linalg.cholesky(precision).T
    size = 0.15 * abs(binned.mean(1)[-1])
    design = np.vstack([root @ np.stack([np.ones(8), np.exp(-0.25 * (logs - logs[0]))], 1), [[0.0, 1 / size]]])
    solution = np.linalg.lstsq(design, np.append(root @ target, 0.0), rcond=None)[0]
    assert powers[place] == 2 and np.isclose(centre[place], solution[0], rtol=1e-8)
    assert np.isclose(deviation[place], np.sqrt(np.linalg.inv(design.T @ design)[0, 0]), rtol=1e-8)
