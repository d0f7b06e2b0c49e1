"""Loss curves against the closed form of a linear map, and the one exact inequality between V(ε) and P."""

import math

import numpy as np
import pytest
from scipy.stats import ncx2

from slt_bias import maps
from slt_bias.errors import InputError
from slt_bias.prior import loss_curve as module
from slt_bias.prior.loss_curve import SquaredLoss, loss_curve
from slt_bias.prior.sampling import sample

UNIT = "perceptron:inputs=2,values=pm1,weight_std=1.4142135623730951,bias_std=1"
LOSSES = 2.0 ** -np.arange(1, 13)


@pytest.fixture(scope="module")
def projection():
    """y = x₀ on {−1,1}²: the loss is ½‖w − e₀‖² of three unit normals, a non-central χ² with 3 degrees, λ = 3/2."""
    return loss_curve(maps.parse(UNIT), "0011", least_loss=2.0**-13, particles=500, moves=10, replicates=8, seed=1)


def exact(losses):
    return ncx2.cdf(2 * losses, 3, 1.0)


def test_the_whole_curve(projection):
    found = projection.log2_volume(LOSSES)
    # independent particles: relative variance ln 2-fold levels, (1−p)/(p·N) each with p = ½; √ of their number/(8·500)
    levels = -np.log2(exact(LOSSES)) + 1
    assert np.all(np.abs(found - np.log2(exact(LOSSES))) < 4 * 1.5 * np.sqrt(levels / 4000) / math.log(2))
    assert projection.splitting.status == "ok"


def test_slope_and_offset(projection):
    least, greatest = 2.0**-12, 2.0**-6
    slope = projection.slope(least, greatest)
    assert slope.low < 1.5 < slope.high and slope.high - slope.low < 0.3
    expected = -math.log2(exact(np.array([2.0**-9]))[0]) - 8 * slope.value  # ε = 2⁻⁹ is 8 bits below ½
    assert projection.offset(least, greatest) == pytest.approx(expected, abs=0.5)
    # in units of ½: V → Γ-volume of the ball, (2ε)^{3/2}·(4π/3)·φ(e₀) = (2ε)^{3/2}·0.1613, 2.63 bits
    assert projection.offset(least, greatest) == pytest.approx(2.63, abs=0.6)


def test_another_target_is_told_apart(projection):
    """A curve to the wrong function must not pass for this one: the negation has the same law, the constant another."""
    constant = loss_curve(maps.parse(UNIT), "1111", least_loss=2.0**-8, particles=200, seed=1)
    other = SquaredLoss(maps.parse(UNIT), constant.function)(projection.splitting.particles)
    assert np.all(other > 0.5)


def test_never_larger_than_p():
    perceptron = maps.parse(UNIT)
    counts = sample(perceptron, samples=200_000, seed=3)
    for function in ("0000", "0001", "0011", "0111"):
        curve = loss_curve(perceptron, function, least_loss=1 / 8, particles=500, seed=2)
        volume = curve.log2_volume(np.array([1 / 8 * (1 + 1e-12)]))
        assert volume[0] < math.log2(counts.of(function) / 200_000) + 0.2  # 3 standard errors of 2000 particles


def test_what_cannot_be_fitted_ends_at_the_floor():
    """Parity of two: the loss of a linear map is ½(1 + ‖w‖²), never below ½."""
    curve = loss_curve(maps.parse(UNIT), "0110", least_loss=2.0**-4, particles=100, least_log2_probability=-30)
    assert curve.splitting.value == -math.inf and all(run.levels[-1] > 0.5 for run in curve.splitting.replicates)
    assert np.isnan(curve.log2_volume(np.array([0.25])))[0]
    assert curve.slope(2.0**-4, 2.0**-2).status == "failed"


def test_compiled_and_torch_losses_agree(monkeypatch):
    import torch

    network = maps.parse("mlp:inputs=3,hidden=5x4,law=uniform")
    function = module.parse("01101001", network.inputs)
    latents = np.random.default_rng(0).normal(size=(50, network.latents))
    found = SquaredLoss(network, function)(latents)
    outputs = network.outputs(network.parameters(torch.from_numpy(latents))).numpy()
    truth = 0.5 * np.mean((outputs - (2 * function.values()[0].astype(float) - 1)) ** 2, axis=1)
    assert found == pytest.approx(truth, rel=1e-5)
    monkeypatch.setattr(module, "NetworkMember", int)  # so that the general path is taken
    assert SquaredLoss(network, function)(latents) == pytest.approx(truth, rel=1e-5)


def test_bad_input():
    network = maps.parse("mlp:inputs=2,hidden=3")
    with pytest.raises(InputError, match="least_loss = 0"):
        loss_curve(network, "0110", least_loss=0.0)
    with pytest.raises(InputError, match="takes one"):
        loss_curve(network, ["0110", "0001"])
    with pytest.raises(InputError, match="latent map"):
        loss_curve(maps.parse("layered:inputs=2"), "0110")
    with pytest.raises(InputError, match="negative number of bits"):
        loss_curve(network, "0110", least_log2_probability=3)
