"""Minima by damped Newton steps, and the theory of the phases of an extra feature."""

import numpy as np
import pytest

from slt_bias.errors import InputError
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition import newton, phases

DENSITY, IMPORTANCE = np.geomspace(1, 0.01, 15), np.geomspace(0.1, 10, 14)


@pytest.fixture(scope="module", params=[2, 3])
def theory(request):
    return request.param, phases.theoretical_phase(request.param, DENSITY[:, None], IMPORTANCE)


# newton


def test_settle_reaches_known_minima():
    # dense, an important feature next to a minor one: W = (1, 0), the other's bias its mean, its loss its variance
    found = newton.settle(np.array([[0.8, 0.05]]), np.array([0.1, 0.3]), 0.9, np.array([1.0, 0.1]))
    assert found.loss == pytest.approx(0.1 * (0.9 / 3 - 0.9**2 / 4), rel=1e-10)
    assert np.abs(found.weights) == pytest.approx(np.array([[1.0, 0.0]]), abs=1e-4)
    assert found.bias == pytest.approx([0.0, 0.45], abs=1e-4)
    assert found.slope < 1e-7 and found.curvatures.min() > 0 and found.curvatures.shape == (4,)


def test_settle_ends_below_its_start_at_a_flat_place_each_instance_alone():
    generator = np.random.default_rng(0)
    weights, bias = 0.6 * generator.normal(size=(6, 2, 4)), 0.1 * generator.normal(size=(6, 4))
    density, importances = generator.uniform(0.1, 0.9, (6, 4)), generator.uniform(0.5, 2, (6, 4))
    found = newton.settle(weights, bias, density, importances)
    start = s.independent_loss(weights, bias, density, importances)
    assert (found.loss < start).all() and found.slope.max() < 1e-6
    assert found.loss == pytest.approx(s.independent_loss(found.weights, found.bias, density, importances), rel=1e-14)
    assert found.curvatures.min() > -1e-6  # no saddle: the landscape falls nowhere to second order
    alone = newton.settle(weights[2], bias[2], density[2], importances[2])
    assert np.array_equal(alone.weights, found.weights[2]) and alone.loss == found.loss[2]
    assert (newton.settle(weights, bias, density, importances, steps=1).loss > found.loss).all()


def test_curvatures_are_those_of_the_loss():
    # the linear regime: non-negative W and b are a quadratic loss in b, of curvature 2 I
    found = newton.settle(np.array([[1.0]]), np.array([0.0]), 1.0, np.array([3.0]), steps=0)
    # L = 3 E((w² − 1)x + b)² for b > 0 and x on [0, 1]: by b 6, by w 3 · 8/3 = 8, mixed 3 · 4 · 1/2 = 6, on the side b > 0
    assert found.loss == pytest.approx(0, abs=1e-15)
    assert found.curvatures == pytest.approx(np.linalg.eigvalsh([[8.0, 6.0], [6.0, 6.0]]), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: newton.settle(np.ones((1, 9)), np.zeros(9), 0.5), "9 features"),
        (lambda: newton.settle(np.ones((1, 2)), np.zeros(2), 1.5), r"density: .*\(0, 1\]"),
        (lambda: newton.settle(np.ones((1, 2)), np.zeros(3), 0.5), "bias of shape"),
        (lambda: phases.theoretical_phase(4, 0.5, 1.0), "features=4"),
        (lambda: phases.theoretical_phase(2, 0.0, 1.0), r"density: .*\(0, 1\]"),
        (lambda: phases.theoretical_phase(2, 0.5, -1.0), "importance"),
        (lambda: phases.theoretical_phase(2, np.ones(3), np.ones(2)), "shapes that fit together"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


# phases


def test_losses_of_the_candidates_at_known_places(theory):
    features, found = theory
    absent = DENSITY / 3 - DENSITY**2 / 4
    assert found.losses.shape == (len(phases.candidates(features)), 15, 14)
    np.testing.assert_allclose(found.losses[0], absent[:, None] * IMPORTANCE, rtol=1e-12)
    np.testing.assert_allclose(found.losses[1], np.repeat(absent[:, None], 14, 1), rtol=1e-12)
    # a pair with both norms 1 and no bias costs d²/6 a feature; free norms and biases cost less, sparse ones hardly less
    fixed = DENSITY[:, None] ** 2 / 6 * (1 + IMPORTANCE)
    assert (found.losses[-1] < fixed).all()
    middle = np.abs(np.log(IMPORTANCE)) < 0.3
    np.testing.assert_allclose(found.losses[-1][-1, middle], fixed[-1, middle], rtol=0.03)
    np.testing.assert_allclose(found.loss, found.losses.min(0), rtol=2e-9)  # of ties the first is taken


def test_the_pair_is_no_worse_than_a_single_feature_which_it_holds_as_a_limit(theory):
    _, found = theory
    # a norm of 0 is allowed: the best pair is never worse than the single features
    assert (found.losses[-1] <= found.losses[0] * (1 + 1e-6)).mean() > 0.9
    degenerate = (found.best == 0) | (found.best == 1)
    assert (found.norm[found.best == 0] == 0).all() and (found.superposition[degenerate] == 0).all()


def test_two_features_change_places(theory):
    features, found = theory
    if features == 2:
        swapped = np.array([1, 0, 2])[found.phase[:, ::-1]]
        assert np.array_equal(found.phase, swapped)
        # the loss scales with the importances: (1, 1/r) is (r, 1)/r
        np.testing.assert_allclose(found.loss[:, ::-1], found.loss / IMPORTANCE, rtol=1e-6)


def test_phases_at_the_corners(theory):
    features, found = theory
    dense_minor, dense_major = found.phase[1, 0], found.phase[1, -1]
    assert (dense_minor, dense_major) == (0, 1)
    assert (found.phase[-1] == 2).all() if features == 2 else np.array_equal(found.phase[-1] == 1, IMPORTANCE > 1)


def test_phase_of_reads_norm_and_superposition():
    norm, shared = np.array([0.2, 0.5, 0.6, 1.0, 1.0]), np.array([1.0, 0.0, 0.2, 0.25, 0.3])
    assert phases.phase_of(norm, shared).tolist() == [0, 0, 1, 1, 2]


def test_dense_pairs_have_unequal_norms():
    # at density .8 the pair of equal norms is a saddle
    loss, norm, square = phases.antipodal_pair(0.8, 1.0, 1.0)
    assert abs(norm - np.sqrt(square)) > 0.2
    symmetric = newton.settle(np.array([[1.0, -1.0]]), np.zeros(2), 0.8)
    assert symmetric.loss > loss * 1.001
    assert symmetric.weights[0, 0] == pytest.approx(-symmetric.weights[0, 1])
