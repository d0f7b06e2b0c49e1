import math

import numpy as np
import pytest
from scipy import stats

from slt_bias.errors import InputError, nearest
from slt_bias.estimate import Estimate, clopper_pearson, wilson


def test_value_and_text():
    estimate = Estimate(value=1.5, low=1.0, high=2.0, unit="bits")
    assert float(estimate) == 1.5 and str(estimate) == "1.5 [1, 2] bits"
    assert "suspect: few" in str(Estimate(value=1, low=1, high=1, status="suspect", reasons=("few",)))
    failed = Estimate(value=math.nan, low=math.nan, high=math.nan, status="failed", reasons=("why",))
    assert math.isnan(float(failed)) and str(failed) == "failed: why"


@pytest.mark.parametrize("wrong", [{"value": 3.0}, {"confidence": 95}, {"status": "failed"}, {"value": math.nan}])
def test_refused(wrong):
    with pytest.raises(InputError):
        Estimate(**({"value": 1.5, "low": 1.0, "high": 2.0} | wrong))


def coverage(interval, samples, p, confidence):
    count = np.arange(samples + 1)
    weight = stats.binom.pmf(count, samples, p)
    inside = [low <= p <= high for low, high in (interval(int(k), samples, confidence) for k in count)]
    return float(weight[inside].sum())


@pytest.mark.parametrize("samples", [1, 7, 60])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_clopper_pearson_never_undercovers(samples, confidence):
    for p in np.linspace(0.003, 0.997, 61):
        assert coverage(clopper_pearson, samples, p, confidence) >= confidence


def test_clopper_pearson_agrees_with_scipy():
    for count, samples in ((0, 9), (3, 9), (9, 9), (111, 10**6)):
        known = stats.binomtest(count, samples).proportion_ci(0.95, "exact")
        assert clopper_pearson(count, samples) == pytest.approx((known.low, known.high), rel=1e-9)


def test_wilson_covers_on_average():
    ps = np.linspace(0.05, 0.95, 181)
    assert abs(np.mean([coverage(wilson, 60, p, 0.95) for p in ps]) - 0.95) < 0.005
    for count in (0, 5, 60):
        known = stats.binomtest(count, 60).proportion_ci(0.95, "wilson")
        assert wilson(count, 60) == pytest.approx((known.low, known.high), abs=1e-12)


@pytest.mark.parametrize(("count", "samples"), [(2, 1), (-1, 5), (0, 0)])
def test_no_binomial_outcome(count, samples):
    for interval in (clopper_pearson, wilson):
        with pytest.raises(InputError):
            interval(count, samples)


def test_nearest():
    assert nearest("rleu", ["relu", "tanh"]) == " Did you mean `relu`? Known: relu, tanh."
    assert nearest("xyz", ["relu"]) == " Known: relu."
