"""Replica exchange on w₁² w₂², whose mean at every finite temperature is an integral over one variable."""

from dataclasses import dataclass

import numpy as np
import pytest

from slt_bias.llc.replica_exchange import ReplicaExchange, rungs
from slt_bias.llc.samplers.hmc import HMC

TEMPERATURES = np.array([1e2, 1e3, 1e4, 1e5])
LADDERS = 400


@dataclass(frozen=True)
class Product:
    """L = w₁² w₂², λ = ½, m = 2."""

    dimension: int = 2
    examples: None = None
    backend = "torch"

    def losses(self, parameters):
        return parameters[:, 0] ** 2 * parameters[:, 1] ** 2

    def gradients(self, parameters, rows=None):
        return self.losses(parameters), 2 * parameters * parameters[:, ::-1] ** 2


def law(beta, gamma=1.0):
    """The grid of |w₂|, its weights, and s = 2nβx²/(γ + 2nβx²): given w₂ = x, nβL = ½ s z² with a normal z."""
    x = np.geomspace(1e-9, 12 / np.sqrt(gamma), 200_001)  # dense where the weight has its peak, near 0
    weight = np.exp(-0.5 * gamma * x**2) / np.sqrt(gamma + 2 * beta * x**2) * x
    return weight / weight.sum(), 2 * beta * x**2 / (gamma + 2 * beta * x**2)


def exact(beta, gamma=1.0):
    """Mean and variance of nβL."""
    weight, share = law(beta, gamma)
    mean = 0.5 * weight @ share
    return mean, 0.75 * weight @ share**2 - mean**2


def exchange(ladders=LADDERS, seed=0):
    return ReplicaExchange(Product(), np.zeros(2), TEMPERATURES, 1.0, ladders=ladders, sampler=HMC(), seed=seed, purpose="test")


@pytest.fixture(scope="module")
def settled():
    run = exchange()
    run.settle(80)
    return run.draw(60)


def test_the_quadrature_is_right():
    """At nβ → 0 the mean is nβ E[w₁²]E[w₂²] = nβ/γ²; at large nβ it rises to λ = ½ as 1/ln nβ."""
    assert np.isclose(exact(1e-6)[0], 1e-6, rtol=1e-4)
    means = [exact(beta)[0] for beta in (1e3, 1e6, 1e9)]
    assert means == sorted(means) and 0.35 < means[0] < means[2] < 0.5


def test_every_rung_has_the_mean_of_quadrature(settled):
    """The ladders are independent and a mean over draws has at most the variance of one draw: error ≤ √(variance/ladders)."""
    for rung, beta in enumerate(TEMPERATURES):
        mean, variance = exact(beta)
        found = beta * settled.losses[rung].mean()
        assert abs(found - mean) < 4.5 * np.sqrt(variance / LADDERS), (beta, found, mean)


def test_exchanges_that_always_pass_fail(monkeypatch):
    """Without its condition the exchange carries the warm losses to the cold rungs."""
    monkeypatch.setattr("slt_bias.llc.replica_exchange.np.exp", lambda gain: np.ones_like(gain))
    run = exchange(ladders=100)
    run.settle(20)
    found = TEMPERATURES[-1] * run.draw(20).losses[-1].mean()
    mean, variance = exact(TEMPERATURES[-1])
    assert found - mean > 4.5 * np.sqrt(variance / 100)


def test_acceptance_and_exchanges_are_sane(settled):
    assert settled.losses.shape == (4, LADDERS, 60) and settled.last.shape == (4, LADDERS, 2)
    assert ((settled.acceptance > 0.6) & (settled.acceptance < 0.97)).all()
    assert (settled.step_sizes[1:] < settled.step_sizes[:-1]).all()
    generator, losses = np.random.default_rng(0), []
    for beta in TEMPERATURES:
        weight, share = law(beta)
        losses.append(0.5 * generator.choice(share, 50_000, p=weight) * generator.standard_normal(50_000) ** 2 / beta)
    for rung in range(3):
        gain = (TEMPERATURES[rung] - TEMPERATURES[rung + 1]) * (losses[rung] - losses[rung + 1])
        expected = np.exp(np.minimum(0.0, gain)).mean()
        # 400 ladders, of which each counts at least once: a proportion's error √(p(1 − p)/400)
        assert abs(settled.exchanged[rung] - expected) < 4.5 * np.sqrt(expected * (1 - expected) / LADDERS) + 0.01, rung


def test_the_same_seed_gives_the_same_bits():
    runs = []
    for seed in (3, 3, 4):
        run = exchange(ladders=3, seed=seed)
        run.settle(20)
        runs.append(run.draw(10))
    one, same, other = runs
    for name in ("losses", "last", "acceptance", "exchanged", "step_sizes"):
        assert np.array_equal(getattr(one, name), getattr(same, name)), name
    assert not np.array_equal(one.losses, other.losses)
    assert len(np.unique(one.losses[0, :, -1])) == 3  # the ladders have random numbers of their own


def test_two_draws_are_one_twice_as_long():
    one, two = exchange(ladders=4), exchange(ladders=4)
    one.settle(20)
    two.settle(20)
    long = one.draw(30)
    first = two.draw(10)
    both = first.followed_by(two.draw(20))
    for name in ("losses", "last", "exchanged", "step_sizes", "inverse_temperatures"):
        assert np.array_equal(getattr(long, name), getattr(both, name)), name
    assert np.allclose(long.acceptance, both.acceptance, rtol=1e-12)


def test_the_ladder_is_geometric_and_dense_enough():
    for coefficient, most in ((0.5, np.e), (8.0, np.exp(1.5 / np.sqrt(8)))):
        ladder = rungs(1e3, 1e9, coefficient)
        ratios = ladder[1:] / ladder[:-1]
        assert np.isclose(ladder[0], 1e3) and np.isclose(ladder[-1], 1e9)
        assert np.allclose(ratios, ratios[0]) and ratios[0] <= most * (1 + 1e-9)
    assert len(rungs(1e3, 1.001e3, 0.5)) == 2
