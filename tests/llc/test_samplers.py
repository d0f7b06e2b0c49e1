"""One harness that every sampler passes, and four sabotages that it must notice.

The tolerance is never taken from the run itself: chains are independent, the variance of one stationary draw is known, and a mean
over the draws of a chain has at most that variance (Cauchy–Schwarz). So the error of the mean is at most √(variance/chains).
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from slt_bias.llc.landscapes.stack import recognise
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.samplers import gradient_descent, hmc
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.samplers.mala import MALA
from slt_bias.llc.samplers.rmsprop_sgld import RMSpropSGLD
from slt_bias.llc.samplers.sgld import SGLD
from slt_bias.llc.samplers.sgnht import SGNHT
from slt_bias.losses import squared_error

CHAINS = 1000
SIGMAS = 4.5  # two-sided 7e-6 a comparison


@dataclass(frozen=True)
class Quadratic:
    """ℓᵢ(w) = 0.3 + offsetᵢ + ½ Σⱼ hⱼ wⱼ², w* = 0: the examples differ by constants that add up to 0."""

    curvatures: np.ndarray
    examples: int = 12
    backend = "torch"

    @property
    def dimension(self):
        return len(self.curvatures)

    @property
    def offsets(self):
        return np.linspace(-1.0, 1.0, self.examples)

    def losses(self, parameters):
        return 0.3 + 0.5 * (parameters**2 @ self.curvatures)

    def gradients(self, parameters, rows=None):
        shift = 0.0 if rows is None else self.offsets[rows].mean(1)
        return self.losses(parameters) + shift, parameters * self.curvatures

    def example_losses(self, parameters):
        return self.losses(parameters)[:, None] + self.offsets


@dataclass(frozen=True)
class Product:
    """L = w₁² w₂², λ = ½ and m = 2."""

    dimension: int = 2
    examples: None = None
    backend = "torch"

    def losses(self, parameters):
        return parameters[:, 0] ** 2 * parameters[:, 1] ** 2

    def gradients(self, parameters, rows=None):
        return self.losses(parameters), 2 * parameters * parameters[:, ::-1] ** 2


@dataclass(frozen=True)
class Case:
    """A landscape at one nβ and γ, the mean and the variance of nβK that it must give, and how far a step's bias may lie off."""

    landscape: object
    inverse_temperature: float
    localization: float
    mean: float
    variance: float
    start: float = 2.0
    slack: float = 0.0


def measure(sampler, case, *, burn_in, draws, chains=CHAINS, seed=0):
    """nβ(mean loss − L(w*)) over all chains and draws, from starts far outside the stationary law."""
    landscape = case.landscape
    centre = np.zeros((chains, landscape.dimension))
    target = Posterior(landscape, centre, np.full(chains, case.inverse_temperature), np.full(chains, case.localization))
    purposes = [["harness", chain] for chain in range(chains)]
    run = sampler.sample(target, centre + case.start, draws=draws, burn_in=burn_in, seed=seed, purposes=purposes)
    assert (run.diverged == -1).all()
    return case.inverse_temperature * (run.losses.mean() - landscape.losses(centre[:1])[0])


def check(sampler, case, *, burn_in, draws, chains=CHAINS):
    """The harness: raises AssertionError where the sampler's mean is not that of the case."""
    found = measure(sampler, case, burn_in=burn_in, draws=draws, chains=chains)
    tolerance = SIGMAS * np.sqrt(case.variance / chains) + case.slack
    assert abs(found - case.mean) < tolerance, f"{found:.4f}, not {case.mean:.4f} ± {tolerance:.4f}"


def gaussian(curvatures, beta, gamma, sampler="exact", step=0.0, slack=0.0):
    """E[nβK] = Σ ½ nβh·v, v = 1/H with H = nβh + γ; SGLD: v = 1/(H(1 − εH/4)). The variance is Σ ½ (nβh·v)²."""
    curvatures = np.array(curvatures)
    total = beta * curvatures + gamma
    share = beta * curvatures / (total * (1 - step * total / 4 if sampler == "sgld" else 1.0))
    mean = 0.5 * share.sum()
    return Case(Quadratic(curvatures), beta, gamma, mean, 0.5 * (share**2).sum(), slack=slack * mean)


GAUSSIANS = [((1.0,), 3.0, 0.7), ((0.5, 2.0, 6.0), 3.0, 0.7), ((0.0, 0.2, 4.0), 20.0, 2.0)]
NAMES = ["sgld", "sgld-minibatch", "rmsprop", "sgnht", "mala", "mala-fixed", "hmc"]


def prepared(name, curvatures, beta, gamma):
    """A sampler with a step that fits, its case, and the length of the run."""
    stiffest = beta * max(curvatures) + gamma
    step = 0.6 / stiffest
    if name.startswith("sgld"):
        batch = 5 if name.endswith("minibatch") else None  # the examples differ by constants: exact with minibatches as well
        return SGLD(step, batch_size=batch), gaussian(curvatures, beta, gamma, "sgld", step), {"burn_in": 250, "draws": 20}
    if name == "rmsprop":
        # V of a direction is about h²/H, so that G ≤ 1/(λ + h/√H); the law's bias is below εGH/4 (`slack`), G being frozen.
        # While V follows the gradient it is not the law's: some hundred steps after the freezing belong to the mean as well
        damping = 1.0
        scale = 1 / (damping + np.array(curvatures) / np.sqrt(beta * np.array(curvatures) + gamma))
        largest = (scale * (beta * np.array(curvatures) + gamma)).max()
        case = gaussian(curvatures, beta, gamma, slack=0.1 / 4 * 1.5)
        return RMSpropSGLD(0.1 / largest, damping=damping), case, {"burn_in": 800, "draws": 600}
    if name == "sgnht":
        return SGNHT(0.3 / np.sqrt(stiffest), friction=np.sqrt(beta * min(curvatures) + gamma)), gaussian(
            curvatures, beta, gamma, slack=0.01), {"burn_in": 600, "draws": 20}  # fmt: skip
    if name == "mala":
        return MALA(), gaussian(curvatures, beta, gamma), {"burn_in": 300, "draws": 20}
    if name == "mala-fixed":
        return MALA(step, adapt=False), gaussian(curvatures, beta, gamma), {"burn_in": 250, "draws": 20}
    return HMC(), gaussian(curvatures, beta, gamma), {"burn_in": 60, "draws": 10}


@pytest.mark.parametrize("place", range(len(GAUSSIANS)))
@pytest.mark.parametrize("name", NAMES)
def test_gaussians(name, place):
    sampler, case, length = prepared(name, *GAUSSIANS[place])
    check(sampler, case, **length)


def product_case(beta, gamma, start=0.3):
    """Mean and variance of nβ w₁²w₂² under exp(−nβ w₁²w₂² − γ/2 |w|²): w₁ integrates to √(2π/(γ + 2nβw₂²)).

    Given w₂ = x, nβ w₁²x² = ½ s z² with s = 2nβx²/(γ + 2nβx²), z normal: mean ½ s, second moment ¾ s².
    """
    x = np.linspace(0.0, 12 / np.sqrt(gamma), 400_001)
    weight = np.exp(-0.5 * gamma * x**2) / np.sqrt(gamma + 2 * beta * x**2)
    weight /= weight.sum()
    share = 2 * beta * x**2 / (gamma + 2 * beta * x**2)
    mean = 0.5 * weight @ share
    return Case(Product(), beta, gamma, mean, 0.75 * weight @ share**2 - mean**2, start)


PRODUCT = {
    "sgld": (SGLD(4e-3, steps_per_draw=10), {"burn_in": 150, "draws": 30}, 0.02),
    "rmsprop": (RMSpropSGLD(4e-3, steps_per_draw=10, damping=1.0), {"burn_in": 150, "draws": 30}, 0.02),
    "sgnht": (SGNHT(0.03, steps_per_draw=10), {"burn_in": 100, "draws": 20}, 0.005),
    "mala": (MALA(steps_per_draw=5), {"burn_in": 200, "draws": 40}, 0.0),
    "hmc": (HMC(), {"burn_in": 100, "draws": 40}, 0.0),
}


@pytest.mark.parametrize("name", PRODUCT)
def test_singular_at_finite_temperature(name):
    """slack: of a step ε on a valley of curvature 2nβx² the bias is ε(γ + 2nβx²)/4, averaged over the valley."""
    sampler, length, slack = PRODUCT[name]
    check(sampler, dataclasses.replace(product_case(100.0, 1.0), slack=slack), **length)


# Minibatches: SGLD on a linear regression is an autoregression with random coefficients, its second moments are exact.


def regression(seed=5, examples=30):
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((examples, 2)) * [1.0, 0.6]
    targets = rows @ [0.8, -0.5] + 0.7 * generator.standard_normal(examples)
    return rows, targets, np.linalg.lstsq(rows, targets, rcond=None)[0]


def stationary(rows, targets, centre, beta, gamma, step, batch):
    """Second moments V of (w, 1): V = E[T V Tᵀ] + ε diag(1, 1, 0), T = the mean over a minibatch of one example's affine map."""
    count, size = rows.shape
    maps = np.zeros((count, size + 1, size + 1))
    maps[:, :size, :size] = np.eye(size) - step / 2 * (beta * rows[:, :, None] * rows[:, None] + gamma * np.eye(size))
    maps[:, :size, size] = step / 2 * (beta * rows * targets[:, None] + gamma * centre)
    maps[:, size, size] = 1
    mean = maps.mean(0)
    spread = maps - mean
    share = (count - batch) / (batch * (count - 1))  # of the variance of one example: drawn without replacement
    product = np.kron(mean, mean) + share * np.mean([np.kron(one, one) for one in spread], axis=0)
    system, right = np.eye((size + 1) ** 2) - product, np.diag([step] * size + [0.0]).ravel()
    system[-1], right[-1] = 0.0, 1.0
    system[-1, -1] = 1.0
    return np.linalg.solve(system, right).reshape(size + 1, size + 1)


@dataclass(frozen=True)
class Regression:
    """The landscape of `regression`, around its minimum moved to 0."""

    inner: object
    centre: np.ndarray

    dimension = 2
    backend = "torch"

    @property
    def examples(self):
        return self.inner.examples

    def losses(self, parameters):
        return self.inner.losses(parameters + self.centre)

    def gradients(self, parameters, rows=None):
        return self.inner.gradients(parameters + self.centre, rows)

    def example_losses(self, parameters):
        return self.inner.example_losses(parameters + self.centre)


def minibatch_case(draws, beta=12.0, gamma=0.9, step=0.05, batch=2):
    rows, targets, best = regression()
    model = nn.Sequential(nn.Linear(2, 1, bias=False)).double()
    landscape = recognise(model, squared_error(), (torch.as_tensor(rows), torch.as_tensor(targets)[:, None]))
    residual = targets - rows @ best
    moments = stationary(rows, residual, np.zeros(2), beta, gamma, step, batch)
    hessian = rows.T @ rows / len(rows)
    covariance = moments[:2, :2] - np.outer(moments[:2, 2], moments[:2, 2])
    mean = beta * 0.5 * np.trace(hessian @ moments[:2, :2])
    law = np.random.default_rng(0).multivariate_normal(moments[:2, 2], covariance, 20_000)
    single = 0.5 * ((residual - law @ rows.T) ** 2 - residual**2)  # ℓᵢ(w) − ℓᵢ(w*): the noise of the recorded loss
    variance = beta**2 * (single.mean(1).var() + single.var(1).mean() / (batch * draws))  # minibatches are independent
    return Case(Regression(landscape, best), beta, gamma, mean, variance, start=1.0), SGLD(step, batch_size=batch)


def test_minibatch_noise_is_that_of_the_exact_law():
    case, sampler = minibatch_case(draws=20)
    check(sampler, case, burn_in=200, draws=20, chains=1500)
    rows = regression()[0]
    full = gaussian(np.linalg.eigvalsh(rows.T @ rows / len(rows)), 12.0, 0.9)
    assert case.mean > 1.4 * full.mean  # the minibatches' own heat is seen
    with pytest.raises(AssertionError):
        check(dataclasses.replace(sampler, batch_size=4), case, burn_in=200, draws=20, chains=1500)


# Test the referee: what is broken on purpose must fail.


@dataclass(frozen=True)
class BurnInKept:
    """A sampler that counts its burn-in among the draws."""

    inner: object
    name = "burn-in kept"

    def sample(self, posterior, start, *, draws, burn_in, **rest):
        return self.inner.sample(posterior, start, draws=burn_in + draws, burn_in=0, **rest)


@dataclass(frozen=True)
class Unlocalised:
    """A sampler that forgets γ."""

    inner: object
    name = "unlocalised"

    def sample(self, posterior, start, **rest):
        return self.inner.sample(dataclasses.replace(posterior, localization=0 * posterior.localization), start, **rest)


@dataclass(frozen=True)
class MinibatchBaseline(Quadratic):
    """L(w*) from the first four examples alone."""

    def losses(self, parameters):
        return super().losses(parameters) + (self.offsets[:4].mean() if len(parameters) == 1 else 0.0)


def halved_noise(sampler, case, monkeypatch):
    for module in (gradient_descent, hmc):
        original = module.fill_normals

        def half(states, out, original=original):
            original(states, out)
            out *= np.sqrt(0.5)

        monkeypatch.setattr(module, "fill_normals", half)
    return sampler, case


def burn_in_in_the_mean(sampler, case, monkeypatch):
    return BurnInKept(sampler), case


def localization_forgotten(sampler, case, monkeypatch):
    return Unlocalised(sampler), case


def baseline_of_a_minibatch(sampler, case, monkeypatch):
    return sampler, dataclasses.replace(case, landscape=MinibatchBaseline(case.landscape.curvatures))


SABOTAGES = [halved_noise, burn_in_in_the_mean, localization_forgotten, baseline_of_a_minibatch]


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_the_harness_notices(name, sabotage, monkeypatch):
    sampler, case, length = prepared(name, *GAUSSIANS[1])
    if name == "sgnht" and sabotage is halved_noise:
        check(*sabotage(sampler, case, monkeypatch), **length)  # the thermostat takes up what is wrong with the noise
        return
    with pytest.raises(AssertionError, match="±"):
        check(*sabotage(sampler, case, monkeypatch), **length)


# What every sampler owes beside its law.

ALL = [
    SGLD(1e-2, batch_size=5, steps_per_draw=2),
    RMSpropSGLD(1e-2, batch_size=5),
    SGNHT(0.05, batch_size=5),
    MALA(steps_per_draw=2),
    MALA(1e-2, adapt=False),
    HMC(leapfrog_steps=3),
]


def short(sampler, landscape, numbers, start=None, burn_in=15, draws=25, seed=3):
    count = len(numbers)
    centre = np.zeros((count, landscape.dimension))
    target = Posterior(landscape, centre, np.full(count, 3.0), np.full(count, 0.7))
    start = centre if start is None else start
    purposes = [["chain", number] for number in numbers]
    return sampler.sample(target, start, draws=draws, burn_in=burn_in, seed=seed, purposes=purposes, keep=True)


@pytest.mark.parametrize("sampler", ALL, ids=lambda s: f"{s.name}-{getattr(s, 'adapt', '')}")
def test_a_chain_does_not_depend_on_the_others(sampler):
    landscape = Quadratic(np.array([0.5, 2.0, 6.0]))
    many, alone = short(sampler, landscape, range(8)), short(sampler, landscape, [5])
    for name in ("losses", "last", "positions", "step_size", "diverged"):
        assert np.array_equal(getattr(many, name)[5:6], getattr(alone, name)), name
    assert not np.array_equal(many.losses[4], many.losses[5])
    assert not np.array_equal(short(sampler, landscape, [5], seed=4).losses, alone.losses)
    assert many.losses.shape == (8, 25) and many.positions.shape == (8, 25, 3)


@dataclass(frozen=True)
class Broken(Quadratic):
    """After `healthy` calls the loss is NaN where w₁ > 50."""

    healthy: int = 60
    calls: list = dataclasses.field(default_factory=list)

    def gradients(self, parameters, rows=None):
        self.calls.append(1)
        losses, slopes = super().gradients(parameters, rows)
        lost = (parameters[:, 0] > 50) & (len(self.calls) > self.healthy)
        return np.where(lost, np.nan, losses), np.where(lost[:, None], np.nan, slopes)




@pytest.mark.parametrize("sampler", ALL, ids=lambda s: f"{s.name}-{getattr(s, 'adapt', '')}")
def test_a_landscape_that_breaks_half_way(sampler):
    """An unadjusted chain is flagged where it breaks; a corrected one refuses every proposal, which its acceptance says."""
    per_draw = {"hmc": 3, "mala": getattr(sampler, "steps_per_draw", 1), "sgld": 2}.get(sampler.name, 1)
    curvatures = np.array([0.0, 2.0, 6.0])
    start = np.zeros((3, 3))
    start[1, 0] = 1000.0
    centre = start.copy()
    runs = []
    for healthy in (10**9, 27 * per_draw):
        landscape = Broken(curvatures, healthy=healthy)
        target = Posterior(landscape, centre, np.full(3, 3.0), np.full(3, 0.7))
        runs.append(sampler.sample(target, start, draws=25, burn_in=15, seed=1, purposes=[0, 1, 2], keep=True))
    whole, broken = runs
    assert (whole.diverged == -1).all() and np.isfinite(whole.losses).all()
    for name in ("losses", "last", "positions"):
        assert np.array_equal(getattr(whole, name)[[0, 2]], getattr(broken, name)[[0, 2]]), name
    assert broken.diverged[0] == broken.diverged[2] == -1
    if sampler.name in ("hmc", "mala"):
        assert np.isfinite(broken.losses).all() and len(np.unique(broken.losses[1, 14:])) == 1
        assert broken.acceptance[1] < 0.6 * whole.acceptance[1] and np.isfinite(broken.acceptance).all()
    else:
        at = broken.diverged[1]
        assert at == 12
        assert np.isfinite(broken.losses[1, :at]).all() and np.isnan(broken.losses[1, at:]).all()
        assert np.isnan(broken.positions[1, at:]).all() and np.isnan(broken.last[1]).all()


@pytest.mark.parametrize("sampler", [MALA(), HMC()], ids=lambda s: s.name)
def test_a_start_outside_the_finite_numbers_is_flagged(sampler):
    start = np.zeros((3, 3))
    start[1] = np.inf
    run = short(sampler, Quadratic(np.array([0.5, 2.0, 6.0])), range(3), start)
    assert run.diverged.tolist() == [-1, 0, -1] and np.isnan(run.losses[1]).all() and np.isfinite(run.losses[[0, 2]]).all()
