"""Exact losses of four features and more: sums over corners, and the nodes around them where these sums would cancel."""

import itertools

import numpy as np
import pytest

from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition import _corners_kernel as corners
from slt_bias.subjects.superposition import _population_kernel as kernel
from slt_bias.subjects.superposition import _quadrature_kernel as pieces

ANGLES = 2 * np.pi * np.arange(6)
PENTAGON = 1.2 * np.array([np.cos(ANGLES[:5] / 5), np.sin(ANGLES[:5] / 5)])
DIGONS = np.array([[1.0, -1.0, 0, 0, 0], [0, 0, 1.0, -1.0, 0]])
HEXAGON = 1.2 * np.array([np.cos(ANGLES / 6), np.sin(ANGLES / 6)])
NODES = {4: 100, 5: 30, 6: 14}  # of the reference, whose own error falls below 1e-10 of the loss, for 6 below 1e-9


def given(slopes, offset, own, known, nodes):
    """Value and derivatives of a pattern, slopes sorted: the piecewise rule over three, many nodes over the others."""
    if len(slopes) <= 3:
        flags = [1.0 if own == i else 0.0 for i in range(len(slopes))]
        return np.array({1: pieces.first, 2: pieces.second, 3: pieces.third}[len(slopes)](*slopes, offset, *flags, known, True))
    points, rule = np.polynomial.legendre.leggauss(nodes)
    total = np.zeros(len(slopes) + 2)
    for x, share in zip((1 + points) / 2, rule / 2, strict=True):
        part = given(slopes[:-1], offset + slopes[-1] * x, own, x if own == len(slopes) - 1 else known, nodes)
        total += share * np.append(part, part[1] * x)
    return total


def reference(weights, bias, density, importances):
    """Loss and gradient of one instance."""
    features, gram = len(bias), weights.T @ weights
    loss, by_gram, by_bias = importances @ density / 3, np.zeros_like(gram), np.zeros_like(bias)
    for j, pattern in itertools.product(range(features), itertools.product([False, True], repeat=features)):
        chance = importances[j] * np.prod(np.where(pattern, density, 1 - density))
        active = sorted(np.flatnonzero(pattern), key=lambda i, j=j: -abs(gram[j, i]))
        if not active:
            found = np.array([max(bias[j], 0) ** 2, 2 * max(bias[j], 0)])
        else:
            found = given(gram[j, active], bias[j], active.index(j) if j in active else -1, 0.0, NODES[features])
        loss, by_bias[j] = loss + chance * found[0], by_bias[j] + chance * found[1]
        by_gram[j, active] += chance * found[2:]
    return loss, weights @ (by_gram + by_gram.T), by_bias


def cases(features, generator):
    """Random weights, polygons, and polygons a little off, where some slopes are small."""
    weights = 0.5 * generator.normal(size=(6, 2, features))
    base = {4: DIGONS[:, :4], 5: PENTAGON, 6: HEXAGON}[features]
    for k, noise in enumerate((0, 1e-5, 1e-3, 1e-2)):
        weights[k] = (DIGONS if features == 5 and k % 2 else base) + noise * weights[k]
    return weights, -0.2 * generator.uniform(size=(6, features)), generator.uniform(0.5, 2, (6, features))


@pytest.mark.parametrize("density", [1.0, 0.3, 0.05])
@pytest.mark.parametrize("features", [4, 5, 6])
def test_independent_loss_against_many_nodes(features, density):
    weights, bias, importances = cases(features, np.random.default_rng(features))
    losses, by_weights, by_bias = s.independent_gradient(weights, bias, density, importances)
    # as stated in `population`, but for the reference's own error
    loss_error, slope_error = ((1e-10, 1e-8) if features < 6 else (1e-9, 1e-7)) if density > 0.1 else (1e-12, 1e-10)
    for k in range(2 if features == 6 else 6):
        loss, *slopes = reference(weights[k], bias[k], np.full(features, density), importances[k])
        assert losses[k] == pytest.approx(loss, rel=loss_error)
        np.testing.assert_allclose(by_weights[k], slopes[0], atol=slope_error)
        np.testing.assert_allclose(by_bias[k], slopes[1], atol=slope_error)


def test_blocks_of_orthogonal_features_add_up():
    # features 0–2 and 3–5 in dimensions of their own: two problems of three features, which are exact
    generator = np.random.default_rng(0)
    parts, bias = generator.normal(size=(20, 2, 2, 3)), 0.4 * generator.normal(size=(20, 6))
    density = generator.uniform(0.05, 1, (20, 6))
    weights = np.zeros((20, 4, 6))
    weights[:, :2, :3], weights[:, 2:, 3:] = parts[:, 0], parts[:, 1]
    losses, by_weights, by_bias = s.independent_gradient(weights, bias, density)
    first = s.independent_gradient(parts[:, 0], bias[:, :3], density[:, :3])
    second = s.independent_gradient(parts[:, 1], bias[:, 3:], density[:, 3:])
    assert losses == pytest.approx(first[0] + second[0], rel=1e-12)
    np.testing.assert_allclose(by_weights[:, :2, :3], first[1], atol=1e-11)
    np.testing.assert_allclose(by_weights[:, 2:, 3:], second[1], atol=1e-11)
    np.testing.assert_allclose(by_bias, np.concatenate([first[2], second[2]], 1), atol=1e-11)


def test_a_feature_that_is_always_on_and_unseen_changes_nothing():
    # of weight 0, it adds its own variance at the bias 1/2; the loss of three features is exact
    generator = np.random.default_rng(1)
    weights, bias = generator.normal(size=(10, 2, 3)), 0.3 * generator.normal(size=(10, 3))
    wide, offsets = np.concatenate([weights, np.zeros((10, 2, 1))], -1), np.concatenate([bias, np.full((10, 1), 0.5)], -1)
    losses = s.independent_loss(wide, offsets, np.array([0.2, 0.4, 0.6, 1.0]))
    assert losses == pytest.approx(s.independent_loss(weights, bias, np.array([0.2, 0.4, 0.6])) + 1 / 12, rel=1e-12)


@pytest.mark.parametrize("model", ["relu", "linear"])
def test_gradients_against_differences_and_each_instance_alone(model):
    generator = np.random.default_rng(3)
    weights, bias, importances = cases(5, generator)
    density = generator.uniform(0.05, 1, (6, 5))
    losses, by_weights, by_bias = s.independent_gradient(weights, bias, density, importances, model)
    if model == "linear":
        laws = [s.IndependentFeatures(5, tuple(row)) for row in density]
        exact = [s.linear_loss(w, b, law, i) for w, b, law, i in zip(weights, bias, laws, importances, strict=True)]
        assert losses == pytest.approx(exact, rel=1e-12)
    for k in range(6):
        setting = density[k], importances[k], model
        assert s.independent_loss(weights[k], bias[k], *setting) == losses[k]
        flat, slopes = np.append(weights[k], bias[k]), np.append(by_weights[k], by_bias[k])
        for i, step in enumerate(1e-5 * np.eye(15)):
            ends = [s.independent_loss(v[:10].reshape(2, 5), v[10:], *setting) for v in (flat + step, flat - step)]
            # rounding 1e-16/1e-5, the loss's own 1e-12/1e-5, and step² times a third derivative that may jump
            assert abs((ends[0] - ends[1]) / 2e-5 - slopes[i]) < 1e-6


def test_small_slopes_are_kept_away_from_the_corners():
    slopes = np.array([1.0, -0.9, 0.8, 1e-4, 1e-4])
    room, out = np.empty((11, 32)), np.empty(7)
    exact = given(slopes, -0.1, 0, 0.0, 12)
    corners.pattern(slopes, 5, -0.1, 0, 1.0, True, room, out)
    np.testing.assert_allclose(out, exact, atol=1e-11)
    corners.corners(slopes, 5, -0.1, 0, 0.0, room, out)
    assert np.abs(out - exact).max() > 1e-7
    # and for slopes of one size the corners alone are exact
    slopes = np.array([1.0, -0.9, 0.8, 0.7, -0.6])
    corners.corners(slopes, 5, -0.1, 0, 0.0, room, out)
    np.testing.assert_allclose(out, given(slopes, -0.1, 0, 0.0, 60), atol=1e-8)


def test_the_order_of_slopes():
    row, active = np.array([0.1, -0.9, 0.0, 0.5]), np.array([0, 1, 2, 3])
    assert kernel.sort(row, active, 4, 0) == 2 and active.tolist() == [1, 3, 0, 2]
    assert kernel.sort(row, active, 2, 0) == -1
