"""Deep linear systems and the regular regressions: products, losses and minima against plain formulas."""

import copy
import itertools

import numpy as np
import pytest
import torch

from slt_bias import subjects
from slt_bias.errors import InputError
from slt_bias.llc import exact
from slt_bias.losses import SquaredError
from slt_bias.subjects import regression
from slt_bias.subjects.linear import deep_linear, fibre, points, reduced_rank


def weights_of(system):
    return [layer.weight.detach().numpy() for layer in system.model]


def product_of(system):
    product = np.eye(system.model[0].in_features)
    for matrix in weights_of(system):
        product = matrix @ product
    return product


def mean_loss(system, model=None):
    model = model or system.model
    return system.loss(model(system.data[0]), system.data).mean()


@pytest.mark.parametrize("point", ["aligned", "generic"])
@pytest.mark.parametrize(("widths", "rank"), [((5, 3, 5), 1), ((4, 6, 3, 5), 2), ((3, 2), 0), ((2, 2, 2), 2)])
def test_population_loss_is_the_distance_of_matrices(widths, rank, point):
    system = deep_linear(widths, rank, point=point)
    truth = np.zeros((widths[-1], widths[0]))
    truth[range(rank), range(rank)] = 1
    assert np.array_equal(product_of(system), truth)
    assert mean_loss(system).item() == 0.0
    assert isinstance(system.loss, SquaredError) and isinstance(system.model, torch.nn.Sequential)
    assert system.dimension == sum(a * b for a, b in itertools.pairwise(widths))
    generator = torch.Generator().manual_seed(0)
    away = copy.deepcopy(system.model)
    for parameter in away.parameters():
        parameter.data += torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    product = torch.eye(widths[0], dtype=torch.float64)
    for layer in away:
        product = layer.weight @ product
    expected = 0.5 * ((product - torch.from_numpy(truth)) ** 2).sum().item()
    assert mean_loss(system, away).item() == pytest.approx(expected, rel=1e-12)


def test_aligned_and_generic_points():
    aligned, generic = deep_linear((10,) * 4, 5), deep_linear((10,) * 4, 5, point="generic")
    assert [np.linalg.matrix_rank(matrix) for matrix in weights_of(aligned)] == [5, 5, 5]
    assert sorted(np.linalg.matrix_rank(matrix) for matrix in weights_of(generic)) == [5, 10, 10]
    assert exact.deep_linear_at(weights_of(generic)) == 50.0
    with pytest.raises(InputError, match="singular"):
        exact.deep_linear_at(weights_of(aligned))


def test_generic_is_smooth_for_every_shape():
    for layers in (1, 2, 3, 4):
        for widths in itertools.product(range(1, 4), repeat=layers + 1):
            for rank in range(min(widths) + 1):
                pattern = fibre.rank_pattern(points.generic(widths, rank))
                narrow = min(widths[1:])
                assert fibre.is_smooth(pattern) and pattern[0][-1] == rank
                assert fibre.jacobian_rank(pattern) == widths[0] * narrow + rank * (widths[-1] - narrow)


def test_reduced_rank_is_deep_linear():
    settings = {"rank": 1, "examples": 20, "noise": 0.5, "seed": 3}
    one, other = reduced_rank(5, 3, 4, **settings), deep_linear((5, 3, 4), **settings)
    assert one.name == other.name and all(torch.equal(a, b) for a, b in zip(one.data, other.data, strict=True))


def test_data_follow_the_law_and_the_seed():
    noise, examples = 0.5, 20_000
    system = deep_linear((5, 3, 4), 2, examples=examples, noise=noise, seed=1)
    x, y = (tensor.numpy() for tensor in system.data)
    rest = y - x @ product_of(system).T
    # standard errors of a mean and of a mean square of N normals: σ/√N and σ²√(2/N); five of them
    assert abs(rest.mean(0)).max() < 5 * noise / np.sqrt(examples)
    assert abs((rest**2).mean(0) - noise**2).max() < 5 * noise**2 * np.sqrt(2 / examples)
    assert abs(x.T @ x / examples - np.eye(5)).max() < 5 * np.sqrt(2 / examples)
    assert abs(x.T @ rest / examples).max() < 5 * noise / np.sqrt(examples)
    # the loss is a negative log-likelihood: mean ½ an output at the truth
    assert mean_loss(system).item() == pytest.approx(0.5 * 4, abs=5 * np.sqrt(4 / 2 / examples))
    fewer = deep_linear((5, 3, 4), 2, examples=100, noise=noise, seed=1)
    assert torch.equal(fewer.data[0], system.data[0][:100]) and torch.equal(fewer.data[1], system.data[1][:100])
    other = deep_linear((5, 3, 4), 2, examples=100, noise=noise, seed=2)
    assert not torch.equal(fewer.data[0], other.data[0])


@pytest.mark.parametrize("widths", [(5, 3, 5), (6, 7, 2, 4, 5), (4, 6, 3), (3, 4)])
def test_empirical_minimum(widths):
    system = deep_linear(widths, 1, examples=60, noise=0.7, seed=5, at_minimum=True)
    weights = weights_of(system)
    assert np.linalg.matrix_rank(product_of(system)) == min(widths)
    for before, after in itertools.pairwise(weights):
        assert np.allclose(after.T @ after, before @ before.T, atol=1e-12)
    loss = mean_loss(system)
    gradients = torch.autograd.grad(loss, list(system.model.parameters()))
    assert max(gradient.abs().max().item() for gradient in gradients) < 1e-12
    # no matrix of the same rank does better: alternating least squares from random starts
    x, y = (tensor.numpy() for tensor in system.data)
    rng, scale = np.random.default_rng(0), 1 / (2 * 0.7**2)
    best = np.inf
    for _ in range(5):
        right = rng.normal(size=(min(widths), widths[0]))
        for _ in range(300):
            left = np.linalg.lstsq(x @ right.T, y, rcond=None)[0].T
            right = np.linalg.pinv(left) @ np.linalg.lstsq(x, y, rcond=None)[0].T
        best = min(best, scale * ((y - x @ (left @ right).T) ** 2).sum(1).mean())
    assert loss.item() == pytest.approx(best, rel=1e-9)
    truth = deep_linear(widths, 1, examples=60, noise=0.7, seed=5)
    assert loss.item() < mean_loss(truth).item()


def test_dtype_and_torch_generator():
    state = torch.get_rng_state()
    system = deep_linear((3, 2, 3), 1, examples=10, dtype=torch.float32)
    assert torch.equal(torch.get_rng_state(), state)
    assert {tensor.dtype for tensor in (*system.data, *system.model.parameters())} == {torch.float32}
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in system.model.parameters())
    assert deep_linear((3, 2, 3), 1).data[0].dtype == torch.float64


@pytest.mark.parametrize("arguments", [
    {"widths": (5, 3, 5), "rank": 4}, {"widths": (5,), "rank": 1}, {"widths": (5, 0, 5), "rank": 0},
    {"widths": (2, 2), "rank": 0.5},
    {"widths": (2, 2), "rank": 1, "point": "worst"}, {"widths": (2, 2), "rank": 1, "examples": 0},
    {"widths": (2, 2), "rank": 1, "examples": 5, "noise": 0.0}, {"widths": (2, 2), "rank": 1, "at_minimum": True},
    {"widths": (4, 2), "rank": 1, "examples": 3, "at_minimum": True}, {"widths": (2, 2), "rank": 1, "dtype": torch.int64},
    {"widths": (2, 2), "rank": 1, "examples": 2.5}, {"widths": (2, 2), "rank": 1, "examples": 5, "noise": float("nan")},
])  # fmt: skip
def test_bad_arguments(arguments):
    with pytest.raises(InputError):
        deep_linear(**arguments)


def test_linear_regression():
    system = regression.linear_regression(4, 50, noise=0.3, seed=2)
    assert system.dimension == 4 and 2 * exact.regular(system.dimension)[0] == 4
    gradient, = torch.autograd.grad(mean_loss(system), list(system.model.parameters()))
    assert gradient.abs().max().item() < 1e-12
    x = system.data[0].numpy()
    hessian = torch.from_numpy(x.T @ x / 50 / 0.3**2)
    assert exact.morse_bott(hessian) == exact.regular(4)
    # 2n (L at the truth − L at the minimum) is χ² with 4 degrees of freedom: mean over 200 seeds, five standard errors √(8/200)
    drops = []
    for seed in range(200):
        truth, least = (mean_loss(regression.linear_regression(4, 30, 0.3, point, seed)).item() for point in ("truth", "minimum"))
        drops.append(2 * 30 * (truth - least))
    assert min(drops) > 0 and np.mean(drops) == pytest.approx(4, abs=5 * np.sqrt(8 / 200))


def test_logistic_regression():
    system = regression.logistic_regression(3, 400, seed=1)
    loss = mean_loss(system)
    gradient, = torch.autograd.grad(loss, list(system.model.parameters()))
    assert gradient.abs().max().item() < 1e-12 and loss.item() < np.log(2)
    x, y = (tensor.numpy() for tensor in system.data)
    logits = x @ system.model[0].weight.detach().numpy().T
    assert loss.item() == pytest.approx(np.mean(np.log1p(np.exp(-(2 * y - 1) * logits))), rel=1e-12)
    assert set(np.unique(y)) == {0.0, 1.0} and system.dimension == 3
    for seed in range(20):
        near = regression.logistic_regression(2, 60, seed=seed)
        gradient, = torch.autograd.grad(mean_loss(near), list(near.model.parameters()))
        assert gradient.abs().max().item() < 1e-10


def test_regression_refusals():
    with pytest.raises(InputError, match="separates"):
        regression.logistic_regression(5, 6, seed=0)
    calls = [lambda: regression.linear_regression(5, 4), lambda: regression.linear_regression(2, 9, noise=-1),
             lambda: regression.linear_regression(2, 9, point="best"), lambda: regression.logistic_regression(0, 4)]  # fmt: skip
    for call in calls:
        with pytest.raises(InputError):
            call()


def test_rooms_are_there():
    assert isinstance(subjects.linear.deep_linear((2, 2), 1), subjects.System)
