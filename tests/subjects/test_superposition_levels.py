"""The one-hot model: kernels, landscapes, all critical points, exact λ, names of trained instances."""

import itertools

import numpy as np
import pytest

from slt_bias.errors import InputError
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition.critical import OFF, exact_learning_coefficient
from slt_bias.subjects.superposition.critical_search import CriticalPoint, CriticalPoints, critical_points, solve
from slt_bias.subjects.superposition.landscape import OneHotLandscape, OneHotSample
from slt_bias.subjects.superposition.levels import classify, energy_levels
from slt_bias.subjects.superposition.one_hot import fast_gradient, one_hot_hessian, positive_moments

SIX = {point.name: point for point in s.polygons(6)}


def instances(count, features=6, hidden=2, seed=0):
    generator = np.random.default_rng(seed)
    weights, bias = generator.normal(size=(count, hidden, features)), 0.4 * generator.normal(size=(count, features))
    return weights, bias, generator.uniform(0.2, 2, (count, features))


def plain(weights, bias, importances, shift=0.0):
    """Loss and gradient by numpy, pair by pair."""
    features = bias.shape[-1]
    gram, offset = np.swapaxes(weights, -1, -2) @ weights, (bias + shift)[..., None, :]
    m0, m1, m2 = positive_moments(gram, offset)
    q0, q1, q2 = gram * m1 + offset * m0, gram * m2 + offset * m1, gram**2 * m2 + 2 * gram * offset * m1 + offset**2 * m0
    own = np.eye(features)
    loss = (importances * (1 / 3 + (q2 - 2 * own * q1).sum(-2))).sum(-1) / features
    by_gram = importances[..., None, :] * (2 * q1 - 2 * own * m2) / features
    by_bias = importances * (2 * q0 - 2 * own * m1).sum(-2) / features
    return loss, weights @ (by_gram + np.swapaxes(by_gram, -1, -2)), by_bias


def vector_gradient(landscape, vectors, step=1e-6):
    """Central differences of the loss along each coordinate."""
    ways = step * np.eye(vectors.shape[1])
    return np.stack([(landscape.losses(vectors + d) - landscape.losses(vectors - d)) / (2 * step) for d in ways], -1)


# kernels


def test_the_kernel_against_the_plain_formula():
    weights, bias, importances = instances(200)
    weights[:50, :, 0], bias[:50, 0] = 0.0, 0.0  # slopes and offsets of exactly 0
    weights[50:60] = 0.0
    for found, wanted, wrong in zip(
        s.one_hot_gradient(weights, bias, importances),
        plain(weights, bias, importances),
        plain(weights, bias, importances, shift=1e-6),
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-12)
        assert np.abs(found - wrong).max() > 1e-8


def test_an_instance_gives_the_same_bits_alone_and_among_many():
    for features, hidden in ((6, 2), (5, 3), (13, 4)):
        parts = instances(37, features, hidden)
        together = s.one_hot_gradient(*parts)
        for k in (0, 17, 36):
            alone = s.one_hot_gradient(*(part[k : k + 1] for part in parts))
            assert all(np.array_equal(one[k], other[0]) for one, other in zip(together, alone, strict=True))
        out = tuple(np.empty_like(part) for part in together)
        assert fast_gradient(*parts, out) is not together and all(map(np.array_equal, out, together))
    # leading axes, and none
    weights, bias, importances = instances(6)
    grid = s.one_hot_gradient(weights.reshape(2, 3, 2, 6), bias.reshape(2, 3, 6), importances.reshape(2, 3, 6))
    assert grid[0].shape == (2, 3) and grid[1].shape == (2, 3, 2, 6) and grid[2].shape == (2, 3, 6)
    assert s.one_hot_gradient(weights[0], bias[0])[0].shape == ()


def test_hessian_against_differences():
    weights, bias, importances = instances(20)
    hessian = one_hot_hessian(weights, bias, importances)
    assert hessian.shape == (20, 18, 18) and np.allclose(hessian, np.swapaxes(hessian, 1, 2))
    flat, step = np.concatenate([weights.reshape(20, -1), bias], 1), 1e-6

    def gradient(vectors):
        _, by_weights, by_bias = s.one_hot_gradient(vectors[:, :12].reshape(-1, 2, 6), vectors[:, 12:], importances)
        return np.concatenate([by_weights.reshape(len(vectors), -1), by_bias], 1)

    columns = [(gradient(flat + d) - gradient(flat - d)) / (2 * step) for d in step * np.eye(18)]
    # rounding 1e-9, and a root that passes 0 or 1 within a step moves the third derivative by its size
    assert np.abs(np.stack(columns, -1) - hessian).max() < 1e-5
    # at a critical point the rotation is flat
    six = SIX["6"]
    turn = np.concatenate([np.array([[0, -1], [1, 0]]) @ six.weights, np.zeros((1, 6))]).ravel()
    assert np.abs(one_hot_hessian(six.weights, six.biases) @ turn).max() < 1e-9


# landscapes


def test_the_landscape_is_the_population_loss():
    landscape = OneHotLandscape(6, scale=0.5)
    weights, bias, _ = instances(10)
    vectors = landscape.vectors(weights, bias)
    assert landscape.dimension == 18 and landscape.examples is None
    assert all(map(np.array_equal, landscape.parts(vectors), (weights, bias)))
    system = s.system(weights[0], bias[0], s.OneHot(6), scale=0.5)
    assert landscape.losses(vectors)[0] == pytest.approx(system.loss(system.model).item(), rel=1e-12)
    assert np.abs(landscape.gradients(vectors)[1] - vector_gradient(landscape, vectors)).max() < 1e-7
    offered = system.loss.landscape(system.model, ["W", "b"])
    assert offered == landscape and system.loss.landscape(system.model, ["W"]) is None
    shares = s.system(weights[0], bias[0], s.OneHot(6), importances=np.full(6, 2.0))
    assert shares.loss.landscape(shares.model, ["W", "b"]) is None


def test_the_loss_on_drawn_examples():
    generator = np.random.default_rng(0)
    which, values = generator.integers(0, 6, 400), generator.random(400)
    which[which == 2] = 3  # a feature that does not occur
    values[:20] = values[0]  # ties
    landscape = OneHotSample(6, scale=0.5, which=which, values=values)
    weights, bias, _ = instances(50)
    weights[0], bias[1], weights[2, :, 4] = 0.0, 0.0, 0.0
    vectors = landscape.vectors(weights, bias)
    rows = values[:, None] * np.eye(6)[which]
    outputs = np.maximum(rows @ np.swapaxes(weights, 1, 2) @ weights + bias[:, None], 0)
    expected = 0.5 * np.square(rows - outputs).sum(-1)
    np.testing.assert_allclose(landscape.example_losses(vectors), expected, atol=1e-12)
    np.testing.assert_allclose(landscape.losses(vectors), expected.mean(1), atol=1e-12)
    # kinks within a step: their share is of the order of the step
    assert np.abs(landscape.gradients(vectors)[1] - vector_gradient(landscape, vectors))[3:].max() < 1e-6
    assert landscape.examples == 400
    # many examples come near the law: the standard error of a mean of values in [0, 1] or so
    large = OneHotSample(6, scale=0.5, which=generator.integers(0, 6, 200_000), values=generator.random(200_000))
    error = 5 * expected.std(1).max() / np.sqrt(200_000)
    assert np.abs(large.losses(vectors) - OneHotLandscape(6, scale=0.5).losses(vectors)).max() < error


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OneHotLandscape(2, 3), "3 hidden for 2 features"),
        (lambda: OneHotLandscape(6, scale=0.0), "scale=0.0"),
        (lambda: OneHotLandscape(6).gradients(np.zeros((1, 18)), np.zeros((1, 2), int)), "leave the minibatch out"),
        (lambda: OneHotLandscape(6).example_losses(np.zeros((1, 18))), "no losses of single examples"),
        (lambda: OneHotSample(6, which=np.array([0, 6]), values=np.array([0.1, 0.2])), "0 … 5"),
        (lambda: OneHotSample(6, which=np.array([0]), values=np.array([1.5])), r"in \[0, 1\]"),
        (lambda: OneHotSample(6, which=np.array([], int), values=np.array([])), "at least one example"),
        (lambda: critical_points(1), "features=1"),
        (lambda: critical_points(11), "give 2 to 10"),
        (lambda: critical_points(4, starts=0), "starts=0: give a whole number"),
        (lambda: classify(np.zeros((2, 6)), np.zeros(6), ()), "points is empty"),
        (lambda: classify(np.zeros((2, 5)), np.zeros(5), s.polygons(6)), "k-gons of as many features"),
        (lambda: classify(np.zeros((3, 6)), np.zeros(6), s.polygons(6)), r"give \(…, 2, features\)"),
        (lambda: energy_levels(np.array([np.nan]), s.polygons(6)), "NaN or infinite"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


# critical points


@pytest.fixture(scope="module")
def found():
    return {features: critical_points(features, starts) for features, starts in ((4, 1500), (5, None), (6, 1500))}


def test_critical_points_are_critical_and_sorted(found):
    for features, search in found.items():
        assert [point.loss for point in search.points] == sorted(point.loss for point in search.points)
        assert search.converged == sum(point.found for point in search.points) > search.starts / 3
        for point in search.points:
            loss, by_weights, by_bias = s.one_hot_gradient(point.weights, point.biases)
            assert loss == pytest.approx(point.loss, abs=2e-8)
            assert max(np.abs(by_weights).max(), np.abs(by_bias).max()) < 1e-6
            assert point.weights.shape == (2, features) and (point.descending is None) == (point.flat is None)
            assert not (point.minimum and point.descending)


def test_the_minima_of_up_to_six_features_are_k_gons(found):
    assert {p.name for p in found[4].points if p.minimum} == {"4", "3", "2", "1", "0"}
    assert {p.name for p in found[5].points if p.minimum} == {"5", "4+", "4", "3", "2", "1", "0"}
    assert {p.name for p in found[6].points if p.minimum} == {"6", "5+", "5", "4++", "4+", "4", "3", "2", "1", "0"}


def test_all_k_gons_are_among_the_critical_points(found):
    for features in (4, 5):
        names = {point.name: point for point in found[features].points if point.name}
        for point in s.polygons(features):
            assert names[point.name].loss == pytest.approx(point.loss, abs=1e-7), point.name
            # a k-gon has a λ where it is a minimum, and nowhere else
            assert names[point.name].minimum == (exact_learning_coefficient(point) is not None), point.name


def test_a_saddle_between_pentagon_and_hexagon(found):
    lowest = next(point for point in found[6].points if point.descending == 1)
    assert lowest.loss == pytest.approx(0.069289, abs=1e-6) and not lowest.name and lowest.on == 6
    # the eigenvalue below 0 leads down on both sides
    values, vectors = np.linalg.eigh(one_hot_hessian(lowest.weights, lowest.biases))
    assert values[0] < -1e-4 and (values < -1e-6).sum() == 1
    landscape = OneHotLandscape(6)
    place = landscape.vectors(lowest.weights, lowest.biases)
    for sign in (-1, 1):
        assert landscape.losses((place + sign * 0.02 * vectors[:, 0])[None])[0] < lowest.loss


def test_descent_finds_no_minimum_that_the_search_does_not_know(found):
    landscape = OneHotLandscape(6)
    vectors = np.random.default_rng(4).normal(size=(300, 18)) * 0.7
    for _ in range(12_000):
        vectors = vectors - 0.5 * landscape.gradients(vectors)[1]
    losses, slopes = landscape.gradients(vectors)
    still = np.abs(slopes).max(1) < 1e-7
    minima = np.array([point.loss for point in found[6].points if point.minimum])
    assert still.mean() > 0.95
    assert np.abs(losses[still, None] - minima).min(1).max() < 1e-6


def test_a_search_depends_on_seed_and_starts_alone():
    one, two = critical_points(3, 300, workers=1), critical_points(3, 300, workers=2)
    assert [(p.loss, p.found) for p in one.points] == [(p.loss, p.found) for p in two.points]
    assert critical_points(3, 300, seed=1).converged != one.converged
    assert critical_points(3, 1200).converged >= one.converged


def test_solve_goes_to_zero_gradient_also_at_saddles():
    start = np.random.default_rng(0).normal(size=(60, 12))
    places, losses, slopes = solve(start, 4)
    good = np.square(slopes).sum(1) < 1e-18
    assert good.sum() > 20 and losses.shape == (60,)
    eigenvalues = np.linalg.eigvalsh(one_hot_hessian(places[good, :8].reshape(-1, 2, 4), places[good, 8:]))
    assert (eigenvalues[:, 0] < -1e-3).any()  # Newton's method on ∇L, no descent
    np.testing.assert_array_equal(solve(start[:7], 4)[0], places[:7])


def test_what_is_not_seen():
    def point(found):
        return CriticalPoint("", 0.1, True, 0, 1, 1, 0, found, np.zeros((2, 3)), np.zeros(3))

    points = tuple(point(k) for k in (1, 1, 1, 2, 2, 10))
    search = CriticalPoints(3, points, 40, 17)
    assert search.chance_of_a_new_one == 3 / 17 and search.missing == 3 * 2 / (2 * 3)
    assert CriticalPoints(3, points[3:], 40, 14).missing == 0


# exact λ


def test_exact_learning_coefficients():
    expected = {"6": 8.5, "5+": 8.5, "5": 7.0, "4++": 8.5, "4+": 8.0, "4": 7.5, "3": 6.0, "2": 2.0}
    assert {name: exact_learning_coefficient(SIX[name]) for name in expected} == expected
    assert all(exact_learning_coefficient(SIX[name]) is None for name in ("3+", "3+++", "2+"))
    seven = {point.name: exact_learning_coefficient(point) for point in s.polygons(7)}
    assert seven["7"] == 10.0 and seven["5+"] is None  # its off feature and its positive one lead down together


def test_the_rank_of_the_hessian_fits():
    for name in ("6", "5+", "5"):
        point = SIX[name]
        rank = np.linalg.matrix_rank(one_hot_hessian(point.weights, point.biases), tol=1e-7)
        assert rank == 2 * exact_learning_coefficient(point)
        off = (point.biases == OFF).sum()
        assert rank == 18 - 1 - 3 * off


# names


def moved(point, generator):
    """The point after a random rotation, reflection and permutation."""
    angle = generator.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([1.0, generator.choice([-1.0, 1.0])])
    order = generator.permutation(len(point.biases))
    return (turn @ point.weights)[:, order], point.biases[order]


@pytest.mark.parametrize("features", [5, 6, 8])
def test_k_gons_have_their_names(features):
    generator = np.random.default_rng(0)
    points = s.polygons(features)
    for point in points:
        parts = [moved(point, generator) for _ in range(5)]
        weights, biases = (np.stack(part) for part in zip(*parts, strict=True))
        assert (classify(weights, biases, points) == point.name).all()
        # 0.003 off: the losses move by less than 10⁻³, the shapes by less than 0.1
        noisy = weights + 0.003 * generator.normal(size=weights.shape), biases + 0.003 * generator.normal(size=biases.shape)
        if features == 6:
            assert (classify(*noisy, points) == point.name).all()
    assert classify(weights[0], biases[0], points).shape == ()


def test_features_that_are_off_may_lie_anywhere_on_their_plateau():
    points = s.polygons(6)
    triangle, pentagon = SIX["3"], SIX["5"]
    weights, biases = triangle.weights.copy(), triangle.biases.copy()
    angles = np.radians([0, 90, 180])  # vertices turn freely down to right angles
    weights[:, :3] = np.cos(angles), np.sin(angles)
    weights[:, 3], biases[3] = (0.0, -2.0), -4.5  # opposite to all three, and long
    assert s.one_hot_loss(weights, biases) == pytest.approx(triangle.loss, abs=1e-12)
    assert classify(weights, biases, points) == "3"
    weights, biases = pentagon.weights.copy(), pentagon.biases.copy()
    weights[:, 5] = 0.2, 0.0
    assert classify(weights, biases, points) == "5"
    biases[5] = 0.3
    assert classify(weights, biases, points) == "none"


def test_the_right_level_with_the_wrong_shape_has_no_name(found):
    saddle = next(point for point in found[6].points if point.descending == 1)
    points = s.polygons(6)
    assert energy_levels(saddle.loss, points) == "5" and classify(saddle.weights, saddle.biases, points) == "none"
    stretched = 1.2 * SIX["6"].weights
    assert energy_levels(s.one_hot_loss(stretched, SIX["6"].biases), points) == "none"
    losses = np.array([[SIX["6"].loss + 0.9e-3, SIX["6"].loss + 1.1e-3], [SIX["4"].loss, 0.3]])
    assert energy_levels(losses, points).tolist() == [["6", "none"], ["4", "none"]]


def test_near_levels_are_told_apart_by_shape():
    # c = 8: 8 at 0.115546 and 6+ at 0.11557 differ by less than the tolerance
    points = {point.name: point for point in s.polygons(8)}
    assert abs(points["8"].loss - points["6+"].loss) < 1e-4
    for name in ("8", "6+"):
        assert classify(points[name].weights, points[name].biases, list(points.values())) == name


def test_trained_runs_are_named():
    model = s.Model(features=6, hidden=2, law=s.OneHot(6))
    fitted = model.fit(seeds=30, steps=5000, batch=None, learning_rate=0.01, workers=1)
    names = classify(fitted.weights, fitted.bias, s.polygons(6))
    assert names.shape == (30,) and (names != "none").all() and "6" in names
    assert (names == energy_levels(fitted.loss, s.polygons(6))).all()
    few = model.fit(seeds=5, steps=20, batch=None, learning_rate=0.01, workers=1)
    assert (classify(few.weights, few.bias, s.polygons(6)) == "none").all()


def test_every_pair_of_levels_of_six_features_is_wider_than_the_tolerance():
    losses = sorted(point.loss for point in SIX.values())
    assert min(b - a for a, b in itertools.pairwise(losses)) > 2e-3
