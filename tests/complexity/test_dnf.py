"""Disjunctive normal forms: prime implicants by their definition, covers that cover, and the least by exhaustive search."""

import itertools

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity.dnf import greedy_covers
from slt_bias.complexity.dnf_exact import least_cover
from slt_bias.errors import InputError
from slt_bias.functions import Functions


def matches(term, inputs):
    """bool (2**inputs,): the points that a term such as 1-0 covers."""
    points = (format(k, f"0{inputs}b") for k in range(2**inputs))
    return np.array([all(t in ("-", p) for t, p in zip(term, point, strict=True)) for point in points])


def primes_by_definition(table, inputs):
    cubes = ["".join(t) for t in itertools.product("01-", repeat=inputs)]
    implicants = {t for t in cubes if not (matches(t, inputs) & ~table).any()}
    wider = {t: [t[:k] + "-" + t[k + 1 :] for k in range(inputs) if t[k] != "-"] for t in implicants}
    return {t for t in implicants if not any(w in implicants for w in wider[t])}


def least_by_search(table, inputs):
    """(fewest terms, fewest literals) over all sets of prime implicants."""
    primes = [(matches(t, inputs), inputs - t.count("-")) for t in primes_by_definition(table, inputs)]
    terms, literals = 99, 99
    for chosen in itertools.chain.from_iterable(itertools.combinations(primes, k) for k in range(len(primes) + 1)):
        union = np.zeros(len(table), bool)
        for covered, _ in chosen:
            union |= covered
        if np.array_equal(union, table):
            terms, literals = min(terms, len(chosen)), min(literals, sum(size for _, size in chosen))
    return terms, literals


def everything(inputs):
    return [np.array(bits, bool) for bits in itertools.product((0, 1), repeat=2**inputs)]


def text(table):
    return "".join("01"[bit] for bit in table.astype(int))


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_every_small_function(inputs):
    tables = everything(inputs)
    functions = Functions.from_values(np.array(tables))
    terms, literals = complexity.dnf_exact_terms(functions), complexity.dnf_exact_literals(functions)
    assert (complexity.dnf_terms(functions) >= terms).all()
    assert (complexity.dnf_literals(functions) >= literals).all()
    for k, table in enumerate(tables):
        assert set(complexity.prime_implicants(text(table))) == primes_by_definition(table, inputs)
        assert (terms[k], literals[k]) == least_by_search(table, inputs)


@pytest.mark.parametrize("inputs", [4, 6, 7, 8])
def test_covers_cover(inputs):
    noise = np.random.default_rng(inputs)
    for share in (0.1, 0.5, 0.9):
        table = noise.random(2**inputs) < share
        chosen = complexity.greedy_dnf(text(table))
        primes = complexity.prime_implicants(text(table))
        assert set(chosen) <= set(primes)
        union = [matches(t, inputs) for t in chosen]
        assert np.array_equal(np.any(union, axis=0), table)
        for k in range(len(union)):  # no term is superfluous
            assert not np.array_equal(np.any(union[:k] + union[k + 1 :], axis=0), table) or not len(union) > 1
        one = complexity.dnf(text(table))
        assert one == (len(chosen), sum(inputs - t.count("-") for t in chosen))


def test_smallest_forms_of_seven_inputs():
    function = Functions.from_values(np.random.default_rng(0).random((3, 128)) < 0.3)
    for k in range(3):
        terms = complexity.smallest_dnf(function[k])
        assert np.array_equal(np.any([matches(t, 7) for t in terms], axis=0), function.values()[k])
        assert sum(7 - t.count("-") for t in terms) == complexity.dnf_exact_literals(function[k])[0]
        assert complexity.dnf_exact_literals(function[k])[0] <= complexity.dnf_literals(function[k])[0]
        assert len(least_cover(function[k], literals=False).free) == complexity.dnf_exact_terms(function[k])[0]


def test_known_values():
    assert complexity.smallest_dnf("majority:inputs=3") == ["11-", "1-1", "-11"]
    assert complexity.dnf("parity:inputs=5") == (16, 80)
    assert complexity.dnf("constant:inputs=5") == (0, 0)
    assert complexity.dnf("constant:value=1,inputs=5") == (1, 0)
    assert complexity.dnf_exact_terms(["0", "1"]).tolist() == [0, 1]
    assert complexity.dnf("multiplexer:inputs=6") == (4, 12)
    assert complexity.dnf("majority:inputs=7") == (35, 140)


def test_the_classes_of_four_inputs_are_as_good_as_each_function():
    noise = np.random.default_rng(1)
    functions = Functions(noise.integers(0, 256, (200, 2), dtype=np.uint8), 16)
    alone = [len(least_cover(functions[k], literals=False).free) for k in range(200)]
    assert complexity.dnf_exact_terms(functions).tolist() == alone


def test_too_many_inputs_and_several_functions_are_refused():
    with pytest.raises(InputError, match="up to 10"):
        complexity.dnf_terms("0" * 2048)
    with pytest.raises(InputError, match="up to 7"):
        complexity.dnf_exact_terms("0" * 256)
    with pytest.raises(InputError, match="takes one function, not 2"):
        complexity.greedy_dnf(["01", "10"])
    assert len(greedy_covers(Functions(np.zeros((0, 2), np.uint8), 16), "test").first) == 1
