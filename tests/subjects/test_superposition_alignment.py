"""Alignment by rotation, reflection and permutation: known answers, and scipy's Procrustes solution."""

import itertools

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from slt_bias.errors import InputError
from slt_bias.subjects.superposition import alignment, laws

PAIRS = ((0, 1), (2, 3), (4, 5))
MIXED = ((4, 1), (0, 2), (3,))


def orthogonal(generator, size, mirrored):
    turned, _ = np.linalg.qr(generator.normal(size=(size, size)))
    turned[0] *= np.sign(np.linalg.det(turned)) * (-1 if mirrored else 1)
    return turned


@pytest.mark.parametrize("hidden", [2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_or_mirrored_instance_comes_back(hidden, mirrored):
    generator = np.random.default_rng(0)
    reference = generator.normal(size=(hidden, 5))
    turned = orthogonal(generator, hidden, mirrored) @ reference
    np.testing.assert_allclose(alignment.align(turned, reference), reference, atol=1e-12)
    np.testing.assert_allclose(alignment.upright(turned), alignment.upright(reference), atol=1e-12)
    # a proper rotation alone cannot undo a reflection
    sign = np.linalg.det(alignment.rotation(turned, reference))
    assert sign == pytest.approx(-1 if mirrored else 1)


def test_rotation_is_scipys_and_leaves_the_gram_matrix():
    generator = np.random.default_rng(1)
    batch, reference = generator.normal(size=(2, 4, 3, 6)), generator.normal(size=(3, 6))
    aligned = alignment.align(batch, reference)
    assert aligned.shape == batch.shape
    for index in itertools.product(range(2), range(4)):
        expected, _ = orthogonal_procrustes(batch[index].T, reference.T)
        np.testing.assert_allclose(alignment.rotation(batch[index], reference), expected.T, atol=1e-12)
        np.testing.assert_allclose(aligned[index].T @ aligned[index], batch[index].T @ batch[index], atol=1e-12)
        assert np.linalg.norm(aligned[index] - reference) <= np.linalg.norm(batch[index] - reference)


@pytest.mark.parametrize("sets", [PAIRS, MIXED, ((0, 1, 2), (3, 4, 5))])
def test_orders_keep_the_sets_and_are_all(sets):
    orders = alignment.keeping_sets(sets)
    wanted = {frozenset(members) for members in sets}
    brute = {
        order
        for order in itertools.permutations(range(sum(map(len, sets))))
        if {frozenset(order[i] for i in members) for members in sets} == wanted
    }
    assert {tuple(order) for order in orders.tolist()} == brute and len(orders) == len(brute)
    assert orders[0].tolist() == list(range(orders.shape[1]))
    home = laws.set_of_each(sets)
    for order in orders:  # of one set before, of one set after
        assert ((home[order][:, None] == home[order]) == (home[:, None] == home)).all()


@pytest.mark.parametrize("sets", [PAIRS, ((0, 1, 2), (3, 4, 5)), MIXED])
def test_relabelled_instances_come_back(sets):
    generator = np.random.default_rng(2)
    features = sum(map(len, sets))
    reference = generator.normal(size=(2, features))
    orders = alignment.keeping_sets(sets)
    batch = np.array([orthogonal(generator, 2, k % 2) @ reference[:, orders[k]] for k in range(0, len(orders), 3)])
    np.testing.assert_allclose(alignment.align(batch, reference, sets), np.broadcast_to(reference, batch.shape), atol=1e-12)
    # rotation alone does not bring them back, and an order that breaks a set is not tried
    assert np.abs(alignment.align(batch[1:], reference) - reference).max() > 0.1
    if features == 6:
        broken = reference[:, [2, 1, 0, 3, 4, 5] if len(sets) == 3 else [3, 1, 2, 0, 4, 5]]
        assert np.abs(alignment.align(broken, reference, sets) - reference).max() > 0.1


def test_orders_that_fit_alike_leave_the_numbers():
    # all orders of a square keep its look: the first is taken, whatever the rounding
    square = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
    angle = 0.3
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ square
    np.testing.assert_allclose(alignment.align(turned, square, ((0, 2), (1, 3))), square, atol=1e-12)


def test_upright():
    generator = np.random.default_rng(3)
    batch = generator.normal(size=(50, 3, 6))
    found = alignment.upright(batch)
    assert (found[:, 0, 0] > 0).all() and (found[:, 1, 1] > 0).all() and (found[:, 2, 2] > 0).all()
    assert np.abs(np.tril(np.ones((3, 3)), -1) * found[:, :, :3]).max() < 1e-12
    np.testing.assert_allclose(np.swapaxes(found, 1, 2) @ found, np.swapaxes(batch, 1, 2) @ batch, atol=1e-12)
    # the second feature is opposite to the first, the third is the first to leave the line: it goes up
    flat = alignment.upright(np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 2.0, 1.0, 0.0]]))
    np.testing.assert_allclose(flat, [[1.0, -2.0, -1.0, 0.0], [0.0, 0.0, 1.0, 0.0]], atol=1e-12)
    assert (alignment.upright(np.zeros((2, 3))) == 0).all()
    line = alignment.upright(np.array([[3.0, -3.0], [4.0, -4.0]]))
    np.testing.assert_allclose(line, [[5.0, -5.0], [0.0, 0.0]], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alignment.align(np.ones((2, 4)), None, ((0, 1), (2, 3))), r"sets without a reference"),
        (lambda: alignment.align(np.ones((2, 4)), np.ones((2, 3))), r"reference of shape \(2, 3\)"),
        (lambda: alignment.align(np.ones((2, 4)), np.ones((2, 4)), ((0, 1), (2,))), r"sets of 3 features and weights of 4"),
        (lambda: alignment.align(np.ones((2, 3)), np.ones((2, 3)), ((0, 1), (1, 2))), r"feature 1 occurs more than once"),
        (lambda: alignment.align(np.full((2, 3), np.nan)), r"NaN or infinite"),
        (lambda: alignment.align(np.ones(3)), r"\(…, hidden, features\)"),
        (lambda: alignment.keeping_sets((range(10), range(10, 20))), r"26,336,378,880,000 orders"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
