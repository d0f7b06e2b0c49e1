"""The least complexity over an orbit against all permutations, one by one."""

import itertools

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity import orbit_minimum
from slt_bias.complexity.orbit_minimum import minimum
from slt_bias.errors import InputError, SpecError
from slt_bias.functions import Functions, hypercube, named
from slt_bias.functions.symmetry import NPN


def by_hand(table, n):
    cube = np.array([character == "1" for character in table]).reshape([2] * n)
    images = [cube.transpose(order).reshape(-1) for order in itertools.permutations(range(n))]
    return min(complexity.lz(Functions.from_values(np.array(images))))


def test_the_order_of_the_inputs_does_not_count():
    """28 and 49 are C_LZ of the two as they stand; in the best order both are 28."""
    x = hypercube(7).points > 0
    pair = Functions.from_values(np.array([x[:, 0] ^ x[:, 1], x[:, 2] ^ x[:, 5]]))
    assert complexity.compute(pair, "lz").tolist() == [28.0, 49.0]
    assert minimum(pair, 7).tolist() == [28.0, 28.0]


@pytest.mark.parametrize("n", [3, 5])
def test_brute_force(n, monkeypatch):
    monkeypatch.setattr(orbit_minimum, "MEMBERS_AT_ONCE", 300)  # several batches
    tables = Functions.from_values(np.random.default_rng(n).random((25, 2**n)) < 0.5).strings()
    tables += [named(text, n) for text in ("parity", "majority", "projection:index=2", "parity:bits=2", "constant")] + tables[:2]
    assert minimum(tables, n).tolist() == [by_hand(table, n) for table in tables]


def test_seven_inputs():
    tables = [named(text, 7) for text in ("multiplexer", "projection:index=6")]
    tables += Functions.from_values(np.random.default_rng(0).random((1, 128)) < 0.5).strings()
    assert minimum(tables, 7).tolist() == [by_hand(table, 7) for table in tables]


def test_symmetric_functions_are_measured_once(monkeypatch):
    seen = []
    monkeypatch.setattr(orbit_minimum, "compute", lambda members, name: (seen.append(len(members)), np.zeros(len(members)))[1])
    minimum(["parity", "majority", "constant", "projection"], 7)
    assert sum(seen) == 1 + 1 + 1 + 7


def test_other_estimators_and_groups():
    tables = Functions.from_values(np.random.default_rng(1).random((10, 32)) < 0.5)
    assert np.allclose(minimum(tables, 5, "entropy"), complexity.compute(tables, "entropy"))
    assert (minimum(tables, 5, symmetries=NPN) <= minimum(tables, 5)).all()
    assert (minimum(tables, 5) <= complexity.compute(tables, "lz")).all()
    assert (minimum(tables, 5, symmetries=()) == complexity.compute(tables, "lz")).all()
    assert minimum([], 5).shape == (0,)


def test_refusals():
    with pytest.raises(SpecError, match="lz"):
        minimum("parity", 3, "lzz")
    with pytest.raises(InputError, match="at most 8"):
        minimum("parity", 9)
    with pytest.raises(InputError, match="5 points"):
        minimum("01101", 3)
