import math
import time

import numpy as np
import pytest

from slt_bias import maps
from slt_bias.errors import InputError, SpecError
from slt_bias.prior import expectation_propagation as module
from slt_bias.prior.expectation_propagation import approximate_log_orthant, expectation_propagation
from slt_bias.prior.gaussian_process import gaussian_process
from slt_bias.prior.orthants import log_orthants


def test_exact_where_it_must_be():
    for size in (1, 9, 40):
        log_p, settled = approximate_log_orthant(np.diag(np.arange(1.0, size + 1)), np.ones(size))
        assert settled and log_p == pytest.approx(-size * math.log(2), abs=1e-10)
    pair = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert approximate_log_orthant(pair, np.ones(2))[0] == pytest.approx(math.log(1 / 3), abs=3e-3)


@pytest.mark.parametrize("size", [3, 5, 8])
def test_against_exact_orthants(size):
    rng = np.random.default_rng(size)
    rows = rng.standard_normal((40, size, size + 4))
    sigma, signs = rows @ rows.transpose(0, 2, 1), rng.choice([-1, 1], (40, size))
    exact, error = log_orthants(sigma, signs, draws=2**14)
    found = np.array([approximate_log_orthant(one, pattern)[0] for one, pattern in zip(sigma, signs, strict=True)])
    # On random covariances it is good to a few hundredths of a nat (Cunningham, Hennig & Lacoste-Julien 2011, figure 4).
    assert np.abs(found - exact).max() < 0.05 and error.max() < 0.01
    assert np.abs(found - exact).max() > 10 * error.max() or size == 3  # and it is no exact method
    # signs and scales are the same problem
    again = approximate_log_orthant(sigma[0] * np.outer(signs[0], signs[0]) * 7.0, np.ones(size))[0]
    assert again == pytest.approx(found[0], abs=1e-9)


@pytest.mark.parametrize("function", ["parity", "majority", "00010111", "random:seed=2"])
def test_maps_of_eight_points(function):
    chosen = maps.parse("mlp:inputs=3,preset=valle-perez-2018-normal")
    found, exact = expectation_propagation(chosen, function), gaussian_process(chosen, function)
    assert abs(found.value - exact.value) < 0.3
    assert found.status == "suspect" and "approximation" in found.reasons[0] and found.method == "expectation-propagation"
    assert (found.low, found.high, found.unit) == (-math.inf, 0.0, "bits")


def test_all_patterns_nearly_sum_to_one():
    chosen = maps.parse("mlp:inputs=2,values=pm1,activation=erf,hidden=5")
    total = sum(2 ** expectation_propagation(chosen, f"{number:04b}").value for number in range(16))
    assert total == pytest.approx(1, abs=0.05) and abs(total - 1) > 1e-4  # an approximation, and seen to be one


def test_128_points_in_well_under_a_second():
    chosen = maps.parse("mlp:inputs=7,preset=valle-perez-2018-normal")
    start = time.process_time()
    found = {name: expectation_propagation(chosen, name).value for name in ("majority", "parity", "random:seed=1")}
    assert time.process_time() - start < 3
    for name, value in found.items():  # against separation of variables, of relative error 0.1 and less
        exact = gaussian_process(chosen, name, most_points=128, relative_error=0.1)
        assert exact.status == "ok" and abs(value - exact.value) < 1.0
    assert found["parity"] == pytest.approx(-94.2 * math.log2(10), abs=1)


def test_deep_in_the_tail():
    pair = np.array([[1.0, 1e-8 - 1], [1e-8 - 1, 1.0]])
    log_p, settled = approximate_log_orthant(np.kron(np.eye(5), pair), np.ones(10))
    truth = 5 * math.log(math.sqrt(2e-8) / (2 * math.pi))
    assert settled and abs(log_p - truth) < 5  # a nat a pair, of 10.7


def test_what_the_map_cannot_compute():
    perceptron = maps.parse("perceptron:inputs=2,values=pm1")
    failed = expectation_propagation(perceptron, "0110")
    assert failed.status == "failed" and math.isnan(failed.value) and "splitting" in failed.reasons[0]
    assert expectation_propagation(perceptron, "0001").status == "suspect"  # singular, and possible
    zero = maps.MLP(inputs=2, hidden=(5,), bias=False)
    assert expectation_propagation(zero, "1000").value == -math.inf
    assert expectation_propagation(zero, "0111").value == pytest.approx(gaussian_process(zero, "0111").value, abs=0.05)


def test_sweeps_run_out(monkeypatch):
    monkeypatch.setattr(module, "MOST_SWEEPS", 1)
    assert expectation_propagation(maps.parse("mlp:inputs=3"), "parity").status == "failed"


@pytest.mark.parametrize(
    ("sigma", "signs"),
    [(np.eye(3), np.ones(2)), (np.eye(2), np.array([0, 1])), (np.diag([1.0, 0]), np.ones(2)), (np.eye(2) * np.nan, np.ones(2))],
)
def test_refused(sigma, signs):
    with pytest.raises(InputError):
        approximate_log_orthant(sigma, signs)


def test_refused_maps():
    with pytest.raises(SpecError, match="uniform"):
        expectation_propagation(maps.parse("mlp:inputs=2,law=uniform"), "0001")
    with pytest.raises(InputError, match="1024"):
        expectation_propagation(maps.parse("mlp:inputs=11"), "parity")
    with pytest.raises(InputError, match="give one"):
        expectation_propagation(maps.parse("mlp:inputs=2"), ["0001", "0000"])
