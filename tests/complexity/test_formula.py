"""Smallest formulas: the known numbers by leaves, identities, and a search that knows nothing of symmetry."""

import itertools

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity.formula import smallest_sizes
from slt_bias.errors import InputError

AND_OR = [2, 8, 48, 256, 940, 2048, 5248, 8672, 11768, 10592, 11536, 5472, 6304, 960, 1472, 96, 114]
ALL_GATES = [2, 8, 60, 456, 2474, 10624, 24184, 24640, 3088]


@pytest.mark.parametrize(("exclusive", "numbers"), [(False, AND_OR), (True, ALL_GATES)])
def test_numbers_of_functions_by_leaves(exclusive, numbers):
    assert np.bincount(smallest_sizes(exclusive)).tolist() == numbers


def exhaustive(n, exclusive):
    """All functions of n inputs by size, the plain way: every pair of functions through every gate."""
    points = list(itertools.product((0, 1), repeat=n))
    literals = {tuple(x[i] ^ negated for x in points) for i in range(n) for negated in (0, 1)}
    sizes = {tuple([0] * 2**n): 0, tuple([1] * 2**n): 0} | dict.fromkeys(literals, 1)
    size = 2
    while len(sizes) < 2 ** (2**n):
        by_size = {k: [f for f, s in sizes.items() if s == k] for k in range(1, size)}
        for left in range(1, size):
            for f, g in itertools.product(by_size[left], by_size[size - left]):
                results = [tuple(map(min, f, g)), tuple(map(max, f, g))]
                if exclusive:
                    xor = tuple(a ^ b for a, b in zip(f, g, strict=True))
                    results += [xor, tuple(1 - a for a in xor)]
                for h in results:
                    sizes.setdefault(h, size)
        size += 1
    return {"".join(map(str, f)): s for f, s in sizes.items()}


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_inputs_by_exhaustive_search(n, exclusive):
    expected = exhaustive(n, exclusive)
    leaves = complexity.formula(list(expected))
    assert (leaves.all_gates if exclusive else leaves.and_or).tolist() == list(expected.values())


def test_parity_is_hard_for_the_one_and_easy_for_the_other():
    assert complexity.formula("parity:inputs=4") == (16, 4)
    assert complexity.formula("parity:inputs=3") == (10, 3)
    assert complexity.formula("0") == complexity.formula("1111") == (0, 0)
    assert complexity.formula("projection:index=2,inputs=3") == (1, 1)
    assert complexity.formula("and:inputs=4") == (4, 4)


def test_an_ignored_input_changes_nothing():
    noise = np.random.default_rng(0)
    for bits in noise.integers(0, 2, (50, 8)):
        string = "".join(map(str, bits))
        first_ignored, last_ignored = string * 2, "".join(c * 2 for c in string)
        assert complexity.formula(first_ignored) == complexity.formula(last_ignored) == complexity.formula(string)


def test_sizes_are_kept_and_safe_from_writers():
    assert smallest_sizes(False) is smallest_sizes(False)
    with pytest.raises(ValueError, match="read-only"):
        smallest_sizes(True)[0] = 5


@pytest.mark.parametrize("function", ["parity:inputs=5", "011", "", "0" * 128])
def test_more_inputs_and_no_hypercube_are_refused(function):
    with pytest.raises(InputError, match="2, 4, 8 or 16 points"):
        complexity.formula(function)
