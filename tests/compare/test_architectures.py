import numpy as np
import pytest

from slt_bias import compare, maps, prior
from slt_bias.errors import SpecError


def test_a_row_a_map():
    specs = ["perceptron:inputs=5", maps.Uniform(5)]
    frame = compare.architectures(specs, samples=20_000, seed=1, workers=1)
    assert list(frame["spec"]) == [maps.parse("perceptron:inputs=5").spec, "uniform:inputs=5,values=01"]
    perceptron, uniform = frame.iloc[0], frame.iloc[1]
    assert perceptron["most_frequent"] in ("0" * 32, "1" * 32)
    for name in ("constant_0", "constant_1", "most_frequent_probability", "unseen_mass", "entropy", "rank_correlation"):
        assert perceptron[f"{name}_low"] <= perceptron[name] <= perceptron[f"{name}_high"]
    assert perceptron["mean_complexity"] < perceptron["mean_complexity_uniform"] - 10
    # the control's mean is that of random strings, within the errors of both
    error = np.hypot(uniform["mean_complexity_error"], uniform["mean_complexity_error"] / np.sqrt(5))
    assert abs(uniform["mean_complexity"] - uniform["mean_complexity_uniform"]) < 4 * error
    assert uniform["entropy_is_lower_bound"] and not np.isnan(perceptron["envelope_slope"])
    assert np.isnan(uniform["envelope_slope"]) and "envelope_slope" in uniform["notes"]
    assert perceptron["a_priori_slope"] == uniform["a_priori_slope"]


def test_row_of_given_counts_uses_the_given_table():
    counts = prior.sample("perceptron:inputs=4", samples=5000, workers=1)
    table = compare.prior_versus_complexity(counts, "formula_and_or", confidence=0.9)
    row = compare.architecture_row(counts, table)
    assert row["complexity"] == "formula_and_or"
    assert row["mean_complexity"] == pytest.approx(np.average(table["complexity"], weights=table["count"]))
    exact = counts.probability("0" * 16, confidence=0.9)
    assert (row["constant_0"], row["constant_0_low"], row["constant_0_high"]) == (exact.value, exact.low, exact.high)


def test_unknown_map_is_one_clear_error():
    with pytest.raises(SpecError, match="perceptron"):
        compare.architectures(["perceptrn:inputs=4"], samples=100)
