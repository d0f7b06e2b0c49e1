"""Walks into regions whose length is known exactly, the column search against dynamic programming, and the shared sequence."""

import math

import numpy as np
import pytest

from slt_bias.compare.halving_code import (
    Rectangles,
    Strip,
    bisection_tree,
    elias_delta,
    first_inside,
    shared_sequence_bits,
    shared_sequence_entropy,
)
from slt_bias.errors import InputError


def rectangle(x, y, width, height):
    return Rectangles(np.array([[x, y]], float), np.array([[width, height]], float))


def on_grid(region, cuts):
    """Pixels wholly inside, by their corners: enough for the strip around a straight line and for rectangles."""
    edges = np.arange(2**cuts + 1) * 2.0**-cuts
    corners = np.stack(np.meshgrid(edges, edges, indexing="ij"), axis=-1)
    inside = region.contains(corners.reshape(-1, 2)).reshape(len(edges), len(edges))
    return inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:] & inside[1:, 1:]


@pytest.mark.parametrize("k", [0, 1, 3, 9])
def test_dyadic_square_needs_2k_bits(k):
    side = 2.0**-k
    square = rectangle((2**k - 1) * side, 0, side, side)
    assert square.walk().bits == square.alternating() == 2 * k == -math.log2(square.area)


def test_a_square_off_the_grid_needs_up_to_four_bits_more():
    side = 2.0**-6
    assert rectangle(0.5 - side / 2, 0.5 - side / 2, side, side).walk().bits == 14  # ½ is an edge of all cells: halves only
    assert rectangle(0.5 + side / 3, 0.25 + side / 3, side, side).walk().bits == 14


@pytest.mark.parametrize("k", [2, 5, 12])
def test_strips(k):
    upright = rectangle(0.5, 0, 2.0**-k, 1)
    assert upright.walk().bits == k and upright.alternating() == 2 * k - 1
    diagonal = Strip("diagonal", 2.0**-k)
    walk = diagonal.walk()
    assert walk.bits == diagonal.alternating() == 2 * k  # the largest cells are the 2⁻ᵏ squares on the diagonal
    h = 2.0**-k
    assert diagonal.area == pytest.approx(1 - (1 - h) ** 2, rel=1e-12)


def test_the_sinusoid_costs_three_halves():
    widths = np.arange(8, 37)
    bits = [Strip("sinusoid", 2.0**-k).walk().bits for k in widths]
    slope = np.polyfit(widths, bits, 1)[0]
    # least squares over 29 values in a row: errors of up to 1 tilt the line by at most 3/29
    assert abs(slope - 1.5) < 3 / 29
    # [¼, ¼ + w] × t below the top has t = 2h − π²w²/2: w·t is greatest at w² = 4h/3π², 0.490 h^1.5, 1.03 bits above 1.5 log₂ 1/h;
    # w rounds down to a power of two and t to half of one, aligned
    for k, found in zip(widths, bits, strict=True):
        assert 1.5 * k + 1.03 - 0.05 < found < 1.5 * k + 1.03 + 3


def test_every_walk_ends_inside():
    rng = np.random.default_rng(0)
    regions = [Strip(curve, h) for curve in ("diagonal", "sinusoid") for h in (0.21, 0.01, 3e-4)]
    regions += [rectangle(*rng.uniform(0, 0.5, 2), *rng.uniform(0.01, 0.5, 2)) for _ in range(20)]
    for region in regions:
        walk = region.walk()
        (x, y), (width, height) = walk.corner, walk.sides
        points = np.array([x, y]) + rng.uniform(0, 1, (2000, 2)) * [width, height]
        assert region.contains(points).all()
        assert walk.bits >= -math.log2(region.area) - 1e-12
        assert region.alternating() >= walk.bits


@pytest.mark.parametrize("half_width", [1 / 4, 1 / 8, 3 / 32, 1 / 16])
def test_columns_against_dynamic_programming_diagonal(half_width):
    region = Strip("diagonal", half_width)
    assert bisection_tree(on_grid(region, 6)).least == region.walk().bits


def test_columns_against_dynamic_programming_sinusoid():
    for half_width in (0.2, 0.1, 0.06):
        region = Strip("sinusoid", half_width)
        low, high = region.spans(7)
        edges = np.arange(2**7) / 2**7
        pixels = (edges[None] >= low[:, None]) & (edges[None] + 2.0**-7 <= high[:, None])
        assert bisection_tree(pixels).least == region.walk().bits


def test_columns_against_dynamic_programming_rectangles():
    rng = np.random.default_rng(1)
    for _ in range(20):
        low = rng.integers(0, 40, 2)
        sides = rng.integers(1, 24, 2)
        pixels = np.zeros((64, 64), bool)
        pixels[low[0] : low[0] + sides[0], low[1] : low[1] + sides[1]] = True
        assert bisection_tree(pixels).least == rectangle(*(low / 64), *(sides / 64)).walk().bits


def test_the_mean_walk_is_the_entropy_of_its_cell():
    one = np.zeros((16, 16), bool)
    one[4:8, 8:16] = True  # one cell of 1/4 × 1/2
    tree = bisection_tree(one)
    assert (tree.least, tree.mean, tree.area) == (3, 3.0, 1 / 8)
    two = one.copy()
    two[12:16, 0:8] = True  # another of the same size: one bit more than −log₂ area
    tree = bisection_tree(two)
    assert tree.least == 3 and tree.mean == pytest.approx(-math.log2(tree.area) + 1, abs=1e-12)
    # three quarters of the square: a half after one bit, a quarter after two: (2·1 + 1·2)/3
    assert bisection_tree(np.array([[1, 1], [1, 0]], bool)).mean == pytest.approx(4 / 3)
    assert bisection_tree(np.ones((4, 8), bool)).mean == 0


def test_free_axes_matter():
    """A column of pixels: cutting across x alone suffices; a tree that takes turns would cut across y in between."""
    pixels = np.zeros((64, 64), bool)
    pixels[17] = True
    assert bisection_tree(pixels).least == 6 and bisection_tree(pixels).mean == 6
    assert rectangle(17 / 64, 0, 1 / 64, 1).alternating() == 11


def test_a_hundred_squares_cost_log2_of_a_hundred_more():
    side = 2.0**-9
    places = np.arange(10) / 16
    corners = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    many = Rectangles(corners, np.full((100, 2), side))
    assert many.walk().bits == 18
    assert many.walk().bits + math.log2(many.area) == pytest.approx(math.log2(100))


def test_elias_delta():
    assert elias_delta(np.arange(1, 18)).tolist() == [1, 4, 4, 5, 5, 5, 5, 8, 8, 8, 8, 8, 8, 8, 8, 9, 9]
    # a prefix code: Kraft's sum Σ 2^N 2^−length = Σ 2^−(2⌊log₂(N+1)⌋+1) tends to 1; over N < 2^m − 1 it is 1 − 2^−m
    whole = 2.0 ** np.arange(15)
    assert float((whole * 2.0 ** -elias_delta(whole)).sum()) == pytest.approx(1 - 2.0**-4)


@pytest.mark.parametrize("area", [1.0, 0.5, 0.1, 1e-3])
def test_shared_sequence_exact_sums(area):
    index = np.arange(1, 40_000)
    law = area * (1 - area) ** (index - 1.0)
    assert shared_sequence_bits(area) == pytest.approx(float(law @ elias_delta(index)), rel=1e-9)
    positive = law[law > 0]
    assert shared_sequence_entropy(area) == pytest.approx(float(-(positive * np.log2(positive)).sum()), rel=1e-9, abs=1e-12)
    assert shared_sequence_bits(area) >= shared_sequence_entropy(area)


def test_the_shared_sequence_does_not_see_shapes():
    area, count = 2.0**-6, 400
    half = 1 - math.sqrt(1 - area)
    shapes = [Strip("diagonal", half), Strip("sinusoid", area / 2), rectangle(0.3, 0.4, 0.125, 0.125)]
    for shape in shapes:
        assert shape.area == pytest.approx(area)
        lengths = elias_delta(np.array([first_inside(shape, 1, number) for number in range(count)]))
        index_law = area * (1 - area) ** np.arange(5000.0)
        lengths_law = elias_delta(np.arange(1, 5001))
        mean = shared_sequence_bits(area)
        deviation = math.sqrt(float(index_law @ (lengths_law - mean) ** 2) / count)
        assert abs(lengths.mean() - mean) < 4 * deviation


def test_lengths_for_small_areas():
    # E log₂ i → −log₂ A − γ/ln 2; the entropy → −log₂ A + log₂ e
    assert shared_sequence_entropy(2.0**-40) == pytest.approx(40 + 1 / math.log(2), abs=1e-6)
    for exponent in (10, 20, 30, 40):
        assert exponent < shared_sequence_bits(2.0**-exponent) < exponent + 2 * math.log2(exponent) + 2


def test_bad_input():
    with pytest.raises(InputError, match="give diagonal or sinusoid"):
        Strip("circle", 0.1)
    with pytest.raises(InputError, match=r"half_width = 0\.3"):
        Strip("sinusoid", 0.3)
    with pytest.raises(InputError, match="touch or overlap"):
        Rectangles(np.array([[0.0, 0.0], [0.25, 0.0]]), np.full((2, 2), 0.25))
    with pytest.raises(InputError, match="unit square"):
        rectangle(0.9, 0.0, 0.2, 0.1)
    with pytest.raises(InputError, match="powers of two"):
        bisection_tree(np.ones((3, 4), bool))
    with pytest.raises(InputError, match="a pixel inside"):
        bisection_tree(np.zeros((4, 4), bool))
    with pytest.raises(InputError, match="area = 0"):
        shared_sequence_bits(0.0)
    with pytest.raises(InputError, match="start at 1"):
        elias_delta(0)
