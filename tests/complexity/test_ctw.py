"""Context-tree weighting: the definition in exact fractions, that it is a probability, and its arithmetic code."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity.code import decode, encode
from slt_bias.complexity.ctw import lengths
from slt_bias.functions import Functions, parse


def krichevsky_trofimov(zeros, ones):
    """Probability of any string with those counts: products of (count + ½)/(seen + 1)."""
    value = Fraction(1)
    for count in (zeros, ones):
        for k in range(count):
            value *= Fraction(2 * k + 1, 2)
    return value / math.factorial(zeros + ones)


def weighted(string, depth):
    """P_w at the root, by its definition (Willems, Shtarkov & Tjalkens 1995, equation 18), the past being zeros."""
    padded = "0" * depth + string

    def node(context):
        after = [padded[i] for i in range(depth, len(padded)) if padded[:i].endswith(context)]
        own = krichevsky_trofimov(after.count("0"), after.count("1"))
        if len(context) == depth:
            return own
        return own / 2 + node("0" + context) * node("1" + context) / 2

    return node("")


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_definition(depth):
    noise = np.random.default_rng(depth)
    for points in (1, 2, 7, 20):
        tables = noise.random((5, points)) < 0.4
        ideal, _ = lengths(Functions.from_values(tables), depth)
        for value, table in zip(ideal, tables, strict=True):
            exact = weighted("".join("01"[b] for b in table.astype(int)), depth)
            assert value == pytest.approx(-math.log2(exact), abs=1e-9)


@pytest.mark.parametrize(("depth", "points"), [(0, 9), (2, 10), (8, 12)])
def test_the_probabilities_of_all_strings_add_to_one(depth, points):
    tables = np.array(list(itertools.product((0, 1), repeat=points)))
    ideal, bits = lengths(Functions.from_values(tables), depth)
    assert np.exp2(-ideal).sum() == pytest.approx(1, abs=1e-9)
    assert np.exp2(-bits.astype(float)).sum() <= 1  # Kraft 1949
    assert ((bits >= ideal - 1e-4) & (bits < ideal + 2.01)).all()


def test_the_values_at_128_points():
    assert complexity.ctw("0" * 128) == pytest.approx(4.327, abs=1e-3)
    assert complexity.ctw("projection:index=6,inputs=7") < 14
    random = complexity.ctw(Functions(np.random.default_rng(0).integers(0, 256, (5000, 16), dtype=np.uint8), 128))
    assert random.mean() == pytest.approx(131.85, abs=0.1)
    assert complexity.ctw("") == 0


@pytest.mark.parametrize("points", [5, 63, 64, 65, 128, 300])
def test_the_compiled_lengths_are_those_of_the_coder(points):
    noise = np.random.default_rng(points)
    functions = Functions.from_values(noise.random((60, points)) < noise.random((60, 1)) ** 2)
    _, bits = lengths(functions)
    selector = len(encode("0" * points, "ctw")) - lengths(parse("0" * points))[1][0]
    for table, bulk in zip(functions, bits, strict=True):
        text = encode(table, "ctw")
        assert len(text) == bulk + selector
        assert decode(text, points) == table


def test_long_tables():
    noise = np.random.default_rng(0)
    functions = Functions.from_values(np.array([np.zeros(65536), noise.random(65536) < 0.01, noise.random(65536) < 0.5]))
    ideal, bits = lengths(functions)
    assert (bits < ideal + 2.1).all()
    assert ideal[0] < 10 and ideal[2] > 65536
    assert decode(encode(functions[1], "ctw")[0], 65536) == functions.strings()[1]
