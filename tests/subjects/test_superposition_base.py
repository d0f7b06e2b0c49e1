"""Toy models of superposition: data laws, exact losses and their gradients, measures, torch modules."""

import itertools

import numpy as np
import pytest
import torch

from slt_bias.errors import InputError
from slt_bias.llc import reading
from slt_bias.losses import SquaredError
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition import _corners_kernel, _quadrature_kernel
from slt_bias.subjects.superposition import _population_kernel as kernel
from slt_bias.subjects.superposition.one_hot import positive_moments

PAIRS = ((0, 3), (1, 2), (4,))
LAWS = [
    s.IndependentFeatures(4, 0.3),
    s.IndependentFeatures(3, (0.05, 0.5, 1.0)),
    s.Binary(3, (0.2, 0.5, 1.0)),
    s.OneHot(5),
    s.CorrelatedSets(PAIRS, (0.3, 0.9, 0.5)),
    s.CorrelatedSets(((0, 1), (2, 3)), 0.2),
    s.AnticorrelatedSets(PAIRS, (0.4, 0.9, 1.0)),
]
COUNT = 200_000


def instances(count, hidden, features, seed=0):
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=(count, hidden, features))
    return weights, 0.4 * generator.normal(size=(count, features)), generator.uniform(0.1, 3, (count, features))


def differences(function, weights, bias, step=1e-6):
    """Central differences of function(W, b) of one instance, by W and b."""
    flat, size = np.concatenate([weights.ravel(), bias]), weights.size

    def value(v):
        return float(function(v[:size].reshape(weights.shape), v[size:]))

    slopes = np.array([(value(flat + d) - value(flat - d)) / (2 * step) for d in step * np.eye(len(flat))])
    return slopes[:size].reshape(weights.shape), slopes[size:]


def brute_force(weights, bias, density, importances, nodes, relu=True, wrong=0.0):
    """Plain Gauss–Legendre over all patterns; with a kink of the relu its error falls only as nodes^−2."""
    points, rule = np.polynomial.legendre.leggauss(nodes)
    points, rule, total = (points + 1) / 2, rule / 2, 0.0
    for pattern in itertools.product([False, True], repeat=len(bias)):
        chance = np.prod(np.where(pattern, density, 1 - np.asarray(density)))
        rows = np.stack([g.ravel() for g in np.meshgrid(*[points if on else [0.0] for on in pattern], indexing="ij")], 1)
        parts = np.prod([g.ravel() for g in np.meshgrid(*[rule if on else [1.0] for on in pattern], indexing="ij")], 0)
        outputs = rows @ (weights.T @ weights) + bias + wrong
        outputs = np.maximum(outputs, 0) if relu else outputs
        total += chance * (parts * (importances * (rows - outputs) ** 2).sum(1)).sum()
    return total


# laws


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.spec)
def test_moments_of_the_draws(law):
    rows = law.draw(0, "test", 0, COUNT)
    assert rows.shape == (COUNT, law.features) and rows.dtype == np.float64
    assert rows.min() >= 0 and rows.max() <= 1
    # values in [0, 1]: the variance of a mean is at most the mean of squares over COUNT; five standard errors
    products = rows[:, :, None] * rows[:, None, :]
    error = 5 * np.sqrt(np.square(rows).mean(0) / COUNT) + 1e-12
    assert (np.abs(rows.mean(0) - law.mean()) < error).all()
    error = 5 * np.sqrt(np.square(products).mean(0) / COUNT) + 1e-12
    assert (np.abs(products.mean(0) - law.second_moments()) < error).all()


def test_values_that_are_on_are_uniform():
    pair = ((0, 1),)
    for law in (s.IndependentFeatures(2, 0.01), s.CorrelatedSets(pair, 0.1), s.AnticorrelatedSets(pair, 0.1), s.OneHot(3)):
        on = law.draw(1, "test", 0, COUNT)[:, 0]
        on = np.sort(on[on > 0])
        # the largest gap to the uniform distribution function (Kolmogorov) exceeds 2.23/√n once in 10,000
        assert np.abs(on - (np.arange(len(on)) + 0.5) / len(on)).max() < 2.23 / np.sqrt(len(on)), law.spec


def test_sets_are_on_together_or_alone():
    together = s.CorrelatedSets(PAIRS, 0.3).draw(0, "test", 0, 2000) > 0
    alone = s.AnticorrelatedSets(PAIRS, 0.9).draw(0, "test", 0, 2000) > 0
    for members in PAIRS:
        assert (together[:, members].all(1) == together[:, members].any(1)).all()
        assert alone[:, members].sum(1).max() == 1
    assert ((s.OneHot(4).draw(0, "test", 0, 500) > 0).sum(1) == 1).all()
    assert set(np.unique(s.Binary(3, 0.5).draw(0, "test", 0, 100))) == {0.0, 1.0}


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.spec)
def test_draws_depend_on_the_key_alone(law):
    rows = law.draw(3, "test", 1, 50)
    assert np.array_equal(rows, law.draw(3, "test", 1, 50)) and np.array_equal(rows[:7], law.draw(3, "test", 1, 7))
    others = [law.draw(4, "test", 1, 50), law.draw(3, "other", 1, 50), law.draw(3, "test", 2, 50)]
    assert not any(np.array_equal(rows, other) for other in others)
    assert law.draw(3, "test", 1, 0).shape == (0, law.features)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: s.IndependentFeatures(3, 0.0), r"density=0: .* \(0, 1\]"),
        (lambda: s.IndependentFeatures(3, 1.5), r"density=1.5"),
        (lambda: s.IndependentFeatures(3, float("nan")), r"density=nan"),
        (lambda: s.IndependentFeatures(3, (0.5, 0.5)), r"one for each feature, 3 in all"),
        (lambda: s.IndependentFeatures(3, "much"), r"density='much'"),
        (lambda: s.Binary(0), r"features=0"),
        (lambda: s.OneHot(2.5), r"features=2.5"),
        (lambda: s.CorrelatedSets(((0, 1), (1, 2))), r"feature 1 occurs more than once"),
        (lambda: s.CorrelatedSets(((0, 1), (3,))), r"feature 2 is in no set"),
        (lambda: s.AnticorrelatedSets(((0, 1), ())), r"no empty one"),
        (lambda: s.AnticorrelatedSets((0, 1)), r"give sets of feature numbers"),
        (lambda: s.AnticorrelatedSets(((0, 1),), (0.5, 0.5)), r"one for each set, 1 in all"),
        (lambda: s.OneHot(2).draw(0, "test", 0, -1), r"count=-1"),
        (lambda: s.one_hot_loss(np.ones((3, 2)), np.zeros(2)), r"3 hidden for 2 features"),
        (lambda: s.one_hot_loss(np.ones((1, 2)), np.zeros(3)), r"bias of shape \(3,\)"),
        (lambda: s.one_hot_loss(np.ones((1, 2)), np.zeros(2), np.ones(3)), r"importances of shape \(3,\)"),
        (lambda: s.one_hot_loss(np.ones((1, 2)), np.zeros(2), np.zeros(2)), r"importances: give numbers above 0"),
        (lambda: s.one_hot_loss(np.full((1, 2), np.nan), np.zeros(2)), r"weights of shape \(1, 2\) has NaN"),
        (lambda: s.one_hot_loss(np.ones((4, 1, 2)), np.zeros((3, 2))), r"the same number of instances"),
        (lambda: s.independent_loss(np.ones((1, 9)), np.zeros(9), 0.5), r"9 features: quadrature is for at most 8"),
        (lambda: s.independent_loss(np.ones((1, 2)), np.zeros(2), 0.0), r"\(0, 1\]"),
        (lambda: s.independent_loss(np.ones((1, 2)), np.zeros(2), [0.5] * 3), r"density of shape \(3,\)"),
        (lambda: s.independent_loss(np.ones((1, 2)), np.zeros(2), 0.5, model="tanh"), r"model='tanh'"),
        (lambda: s.linear_loss(np.ones((1, 2)), np.zeros(2), s.OneHot(3)), r"a law of 3"),
        (lambda: s.autoencoder(np.ones((1, 2)), np.zeros(2), "privilege"), r"Did you mean `privileged`"),
        (lambda: s.autoencoder(np.ones((5, 1, 2)), np.zeros(2)), r"give one instance"),
        (lambda: s.system(np.ones((1, 2)), np.zeros(2), s.OneHot(2), scale=0), r"scale=0"),
        (lambda: s.system(np.ones((1, 2)), np.zeros(2), s.Binary(2)), r"examples=None"),
        (lambda: s.system(np.ones((1, 2)), np.zeros(2), s.Binary(2), examples=0), r"examples=0"),
        (lambda: s.norms(np.ones(3)), r"hidden, features"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


# exact losses


def test_one_hot_loss_against_quadrature():
    weights, bias, importances = instances(20, 2, 5)
    points, rule = np.polynomial.legendre.leggauss(2000)
    points, rule = (points + 1) / 2, rule / 2
    expected, wrong = np.zeros(20), np.zeros(20)
    for i in range(5):
        rows = points[:, None] * np.eye(5)[i]
        outputs = rows @ (np.swapaxes(weights, -1, -2) @ weights) + bias[:, None, :]
        squares = (rows - np.maximum(outputs, 0)) ** 2 * importances[:, None, :]
        expected += (rule[:, None] * squares).sum((-1, -2)) / 5
        wrong += (rule[:, None] * (rows - np.maximum(outputs + 1e-4, 0)) ** 2 * importances[:, None, :]).sum((-1, -2)) / 5
    # Gauss–Legendre at a kink in the first derivative: error of the order of slope² · nodes^−3
    assert np.abs(s.one_hot_loss(weights, bias, importances) - expected).max() < 1e-6
    assert np.abs(s.one_hot_loss(weights, bias, importances) - wrong).max() > 1e-5


def test_moments_at_the_edges():
    slope, offset = np.array([0, 0, 0, 1, 1, -1, -1, 1e-300, -1e-300]), np.array([0, 1, -1, 0, -1, 0, 1, -1, 1])
    lengths = positive_moments(slope, offset)[0]
    assert lengths.tolist() == [0, 1, 0, 1, 0, 0, 1, 0, 1]


def test_one_hot_gradient_against_autograd_and_differences():
    weights, bias, importances = instances(4, 2, 6)
    losses, by_weights, by_bias = s.one_hot_gradient(weights, bias, importances)
    for k in range(4):
        fd_weights, fd_bias = differences(lambda w, b, k=k: s.one_hot_loss(w, b, importances[k]), weights[k], bias[k])
        # rounding of a central difference: about 1e-16/1e-6
        assert np.abs(by_weights[k] - fd_weights).max() < 1e-7 and np.abs(by_bias[k] - fd_bias).max() < 1e-7
        system = s.system(weights[k], bias[k], s.OneHot(6), importances=importances[k], scale=0.5)
        value = system.loss(system.model)
        value.backward()
        assert value.item() == pytest.approx(0.5 * losses[k], rel=1e-12)
        np.testing.assert_allclose(2 * system.model.W.grad.numpy(), by_weights[k], atol=1e-12)
        np.testing.assert_allclose(2 * system.model.b.grad.numpy(), by_bias[k], atol=1e-12)


@pytest.mark.parametrize(("hidden", "features", "nodes"), [(1, 1, 400), (1, 2, 200), (2, 2, 200), (2, 3, 60)])
def test_independent_loss_against_plain_quadrature(hidden, features, nodes):
    weights, bias, importances = instances(8, hidden, features)
    density = np.random.default_rng(1).uniform(0.05, 1, (8, features))
    losses = s.independent_loss(weights, bias, density, importances)
    linear = s.independent_loss(weights, bias, density, importances, model="linear")
    cases = list(zip(weights, bias, density, importances, strict=True))
    # the plain rule is exact without a kink; with one its error is about slope²/nodes² and falls on
    bound = 0.5 / nodes**2
    assert max(abs(brute_force(*case, nodes) - loss) for case, loss in zip(cases, losses, strict=True)) < bound
    assert max(abs(brute_force(*case, nodes, wrong=0.01) - loss) for case, loss in zip(cases, losses, strict=True)) > 4 * bound
    assert linear == pytest.approx([brute_force(*case, 4, relu=False) for case in cases], rel=1e-12)
    laws = [s.IndependentFeatures(features, tuple(row)) for row in density]
    exact = [s.linear_loss(w, b, law, i) for (w, b, _, i), law in zip(cases, laws, strict=True)]
    assert linear == pytest.approx(exact, rel=1e-12)


def test_independent_loss_on_cubes_without_a_kink():
    # non-negative W and b: the relu does nothing, and the loss is that of the linear model, to rounding
    weights, bias, importances = (np.abs(part) for part in instances(10, 2, 3))
    weights[0] = 0
    weights[1] *= 1e-9
    assert s.independent_loss(weights, bias, 0.3, importances) == pytest.approx(
        s.linear_loss(weights, bias, s.IndependentFeatures(3, 0.3), importances), rel=1e-12
    )


def test_the_order_of_the_features_does_not_matter():
    # the features are integrated one after another: another order gives the same only where every piece is exact
    weights, bias, importances = instances(50, 2, 3, seed=5)
    density = np.random.default_rng(6).uniform(0.05, 1, (50, 3))
    losses, by_weights, by_bias = s.independent_gradient(weights, bias, density, importances)
    for order in itertools.permutations(range(3)):
        parts = [part[..., order] for part in (weights, bias, density, importances)]
        again, slopes, offsets = s.independent_gradient(*parts)
        assert again == pytest.approx(losses, rel=1e-12)
        np.testing.assert_allclose(slopes, by_weights[..., order], atol=1e-11)
        np.testing.assert_allclose(offsets, by_bias[..., order], atol=1e-11)


def test_independent_loss_of_known_points():
    # an antipodal pair W = (1, −1), b = 0 in one dimension: wrong only where both are on; there relu(x − y) and relu(y − x)
    # differ from (x, y) by (min, min) of two uniforms, E min² = 1/6
    weights, density = np.array([[1.0, -1.0]]), 0.2
    assert s.independent_loss(weights, np.zeros(2), density) == pytest.approx(density**2 * 2 / 6, rel=1e-13)
    # nothing represented: the best bias is E x = density/2, and each feature costs its variance
    variance = density / 3 - density**2 / 4
    assert s.independent_loss(np.zeros((1, 2)), np.full(2, density / 2), density) == pytest.approx(2 * variance, rel=1e-13)


@pytest.mark.parametrize("model", ["relu", "linear"])
@pytest.mark.parametrize(("hidden", "features"), [(1, 1), (1, 2), (2, 3)])
def test_independent_gradient_against_differences(hidden, features, model):
    weights, bias, importances = instances(6, hidden, features, seed=3)
    density = np.random.default_rng(2).uniform(0.05, 1, (6, features))
    losses, by_weights, by_bias = s.independent_gradient(weights, bias, density, importances, model)
    for k in range(6):

        def loss(w, b, k=k):
            return s.independent_loss(w, b, density[k], importances[k], model)

        assert loss(weights[k], bias[k]) == losses[k]  # to the bit, whatever the number of instances
        fd_weights, fd_bias = differences(loss, weights[k], bias[k])
        # rounding 1e-9, and step² times a third derivative that jumps where a kink passes a corner
        assert np.abs(by_weights[k] - fd_weights).max() < 1e-6 and np.abs(by_bias[k] - fd_bias).max() < 1e-6


@pytest.mark.parametrize("features", [3, 4])
def test_the_kernels_against_plain_python(features):
    weights, bias, _ = instances(2, 2, features)
    gram, room = np.swapaxes(weights, -1, -2) @ weights, kernel.workspace(features)
    gram[1, :, -1] *= 1e-7  # sums over corners would cancel: the piecewise rule
    density = np.array([0.2, 0.6, 1.0, 0.5])[:features]
    spare = {**vars(_quadrature_kernel), **vars(_corners_kernel), **vars(kernel)}
    for name, function in list(spare.items()):
        if hasattr(function, "py_func"):
            spare[name] = type(function.py_func)(function.py_func.__code__, spare, name)
    for k, j in itertools.product(range(2), range(features)):
        slopes, plain = np.zeros(features), np.zeros(features)
        compiled = kernel.one_output(gram[k, j], bias[k, j], density, j, True, slopes, room)
        by_hand = spare["one_output"](gram[k, j], bias[k, j], density, j, True, plain, room)
        assert compiled == pytest.approx(by_hand, rel=1e-11)
        assert slopes == pytest.approx(plain, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("law", LAWS[3:], ids=lambda law: law.spec)
def test_linear_loss_under_every_law(law):
    weights, bias, importances = instances(3, 2, law.features)
    losses, by_weights, by_bias = s.linear_gradient(weights, bias, law, importances)
    rows = law.draw(0, "test", 0, 20_000)
    for k in range(3):
        squares = (importances[k] * (rows - rows @ weights[k].T @ weights[k] - bias[k]) ** 2).sum(1)
        assert abs(squares.mean() - losses[k]) < 5 * squares.std() / np.sqrt(len(rows))  # five standard errors
        fd_weights, fd_bias = differences(lambda w, b, k=k: s.linear_loss(w, b, law, importances[k]), weights[k], bias[k])
        assert np.abs(by_weights[k] - fd_weights).max() < 1e-6 and np.abs(by_bias[k] - fd_bias).max() < 1e-6


# measures


def test_measures_of_a_pentagon_beside_a_digon_in_a_batch():
    angles = 2 * np.pi * np.arange(5) / 5
    weights = np.zeros((4, 8))
    weights[:2, :5] = 1.3 * np.array([np.cos(angles), np.sin(angles)])
    weights[2, 5:7] = 0.8, -0.8
    batch = np.stack([weights, 2 * weights])
    assert s.norms(batch)[0] == pytest.approx([1.3] * 5 + [0.8] * 2 + [0])
    assert s.feature_dimensionality(batch) == pytest.approx(np.array([[0.4] * 5 + [0.5] * 2 + [0]] * 2))
    assert s.superposition(batch)[0] == pytest.approx([1.69 * 1.5] * 5 + [0.64] * 2 + [0])
    assert s.dimensions_per_feature(batch) == pytest.approx([4 / (5 * 1.69 + 2 * 0.64), 1 / (5 * 1.69 + 2 * 0.64)])
    assert s.dimensions_per_feature(np.zeros((2, 3))) == np.inf
    # the sum of dimensionalities never exceeds the number of dimensions
    assert (s.feature_dimensionality(instances(200, 3, 7)[0]).sum(-1) <= 3 + 1e-12).all()


def test_measures_against_loops():
    (weights,), _, _ = instances(1, 3, 6)
    for i, unit in enumerate(weights.T / np.linalg.norm(weights.T, axis=1, keepdims=True)):
        others = sum((unit @ weights[:, j]) ** 2 for j in range(6) if j != i)
        square = weights[:, i] @ weights[:, i]
        assert s.superposition(weights)[i] == pytest.approx(others)
        assert s.feature_dimensionality(weights)[i] == pytest.approx(square / (others + square))


# modules


@pytest.mark.parametrize("model", ["relu", "linear", "privileged"])
def test_modules_compute_the_model_and_compile(model):
    weights, bias, importances = (part[0] for part in instances(1, 2, 5))
    system = s.system(weights, bias, s.IndependentFeatures(5, 0.5), 300, importances, model, seed=2)
    (rows,) = system.data
    hidden = rows.numpy() @ weights.T
    outputs = (np.maximum(hidden, 0) if model == "privileged" else hidden) @ weights + bias
    outputs = outputs if model == "linear" else np.maximum(outputs, 0)
    np.testing.assert_allclose(system.model(rows).detach().numpy(), outputs, atol=1e-13)
    assert isinstance(system.loss, SquaredError) and system.dimension == 15 and not system.model.training
    expected = (importances * (rows.numpy() - outputs) ** 2).sum(1)
    np.testing.assert_allclose(system.loss(system.model(rows), system.data).detach().numpy(), expected, atol=1e-12)
    problem = reading.read(system.model, system.loss, system.data)
    assert problem.backend == "compiled" and [name for name, _ in problem.parameters] == ["W", "b"]
    assert problem.landscape.losses(problem.centre[None])[0] == pytest.approx(expected.mean(), rel=1e-12)


def test_the_population_loss_can_be_sampled():
    weights, bias = np.array([[1.0, -1.0, 0.5]]), np.array([0.0, 0.1, -0.1])
    system = s.system(weights, bias, s.OneHot(3))
    problem = reading.read(system.model, system.loss, None)
    value, slopes = problem.landscape.gradients(problem.centre[None])
    loss, by_weights, by_bias = s.one_hot_gradient(weights, bias)
    assert value[0] == pytest.approx(float(loss), rel=1e-12)
    assert slopes[0] == pytest.approx(np.concatenate([by_weights.ravel(), by_bias]), abs=1e-12)


def test_a_model_takes_copies_and_leaves_torch_generator_alone():
    weights, before = np.ones((1, 2)), torch.random.get_rng_state()
    model = s.autoencoder(weights, np.zeros(2))
    with torch.no_grad():
        model.W.add_(1)
    assert (weights == 1).all() and torch.equal(before, torch.random.get_rng_state())
