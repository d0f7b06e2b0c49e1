import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from slt_bias import streams
from slt_bias._normals_kernel import fill_words
from slt_bias.errors import InputError
from slt_bias.llc.landscapes.stack import StackLandscape, recognise
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.samplers import _gradient_descent_kernel as kernel
from slt_bias.llc.samplers import gradient_descent
from slt_bias.llc.samplers.base import states
from slt_bias.llc.samplers.rmsprop_sgld import RMSpropSGLD
from slt_bias.llc.samplers.sgld import SGLD
from slt_bias.llc.samplers.sgnht import SGNHT
from slt_bias.losses import cross_entropy, squared_error

CURVATURES = np.array([0.5, 2.0, 6.0])
BETA, GAMMA = 3.0, 0.7  # nβ and γ, neither of them 1


def gaussian():
    """L_n = ½ Σⱼ hⱼ(wⱼ − 1)²: a linear layer on three examples, one for each direction."""
    rows = torch.diag(torch.sqrt(3 * torch.as_tensor(CURVATURES)))
    model = nn.Sequential(nn.Linear(3, 1, bias=False))
    nn.init.ones_(model[0].weight)
    landscape = recognise(model, squared_error(), (rows.float(), model(rows.float()).detach()))
    return dataclasses.replace(landscape, inputs=rows.double().numpy(), targets=rows.double().sum(1, keepdim=True).numpy())


def classifier(examples=61):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 3))
    data = torch.randn(examples, 4), torch.arange(examples) % 3
    centre = nn.utils.parameters_to_vector(model.parameters()).detach().double().numpy()
    return recognise(model, cross_entropy(), data), centre


def posterior(landscape, centre, chains, beta=BETA, gamma=GAMMA):
    return Posterior(landscape, np.tile(centre, (chains, 1)), np.full(chains, beta), np.full(chains, gamma))


def sample(sampler, target, draws=60, burn_in=0, start=None, keep=True, purposes=None, **options):
    purposes = [["test", k] for k in range(target.chains)] if purposes is None else purposes
    start = target.centres if start is None else start
    settings = {"draws": draws, "burn_in": burn_in, "seed": 4, "purposes": purposes, "keep": keep}
    if options:  # the plain loop
        if isinstance(sampler, SGNHT):
            options |= {"momenta": True, "thermostat": sampler.friction}
        return gradient_descent.run(sampler, target, start, **settings, **options)
    return sampler.sample(target, start, **settings)


SAMPLERS = [
    SGLD(2e-3, batch_size=20, steps_per_draw=3),
    SGLD(2e-3),
    RMSpropSGLD(1e-3, batch_size=20, steps_per_draw=2, averaging=0.9, damping=0.2),
    RMSpropSGLD(1e-3),
    SGNHT(0.02, batch_size=20, steps_per_draw=2, friction=0.5, thermostat_mass=2.0),
    SGNHT(0.02),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: f"{s.name}-{s.batch_size}")
def test_fused_and_plain_chains_are_the_same(sampler):
    landscape, centre = classifier()
    target = posterior(landscape, centre, 3, beta=30.0)
    sampler = dataclasses.replace(sampler, step_size=sampler.step_size * np.array([1.0, 0.5, 2.0]))
    fused = sample(sampler, target, burn_in=7)
    plain = sample(sampler, target, burn_in=7, fused=False)
    for name in ("losses", "last", "positions", "step_size"):
        assert np.allclose(getattr(fused, name), getattr(plain, name), rtol=1e-9, atol=1e-11), name
    assert (fused.diverged == -1).all() and (plain.diverged == -1).all()
    assert np.isnan(fused.acceptance).all()
    assert not np.allclose(fused.last, target.centres, atol=1e-3)


def test_a_chain_is_the_same_alone_in_threads_and_in_short_calls(monkeypatch):
    landscape, centre = classifier()
    sampler = SGLD(2e-3, batch_size=20)
    many = sample(sampler, posterior(landscape, centre, 5, beta=30.0))
    alone = sample(sampler, posterior(landscape, centre, 1, beta=30.0), purposes=[["test", 3]])
    assert np.array_equal(alone.losses[0], many.losses[3]) and np.array_equal(alone.last[0], many.last[3])
    monkeypatch.setattr(gradient_descent, "CALL", 1.0)  # one draw a call
    monkeypatch.setattr("slt_bias.llc.landscapes.stack.WORTH_THREADS", 1.0)
    for workers in (1, 3):
        again = sample(sampler, posterior(dataclasses.replace(landscape, workers=workers), centre, 5, beta=30.0))
        assert np.array_equal(again.losses, many.losses) and np.array_equal(again.positions, many.positions)


def plain_minibatch(state, order, batch):
    """Partial Fisher–Yates: word i exchanges place i with place i + ⌊word·(n − i)/2³²⌋."""
    words = np.empty(-(-batch // 32) * 32, np.uint32)
    fill_words(state, words)
    for i in range(batch):
        j = i + (int(words[i]) * (len(order) - i) >> 32)
        order[i], order[j] = order[j], order[i]


def test_minibatches_follow_the_written_law():
    generators = states("integers", 9, ["a", "b"])
    orders = np.tile(np.arange(50, dtype=np.int32), (2, 1))
    plain_states, plain_orders = generators.copy(), orders.copy()
    for _ in range(4):
        kernel.draw_batches(generators, orders, 33)
        for c in range(2):
            plain_minibatch(plain_states[c], plain_orders[c], 33)
        assert np.array_equal(orders, plain_orders) and np.array_equal(generators, plain_states)
        assert all(sorted(order) == list(range(50)) for order in orders)


def test_minibatches_are_uniform_subsets():
    chains, steps = 500, 40
    generators = states("integers", 1, list(range(chains)))
    orders = np.tile(np.arange(5, dtype=np.int32), (chains, 1))
    counts = np.zeros(32)
    for _ in range(steps):
        kernel.draw_batches(generators, orders, 2)
        np.add.at(counts, (1 << orders[:, :2]).sum(1), 1)
    expected = chains * steps / 10
    chi_square = ((counts[counts > 0] - expected) ** 2 / expected).sum()
    assert (counts > 0).sum() == 10 and chi_square < 33.7  # 9 degrees of freedom: p = 1e-4


def test_the_first_steps_by_hand():
    """SGLD's equation with the numbers of the streams, written out: the formula and the noise are one."""
    landscape, centre = classifier()
    target = posterior(landscape, centre, 1, beta=30.0)
    chains = sample(SGLD(2e-3, batch_size=20), target, draws=3)
    noise = streams.normals(4, ["test", 0], 0, (3, landscape.dimension))
    state, order = states("integers", 4, [["test", 0]])[0], np.arange(61, dtype=np.int32)
    w, base = centre.copy(), landscape.example_losses(centre[None])[0]
    for t in range(3):
        plain_minibatch(state, order, 20)
        value, gradient = landscape.gradients(w[None], order[None, :20])
        assert np.isclose(chains.losses[0, t], value[0] - base[order[:20]].mean() + base.mean(), rtol=1e-12)
        assert np.allclose(chains.positions[0, t], w, rtol=1e-12, atol=1e-14)
        w += -(2e-3 / 2) * (30.0 * gradient[0] + GAMMA * (w - centre)) + np.sqrt(2e-3) * noise[t]
    assert np.allclose(chains.last[0], w, rtol=1e-12, atol=1e-14)


@dataclasses.dataclass
class Noisier:
    """A landscape whose gradients are half as large: the wrong temperature."""

    inner: StackLandscape
    backend = "torch"

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def gradients(self, parameters, rows=None):
        losses, gradients = self.inner.gradients(parameters, rows)
        return losses, 0.5 * gradients


def variances(sampler, target, draws, burn_in=200, every=1, **options):
    """Variance of each direction over chains and draws, and its standard error from the independent chains."""
    chains = sample(sampler, target, draws=draws, burn_in=burn_in, **options)
    squares = ((chains.positions[:, ::every] - 1.0) ** 2).mean(1)  # the mean is 1 exactly
    return squares.mean(0), squares.std(0, ddof=1) / np.sqrt(target.chains)


def test_sgld_has_its_exact_variance():
    step = 0.06
    curvature = BETA * CURVATURES + GAMMA
    exact = 1 / (curvature * (1 - step * curvature / 4))
    target = posterior(gaussian(), np.ones(3), 400)
    found, _ = variances(SGLD(step), target, 1500)
    # an autoregressive chain, coefficient a = 1 − εH/2: relative error of the mean square √(2/N · (1 + a²)/(1 − a²))
    coefficient = 1 - step * curvature / 2
    error = exact * np.sqrt(2 / (400 * 1500) * (1 + coefficient**2) / (1 - coefficient**2))
    assert (np.abs(found - exact) < 4.5 * error).all()
    assert (np.abs(1 / curvature - exact) > 9 * error).any()  # the bias of the step is seen
    wrong, _ = variances(SGLD(step), Posterior(Noisier(target.landscape), *dataclasses.astuple(target)[1:]), 100)
    assert (np.abs(wrong - exact) > 4.5 * error * np.sqrt(15)).all()


def test_half_the_noise_variance_fails(monkeypatch):
    step, curvature = 0.06, BETA * CURVATURES + GAMMA
    exact = 1 / (curvature * (1 - step * curvature / 4))

    def move(self, state, posterior, gradients, noise, step, beginning, adapting):
        state.positions += np.sqrt(step / 2) * noise - 0.5 * step * posterior.slope(gradients, state.positions)

    monkeypatch.setattr(SGLD, "move", move)
    found, _ = variances(SGLD(step), posterior(gaussian(), np.ones(3), 400), 150, fused=False)
    assert (np.abs(found / exact - 0.5) < 0.05).all()


def test_rmsprop_sgld_keeps_the_stationary_law(monkeypatch):
    """G = 1/(λ + √V) held after burn-in: variance 1/(H(1 − εGH/4)), G of each chain from its own burn-in."""
    step, curvature = 0.02, BETA * CURVATURES + GAMMA
    sampler = RMSpropSGLD(step, damping=0.5)
    target = posterior(gaussian(), np.ones(3), 400)
    found, _ = variances(sampler, target, 1500, burn_in=300)
    exact = 1 / curvature
    slowest = step / 4 / (0.5 + np.sqrt(CURVATURES**2 * exact)) * curvature
    error = exact * np.sqrt(2 / (400 * 1500) / slowest * 2)  # twice that of the slowest direction's mean G
    allowed = 4.5 * error + 1.5 * exact * slowest  # the second: the step's own bias, εGH/4
    assert (np.abs(found - exact) < allowed).all()

    def move(self, state, posterior, gradients, noise, step, beginning, adapting):
        scale = 1 / (0.5 + np.sqrt(gradients**2))  # a preconditioner that goes on moving, without its drift Γ
        state.positions += np.sqrt(step * scale) * noise - 0.5 * step * scale * posterior.slope(gradients, state.positions)

    monkeypatch.setattr(RMSpropSGLD, "move", move)
    wrong, _ = variances(sampler, target, 300, burn_in=100, fused=False)
    assert (np.abs(wrong - exact) > 2 * allowed).any()


def test_sgnht_keeps_the_stationary_law():
    curvature = BETA * CURVATURES + GAMMA
    target = posterior(gaussian(), np.ones(3), 400)
    found, _ = variances(SGNHT(0.1, friction=2.0), target, 1500)
    # oscillations of frequency ω = √H under friction 2: correlation time ≤ 2/(h·friction) steps and H ≥ 2.2
    error = np.sqrt(2 / (400 * 1500) * 2 * (2 + curvature / 2) / 0.1) / curvature
    assert (np.abs(found - 1 / curvature) < 4.5 * error + (0.1**2 * curvature / 8) / curvature).all()


def test_sgnht_takes_up_the_noise_of_minibatches():
    """With minibatches SGLD is too warm by the gradient's variance; the thermostat is not."""
    torch.manual_seed(3)
    x = torch.randn(200, 1)
    y = x + torch.randn(200, 1)
    model = nn.Sequential(nn.Linear(1, 1, bias=False))
    best = float((x * y).sum() / (x * x).sum())
    nn.init.constant_(model[0].weight, best)
    landscape = recognise(model, squared_error(), (x, y))
    target = posterior(landscape, np.array([best]), 200, beta=40.0, gamma=1.0)
    curvature = 40.0 * float((x * x).mean()) + 1.0
    warm = sample(SGLD(0.02, batch_size=5), target, draws=1000, burn_in=200).positions.var() * curvature
    cool = sample(SGNHT(0.02, batch_size=5, friction=4.0), target, draws=6000, burn_in=1000).positions.var() * curvature
    fixed = SGNHT(0.02, batch_size=5, friction=4.0, thermostat_mass=1e9)
    without = sample(fixed, target, draws=2000, burn_in=500).positions.var() * curvature
    assert warm > 1.5
    assert abs(cool - 1) < 0.1  # the noise is not the same everywhere, which no thermostat takes up
    assert without > 1.1


def test_the_recorded_loss_is_free_of_shared_noise():
    landscape, centre = classifier()
    target = posterior(landscape, centre, 1, beta=30.0)
    still = sample(SGLD(1e-30, batch_size=5), target)
    assert np.allclose(still.losses, landscape.losses(centre[None])[0], rtol=1e-10)
    full = sample(SGLD(2e-3), target)
    assert np.allclose(full.losses[0], landscape.losses(full.positions[0]), rtol=1e-12)
    drawn = sample(SGLD(2e-3, steps_per_draw=4), target, draws=15)
    assert np.allclose(drawn.losses[0], full.losses[0].reshape(15, 4).mean(1), rtol=1e-12)
    assert np.allclose(drawn.positions[0], full.positions[0, 3::4], rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"fused": False}])
def test_divergence_is_data(options):
    landscape, centre = classifier()
    linear = tuple(dataclasses.replace(layer, activation="identity") for layer in landscape.layers)
    target = posterior(dataclasses.replace(landscape, layers=linear), centre, 3, beta=30.0)
    chains = sample(SGLD(np.array([1e-4, 50.0, 1e-4])), target, burn_in=0, draws=800, **options)
    assert chains.diverged[0] == chains.diverged[2] == -1
    at = chains.diverged[1]
    assert 0 < at < 800
    assert np.isfinite(chains.losses[1, :at]).all() and np.isnan(chains.losses[1, at:]).all()
    assert np.isnan(chains.positions[1, at:]).all() and np.isnan(chains.last[1]).all()
    assert np.isfinite(chains.losses[[0, 2]]).all() and np.isfinite(chains.last[[0, 2]]).all()
    early = sample(SGLD(np.array([1e-4, 50.0, 1e-4])), target, burn_in=800, draws=5, **options)
    assert early.diverged.tolist() == [-1, 0, -1] and np.isnan(early.losses[1]).all()


def test_wrong_settings_are_refused():
    for wrong in (0.0, -1.0, np.nan, np.inf, [1e-3, 0.0]):
        with pytest.raises(InputError, match="step_size"):
            SGLD(wrong)
    with pytest.raises(InputError, match="batch_size"):
        SGLD(1e-3, batch_size=0)
    with pytest.raises(InputError, match="averaging"):
        RMSpropSGLD(1e-3, averaging=1.0)
    with pytest.raises(InputError, match="damping"):
        RMSpropSGLD(1e-3, damping=0.0)
    with pytest.raises(InputError, match="friction"):
        SGNHT(1e-3, friction=-1.0)
    landscape, centre = classifier()
    with pytest.raises(InputError, match="61 examples"):
        sample(SGLD(1e-3, batch_size=62), posterior(landscape, centre, 2))
    with pytest.raises(InputError, match="3 step sizes for 2 chains"):
        sample(SGLD(np.full(3, 1e-3)), posterior(landscape, centre, 2))
