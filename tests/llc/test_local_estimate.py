"""`estimate` on systems whose answer is known, its verdicts on systems made to earn them, and what it refuses."""

import math

import numpy as np
import pytest
import torch

import slt_bias as sb
from slt_bias.errors import InputError, SpecError
from slt_bias.llc import exact, losses
from slt_bias.subjects import linear, monomial, regression


def parts(system):
    return system.model, system.loss, system.data


def shifted(system, by):
    with torch.no_grad():
        for value in system.model.parameters():
            value += by
    return parts(system)


class Well(torch.nn.Module):
    """A parameter in the upper of two wells: L = (w² − 1)² + 0.3w, minima near −1.04 and 0.96."""

    def __init__(self, at):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([at], dtype=torch.float64))

    @staticmethod
    def loss(model):
        return ((model.w**2 - 1) ** 2 + 0.3 * model.w).sum()


UPPER = 0.96014  # the root of 4w³ − 4w + 0.3 = 0 near 1


def regular_part(design, inverse_temperature, localization=1.0):
    """Σ ½nβh/(nβh + γ) over the eigenvalues of XᵀX/n: the exact value for linear regression at the minimiser."""
    scaled = inverse_temperature * np.linalg.eigvalsh(design.T @ design / len(design))
    return float((0.5 * scaled / (scaled + localization)).sum())


@pytest.mark.parametrize("method", ["fast", "reference"])
def test_linear_regression_is_the_gaussian_answer(method):
    system = regression.linear_regression(4, 500, seed=1)
    result = sb.llc.estimate(*parts(system), method=method, draws=300, seed=2)
    expected = regular_part(system.data[0].double().numpy(), 500 / math.log(500))
    assert result.status == "ok", result.reasons
    # independent draws of Gamma(λ): the deviation of the mean of N is √(λ/N); chains are worth at least 200 draws
    assert abs(result.value - expected) < 4 * math.sqrt(expected / 200)
    assert result.low < result.value < result.high
    assert result.data_spread == pytest.approx(math.sqrt(result.value / (2 * math.log(500))))
    assert result.inverse_temperature == pytest.approx(500 / math.log(500))
    assert result.backend == "compiled" and result.multiplicity is None


def test_reference_finds_the_learning_coefficient_and_the_multiplicity():
    system = linear.deep_linear((2, 2, 2), 0)
    truth = exact.deep_linear((2, 2, 2), 0)
    result = sb.llc.estimate(*parts(system), method="reference", draws=400, seed=1)
    assert result.status == "ok"
    assert abs(result.value / truth.learning_coefficient - 1) < 0.05
    assert result.multiplicity in (truth.multiplicity, None)
    assert list(result.temperatures.columns[:3]) == ["inverse_temperature", "value", "standard_error"]


def test_a_population_loss_needs_a_temperature_and_gives_the_limit_over_several():
    system = monomial.monomial((1, 2))
    with pytest.raises(InputError, match=r"data=None.*inverse_temperature"):
        sb.llc.estimate(*parts(system), method="fast")
    result = sb.llc.estimate(*parts(system), method="reference", inverse_temperature=(1e3, 1e5, 1e7, 1e9), draws=300, seed=3)
    assert abs(result.value - 0.25) < 0.04  # 4 rungs' worth of a heavy-tailed law, from few draws
    assert result.low < 0.25 < result.high


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    system = regression.linear_regression(3, 100)
    one, again, other = (sb.llc.estimate(*parts(system), draws=50, chains=4, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.trace, again.trace) and one.value == again.value
    assert one.value != other.value


@pytest.mark.parametrize("sampler", [sb.llc.SGLD(step_size=1e-3, batch_size=20), None], ids=["given", "calibrated"])
def test_many_checkpoints_are_the_same_as_each_alone(sampler):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    torch.manual_seed(0)
    data = torch.randn(60, 3), torch.randn(60, 1)
    states = []
    for _ in range(3):
        for value in model.parameters():
            value.data = 0.5 * torch.randn_like(value)
        states.append({name: value.clone() for name, value in model.state_dict().items()})
    together = sb.llc.estimate_many(model, states, losses.squared_error(), data, sampler=sampler, draws=60, chains=4)
    model.load_state_dict(states[1])
    alone = sb.llc.estimate(model, losses.squared_error(), data, sampler=sampler, draws=60, chains=4)
    assert np.array_equal(together[1].trace, alone.trace)
    assert together[1].value == alone.value


def test_an_untrained_model_is_suspect_and_says_so():
    system = regression.linear_regression(3, 200)
    result = sb.llc.estimate(*shifted(system, 1.0), draws=100, seed=0)
    assert result.status == "suspect" and result.value < 0
    assert any("negative" in reason for reason in result.reasons)
    assert any("not at a local minimum" in reason and "train longer" in reason for reason in result.reasons)


def test_the_truth_in_the_place_of_the_minimiser_is_noticed():
    system = regression.linear_regression(20, 200, point="truth")
    result = sb.llc.estimate(*parts(system), draws=200, seed=0)
    assert any("truth and not the minimiser" in reason for reason in result.reasons)


@pytest.mark.parametrize(("temperature", "status"), [(2e3, "ok"), (8.0, "failed")])
def test_a_chain_in_another_well_fails_and_a_cold_one_stays(temperature, status):
    result = sb.llc.estimate(Well(UPPER), Well.loss, None, inverse_temperature=temperature, localization=0.1, draws=200, seed=0)
    assert result.status == status, result.reasons
    if status == "failed":
        assert math.isnan(result.value) and "another phase" in result.reasons[0]
    else:
        assert abs(result.value - 0.5) < 0.05


def test_strong_localization_is_noticed():
    system = regression.linear_regression(4, 500, seed=1)
    result = sb.llc.estimate(*parts(system), localization=100.0, draws=1000, seed=0)
    assert result.status == "suspect"
    assert any("localisation decides" in reason for reason in result.reasons)


def test_too_large_a_step_is_noticed_by_the_corrected_run():
    system = regression.linear_regression(4, 500, seed=1)
    wide = sb.llc.SGLD(step_size=0.03)  # εnβ near 2.4 of the limit 4: the variance is more than doubled
    result = sb.llc.estimate(*parts(system), sampler=wide, draws=3000, seed=0)
    assert any(reason.startswith("corrected") for reason in result.reasons), result.checks


def test_a_diverging_sampler_fails_without_an_exception():
    system = regression.linear_regression(4, 500, seed=1)
    result = sb.llc.estimate(*parts(system), sampler=sb.llc.SGLD(step_size=1.0), draws=2000, seed=0)
    assert result.status == "failed" and math.isnan(result.value)
    assert result.diverged_chains == 8
    assert "smaller step_size" in result.reasons[0]


def test_restriction_to_parameters_and_to_rows():
    system = regression.linear_regression(4, 300, seed=1)
    name = next(name for name, value in system.model.named_parameters() if value.ndim == 2)
    weight_only = sb.llc.estimate(*parts(system), parameters=[name], draws=200)
    assert weight_only.trace.shape == (8, 200)
    some = sb.llc.estimate(*parts(system), rows=range(100), draws=100)
    assert some.examples == 100 and some.inverse_temperature == pytest.approx(100 / math.log(100))


def test_chains_too_few_for_diagnostics_say_not_available():
    system = regression.linear_regression(2, 100)
    result = sb.llc.estimate(*parts(system), chains=1, draws=30)
    assert math.isnan(result.rhat)
    assert math.isfinite(result.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"chains": 0}, "chains = 0"),
        ({"draws": 1}, "draws = 1"),
        ({"burn_in": -1}, "burn_in = -1"),
        ({"confidence": 1.0}, "confidence = 1.0"),
        ({"localization": 0.0}, "localization = 0.0"),
        ({"inverse_temperature": -2.0}, "inverse_temperature"),
        ({"inverse_temperature": math.nan}, "inverse_temperature"),
        ({"inverse_temperature": [1e3, 1e4]}, "method='reference'"),
        ({"parameters": ["nobody"]}, "nobody"),
        ({"rows": [1000]}, "rows"),
        ({"sampler": sb.llc.SGLD(step_size=0.01, batch_size=1000)}, "batch_size = 1000"),
        ({"method": "reference", "sampler": sb.llc.SGLD(step_size=0.01)}, "HMC"),
    ],
)
def test_what_is_refused(settings, words):
    system = regression.linear_regression(2, 50)
    with pytest.raises((InputError, SpecError), match=words):
        sb.llc.estimate(*parts(system), **settings)


def test_an_unknown_method_names_the_nearest():
    with pytest.raises(SpecError, match="Did you mean `reference`"):
        sb.llc.estimate(*parts(regression.linear_regression(2, 50)), method="referenc")


def test_two_examples_have_no_temperature():
    system = regression.linear_regression(1, 50)
    with pytest.raises(InputError, match="n ≥ 3"):
        sb.llc.estimate(*parts(system), rows=[0, 1])
