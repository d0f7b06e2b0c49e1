"""Which features are represented and how: introduction, dimensionality, privileged-basis, absolute-value, adversarial.

Claims and measures on models whose answers are known; the experiments themselves are run by the test of the command.
"""

import numpy as np
import pandas as pd
import pytest

from slt_bias.subjects.superposition import components
from slt_bias.workflows.superposition import absolute_value, adversarial, dimensionality, introduction, privileged_basis


def holding(claims):
    return {claim.name: claim.holds for claim in claims}


# introduction


def linear(spoil=None):
    """The exact linear solution of the small model at two densities, two seeds each."""
    size, densities = introduction.SMALL, (1.0, 0.1)
    weights = np.zeros((2, 2, size.hidden, size.features))
    weights[..., np.arange(size.hidden), np.arange(size.hidden)] = 1
    bias = np.broadcast_to(np.array(densities)[:, None, None] / 2, (2, 2, size.features)).copy()
    bias[..., : size.hidden] = 0
    if spoil:
        spoil(weights, bias)
    loss = np.array([[0.1, 0.2], [0.2, 0.1]])
    return introduction.Trained(size, "linear", densities, weights, bias, loss, 0 * loss)


def lose_a_feature(weights, bias):
    weights[0, 0, 4, 4] = 0.4


def swap_a_feature(weights, bias):
    weights[0, 0, 4] = 0
    weights[0, 0, 4, 7] = 1


def grow(weights, bias):
    weights[1, 1] *= 1.01


def shift(weights, bias):
    bias[1, 1, 10] += 0.01


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (None, []),
        (lose_a_feature, ["densities", "‖W‖", "bias"]),
        (swap_a_feature, ["densities", "bias"]),
        (grow, ["‖W‖"]),
        (shift, ["bias"]),
    ],
)
def test_linear_claims(spoil, broken):
    found = holding(introduction.linear_claims(linear(spoil)))
    failed = {name for name, holds in found.items() if not holds and "seeds with" not in name}
    assert len(failed) == len(broken) and all(any(word in name for name in failed) for word in broken)


def test_a_spoilt_seed_that_is_not_the_best_only_lowers_the_fraction():
    def spoil(weights, bias):
        weights[0, 1] = 0

    claims = {claim.name: claim for claim in introduction.linear_claims(linear(spoil))}
    spoilt = [name for name, claim in claims.items() if not claim.holds]
    assert len(spoilt) == 1 and "seeds with" in spoilt[0] and claims[spoilt[0]].measured == 0.75


def relu(counts):
    """Models with so many features of norm 1 at the densities of the issue; loss rises with the seed."""
    size, densities = introduction.SMALL, tuple(introduction.EXPECTED)
    weights = np.zeros((len(densities), len(counts[0]), size.hidden, size.features))
    for row, seeds in enumerate(counts):
        for seed, count in enumerate(seeds):
            weights[row, seed, 0, :count] = 1
    loss = np.broadcast_to(np.arange(len(counts[0])) + 1.0, weights.shape[:2])
    return introduction.Trained(size, "relu", densities, weights, weights[:, :, 0], loss, 0 * loss)


def test_relu_claims():
    good = [[5, 5], [8, 7], [9, 10], [10, 11], [12, 11], [12, 12]]
    assert all(holding(introduction.relu_claims(relu(good))).values())
    falling = [*good[:4], [12, 11], [11, 13]]
    found = holding(introduction.relu_claims(relu(falling)))
    assert [name for name, holds in found.items() if not holds] == [
        "relu, n=20, 1−S=0.003: features (best)",
        "relu, n=20, 1−S from 1 to 0.003: smallest step in features to the next sparser (best)",
    ]


def test_introduction_tables():
    table = introduction.models_table(relu([[5, 4]] * 6))
    assert table.features.tolist() == [5, 4] * 6 and table.best.tolist() == [True, False] * 6
    assert table.density.tolist() == [density for density in introduction.EXPECTED for _ in range(2)]
    features = introduction.features_table(linear())
    assert len(features) == 40 and features.norm.sum() == 10 and features.importance[21] == 0.7


# dimensionality


def polytope(inverse_density, units, copies):
    """`copies` of a polytope (dimension, vertices) in orthogonal subspaces, as a trained condition."""
    weights = np.kron(np.eye(copies), units)
    parts = (components(weights, dimensionality.REPRESENTED, dimensionality.TOLERANCE),)
    return dimensionality.Condition(inverse_density, weights[None], np.ones(1), parts)


def regular(count):
    angles = 2 * np.pi * np.arange(count) / count
    return np.array([np.cos(angles), np.sin(angles)])


DIGON = np.array([[1.0, -1.0]])


def test_near_a_fraction_means_nearest():
    values = np.array([0.374, 0.386, 0.389, 0.41, 0.43, 0.5, 0.521, np.nan])
    np.testing.assert_array_equal(dimensionality.near(values, 3 / 8), [1, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(dimensionality.near(values, 2 / 5), [0, 0, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(dimensionality.near(values, 1 / 2), [0, 0, 0, 0, 0, 1, 0, 0])


def test_dimensionality_claims():
    dense = polytope(1.0, np.eye(1), 6)
    found = [dense, polytope(4.0, DIGON, 6), polytope(5.0, regular(5), 3)]
    claims = {claim.name: claim for claim in dimensionality.claims(found, 6)}
    wrong = [name for name, claim in claims.items() if not claim.holds]
    assert all("near 3/4" in name or "near 2/3" in name or "3/8" in name or "antiprism" in name for name in wrong), wrong
    at = next(claim for name, claim in claims.items() if "near 2/5" in name)
    assert at.holds and at.measured == 1 and "1/(1−S)=5, 3 × pentagon" in at.name


def test_a_dimensionality_near_a_fraction_is_no_polytope():
    """Pairs that are not orthogonal to each other, with Dᵢ near 3/8 by chance."""
    squeezed = np.array([[1.0, -1.0, 0.6, -0.6], [0.0, 0.0, 0.8, -0.8]])  # two pairs at 53 degrees: Dᵢ = 1/(2 + 2 · 0.36)
    weights = np.kron(np.eye(3), squeezed)
    parts = components(weights, dimensionality.REPRESENTED, dimensionality.TOLERANCE)
    found = dimensionality.Condition(5.0, weights[None], np.ones(1), (parts,))
    np.testing.assert_allclose(found.dimensionality, 1 / 2.72)  # 0.368, near 3/8
    assert found.share(3 / 8) == 1 and found.share(3 / 8, "square antiprism") == 0
    assert polytope(4.0, DIGON, 6).share(1 / 2, "digon") == 1


def test_broken_pairs_are_seen():
    found = [polytope(1.0, np.eye(1), 6), polytope(4.0, regular(3), 3)]
    claims = holding(dimensionality.claims(found, 6))
    assert not any(claims[name] for name in claims if name.startswith("1−S=0.25") and "ΣDᵢ" not in name)


def test_dimensionality_tables():
    found = [polytope(4.0, DIGON, 6), polytope(5.0, regular(5), 3)]
    table = dimensionality.densities_table(found)
    np.testing.assert_allclose(table.dimensions_per_feature, [1 / 2, 2 / 5])
    np.testing.assert_allclose(table.sum_of_dimensionalities, 6)
    assert table["share_near_2/5"].tolist() == [0, 1] and table.geometries.tolist() == ["6 × digon", "3 × pentagon"]
    names = dimensionality.features_table(found)
    assert names.geometry.tolist() == ["digon"] * 12 + ["pentagon"] * 15
    counts = dimensionality.geometries_table(found)
    assert counts["count"].tolist() == [6, 3] and counts.dimension.tolist() == [1, 2]


# privileged-basis


def test_neuron_kinds():
    weights = np.array([[1.0, 0.1, 0], [0.6, 0.6, 0], [0.2, 0, 0.1], [0, 0, -1.0], [-5.0, 0, 1.0]])
    kinds = ["monosemantic", "polysemantic", "unused", "monosemantic", "polysemantic"]  # the last: one stored, one that inhibits
    assert privileged_basis.neuron_kinds(weights).tolist() == kinds
    assert privileged_basis.neuron_kinds(np.stack([weights, weights])).shape == (2, 5)


def test_alignment_with_neurons():
    rng = np.random.default_rng(0)
    aligned = np.eye(4, 7)
    turned = np.linalg.qr(rng.standard_normal((4, 4)))[0] @ aligned
    assert privileged_basis.largest_share(aligned) == 1 > privileged_basis.largest_share(turned)
    assert privileged_basis.largest_share(np.array([[1.0, 0.4], [1.0, 0.0]])) == 0.5  # the second feature does not count
    assert np.isnan(privileged_basis.largest_share(np.zeros((2, 3))))
    assert privileged_basis.rotations_above(aligned, 0) == 1


def test_rotations_are_uniform_where_there_is_no_basis():
    rng = np.random.default_rng(1)
    shares = privileged_basis.rotations_above(rng.standard_normal((400, 3, 5)), 0)
    # 400 uniform values: mean 1/2 ± 0.014, share above 0.95 0.05 ± 0.011, each taken four times
    assert abs(shares.mean() - 0.5) < 0.058 and abs((shares > 0.95).mean() - 0.05) < 0.045


def test_privileged_claims():
    shape = (1, 4, 5, 10)
    aligned = np.zeros(shape) + np.eye(5, 10)
    rng = np.random.default_rng(2)
    turned = np.linalg.qr(rng.standard_normal((4, 5, 5)))[0] @ aligned
    loss = np.arange(4.0)[None] + 1
    tables = {
        (a, b): pd.concat(
            [
                privileged_basis.models_table("privileged", (0.5,), a_weights, loss, 0),
                privileged_basis.models_table("relu", (0.5,), b_weights, loss, 0),
            ]
        )
        for a, a_weights in (("aligned", aligned), ("turned", turned))
        for b, b_weights in (("aligned", aligned), ("turned", turned))
    }
    found = {key: holding(privileged_basis.claims((0.5,), table)) for key, table in tables.items()}
    assert all(found["aligned", "turned"].values())
    assert not found["turned", "turned"]["1−S=0.5: monosemantic neurons (best)"]
    for lead, key in (("hidden ReLU", ("turned", "turned")), ("no hidden ReLU", ("aligned", "aligned"))):
        assert [holds for name, holds in found[key].items() if name.startswith(f"{lead}, ")] == [False, False]


# absolute-value

PAIRS_IN, PAIRS_OUT = np.kron(np.eye(3), [[1.0], [-1.0]]), np.kron(np.eye(3), [[1.0], [1.0]])


def test_pairs_compute_the_absolute_value():
    losses = absolute_value.feature_losses(PAIRS_IN, PAIRS_OUT, np.zeros(3), 0.3, 500, 0)
    np.testing.assert_allclose(losses, 0, atol=1e-28)
    assert absolute_value.opposite_pairs(PAIRS_IN, PAIRS_OUT) == 3
    scaled = np.array([2.0, 0.5, 1, 1, 3, 0.1])[:, None]
    assert absolute_value.opposite_pairs(PAIRS_IN * scaled, PAIRS_OUT / scaled) == 3
    assert absolute_value.opposite_pairs(np.abs(PAIRS_IN), PAIRS_OUT) == 0
    assert absolute_value.opposite_pairs(PAIRS_IN, PAIRS_OUT * np.array([[1.5, 1, 1]])) == 2


@pytest.mark.parametrize("density", [1.0, 0.2])
def test_feature_losses_agree_with_plain_sampling(density):
    rng = np.random.default_rng(3)
    weights, decoder, bias = 0.7 * rng.standard_normal((4, 3)), 0.7 * rng.standard_normal((4, 3)), rng.uniform(-0.1, 0.2, 3)
    count = 200_000
    inputs = rng.uniform(-1, 1, (count, 3)) * (rng.uniform(size=(count, 3)) < density)
    outputs = np.maximum(np.maximum(inputs @ weights.T, 0) @ decoder + bias, 0)
    squares = np.square(outputs - np.abs(inputs))
    found = absolute_value.feature_losses(weights, decoder, bias, density, 50_000, 0)
    # the 50,000 examples are used twice, on and off, and are not less precise than as many plain ones; five standard errors
    assert (np.abs(found - squares.mean(0)) < 5 * squares.std(0) * np.sqrt(1 / count + 1 / 50_000)).all()
    one_sided = absolute_value.feature_losses(np.maximum(PAIRS_IN, 0), PAIRS_OUT, np.zeros(3), density, 20_000, 0)
    np.testing.assert_allclose(one_sided, density / 6, rtol=0.06)  # x² of half the values; relative error of 20,000: 0.01


def test_balancing_changes_no_output():
    rng = np.random.default_rng(4)
    weights, decoder = rng.standard_normal((5, 3)), 3 * rng.standard_normal((5, 3))
    into, out = absolute_value.balanced(weights, decoder), absolute_value.balanced(decoder, weights)
    inputs = rng.uniform(-1, 1, (50, 3))
    np.testing.assert_allclose(np.maximum(inputs @ into.T, 0) @ out, np.maximum(inputs @ weights.T, 0) @ decoder)
    np.testing.assert_allclose(np.linalg.norm(into, axis=1), np.linalg.norm(out, axis=1))
    assert np.isfinite(absolute_value.balanced(np.zeros((2, 3)), np.ones((2, 3)))).all()


def test_the_asymmetric_motif():
    """The paper's instance: W = (2, −1/2), V = (1/2, 2), and a second neuron that inhibits the second feature."""
    weights, decoder = np.array([[2.0, -0.5], [2.0, 0.0]]), np.array([[0.5, 2.0], [0.0, -2.0]])
    assert absolute_value.asymmetric_pairs(weights, decoder) == [(0, 0, 1, 1)]
    assert absolute_value.asymmetric_pairs(weights[:1], decoder[:1]) == []
    assert absolute_value.asymmetric_pairs(weights, np.abs(decoder)) == []
    assert absolute_value.asymmetric_pairs(weights * [[1], [-1]], decoder) == []  # inhibits at the other sign
    assert absolute_value.asymmetric_pairs(np.array([[1.0, -1.0], [1.0, 0]]), np.array([[1.0, 1.0], [0, -2.0]])) == []


def test_the_start_is_the_seed_s_own():
    both, one = absolute_value.start(4, 3, (0, 7)), absolute_value.start(4, 3, (7,))
    for a, b in zip(both, one, strict=True):
        np.testing.assert_array_equal(a[1:], b)
    np.testing.assert_array_equal(both[2], np.abs(both[0]))


# adversarial


def curve(vulnerability, features):
    shared = {"inverse_density": np.geomspace(1, 100, len(features)), "features_per_dimension": features}
    return pd.DataFrame(shared | {"rows_vulnerability": vulnerability, "ascent_vulnerability": vulnerability})


def test_adversarial_claims():
    features = [1.0, 2, 3, 4, 5, 5, 5]
    claims = adversarial.claims(curve([1.0, 2, 4, 5, 6, 5, 4], features))
    assert [claim.holds for claim in claims] == [True, True, False] * 2 and claims[0].measured == 6
    assert "up to 1/(1−S)=21.5" in claims[1].name and claims[1].measured == pytest.approx(1)
    weak = adversarial.claims(curve([1.0, 1.2, 1.4, 1.3, 1.2, 1.1, 1], features))
    assert [claim.holds for claim in weak] == [False, False, False] * 2
