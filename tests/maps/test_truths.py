"""Probabilities that are known exactly."""

import math

import numpy as np
import pytest
from scipy import stats

from slt_bias import maps, prior
from slt_bias.functions.tables import Functions


def counts(spec, samples, seed=0):
    return prior.sample(maps.parse(spec), samples, seed=seed)


def test_perceptron_without_bias_has_uniform_number_of_ones():
    drawn = counts("perceptron:inputs=4,bias=false", 200_000)
    ones = np.bincount(drawn.functions.ones(), weights=drawn.count, minlength=17)
    assert ones[16] == 0 and stats.chisquare(ones[:16]).pvalue > 1e-4


@pytest.mark.parametrize(("n", "number", "samples"), [(1, 4, 10**4), (2, 14, 10**4), (3, 104, 10**5), (4, 1882, 3 * 10**6)])
def test_number_of_linear_threshold_functions(n, number, samples):
    assert counts(f"perceptron:inputs={n}", samples).distinct == number


def test_perceptron_on_two_signs():
    drawn = counts(f"perceptron:inputs=2,values=pm1,weight_std={math.sqrt(2)},bias_std=1", 2_000_000)
    small = (3 * math.acos(1 / 3) - math.pi) / (4 * math.pi)
    large = (1 - 8 * small) / 6
    truth = [0.0 if k in (6, 9) else small if k.bit_count() % 2 else large for k in range(16)]
    count = np.array([drawn.of(f"{k:04b}") for k in range(16)])
    possible = np.array(truth) > 0
    assert count[~possible].sum() == 0
    assert stats.chisquare(count[possible], np.array(truth)[possible] * drawn.samples).pvalue > 1e-4
    assert drawn.distinct == 14
    assert (small, large) == pytest.approx((0.0438699137, 0.1081734492), abs=1.3e-9)


@pytest.mark.parametrize("spec", ["uniform:inputs=3", "polynomial:inputs=3,values=pm1,degree=3"])
def test_controls_are_flat(spec):
    drawn = counts(spec, 256 * 400)
    every = np.zeros(256)
    every[drawn.functions.packed[:, 0]] = drawn.count
    assert stats.chisquare(every).pvalue > 1e-4


def test_decay_is_a_bias():
    drawn = counts("polynomial:inputs=3,values=pm1,degree=3,decay=0.5", 256 * 400)
    every = np.zeros(256)
    every[drawn.functions.packed[:, 0]] = drawn.count
    assert stats.chisquare(every).pvalue < 1e-12


SYMMETRIC = [
    "mlp:inputs=3,hidden=5", "mlp:inputs=3,hidden=5,values=pm1,activation=tanh", "mlp:inputs=3,hidden=4,layer_norm=true",
    "perceptron:inputs=3", "perceptron:inputs=3,values=pm1,bias=false", "perceptron:inputs=3,bias=false",
    "polynomial:inputs=3,degree=2", "polynomial:inputs=3,degree=2,values=pm1,law=uniform", "uniform:inputs=3",
]  # fmt: skip


def transformed(functions, symmetry):
    values = functions.values().reshape(-1, 2, 2, 2)
    if symmetry == "permute-inputs":
        return Functions.from_values(values.transpose(0, 2, 3, 1).reshape(-1, 8))
    if symmetry == "negate-inputs":  # the second input alone
        return Functions.from_values(values[:, :, ::-1].reshape(-1, 8))
    if symmetry == "negate-all-inputs":
        return Functions.from_values(values[:, ::-1, ::-1, ::-1].reshape(-1, 8))
    return functions.complement()


@pytest.mark.parametrize("spec", SYMMETRIC)
@pytest.mark.parametrize("symmetry", ["permute-inputs", "negate-inputs", "negate-all-inputs", "negate-output"])
def test_declared_symmetries_hold(spec, symmetry):
    """Two independent samples, one of them transformed, have the same law where the map declares the symmetry."""
    chosen = maps.parse(spec)
    samples = 120_000
    one, other = prior.sample(chosen, samples, seed=1), prior.sample(chosen, samples, seed=2)
    a, b = np.zeros(256), np.zeros(256)
    a[one.functions.packed[:, 0]] = one.count
    b[transformed(other.functions, symmetry).packed[:, 0]] = other.count
    frequent = a + b >= 10
    table = np.array([np.append(a[frequent], a[~frequent].sum()), np.append(b[frequent], b[~frequent].sum())])
    table = table[:, table.sum(axis=0) > 0]
    pvalue = stats.chi2_contingency(table).pvalue
    declared = chosen.symmetries | ({"negate-all-inputs"} if "negate-inputs" in chosen.symmetries else set())
    if symmetry in declared:
        assert pvalue > 1e-4
    elif spec == "perceptron:inputs=3,bias=false" or spec == "polynomial:inputs=3,degree=2":
        assert pvalue < 1e-4  # the test can fail


def test_the_papers_networks():
    """(7,40,40,1) ReLU on {0,1}⁷: P of the constant 0 from our earlier measurements of 10⁶ draws."""
    for law, probability, error in (
        ("preset=valle-perez-2018-normal", 0.111, 0.001),
        ("weight_std=1,bias_std=1", 0.364, 0.0005),
        ("weight_std=1.414,bias=false", 0.0624, 0.00025),
    ):
        drawn = counts(f"mlp:hidden=40x40,{law}", 100_000)
        own = math.sqrt(probability * (1 - probability) / 100_000)
        assert abs(float(drawn.probability("0" * 128)) - probability) < 4 * math.hypot(own, error), law
    assert drawn.of("1" * 128) == 0
