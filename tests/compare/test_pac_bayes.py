import math

import numpy as np
import pytest

from slt_bias.compare.pac_bayes import pac_bayes
from slt_bias.errors import InputError
from slt_bias.estimate import Estimate


@pytest.mark.parametrize(("bits", "examples", "delta"), [(-10.0, 101, 0.05), (-0.0, 2, 0.5), (-3.25, 64, 1e-6)])
def test_solves_the_equation_of_the_paper(bits, examples, delta):
    bound = pac_bayes(bits, examples, delta)
    assert bound.low == bound.value == bound.high and bound.unit == "probability" and bound.status == "ok"
    right = (math.log(1 / 2.0**bits) + math.log(2 * examples / delta)) / (examples - 1)
    assert -math.log1p(-bound.value) == pytest.approx(right, rel=1e-12)


def test_by_hand():
    # (10 ln 2 + ln 4040)/100 = (6.931472 + 8.304000)/100
    assert pac_bayes(-10, 101).value == pytest.approx(1 - math.exp(-0.15235472), rel=1e-6)


def test_where_all_functions_are_equally_likely_it_is_half_in_the_limit_and_never_less():
    """P(S) = 2^−m and the error on a new point is exactly ½: nothing below it may be promised, and bits are not nats."""
    bounds = np.array([pac_bayes(-float(m), m).value for m in (2, 10, 100, 10**4, 10**6)])
    assert (bounds > 0.5).all() and (np.diff(bounds) < 0).all()
    assert bounds[-1] == pytest.approx(0.5, abs=2e-5)
    taken_for_nats = pac_bayes(-(10**6) * math.log(2), 10**6).value  # the mistake that the docstring warns of
    assert taken_for_nats < 0.4


def test_holds_for_thresholds_drawn_uniformly():
    """x and the threshold uniform on (0, 1): P(S) is the gap around the target, the mean error follows from its two parts."""
    generator = np.random.default_rng(0)
    examples, trials, target, wrong = 30, 2000, 0.37, 0
    for _ in range(trials):
        x = np.sort(generator.random(examples))
        below, above = np.r_[0.0, x[x <= target]][-1], np.r_[x[x > target], 1.0][0]
        left, right = target - below, above - target
        error = (left**2 + right**2) / (2 * (left + right))
        wrong += error > pac_bayes(math.log2(above - below), examples, 0.05).value
    assert wrong <= 0.05 * trials


def test_rises_as_the_evidence_falls_and_falls_with_examples_and_delta():
    assert pac_bayes(-5, 50).value < pac_bayes(-6, 50).value
    assert pac_bayes(-5, 50).value > pac_bayes(-5, 60).value
    assert pac_bayes(-5, 50, 0.01).value > pac_bayes(-5, 50, 0.05).value
    assert pac_bayes(-math.inf, 50).value == 1
    assert 0 <= pac_bayes(-1e308, 50).value <= 1


def test_an_estimate_carries_its_interval_and_verdict_over():
    evidence = Estimate(value=-8, low=-math.inf, high=-7, confidence=0.9, unit="bits", status="suspect", reasons=("collapsed",))
    bound = pac_bayes(evidence, 20)
    assert bound.low == pac_bayes(-7, 20).value and bound.value == pac_bayes(-8, 20).value and bound.high == 1
    assert bound.confidence == 0.9 and bound.status == "suspect" and bound.reasons == ("collapsed",)
    nan = float("nan")
    failed = pac_bayes(Estimate(value=nan, low=nan, high=nan, unit="bits", status="failed", reasons=("why",)), 20)
    assert failed.status == "failed" and math.isnan(failed.value) and failed.reasons[0] == "why"


@pytest.mark.parametrize("bits", [0.1, float("nan"), float("inf"), "-3", True, None, [1.0]])
def test_refuses_what_is_no_logarithm_of_a_probability(bits):
    with pytest.raises(InputError, match="log2_evidence"):
        pac_bayes(bits, 10)


def test_refuses_nats():
    with pytest.raises(InputError, match="nats"):
        pac_bayes(Estimate(value=-3, low=-4, high=-2, unit="nats"), 10)


@pytest.mark.parametrize("examples", [1, 0, -5, 2.5, "10", True, None])
def test_refuses_too_few_examples(examples):
    with pytest.raises(InputError, match="examples"):
        pac_bayes(-3, examples)


@pytest.mark.parametrize("delta", [0.0, 1.0, -1.0, float("nan")])
def test_refuses_impossible_failure_probabilities(delta):
    with pytest.raises(InputError, match="failure_probability"):
        pac_bayes(-3, 10, delta)
