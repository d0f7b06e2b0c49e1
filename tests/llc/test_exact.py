"""Exact learning coefficients against each other, against literature values, and against numerics.

tanh_network: H = 1 and H = 2 are checked by complete resolutions, λ and m; larger H against the least pole of the weighted
blow-ups (an upper bound of λ that the theorem says is attained), not independently.
"""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch

from slt_bias.errors import InputError
from slt_bias.llc import exact
from slt_bias.subjects.linear import fibre, points


@pytest.mark.parametrize(
    ("widths", "rank", "value", "order"),
    [((5, 3, 5), 1, 8, 1), ((5, 3, 5), 0, 6.5, 2), ((10,) * 4, 5, 46, 3), ((4,) * 5, 1, 6.5, 4), ((3, 7), 2, 10.5, 1),
     ((1, 1, 1), 0, 0.5, 2), ((1, 1, 1, 1), 0, 0.5, 3)],
)  # fmt: skip
def test_deep_linear_known(widths, rank, value, order):
    assert exact.deep_linear(widths, rank) == (value, order)


def by_all_subsets(widths, rank):
    """Theorem 1 word for word: every subset is tried, and exactly one answer comes out."""
    excess = [width - rank for width in widths]
    found = set()
    for size in range(2, len(widths) + 1):
        for chosen in itertools.combinations(range(len(widths)), size):
            inside, outside = [excess[i] for i in chosen], [excess[i] for i in range(len(widths)) if i not in chosen]
            total, ell = sum(inside), size - 1
            if outside and (max(inside) >= min(outside) or total >= ell * min(outside)):
                continue
            if total < ell * max(inside):
                continue
            a = total - (-(-total // ell) - 1) * ell
            value = (Fraction(rank * (widths[0] + widths[-1]) - rank**2, 2) + Fraction(a * (ell - a), 4 * ell)
                     - Fraction((ell - 1) * total**2, 4 * ell)
                     + Fraction(sum(x * y for x, y in itertools.combinations(inside, 2)), 2))  # fmt: skip
            found.add((float(value), a * (ell - a) + 1))
    assert len(found) == 1
    return found.pop()


def test_deep_linear_against_every_subset():
    for widths in [*itertools.product(range(1, 5), repeat=4), (2, 7, 3, 5, 4), (6, 6, 2, 6, 6), (9, 4, 4, 5, 9, 3)]:
        for rank in range(min(widths) + 1):
            assert exact.deep_linear(widths, rank) == by_all_subsets(widths, rank)


def test_reduced_rank_is_the_three_layer_case():
    for m, h, n in itertools.product(range(1, 9), repeat=3):
        for rank in range(min(m, h, n) + 1):
            assert exact.reduced_rank(m, h, n, rank) == exact.deep_linear((m, h, n), rank)


@pytest.mark.parametrize("call", [
    lambda: exact.deep_linear((5, 3, 5), 4), lambda: exact.deep_linear((5,), 0), lambda: exact.deep_linear((5, 0), 0),
    lambda: exact.deep_linear((5, 2.5), 0), lambda: exact.reduced_rank(2, 2, 2, -1), lambda: exact.monomial((0, 0)),
    lambda: exact.monomial(()), lambda: exact.monomial((-1, 2)), lambda: exact.monomial((0.5,)), lambda: exact.regular(-1),
    lambda: exact.tanh_network(0), lambda: exact.sum_of(), lambda: exact.sum_of((0.5, 0)), lambda: exact.product_of((0.0, 1)),
    lambda: exact.product_of(0.5), lambda: exact.sum_of_monomials([(1, 0), (1,)]), lambda: exact.sum_of((float("nan"), 1)),
    lambda: exact.sum_of_monomials([(1, 1)], powers=(0,)), lambda: exact.sum_of_monomials([(1,) * 40, (2,) * 40]),
    lambda: exact.morse_bott(np.ones((2, 3))), lambda: exact.morse_bott(np.diag([1.0, -1.0])),
    lambda: exact.morse_bott(np.array([[1.0, 1.0], [0.0, 1.0]])), lambda: exact.morse_bott(np.array([[np.nan]])),
    lambda: exact.morse_bott(np.array([["a"]])), lambda: exact.morse_bott(torch.eye(2, dtype=torch.complex64)),
])  # fmt: skip
def test_bad_arguments(call):
    with pytest.raises(InputError):
        call()


def test_monomials():
    assert exact.monomial((1, 2)) == (0.25, 1)
    assert exact.monomial((2, 0, 2, 1)) == (0.25, 2)
    value, order = exact.monomial((1,))
    assert (value, order) == (0.5, 1)
    for row in itertools.product(range(4), repeat=3):
        if any(row):
            assert exact.sum_of_monomials([row]) == exact.monomial(row)
    # separate variables; then shared ones
    assert exact.sum_of_monomials([(1, 0), (0, 2)]) == exact.sum_of(exact.monomial((1,)), exact.monomial((2,))) == (0.75, 1)
    two = exact.monomial((1, 1)), exact.monomial((2, 2))
    assert exact.sum_of_monomials([(1, 1, 0, 0), (0, 0, 2, 2)]) == exact.sum_of(*two) == (0.75, 3)
    assert exact.sum_of_monomials([(1, 1), (2, 0)]) == (0.5, 2)  # x²y² + x⁴: the blow-up gives 2/4, and x = 0 again 1/2
    assert exact.sum_of_monomials([(1, 1), (2, 3)]) == exact.monomial((1, 1))  # the second is a multiple of the first
    assert exact.product_of((0.5, 2), (0.25, 1), (0.25, 3)) == (0.25, 4)
    assert exact.product_of(exact.monomial((1,)), exact.monomial((2,))) == exact.monomial((1, 2))
    assert exact.product_of((1 / 3, 1), (2 / 6, 1)) == (1 / 3, 2)
    assert exact.regular(7) == exact.sum_of(*[(0.5, 1)] * 7) == (3.5, 1)


def test_volume_of_shared_monomials():
    """x²y² + x⁴ on [0, 1]²: V(ε) = ∫ min(1, √(ε − x⁴)/x) dx ~ √ε ((1/4) ln 1/ε + constant): λ = 1/2 and m = 2."""
    x = np.exp(np.linspace(np.log(1e-14), 0, 400_001))
    logs, scaled = np.log(1 / np.array([1e-8, 1e-10, 1e-12])), []
    for epsilon in (1e-8, 1e-10, 1e-12):
        inside = np.minimum(np.sqrt(np.clip(epsilon - x**4, 0, None)), x)
        scaled.append(np.trapezoid(inside, np.log(x)) / np.sqrt(epsilon))
    value, order = exact.sum_of_monomials([(1, 1), (2, 0)])
    # linear in ln 1/ε up to terms √ε and the grid's error: a λ or m that is off by the least step would bend or tilt it
    assert np.diff(scaled) / np.diff(logs) == pytest.approx(0.25, abs=1e-3) and (value, order) == (0.5, 2)


def test_tanh_by_resolution():
    assert exact.tanh_network(1) == exact.monomial((1, 1)) == (0.5, 2)
    # H = 2: f1 = a1 b1 + a2 b2, f2 = a1 b1³ + a2 b2³. In the chart b2 = t b1 (Jacobian |b1|) with c = a1 + a2 t for a1 they
    # generate (b1 c, b1³ a2 t (t² − 1)); at t = 0 and ±1 the last factor is a coordinate, elsewhere a unit.
    special = exact.sum_of_monomials([(1, 1, 0, 0), (3, 0, 1, 1)], powers=(1, 0, 0, 0))  # b1, c, a2, t
    ordinary = exact.sum_of_monomials([(1, 1, 0), (3, 0, 1)], powers=(1, 0, 0))
    assert exact.tanh_network(2) == special == (2 / 3, 1)
    assert ordinary[0] >= special[0]
    assert exact.tanh_network(4) == (1.0, 2)


def test_tanh_is_the_least_pole_of_the_weighted_blow_ups():
    for hidden in range(1, 60):
        poles = [Fraction(hidden + i * i + i, 4 * i + 2) for i in range(hidden + 1)]
        value, order = exact.tanh_network(hidden)
        assert value == float(min(poles)) and order == poles.count(min(poles))


def test_morse_bott():
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    for rank in range(7):
        hessian = basis[:, :rank] @ np.diag(np.arange(1.0, rank + 1)) @ basis[:, :rank].T
        assert exact.morse_bott(hessian) == (rank / 2, 1)
        assert exact.morse_bott(hessian.astype(np.float32)) == (rank / 2, 1)
        assert exact.morse_bott(torch.from_numpy(hessian).float()) == (rank / 2, 1)
    assert exact.morse_bott(np.diag([1.0, 1e-10])) == (1.0, 1)  # small is not 0 in float64
    assert exact.morse_bott(np.diag([1.0, 1e-10]).astype(np.float32)) == (0.5, 1)


def jacobian(weights):
    """Column by column, from the product rule."""
    def after(i):
        return np.linalg.multi_dot([*reversed(weights[i + 1:]), np.eye(weights[i].shape[0])]) if i + 1 < len(weights) else np.eye(
            weights[-1].shape[0])  # fmt: skip

    def before(i):
        product = np.eye(weights[0].shape[1])
        for matrix in weights[:i]:
            product = matrix @ product
        return product

    return np.hstack([np.kron(after(i), before(i).T) for i in range(len(weights))])


def from_intervals(found, widths, rng):
    """Weights with these interval multiplicities, in random bases of every layer."""
    layers, weights = len(widths) - 1, [np.zeros((widths[i + 1], widths[i])) for i in range(len(widths) - 1)]
    used = [0] * (layers + 1)
    for (a, b), count in found.items():
        for _ in range(count):
            place = {i: used[i] for i in range(a, b + 1)}
            for i in place:
                used[i] += 1
            for i in range(a, b):
                weights[i][place[i + 1], place[i]] = 1
    bases = [np.linalg.qr(rng.normal(size=(width, width)))[0] for width in widths]
    return [bases[i + 1] @ matrix @ bases[i].T for i, matrix in enumerate(weights)]


def all_patterns(widths):
    """Every way to cut the widths into intervals."""
    ends = [(a, b) for a in range(len(widths)) for b in range(a, len(widths))]

    def extend(left, index):
        if index == len(ends):
            if not any(left):
                yield {}
            return
        a, b = ends[index]
        for count in range(min(left[a:b + 1]) + 1):
            rest = [n - count if a <= i <= b else n for i, n in enumerate(left)]
            for more in extend(rest, index + 1):
                yield ({(a, b): count} if count else {}) | more

    yield from extend(list(widths), 0)


SHAPES = [(2, 1, 2), (2, 2, 2), (1, 2, 2, 1), (2, 1, 2, 1), (2, 2, 2, 2), (1, 1, 1, 1, 1), (2, 3, 2, 1), (1, 2, 1, 2, 1)]


@pytest.mark.parametrize("widths", SHAPES, ids=str)
def test_smoothness_of_every_stratum(widths):
    """Every rank pattern of a shape: rank J against the numerical Jacobian, and smoothness against its definition.

    The fibre's codimension at a point is the least over the patterns above that keep the product's rank; that of a pattern is
    Σ width² − dim of its group orbit, computed numerically from the tangent space of the orbit.
    """
    rng = np.random.default_rng(1)
    layers = len(widths) - 1
    strata = []
    for found in all_patterns(widths):
        weights = from_intervals(found, widths, rng)
        pattern = fibre.rank_pattern(weights)
        assert pattern == fibre.pattern_of(found, layers) and dict(fibre.intervals(pattern)) == found
        rank_j = np.linalg.matrix_rank(jacobian(weights), tol=1e-9)
        assert fibre.jacobian_rank(pattern) == rank_j
        # tangent space of the orbit: X_i W_{i−1…} − W X: columns over the Lie algebra of every layer's basis changes
        columns = []
        for layer, width in enumerate(widths):
            for entry in np.eye(width * width).reshape(-1, width, width):
                moved = [np.zeros_like(matrix) for matrix in weights]
                if layer > 0:
                    moved[layer - 1] += entry @ weights[layer - 1]
                if layer < layers:
                    moved[layer] -= weights[layer] @ entry
                columns.append(np.concatenate([matrix.ravel() for matrix in moved]))
        orbit = np.linalg.matrix_rank(np.array(columns), tol=1e-9)
        rank = pattern[0][layers]
        of_product = rank * (widths[0] + widths[-1] - rank)
        codimension = sum(matrix.size for matrix in weights) - orbit + of_product
        strata.append((pattern, rank_j, codimension, weights))
    for pattern, rank_j, _, weights in strata:
        above = [other for other, _, _, _ in strata if other[0][layers] == pattern[0][layers]
                 and (np.array(other) >= np.array(pattern)).all()]  # fmt: skip
        local = min(codimension for other, _, codimension, _ in strata if other in above)
        assert rank_j <= local
        if rank_j == local:
            assert exact.deep_linear_at(weights) == rank_j / 2
            assert exact.deep_linear(widths, pattern[0][layers])[0] <= rank_j / 2
        else:
            with pytest.raises(InputError, match=f"rank {rank_j} here"):
                exact.deep_linear_at(weights)


def test_moves_lead_to_points_on_the_fibre_nearby():
    """Newton steps along the fibre from a singular point: a larger rank J close by; from a smooth one: never."""
    rng = np.random.default_rng(2)

    def largest_nearby(weights, tries=12):
        ranks = []
        shapes, target = [matrix.shape for matrix in weights], np.linalg.multi_dot(weights[::-1])
        cuts = np.cumsum([matrix.size for matrix in weights])[:-1]
        for _ in range(tries):
            found = [matrix + 0.1 * rng.normal(size=matrix.shape) for matrix in weights]
            for _ in range(60):
                rest = np.linalg.multi_dot(found[::-1]) - target
                step = np.linalg.lstsq(jacobian(found), rest.ravel(), rcond=None)[0]
                found = [matrix - part.reshape(shape)
                         for matrix, part, shape in zip(found, np.split(step, cuts), shapes, strict=True)]  # fmt: skip
            if np.abs(rest).max() < 1e-12 and max(np.abs(a - b).max() for a, b in zip(found, weights, strict=True)) < 1:
                ranks.append(int(np.linalg.matrix_rank(jacobian(found), tol=1e-7)))
        assert len(ranks) > 3
        return max(ranks)

    for widths, rank in [((5, 3, 5), 1), ((3, 2, 3), 0), ((3, 2, 2, 3), 1)]:
        smooth = points.generic(widths, rank)
        assert largest_nearby(smooth) == 2 * exact.deep_linear_at(smooth)
        singular = points.aligned(widths, rank)
        assert largest_nearby(singular) > fibre.jacobian_rank(fibre.rank_pattern(singular))


def test_deep_linear_at_known_values():
    for widths, rank, value in [((5, 3, 5), 1, 8.5), ((5, 3, 5), 0, 7.5), ((10,) * 4, 5, 50.0), ((3, 7), 2, 10.5)]:
        assert exact.deep_linear_at(points.generic(widths, rank)) == value
    rng = np.random.default_rng(3)
    # ranks (2, 2) of 5-3-5 with a product of rank 1 are another smooth part: λ = 8, the worst there is
    found = {(0, 2): 1, (0, 1): 1, (1, 2): 1, (0, 0): 3, (2, 2): 3}
    assert exact.deep_linear_at(from_intervals(found, (5, 3, 5), rng)) == 8.0 == exact.deep_linear((5, 3, 5), 1)[0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_rank_tolerance_follows_the_dtype(dtype):
    """Rounded in their dtype, factors keep their ranks: bases of the hidden layers turned by random rotations."""
    rng = np.random.default_rng(4)
    turns = [np.linalg.qr(rng.normal(size=(width, width)))[0] for width in (5, 5, 4, 5)]
    plain = points.generic((5, 5, 4, 5), 2)
    rotated = [torch.from_numpy(turns[i + 1] @ matrix @ turns[i].T).to(dtype) for i, matrix in enumerate(plain)]
    assert exact.deep_linear_at(rotated) == exact.deep_linear_at(plain) == exact.deep_linear_at([3.0 * m for m in plain])
    if dtype in (torch.float32, torch.float64):
        assert exact.deep_linear_at([matrix.numpy() for matrix in rotated]) == exact.deep_linear_at(plain)
    if dtype == torch.float32:
        # as if they were exact, the rounding errors would count as ranks
        wrong = fibre.rank_pattern([matrix.double().numpy() for matrix in rotated])
        assert wrong != fibre.rank_pattern(plain)


def test_deep_linear_at_scales_and_refusals():
    assert exact.deep_linear_at([np.eye(3) * 1e-200, np.eye(3) * 1e-200]) == 4.5  # the product underflows, the ranks do not
    assert exact.deep_linear_at([np.eye(2, dtype=int)]) == 2.0
    cases = {
        "first layer first": [np.ones((3, 5)), np.ones((5, 4))],
        "a list of weights": np.ones((3, 5)),
        "give a list": [],
        "matrix": [np.ones(3)],
        "NaN": [np.full((2, 2), np.nan)],
        "singular": points.aligned((5, 3, 5), 1),
        r"deep_linear\(\(5, 3, 5\), rank=1\)": points.aligned((5, 3, 5), 1),
    }
    for message, weights in cases.items():
        with pytest.raises(InputError, match=message):
            exact.deep_linear_at(weights)


def test_contradictory_ranks_are_refused():
    with pytest.raises(InputError, match="contradict"):
        fibre.intervals(((1, 1, 0), (0, 1, 1), (0, 0, 1)))
