"""Names of geometries, and the k-gons of the one-hot model."""

import numpy as np
import pytest

from slt_bias.errors import InputError
from slt_bias.subjects import superposition as s
from slt_bias.subjects.superposition.geometry import IRREGULAR


def polygon(size):
    angles = 2 * np.pi * np.arange(size) / size
    return np.array([np.cos(angles), np.sin(angles)])


def simplex(size):
    vertices = np.eye(size) - 1 / size
    basis = np.linalg.svd(vertices)[0][:, : size - 1]
    return basis.T @ vertices / np.sqrt(1 - 1 / size)


def antiprism(height):
    flat = np.sqrt(1 - height**2)
    turned = np.pi / 4 * np.array([0, 2, 4, 6, 1, 3, 5, 7])
    return np.array([flat * np.cos(turned), flat * np.sin(turned), height * np.array([1.0] * 4 + [-1.0] * 4)])


def cube():
    return np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]).T / np.sqrt(3)


SHAPES = {
    "single": np.ones((1, 1)),
    "digon": np.array([[1.0, -1.0]]),
    "triangle": polygon(3),
    "tetrahedron": simplex(4),
    "pentagon": polygon(5),
    "hexagon": polygon(6),
    "heptagon": polygon(7),
    "octagon": polygon(8),
    "9-gon": polygon(9),
    "4-simplex": simplex(5),
    "5-simplex": simplex(6),
}


def together(*shapes):
    """Shapes in orthogonal subspaces: block-diagonal."""
    weights = np.zeros([sum(shape.shape[axis] for shape in shapes) for axis in (0, 1)])
    row = column = 0
    for shape in shapes:
        weights[row : row + shape.shape[0], column : column + shape.shape[1]] = shape
        row, column = row + shape.shape[0], column + shape.shape[1]
    return weights


def disguised(weights, seed, noise=0.01):
    """Rotated into two more dimensions, permuted, scaled by 0.8 … 1.4, with noise, and two features that are not represented."""
    generator = np.random.default_rng(seed)
    dimensions = len(weights) + 2
    rotation = np.linalg.qr(generator.normal(size=(dimensions, dimensions)))[0][:, : len(weights)]
    scaled = rotation @ weights * generator.uniform(0.8, 1.4, weights.shape[1])
    scaled = np.hstack([scaled, np.zeros((dimensions, 2))])
    order = generator.permutation(scaled.shape[1])
    return scaled[:, order] + noise * generator.normal(size=scaled.shape), np.argsort(order)


@pytest.mark.parametrize("name", SHAPES)
def test_each_polytope_is_named(name):
    shape = SHAPES[name]
    for seed in range(5):
        weights, places = disguised(shape, seed)
        (found,) = s.components(weights)
        assert (found.name, found.dimension) == (name, len(shape))
        assert found.features == tuple(sorted(places[: shape.shape[1]]))
        # two noisy unit vectors: the cosine moves by about noise/scale · √2, and 7 such errors do not reach the tolerance
        assert 0 <= found.deviation < 0.1


@pytest.mark.parametrize("height", [0.511, 0.560, 3**-0.5])
def test_square_antiprisms(height):
    for seed in range(3):
        (found,) = s.components(disguised(antiprism(height), seed)[0])
        assert (found.name, found.dimension) == ("square antiprism", 3)
    assert s.feature_dimensionality(antiprism(3**-0.5)) == pytest.approx([3 / 8] * 8)


def test_shapes_that_are_none_are_irregular():
    generator = np.random.default_rng(0)
    bent = polygon(5)
    bent[:, 0] = np.array([np.cos(0.3), np.sin(0.3)])
    for weights in (cube(), antiprism(0.3), bent, np.array([[1.0, 1.0]]), np.array([[1.0, -0.9], [0.0, 0.6]])):
        assert [part.name for part in s.components(disguised(weights, 1)[0])] == [IRREGULAR]
    for size, hidden in ((3, 2), (4, 3), (5, 2), (6, 2), (8, 3)):
        random = generator.normal(size=(20, hidden, size))
        names = {part.name for weights in random for part in s.components(weights, represented=0.0)}
        assert names <= {IRREGULAR, "single", "digon"}
    (found,) = s.components(cube())
    assert found.dimension == 3 and np.isnan(found.deviation)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (["digon"] * 2, "square"),
        (["digon"] * 3, "octahedron"),
        (["digon"] * 5, "5 × digon"),
        (["triangle", "digon"], "triangular bipyramid"),
        (["digon", "pentagon"], "pentagonal bipyramid"),
        (["digon", "digon", "pentagon"], "2 × digon + pentagon"),
        (["tetrahedron"], "tetrahedron"),
        (["single", "triangle", "tetrahedron"], "single + tetrahedron + triangle"),
    ],
)
def test_tegum_products(parts, name):
    weights, _ = disguised(together(*(SHAPES[part] for part in parts)), 3)
    found = s.components(weights)
    assert sorted(part.name for part in found) == sorted(parts)
    assert s.tegum_product(part.name for part in found) == name
    assert sum(part.dimension for part in found) == len(weights) - 2
    assert s.connected_components(weights) == tuple(part.features for part in found)


def test_the_same_cosines_in_another_arrangement_are_another_shape():
    # three directions 60° apart and their antipodes: the 36 cosines are those of a hexagon, but in three dimensions
    three = np.linalg.cholesky(np.full((3, 3), 0.5) + 0.5 * np.eye(3)).T
    weights = np.hstack([three, -three])
    flat = polygon(6)
    assert np.sort(weights.T @ weights, axis=None) == pytest.approx(np.sort(flat.T @ flat, axis=None))
    assert [part.name for part in s.components(weights)] == [IRREGULAR]


def test_nothing_represented_and_refusals():
    assert s.components(np.zeros((2, 4))) == () and s.tegum_product([]) == "empty"
    for arguments in ((np.zeros((1, 2, 3)),), (np.ones((1, 2)), 0.5, 0.4), (np.ones((1, 2)), -1.0)):
        with pytest.raises(InputError):
            s.components(*arguments)


# Chen et al. 2023, arXiv 2310.06301, and issue 6: losses of the model with c = 6 features, to 10⁻⁵
LEVELS = {
    "6": 0.04819,
    "5+": 0.06180,
    "5": 0.06874,
    "4++": 0.09722,
    "4+": 0.10417,
    "4": 1 / 9,
    "3": 1 / 6,
    "2": 2 / 9,
}


def test_k_gons_of_six_features():
    found = {point.name: point for point in s.polygons(6)}
    for name, loss in LEVELS.items():
        assert abs(found[name].loss - loss) < 1e-5, name
    assert abs(found["6"].norm - 1.321) < 1e-3 and abs(found["6"].bias + 0.618) < 1e-3
    assert [name for name in found if name.startswith("3")] == ["3+++", "3++", "3+", "3"]
    assert found["3+++"].loss == pytest.approx(1 / 6 - 3 / 144, rel=1e-12)
    assert abs(next(point.loss for point in s.polygons(5) if point.name == "5") - 0.01583) < 1e-5


@pytest.mark.parametrize("features", range(2, 9))
def test_k_gons_are_critical(features):
    points = s.polygons(features)
    assert [point.loss for point in points] == sorted(point.loss for point in points)
    assert {point.vertices for point in points} == set(range(2, features + 1))
    for point in points:
        loss, by_weights, by_bias = s.one_hot_gradient(point.weights, point.biases)
        assert loss == point.loss
        assert max(np.abs(by_weights).max(), np.abs(by_bias).max()) < 1e-9, point.name
        # beside the point the gradient is not 0: the check can fail
        assert np.abs(s.one_hot_gradient(1.01 * point.weights, point.biases)[1]).max() > 1e-4


def test_k_gons_need_two_features():
    with pytest.raises(InputError, match="at least 2"):
        s.polygons(1)
