"""The entropy estimator against its closed form."""

import math

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.functions import Functions


def test_extremes():
    assert complexity.entropy("0" * 128) == complexity.entropy("1" * 16) == complexity.entropy("") == 0
    assert complexity.entropy("01" * 64) == pytest.approx(128)
    assert complexity.entropy("parity:inputs=4") == pytest.approx(16)


@pytest.mark.parametrize("ones", [1, 5, 31, 60])
def test_the_closed_form_and_the_binomial_it_stands_for(ones):
    value = complexity.entropy("1" * ones + "0" * (64 - ones))
    p = ones / 64
    assert value == pytest.approx(-64 * (p * math.log2(p) + (1 - p) * math.log2(1 - p)))
    assert value - math.log2(65) <= math.log2(math.comb(64, ones)) <= value


def test_it_is_blind_to_order():
    table = np.random.default_rng(0).random((50, 40)) < 0.3
    values = complexity.entropy(Functions.from_values(table))
    assert np.array_equal(values, complexity.entropy(Functions.from_values(np.sort(table, axis=1))))
