import math

import numpy as np
import pytest
from scipy import stats

from slt_bias import maps, prior
from slt_bias.errors import InputError, SpecError
from slt_bias.functions.inputs import hypercube
from slt_bias.prior import last_layer as module
from slt_bias.prior.last_layer import hidden_features, last_layer, tail_index

VALLE_PEREZ = "preset=valle-perez-2018-normal"


@pytest.mark.parametrize("spec", ["mlp:inputs=2,hidden=5x6", "mlp:inputs=2,hidden=4,activation=tanh,layer_norm=true,bias=false"])
def test_features_give_the_outputs(spec):
    import torch

    chosen = maps.parse(spec)
    normals = np.random.default_rng(0).standard_normal((7, chosen.latents))
    last = int(chosen.network.offsets()[0][-1])
    parameters = chosen.parameters(torch.tensor(normals)).numpy()
    outputs = chosen.outputs(torch.tensor(parameters)).numpy()
    h = hidden_features(chosen, normals[:, :last])
    width = chosen.hidden[-1]
    bias = parameters[:, last + width :] if chosen.law.has_bias else 0
    assert np.allclose(np.einsum("bpw,bw->bp", h, parameters[:, last : last + width]) + bias, outputs, atol=1e-9)


# Functions that counting sees thousands of times; wide and narrow, with dead units (most draws dependent), and without bias.
@pytest.mark.parametrize(
    ("spec", "function"),
    [
        (f"mlp:inputs=2,hidden=40x40,{VALLE_PEREZ}", "0110"),
        ("mlp:inputs=2,hidden=3,weight_std=1.5", "0001"),
        ("mlp:inputs=2,hidden=3x3,weight_std=1.5,values=pm1", "0010"),
        ("mlp:inputs=2,hidden=4,bias=false", "0110"),
        ("mlp:inputs=2,hidden=4,bias=false,values=pm1,activation=tanh", "0011"),
        ("mlp:inputs=2,hidden=4,activation=step", "0100"),
        ("mlp:inputs=2,hidden=4,activation=step,bias=false", "0110"),
        ("mlp:inputs=2,hidden=8,layer_norm=true,activation=sin", "1110"),
        ("mlp:inputs=3,hidden=8,weight_std=1.5", "00010000"),
    ],
)
def test_against_counting(spec, function):
    chosen = maps.parse(spec)
    draws = 2**20
    count = prior.sample(chosen, draws, seed=11).of(function)
    assert count > 1000
    estimate = last_layer(chosen, function, relative_error=0.03, confidence=0.999)
    low, high = stats.binomtest(count, draws).proportion_ci(0.999)
    assert estimate.low < math.log2(high) and math.log2(low) < estimate.high
    assert estimate.method == "orthant" and estimate.unit == "bits" and estimate.status == "ok"
    assert estimate.high - estimate.low < 0.6


def test_parity_of_three_bits():
    # Measured before: −6.172 ± .035 by integrating the last layer, −6.138 ± .027 by splitting, −6.048 ± .032 by counting 10⁸.
    estimate = last_layer(maps.parse(f"mlp:inputs=3,hidden=40x40,{VALLE_PEREZ}"), "parity", relative_error=0.03)
    value, spread = estimate.value * math.log10(2), (estimate.high - estimate.low) / 4 * math.log10(2)
    assert estimate.status == "ok" and spread < 0.02
    for before, error in ((-6.172, 0.035), (-6.138, 0.027), (-6.048, 0.032)):
        assert abs(value - before) < 3.5 * math.hypot(spread, error)


def test_intervals_cover(monkeypatch):
    monkeypatch.setattr(module, "POINTS", 16)  # fewer are as unbiased, and faster
    chosen = maps.parse("mlp:inputs=2,hidden=6,weight_std=1.5,values=pm1")
    truth = last_layer(chosen, "0110", draws=2**15, seed=999)  # five times as exact as those below
    counts = prior.sample(chosen, 2**21, seed=1)
    p = (counts.of("0110") + counts.of("1001")) / 2**22
    assert abs(2**truth.value / p - 1) < 4 * math.hypot(math.sqrt(1 / (p * 2**22)), (truth.high - truth.low) * math.log(2) / 4)
    runs = 60
    inside = narrow = 0
    for seed in range(runs):
        one = last_layer(chosen, "0110", draws=1024, seed=seed)
        inside += one.low <= truth.value <= one.high
        narrow += abs(one.value - truth.value) <= (one.high - one.low) / 8
    band = stats.binom.ppf([0.0005, 0.9995], runs, 0.95)
    assert band[0] <= inside <= band[1] and narrow < band[0]


def test_dependent_features_are_not_left_out(monkeypatch):
    # Where half of the draws are cones, the mean over the others alone is another number.
    chosen = maps.parse("mlp:inputs=3,hidden=8,weight_std=1.5")
    signs = np.array([-1, -1, -1, 1, -1, -1, -1, -1])
    log_p, dependent = module._groups(chosen, signs, 0, 0, 8)
    assert 0.4 < dependent / log_p.size < 0.9
    from slt_bias.prior import separation

    ranks = np.empty(0)
    original = separation.log_cones

    def watched(*given, **more):
        nonlocal ranks
        part, ranks = original(*given, **more)
        return part, ranks

    monkeypatch.setattr(separation, "log_cones", watched)
    log_p, _ = module._groups(chosen, signs, 0, 0, 8)
    regular = np.exp(log_p.ravel()[ranks == 8]).mean()
    count = prior.sample(chosen, 2**20, seed=11).of("00010000")
    low, high = stats.binomtest(count, 2**20).proportion_ci(0.9999)
    assert not low <= regular <= high


def test_heavy_tails_are_noticed():
    deep = last_layer(maps.parse(f"mlp:inputs=4,hidden=20x20,{VALLE_PEREZ}"), "parity", draws=1024)
    assert deep.status == "suspect" and any("carry the mean" in reason or "tail index" in reason for reason in deep.reasons)
    rng = np.random.default_rng(0)
    assert tail_index(rng.standard_normal(4096)) < 0.7  # a lognormal with a finite mean at once
    assert tail_index(5 * rng.standard_normal(4096)) > 0.7
    assert tail_index(np.zeros(1000)) == -math.inf and tail_index(np.full(9, -math.inf)) == -math.inf


def test_what_no_draw_can_represent():
    estimate = last_layer(maps.parse("mlp:inputs=2,hidden=4,bias=false"), "1110", draws=2048)  # at 00 the output is always 0
    assert estimate.value == -math.inf and estimate.status == "suspect"
    assert estimate.high == pytest.approx(math.log2(-math.log(0.025) / 2048), abs=0.01)


def test_repeats_and_goes_on():
    chosen = maps.parse(f"mlp:inputs=2,hidden=9,{VALLE_PEREZ}")
    first = last_layer(chosen, "0110", draws=1024)
    assert first == last_layer(chosen, "0110", draws=1024) and first.evaluations == 1024
    assert first.value != last_layer(chosen, "0110", draws=1024, seed=1).value
    assert last_layer(chosen, "0110", draws=1025).evaluations == 1024 + module.GROUP
    assert last_layer(chosen, "0110", draws=3).evaluations == 1024  # no fewer than eight groups
    strict = last_layer(chosen, "0110", relative_error=0.02)
    assert strict.evaluations > 1024 and (strict.high - strict.low) / 4 * math.log(2) < 0.022


def test_gives_up_where_more_draws_do_not_help(monkeypatch):
    monkeypatch.setattr(module, "HOPE", 1024)
    estimate = last_layer(maps.parse(f"mlp:inputs=4,hidden=20x20,{VALLE_PEREZ}"), "parity", relative_error=0.001)
    assert estimate.evaluations == 1024 and "was aimed at" in " ".join(estimate.reasons)


@pytest.mark.parametrize(
    ("spec", "function", "error", "message"),
    [
        ("mlp", "parity", InputError, "cone"),
        ("mlp:inputs=3,hidden=40x6", "parity", InputError, "spans 7 dimensions"),
        ("mlp:inputs=3,hidden=7,bias=false", "parity", InputError, "spans 7 dimensions"),
        ("mlp:inputs=2,law=uniform", "0001", SpecError, "uniform"),
        ("perceptron:inputs=2", "0001", SpecError, "gaussian_process"),
        ("random-features:inputs=2", "0001", SpecError, "gaussian_process"),
        ("tree:inputs=2", "0001", SpecError, "only mlp"),
        ("mlp:inputs=2", "00010001", InputError, "does not fit"),
        ("mlp:inputs=2", ["0001", "0111"], InputError, "give one"),
    ],
)
def test_refused(spec, function, error, message):
    with pytest.raises(error, match=message) as caught:
        last_layer(maps.parse(spec), function)
    assert "\n" not in str(caught.value)


def test_refused_settings():
    chosen = maps.MLP(inputs=hypercube(2), hidden=(5,))
    for wrong in ({"draws": 0}, {"draws": 1.5}, {"draws": True}, {"relative_error": 0}, {"confidence": 2}, {"seed": -1}):
        with pytest.raises(InputError):
            last_layer(chosen, "0001", **wrong)
    with pytest.raises(InputError, match="finite"):
        last_layer(maps.parse("mlp:inputs=2,hidden=" + "x".join(["5"] * 40) + ",weight_std=1e12"), "0001")
