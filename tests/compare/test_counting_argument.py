"""The counting argument for simplicity bias, on all 256 functions of three bits.

Probabilities add up to 1, so that the mean P over N functions is 1/N; log₂P(f) ≤ −K(f) + K(M) + O(1) holds the P of the
most complex functions down where the map is simple: such a map cannot prefer complex functions. Where P is not uniform it
must then be biased against them; the uniform law is not. The K of these tests is the size of a formula, an upper bound.
"""

import numpy as np
import pytest
from scipy.stats import beta

from slt_bias import compare, complexity, prior
from slt_bias.functions import Functions
from slt_bias.maps.programs import description_bits

ALL = Functions.from_values((np.arange(256)[:, None] >> np.arange(7, -1, -1)) & 1)
K = complexity.compute(ALL, "formula_and_or")
SAMPLES = 20_000
BIASED = [
    "perceptron:inputs=3",
    "mlp:hidden=16x16,inputs=3",
    "tree:inputs=3",
    "circuit:inputs=3",
    "polynomial:inputs=3,degree=3,decay=0.5,values=pm1",
]
NULL = ["uniform:inputs=3", "polynomial:inputs=3,degree=3,values=pm1"]


def drawn(spec):
    """Counts of all 256 functions, in their order."""
    counts = prior.sample(spec, samples=SAMPLES, workers=1)
    return np.array([counts.of(ALL[place]) for place in range(256)])


def excess(count):
    """(E_P[K] − the uniform mean of K, its standard error), in leaves."""
    share = count / SAMPLES
    mean = share @ K
    return mean - K.mean(), np.sqrt(share @ (K - mean) ** 2 / SAMPLES)


def test_the_mean_probability_is_one_over_the_number_of_functions():
    for spec in BIASED + NULL:
        assert drawn(spec).sum() == SAMPLES  # nothing was drawn outside the 256
        assert (drawn(spec) / SAMPLES).mean() == pytest.approx(1 / 256)


@pytest.mark.parametrize("spec", BIASED)
def test_simple_maps_hold_the_most_complex_functions_down(spec):
    count = drawn(spec)
    for seen in count[K.max() == K]:
        low = beta.ppf(0.0005, seen, SAMPLES - seen + 1) if seen else 0.0  # Clopper–Pearson, one side
        assert low <= 1 / 256
    difference, error = excess(count)
    assert difference < -20 * error


def test_at_four_bits_too():
    """E_P[K] of a small network is far below the mean over all 65,536 functions."""
    values = np.unpackbits(np.arange(2**16, dtype=">u2").view(np.uint8).reshape(-1, 2), axis=1)
    every = complexity.compute(Functions.from_values(values), "formula_and_or")
    counts = prior.sample("mlp:hidden=16x16,inputs=4", samples=2_000, workers=1)
    k = complexity.compute(counts.functions, "formula_and_or")
    share = counts.count / counts.samples
    assert share @ k < every.mean() - 20 * np.sqrt(share @ k**2 / counts.samples)
    assert share[k == every.max()].sum() <= 0.01


@pytest.mark.parametrize("spec", NULL)
def test_a_law_without_preference_has_no_bias(spec):
    difference, error = excess(drawn(spec))
    assert abs(difference) < 4 * error


def test_a_scrambled_map_prefers_what_formulas_find_complex():
    """The same Zipf curve behind a bijection with a short key: the favourites' true K is small, but no formula sees it."""
    inner, scrambled = drawn("mlp:hidden=16x16,inputs=3"), drawn("scrambled:map=[mlp:hidden=16x16,inputs=3],key=24")
    assert sorted(inner) == sorted(scrambled)
    assert excess(inner)[0] < 0
    difference, error = excess(scrambled)
    assert difference > 20 * error
    assert scrambled[np.argmax(scrambled)] / SAMPLES > 0.3 and K[np.argmax(scrambled)] > K.mean()


def test_a_row_holds_the_bound_on_the_map_itself():
    for spec in ("uniform:inputs=3", "mlp:hidden=16x16,inputs=3"):
        row = compare.architecture_row(prior.sample(spec, samples=500, workers=1), complexity="lz")
        assert row["description_bits"] == description_bits(spec.partition(":")[0]) > 0
