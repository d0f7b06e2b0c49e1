"""Sensitivity, Fourier spectrum and algebraic normal form: their definitions, and the identities between them."""

import itertools

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity.anf import coefficients
from slt_bias.errors import InputError
from slt_bias.functions import Functions, hypercube

HYPERCUBE_ONLY = (
    "sensitivity",
    "fourier_entropy",
    "fourier_degree",
    "anf_terms",
    "anf_degree",
    "dnf_terms",
    "dnf_literals",
    "dnf_exact_terms",
    "dnf_exact_literals",
)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0)


def by_definition(table, inputs):
    """(sensitivity, squared coefficients with the sizes of their sets, monomials) of one table, the slow way."""
    points = hypercube(inputs).points.astype(int)
    position = {tuple(point): k for k, point in enumerate(points)}
    sets = list(itertools.product((0, 1), repeat=inputs))
    flips = [
        table[k] != table[position[tuple(point ^ np.eye(inputs, dtype=int)[i])]]
        for k, point in enumerate(points)
        for i in range(inputs)
    ]
    signs = 1 - 2 * table.astype(int)
    spectrum = [np.mean(signs * (-1) ** (points @ np.array(s, int))) ** 2 for s in sets]
    monomials = []
    for s in sets:
        below = [k for k, point in enumerate(points) if all(p <= q for p, q in zip(point, s, strict=True))]
        monomials.append(int(table[below].sum()) % 2)
    return sum(flips) / len(points), spectrum, monomials, [sum(s) for s in sets]


@pytest.mark.parametrize("inputs", [0, 1, 2, 3, 5])
def test_by_definition(inputs, noise):
    tables = noise.random((20, 2**inputs)) < noise.random((20, 1))
    functions = Functions.from_values(tables)
    got = {name: complexity.compute(functions, name) for name in HYPERCUBE_ONLY[:5]}
    for k, table in enumerate(tables):
        if inputs == 0:
            assert got["sensitivity"][k] == got["fourier_entropy"][k] == got["fourier_degree"][k] == 0
            assert got["anf_terms"][k] == table[0]
            continue
        sensitivity, spectrum, monomials, sizes = by_definition(table, inputs)
        assert got["sensitivity"][k] == sensitivity == pytest.approx(np.dot(spectrum, sizes))
        assert got["fourier_entropy"][k] == pytest.approx(-sum(p * np.log2(p) for p in spectrum if p > 0), abs=1e-12)
        assert got["fourier_degree"][k] == max(s for p, s in zip(spectrum, sizes, strict=True) if p > 1e-12)
        assert got["anf_terms"][k] == sum(monomials)
        assert got["anf_degree"][k] == max([s for a, s in zip(monomials, sizes, strict=True) if a], default=0)


@pytest.mark.parametrize("inputs", [6, 7, 8])
def test_the_normal_form_evaluates_to_the_function(inputs, noise):
    tables = noise.random((5, 2**inputs)) < 0.5
    words = coefficients(Functions.from_values(tables))
    points = np.arange(2**inputs)
    for table, row in zip(tables, words, strict=True):
        terms = [s for s in range(2**inputs) if int(row[s // 64]) >> s % 64 & 1]
        value = np.zeros(2**inputs, int)
        for s in terms:
            value ^= (points & s) == s
        assert np.array_equal(value == 1, table)


@pytest.mark.parametrize(
    ("function", "sensitivity", "entropy", "degree", "terms", "algebraic_degree"),
    [
        ("constant", 0, 0, 0, 0, 0),
        ("constant:value=1", 0, 0, 0, 1, 0),
        ("projection:index=4", 1, 0, 1, 1, 1),
        ("parity", 7, 0, 7, 7, 1),
        ("and", 14 / 128, None, 7, 1, 7),
        ("majority", 2.1875, None, 7, 35, 4),
    ],
)
def test_known_values(function, sensitivity, entropy, degree, terms, algebraic_degree):
    text = f"{function}{',' if ':' in function else ':'}inputs=7"
    assert complexity.sensitivity(text) == sensitivity
    assert complexity.fourier(text).degree == degree
    assert complexity.anf(text) == (terms, algebraic_degree)
    if entropy is not None:
        assert complexity.fourier(text).entropy == entropy


def test_full_algebraic_degree_means_an_odd_number_of_ones(noise):
    functions = Functions(noise.integers(0, 256, (2000, 16), dtype=np.uint8), 128)
    assert np.array_equal(complexity.anf_degree(functions) == 7, functions.ones() % 2 == 1)


def test_blocks_change_nothing(noise):
    functions = Functions(noise.integers(0, 256, (4000, 16), dtype=np.uint8), 128)
    for name in HYPERCUBE_ONLY[:7]:
        parts = [complexity.compute(functions[k : k + 777], name) for k in range(0, 4000, 777)]
        assert np.array_equal(np.concatenate(parts), complexity.compute(functions, name))


@pytest.mark.parametrize("name", HYPERCUBE_ONLY)
def test_other_numbers_of_points_are_refused(name):
    with pytest.raises(InputError, match="100 points are no hypercube's"):
        complexity.compute(Functions.from_values(np.zeros((1, 100))), name)
    with pytest.raises(InputError, match="0 points are no hypercube's"):
        getattr(complexity, name)("")
    reaches = complexity.registry.ESTIMATORS[name].reaches
    assert reaches(64) and not reaches(100) and not reaches(0)
