import math

import numpy as np
import pytest
from scipy import integrate, special, stats

from slt_bias import maps, prior
from slt_bias.errors import InputError, SpecError
from slt_bias.functions.inputs import from_rows, grid, hypercube
from slt_bias.prior.gaussian_process import covariance, gaussian_process
from slt_bias.prior.kernels import expected_products, numerical_products

SQUARE = hypercube(2, (-1, 1))
ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "step": lambda x: 1.0 * (x > 0),
    "tanh": np.tanh,
    "erf": special.erf,
    "gelu": lambda x: x * special.ndtr(x),
    "sin": np.sin,
    "gaussian": lambda x: np.exp(-x * x / 2),
    "linear": lambda x: x,
}
# relu, σ_w² = 2, σ_b² = 1: known to half a unit of the last digit
TRUTH = {1: {"0000": 0.220682, "0001": 0.0429734, "0011": 0.051255, "0110": 0.0049145},
         2: {"0000": 0.2794525, "0001": 0.0359309, "0011": 0.0354631, "0110": 0.0058977}}  # fmt: skip
DIGIT = {"0000": {1: 1e-6, 2: 1e-7}, "0011": {1: 1e-6, 2: 1e-7}}


def relu(hidden, **more):
    return maps.MLP(inputs=SQUARE, hidden=hidden, weight_std=math.sqrt(2), bias_std=1.0, **more)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("function", ["0000", "0001", "0011", "0110"])
def test_truth(layers, function):
    estimate = gaussian_process(relu((7,) * layers), function, relative_error=1e-5, confidence=0.9999)
    known = TRUTH[layers][function]
    rounding = DIGIT.get(function, {}).get(layers, 1e-7)
    assert 2**estimate.low - rounding <= known <= 2**estimate.high + rounding
    assert estimate.high - estimate.low < 4e-4 and estimate.method == "gaussian-process" and estimate.status == "ok"
    assert estimate.unit == "bits" and estimate.evaluations == 0
    # variants that are wrong in one place miss it by far more than the interval
    for wrong in (maps.MLP(inputs=SQUARE, hidden=(7,) * layers, weight_std=1.0, bias_std=1.0), relu((7,) * (3 - layers))):
        other = gaussian_process(wrong, function, relative_error=1e-4)
        assert not 2**other.low <= known <= 2**other.high


def test_all_functions_of_two_inputs_sum_to_one():
    total = sum(2 ** float(gaussian_process(relu((9,)), f"{number:04b}", relative_error=1e-4)) for number in range(16))
    assert total == pytest.approx(1, abs=16 * 1e-4 * 0.3)


def test_finite_widths_converge_as_one_over_width():
    draws = 1_000_000
    widths = np.array([4, 8, 16])
    counts = [prior.sample(relu((int(width),)), draws, seed=3) for width in widths]
    for both in (("0000", "1111"), ("0110", "1001")):
        limit = 2 ** float(gaussian_process(relu((1,)), both[0], relative_error=1e-5))
        p = np.array([sum(count.of(one) for one in both) / (2 * draws) for count in counts])
        away, error = p - limit, np.sqrt(p / (2 * draws))
        assert (np.abs(away) > 8 * error).all()  # every width is far from the limit
        times = away * widths  # constant up to 1/width
        assert np.abs(times / times[1] - 1).max() < 0.06 + 3 * (error / np.abs(away)).max()
        assert abs((times * np.sqrt(widths))[2] / (times * np.sqrt(widths))[0] - 1) > 0.6  # not as 1/√width


def random_covariance(size=5, rank=3, scale=1.0):
    rows = scale * np.random.default_rng(size).standard_normal((size, rank))
    return rows @ rows.T


@pytest.mark.parametrize("name", ["erf", "gelu", "sin", "gaussian", "linear", "tanh"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_kernels_against_quadrature(name, scale):
    sigma = random_covariance(scale=scale)
    found = expected_products(name, sigma)
    assert np.allclose(found, numerical_products(ACTIVATIONS[name], sigma), rtol=0, atol=1e-8 * np.diag(found).max())
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    weights = weights / weights.sum()
    factor = np.linalg.cholesky(sigma[:2, :2])
    u, v = factor[0, 0] * nodes[:, None], factor[1, 0] * nodes[:, None] + factor[1, 1] * nodes[None, :]
    hermite = weights @ (ACTIVATIONS[name](u) * ACTIVATIONS[name](v)) @ weights
    assert found[0, 1] == pytest.approx(hermite, abs=1e-8 if scale < 3 else 1e-3)  # a check of its own, less exact at 3


@pytest.mark.parametrize("name", ["relu", "step"])
def test_rectifiers_against_polar_quadrature(name):
    sigma = np.array([[1.3, -0.4], [-0.4, 0.6]])
    factor = np.linalg.cholesky(sigma)
    power = 2 if name == "relu" else 0

    def along(angle):  # the radius integrates to E[r^power]
        u, v = factor @ [math.cos(angle), math.sin(angle)]
        return float(np.prod(ACTIVATIONS[name](np.array([u, v])))) / (2 * math.pi)

    exact, _ = integrate.quad(along, -math.pi, math.pi, limit=500, epsabs=1e-12)
    assert expected_products(name, sigma)[0, 1] == pytest.approx(exact * (2 if power else 1), abs=1e-9)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_kernels_at_the_edges(name):
    phi = ACTIVATIONS[name]
    sigma = np.array([[0.0, 0, 0, 0], [0, 2, 2, -2], [0, 2, 2, -2], [0, -2, -2, 2]])  # zero, equal and opposite
    found = expected_products(name, sigma)
    z = np.linspace(-12, 12, 240_001) * math.sqrt(2)
    weight = stats.norm.pdf(z, scale=math.sqrt(2)) * (z[1] - z[0])
    square, cross, mean = (float(weight @ part) for part in (phi(z) ** 2, phi(z) * phi(-z), phi(z)))
    zero = float(phi(np.zeros(1))[0])
    expected = np.array([[zero**2, zero * mean, zero * mean, zero * mean], [0, square, square, cross],
                         [0, 0, square, cross], [0, 0, 0, square]])  # fmt: skip
    assert np.allclose(np.triu(found), expected, atol=2e-4 if name == "step" else 1e-8)
    assert np.allclose(found, found.T)


def test_large_and_impossible_variances():
    sigma = random_covariance(3, 3, scale=8.0)
    assert np.allclose(expected_products("tanh", sigma), expected_products("tanh", sigma).T)
    assert np.isfinite(expected_products("sin", sigma * 1e4)).all()
    with pytest.raises(InputError, match="nodes"):
        expected_products("tanh", 1e8 * sigma)
    with pytest.raises(InputError, match="no kernel"):
        expected_products("swish", sigma)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("layer_norm", [False, True])
def test_covariance_of_wide_networks(activation, layer_norm):
    import torch

    # moments of the outputs of wide networks against the kernel: layer norm, the law of the last layer and all activations
    law = "valle-perez-2018-normal"
    chosen = maps.MLP(inputs=SQUARE, hidden=(120, 120), activation=activation, preset=law, layer_norm=layer_norm)
    draws = 400
    normals = torch.from_numpy(np.random.default_rng(5).standard_normal((draws, chosen.latents), dtype=np.float32))
    parameters = chosen.parameters(normals)
    from slt_bias.prior.last_layer import hidden_features

    below = int(chosen.network.offsets()[0][-1])
    h = hidden_features(chosen, normals[:, :below].numpy())
    drawn = (h @ h.transpose(0, 2, 1) / 120 + 1 / 120).mean(axis=0)  # given h, exact over the last layer
    limit = covariance(chosen)
    assert np.allclose(drawn, limit, atol=0.04 * limit.diagonal().max())  # 1/width and 400 draws
    with torch.no_grad():
        outputs = chosen.outputs(parameters).double().numpy()
    assert np.allclose(outputs.T @ outputs / draws, limit, atol=5 * math.sqrt(2 / draws) * limit.diagonal().max())


def test_linear_maps_are_exact():
    perceptron = maps.Perceptron(inputs=2, weight_std=math.sqrt(2), bias_std=1.0)
    assert np.allclose(covariance(perceptron), perceptron.inputs.points @ perceptron.inputs.points.T + 1)
    with pytest.raises(InputError, match=r"perceptron.*singular.*splitting"):
        gaussian_process(perceptron, "0001")
    rows = from_rows(np.array([[0.3, 1.0], [-2.0, 0.4], [1.0, 1.0]]))
    for chosen in (maps.Perceptron(inputs=rows), maps.parse("random-features:features=30", rows), maps.parse("polynomial", rows)):
        counts = prior.sample(chosen, 50_000)
        for function in ("001", "110"):
            estimate = gaussian_process(chosen, function)
            seen = stats.binomtest(counts.of(function), 50_000).proportion_ci(0.9999)
            assert seen.low <= 2**estimate.value <= seen.high and estimate.low == pytest.approx(estimate.high, abs=1e-9)


def test_walsh_null_is_exact():
    chosen = maps.parse("polynomial:inputs=4,values=pm1,degree=4")
    estimate = gaussian_process(chosen, "random:seed=3")
    assert estimate.value == pytest.approx(-16, abs=1e-9) and estimate.low <= -16 <= estimate.high


def test_outputs_that_are_always_zero():
    chosen = maps.MLP(inputs=2, hidden=(5,), bias=False)  # at 00 the output is exactly 0
    impossible = gaussian_process(chosen, "1000")
    assert impossible.value == impossible.low == impossible.high == -math.inf
    counts = prior.sample(maps.MLP(inputs=2, hidden=(400,), bias=False), 100_000)
    seen = stats.binomtest(counts.of("0111"), 100_000).proportion_ci(0.9999)
    assert seen.low - 0.005 <= 2 ** float(gaussian_process(chosen, "0111")) <= seen.high + 0.005


def test_sixteen_points_and_beyond():
    four = maps.parse("mlp:inputs=4,values=pm1,preset=valle-perez-2018-normal")
    estimate = gaussian_process(four, "parity")
    assert estimate.status == "ok" and estimate.value < -35 and estimate.high - estimate.low < 0.01
    assert estimate == gaussian_process(four, "parity")
    assert estimate.value != gaussian_process(four, "parity", seed=1).value
    five = maps.parse("mlp:inputs=5")
    with pytest.raises(InputError, match="expectation-propagation"):
        gaussian_process(five, "parity")
    wide = gaussian_process(five, "parity", most_points=32, relative_error=0.05)
    assert wide.status == "ok" and wide.high - wide.low < 0.3


@pytest.mark.parametrize(
    ("chosen", "function", "error", "message"),
    [
        (maps.MLP(inputs=2, hidden=(5,), law="uniform"), "0001", SpecError, "uniform"),
        (maps.MLP(inputs=2, hidden=(5,), preset="valle-perez-2018"), "0001", SpecError, "uniform"),
        (maps.parse("tree:inputs=2"), "0001", SpecError, "no Gaussian-process limit"),
        (maps.parse("cnn:inputs=3"), "00000001", SpecError, "no Gaussian-process limit"),
        ("mlp", "0001", SpecError, "no Gaussian-process limit"),
        (maps.MLP(inputs=2, hidden=(5,)), "00010", InputError, "does not fit"),
        (maps.MLP(inputs=2, hidden=(5,)), ["0001", "0000"], InputError, "give one"),
        (maps.MLP(inputs=2, hidden=(5,)), "00a1", SpecError, None),
        (maps.MLP(inputs=14, hidden=(5,)), "parity", InputError, "8192"),
        (maps.MLP(inputs=grid(3, 3), hidden=(5,), activation="linear"), "random", InputError, "singular"),
    ],
)
def test_refused(chosen, function, error, message):
    with pytest.raises((error, InputError), match=message) as caught:
        gaussian_process(chosen, function)
    assert "\n" not in str(caught.value)


def test_refused_settings():
    for wrong in ({"relative_error": -1}, {"confidence": 1}, {"seed": "x"}):
        with pytest.raises(InputError):
            gaussian_process(relu((3,)), "0001", **wrong)
