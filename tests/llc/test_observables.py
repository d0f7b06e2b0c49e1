"""WBIC, WAIC, ν and the covariances of losses against the closed forms of Gaussian linear regression, and against re-runs."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from slt_bias.errors import InputError
from slt_bias.llc import influence_functions as influence
from slt_bias.llc import observables
from slt_bias.llc.observables import observe, singular_fluctuation, waic, wbic
from slt_bias.losses import squared_error

CHAINS, DRAWS = 400, 12
EXAMPLES, GAMMA = 12, 0.8


@dataclasses.dataclass(frozen=True)
class Regression:
    """y = x·w + noise, ℓᵢ = ½(yᵢ − xᵢ·w)², the localising Gaussian around `start`: a Gaussian posterior in closed form."""

    rows: np.ndarray
    targets: np.ndarray
    start: np.ndarray

    @classmethod
    def make(cls):
        generator = np.random.default_rng(2)
        rows = generator.standard_normal((EXAMPLES, 2))
        return cls(rows, rows @ [1.0, -0.5] + 0.8 * generator.standard_normal(EXAMPLES), np.array([0.7, -0.2]))

    def call(self, weights=None):
        """What `observe` takes; weights : of the examples."""
        model = nn.Sequential(nn.Linear(2, 1, bias=False)).double()
        model[0].weight.data = torch.as_tensor(self.start)[None]
        data = torch.as_tensor(self.rows), torch.as_tensor(self.targets)[:, None]
        if weights is None:
            return model, squared_error(), data

        def loss(output, batch):
            return batch[2] * 0.5 * (batch[1] - output).square()[:, 0]

        return model, loss, (*data, torch.as_tensor(weights))

    def posterior(self, beta, weights=None):
        """Mean and covariance of w at nβ."""
        weights = np.ones(EXAMPLES) if weights is None else weights
        precision = beta / EXAMPLES * (self.rows.T * weights) @ self.rows + GAMMA * np.eye(2)
        covariance = np.linalg.inv(precision)
        return covariance @ (beta / EXAMPLES * self.rows.T @ (weights * self.targets) + GAMMA * self.start), covariance

    def residuals(self, beta, weights=None):
        """Means (n,) and covariances (n, n) of the residuals rᵢ = yᵢ − xᵢ·w; ℓᵢ = ½ rᵢ²."""
        mean, covariance = self.posterior(beta, weights)
        return self.targets - self.rows @ mean, self.rows @ covariance @ self.rows.T

    def loss_covariance(self, beta):
        """Cov(½r², ½s²) = ½ Cov(r, s)² + E[r] E[s] Cov(r, s)."""
        mean, covariance = self.residuals(beta)
        return 0.5 * covariance**2 + np.outer(mean, mean) * covariance

    def exact_losses(self, beta, draws=100_000):
        """Losses of independent draws of the exact posterior, (draws, n): for the sampling error of covariances."""
        mean, covariance = self.posterior(beta)
        law = np.random.default_rng(0).multivariate_normal(mean, covariance, draws)
        return 0.5 * (self.targets - law @ self.rows.T) ** 2


CASE = Regression.make()
SETTINGS = {"localization": GAMMA, "chains": CHAINS, "draws": DRAWS, "burn_in": 60}


def run(beta, **options):
    return observe(*CASE.call(), inverse_temperature=beta, **(SETTINGS | options))


@pytest.fixture(scope="module")
def full():
    return run(float(EXAMPLES))


@pytest.fixture(scope="module")
def tempered():
    return run(None)


def close(found, exact, deviation):
    """A mean over draws has at most the variance of one draw, so that the error is at most deviation/√chains."""
    return np.abs(found - exact) < 4.5 * deviation / np.sqrt(CHAINS)


def test_wbic_is_n_times_the_mean_loss(tempered):
    beta = EXAMPLES / np.log(EXAMPLES)
    assert np.isclose(tempered.inverse_temperature, beta) and np.isclose(tempered.beta, 1 / np.log(EXAMPLES))
    mean, covariance = CASE.residuals(beta)
    exact = 0.5 * (mean**2 + np.diag(covariance)).sum()
    deviation = np.sqrt(CASE.loss_covariance(beta).sum())
    found = wbic(tempered)
    assert close(found.value, exact, deviation) and found.unit == "nats"
    assert found.low < found.value < found.high and found.high - found.low < 4 * 2 * deviation / np.sqrt(CHAINS)
    minimum = 0.5 * ((CASE.targets - CASE.rows @ np.linalg.lstsq(CASE.rows, CASE.targets, rcond=None)[0]) ** 2).sum()
    assert not close(minimum, exact, deviation)  # the test sees λ ln n


def test_waic_and_the_singular_fluctuation(full):
    """−ln E[exp(−½r²)] = ½ ln(1 + s²) + ½ μ²/(1 + s²) for r ~ N(μ, s²)."""
    beta = float(EXAMPLES)
    mean, covariance = CASE.residuals(beta)
    square = np.diag(covariance)
    training = (0.5 * np.log1p(square) + 0.5 * mean**2 / (1 + square)).mean()
    variance = np.diag(CASE.loss_covariance(beta)).sum()
    losses = CASE.exact_losses(beta)
    # the error of each, linearised in one draw: influence of a draw on the sum of variances, and on the training loss
    away = ((losses - losses.mean(0)) ** 2).sum(1)
    chance = np.exp(-losses) / np.exp(-losses).mean(0)
    found = singular_fluctuation(full)
    assert close(found.value, 0.5 * variance, 0.5 * away.std()) and found.low < found.value < found.high
    assert close(waic(full).value, training + variance / EXAMPLES, (away / EXAMPLES - chance.mean(1)).std())
    assert waic(full).unit == "nats"
    assert not close(found.value, variance, 0.5 * away.std())  # a forgotten ½ would be seen


def test_influence_is_the_exact_covariance(full):
    beta = float(EXAMPLES)
    losses = CASE.exact_losses(beta, 20_000)
    away = losses - losses.mean(0)
    deviation = np.sqrt(np.maximum((away**2).T @ (away**2) / len(away) - (away.T @ away / len(away)) ** 2, 0))
    found = influence.influence(full)
    exact = -CASE.loss_covariance(beta)  # β = 1
    assert found.value.shape == (EXAMPLES, EXAMPLES) and np.allclose(found.value, found.value.T, rtol=1e-10, atol=1e-12)
    assert close(found.value, exact, deviation).all()
    assert not close(-found.value, exact, deviation).all()
    assert (found.low < found.value).all() and (found.value < found.high).all()


def test_influence_on_an_observable(full):
    """On w itself: Cov(½r², w) = −E[r] Cov(w) x."""
    beta = float(EXAMPLES)
    mean, _ = CASE.residuals(beta)
    _, covariance = CASE.posterior(beta)
    exact = mean[:, None] * (CASE.rows @ covariance)
    found = influence.influence(full, full.positions)
    spread = np.sqrt(2 * np.outer(np.diag(CASE.loss_covariance(beta)), np.diag(covariance)) + exact**2)
    assert found.value.shape == (EXAMPLES, 2) and close(found.value, exact, 2 * spread).all()
    single = influence.influence(full, full.positions[:, :, 1])
    assert np.allclose(single.value[:, 0], found.value[:, 1])


def test_susceptibility_is_the_exact_covariance(tempered):
    beta = tempered.inverse_temperature
    weights = influence.towards(EXAMPLES, [0, 1, 2])
    assert abs(weights.sum()) < 1e-12 and np.isclose(weights[0], 1 / 3 - 1 / EXAMPLES)
    found = influence.susceptibilities(tempered, np.stack([weights, np.full(EXAMPLES, 1 / EXAMPLES)]))
    covariance = CASE.loss_covariance(beta)
    uniform = np.full(EXAMPLES, 1 / EXAMPLES)
    losses = CASE.exact_losses(beta)
    for row, direction in enumerate((weights, uniform)):
        a, b = losses @ direction, losses @ uniform
        deviation = ((a - a.mean()) * (b - b.mean())).std()
        assert close(found.value[row, 0], -beta * direction @ covariance @ uniform, beta * deviation)
    assert found.value[1, 0] < 0  # more weight on all examples is a lower temperature
    assert found.value.shape == found.low.shape == found.standard_error.shape == (2, 1)


def test_susceptibility_predicts_a_run_with_changed_weights():
    """Central difference of two runs with weights 1 ± h on one half of the data, 1 ∓ h on the other."""
    beta, h, chains, half = 30.0, 0.25, 2000, np.arange(EXAMPLES) < EXAMPLES // 2
    direction = np.where(half, 1.0, -1.0)
    settings = SETTINGS | {"chains": chains, "draws": 4, "burn_in": 30}
    means, exact, variance = [], [], 0.0
    for sign in (1, -1):
        weights = 1 + sign * h * direction
        draws = observe(*CASE.call(weights), inverse_temperature=beta, **settings)
        losses = draws.example_losses / weights  # of the unweighted examples
        means.append(losses[..., half].mean())
        mean, covariance = CASE.residuals(beta, weights)
        exact.append(0.5 * (mean**2 + np.diag(covariance))[half].mean())
        part = 0.5 * covariance**2 + np.outer(mean, mean) * covariance
        variance += part[np.ix_(half, half)].mean() / (2 * h) ** 2
    difference = (means[0] - means[1]) / (2 * h)
    draws = run(beta, **settings)
    found = influence.susceptibilities(draws, direction / EXAMPLES, draws.example_losses[..., half].mean(2)).value[0, 0]
    losses = CASE.exact_losses(beta)
    a, b = losses @ direction / EXAMPLES, losses[:, half].mean(1)
    variance += beta**2 * ((a - a.mean()) * (b - b.mean())).var()
    curvature = abs((exact[0] - exact[1]) / (2 * h) + beta * np.cov(a, b)[0, 1])  # of the difference itself, of order h²
    tolerance = 4.5 * np.sqrt(variance / chains) + curvature
    assert abs(found - difference) < tolerance
    assert abs(found) > 2 * tolerance  # the other sign, or no answer at all, would be seen


def test_components_are_restricted_posteriors():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    data = torch.as_tensor(CASE.rows).float(), torch.as_tensor(CASE.targets).float()[:, None]
    settings = {"inverse_temperature": 10.0, "chains": 6, "draws": 40}
    components = {"first": ["0.weight", "0.bias"], "second": ["2.weight"]}
    weights = influence.towards(EXAMPLES, [3])
    found = influence.component_susceptibilities(model, squared_error(), data, components, weights, **settings)
    assert list(found) == ["first", "second"]
    alone = observe(model, squared_error(), data, parameters=["2.weight"], **settings)
    assert alone.positions.shape == (6, 40, 2)
    assert np.array_equal(found["second"].value, influence.susceptibilities(alone, weights).value)


def test_draws_are_what_they_say(tempered):
    assert tempered.losses.shape == (CHAINS, DRAWS) and tempered.example_losses.shape == (CHAINS, DRAWS, EXAMPLES)
    assert np.allclose(tempered.losses, tempered.example_losses.mean(2))
    direct = 0.5 * (CASE.targets - tempered.positions @ CASE.rows.T) ** 2
    assert np.allclose(tempered.example_losses, direct, rtol=1e-10, atol=1e-12)
    assert np.allclose(tempered.centre_losses, 0.5 * (CASE.targets - CASE.rows @ CASE.start) ** 2)
    longer = run(None, chains=8, draws=400)
    assert longer.status == "ok", longer.reasons
    assert longer.rhat < 1.05 and longer.effective_sample_size > 500
    few = [run(None, chains=5, draws=20, burn_in=10, seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(few[0].losses, few[1].losses) and not np.array_equal(few[0].losses, few[2].losses)


def test_the_jackknife_has_its_coverage():
    """ν, and three entries of the influence matrix, of 8 chains of 40 independent exact draws, 300 times.

    A 95 % interval of 8 numbers that are nearly normal; variances are skewed, so that the band is the 99.9 % binomial one, 3 %
    wider at the lower end.
    """
    beta, inside, entries = float(EXAMPLES), 0, np.zeros(3)
    losses = CASE.exact_losses(beta, 96_000).reshape(-1, 8, 40, EXAMPLES)
    covariance = CASE.loss_covariance(beta)
    exact, chosen = 0.5 * np.diag(covariance).sum(), ([0, 0, 3], [0, 1, 7])
    template = run(beta, chains=4, draws=10, burn_in=0)
    for each in losses[:300]:
        draws = dataclasses.replace(template, example_losses=each, losses=each.mean(2))
        found, matrix = singular_fluctuation(draws), influence.influence(draws)
        inside += found.low <= exact <= found.high
        entries += (matrix.low[chosen] <= -covariance[chosen]) & (-covariance[chosen] <= matrix.high[chosen])
    for count in (inside, *entries):
        assert 300 * 0.95 - 3.3 * np.sqrt(300 * 0.95 * 0.05) - 9 <= count <= 298


def test_a_verdict_is_inherited(full):
    bad = dataclasses.replace(full, status="suspect", reasons=("the chains disagree",))
    assert singular_fluctuation(bad).status == "suspect" and waic(bad).reasons == ("the chains disagree",)
    assert influence.influence(bad).status == "suspect"
    short = run(200.0, chains=4, draws=8, burn_in=0)
    assert short.status == "suspect" and "R-hat" in short.reasons[0]


def test_wrong_calls_are_refused(full, tempered, monkeypatch):
    with pytest.raises(InputError, match="nβ = n/ln n"):
        wbic(full)
    with pytest.raises(InputError, match="observe"):
        waic(tempered)
    with pytest.raises(InputError, match="population loss"):
        observe(nn.Linear(1, 1), lambda model: model.weight.square().sum(), None, inverse_temperature=10.0)
    with pytest.raises(InputError, match="chains = 3"):
        run(None, chains=3)
    monkeypatch.setattr(observables, "MOST_BYTES", 1e4)
    with pytest.raises(InputError, match=r"bytes, more than 1e\+04: give at most draws="):
        run(None)
    with pytest.raises(InputError, match="bytes"):
        monkeypatch.setattr(influence, "MOST_BYTES", 1e3)
        influence.influence(full)
    for wrong in ([12], [-1], [], [0.5]):
        with pytest.raises(InputError, match="rows"):
            influence.towards(EXAMPLES, wrong)
    with pytest.raises(InputError, match="perturbation"):
        influence.susceptibilities(full, np.ones(5))
    with pytest.raises(InputError, match="observable"):
        influence.influence(full, np.ones((3, 3)))
