"""Pooled counts against closed forms, against pooling by hand, and where the symmetry does not hold."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from slt_bias import maps, prior
from slt_bias.errors import InputError, SpecError
from slt_bias.estimate import clopper_pearson
from slt_bias.functions import Functions, from_rows, hypercube
from slt_bias.functions.symmetry import NPN, PERMUTATIONS, canonical, classes, orbit
from slt_bias.prior.orbits import orbit_counts, pooled

COLUMNS = [
    "representative", "orbit_size", "members_seen", "count", "probability", "probability_low", "probability_high",
    "total_probability", "least_count", "greatest_count", "least_probability", "greatest_probability", "invariant",
]  # fmt: skip
SIGNS = f"perceptron:inputs=2,values=pm1,weight_std={math.sqrt(2)},bias_std=1"  # three unit normals
SMALL = (3 * math.acos(1 / 3) - math.pi) / (4 * math.pi)  # one-odd functions; constants and ± inputs share the rest
LARGE = (1 - 8 * SMALL) / 6
TRUTH = {"0000": LARGE, "0001": SMALL, "0011": LARGE}


def drawn(spec, samples, seed=0):
    chosen = maps.parse(spec)
    return chosen, prior.sample(chosen, samples, seed=seed, workers=1)


def test_closed_form_is_covered():
    """400 samples of 500 draws: Clopper–Pearson covers at least 95 %, less the 4σ = 4.4 % that 400 runs leave open."""
    chosen, counts = drawn(SIGNS, 500)
    covered = dict.fromkeys(TRUTH, 0)
    for block in range(400):
        packed, count = np.unique(chosen.draw_functions(7, block, 500), axis=0, return_counts=True)
        table = orbit_counts(replace(counts, functions=Functions(packed, 4), count=count), chosen).set_index("representative")
        for form, truth in TRUTH.items():
            covered[form] += table.probability_low[form] <= truth <= table.probability_high[form]
    assert min(covered.values()) > 400 * (0.95 - 0.044)


def test_pooling_by_hand():
    chosen, counts = drawn("mlp:inputs=3,hidden=6,values=pm1", 30_000)
    assert chosen.symmetries == NPN
    table = orbit_counts(counts, chosen)
    assert table.columns.tolist() == COLUMNS and table.invariant.all() and table["count"].sum() == counts.samples
    assert (np.diff(table["count"]) <= 0).all() and table.members_seen.sum() == counts.distinct
    for row in table.itertuples():
        members = [counts.of(text) for text in orbit(row.representative, 3, NPN)]
        assert (row.orbit_size, row.count, row.members_seen) == (len(members), sum(members), np.count_nonzero(members))
        assert (row.least_count, row.greatest_count) == (min(members), max(members))
        low, high = clopper_pearson(row.count, counts.samples)
        assert np.allclose([row.probability_low, row.probability_high], [low / len(members), high / len(members)], rtol=1e-12)
        assert row.probability == pytest.approx(row.count / len(members) / counts.samples)
        assert row.total_probability == pytest.approx(row.count / counts.samples)
        assert row.greatest_probability == pytest.approx(max(members) / counts.samples)
    assert table.attrs["samples"] == 30_000 and table.attrs["symmetries"] == sorted(NPN) and table.attrs["points"] == 8


def members_alike(spec, wanted):
    """The p value of equal counts within orbits, over members of orbits with 20 draws a member or more: χ², conditionally."""
    chosen, counts = drawn(spec, 200_000)
    table = orbit_counts(counts, chosen, wanted)
    statistic = freedom = 0.0
    for row in table[table["count"] >= 20 * table.orbit_size].itertuples():
        members = np.array([counts.of(text) for text in orbit(row.representative, 3, wanted)])
        statistic += ((members - members.mean()) ** 2 / members.mean()).sum()
        freedom += len(members) - 1
    return float(stats.chi2.sf(statistic, freedom)), table


@pytest.mark.parametrize("spec", ["mlp:inputs=3,hidden=5", "perceptron:inputs=3", "polynomial:inputs=3,degree=2,decay=0.7"])
def test_members_are_equally_likely_on_signs_and_not_on_bits(spec):
    """Every single input may be negated on {−1,1}³; on {0,1}³ it may not, and the table says so."""
    p, table = members_alike(f"{spec},values=pm1", NPN)
    assert p > 1e-4 and table.invariant.all()
    p, table = members_alike(spec, NPN)
    assert p < 1e-12 and not table.invariant.any()
    p, table = members_alike(spec, PERMUTATIONS)
    assert p > 1e-4 and table.invariant.all()


def test_classes_that_are_no_orbits_show_least_and_greatest():
    chosen, counts = drawn("perceptron:inputs=2", 50_000)
    table = orbit_counts(counts, chosen, NPN).set_index("representative")
    row = table.loc["0001"]
    members = [counts.of(text) for text in orbit("0001", 2, NPN)]
    assert not row.invariant and row.members_seen == 8 and (row.least_count, row.greatest_count) == (min(members), max(members))
    assert row.least_probability < row.probability_low and row.greatest_probability > row.probability_high
    assert row.probability == pytest.approx(np.mean(members) / counts.samples)
    assert orbit_counts(counts, chosen).invariant.all() and not orbit_counts(counts, 2, NPN).invariant.any()
    _, signs = drawn("rnn:inputs=3,values=pm1,hidden=3", 2000)
    joint = orbit_counts(signs, maps.parse(signs.spec))
    assert joint.attrs["symmetries"] == ["negate-all-inputs", "negate-output"] and joint.invariant.all()
    assert not orbit_counts(signs, maps.parse(signs.spec), {"negate-inputs"}).invariant.any()
    chosen, counts = drawn(SIGNS, 2000)
    assert orbit_counts(counts, chosen, {"negate-all-inputs"}).invariant.all()


def test_classes_never_drawn():
    chosen, counts = drawn("mlp:inputs=4,hidden=8,values=pm1", 20_000)
    seen, table = orbit_counts(counts, chosen), orbit_counts(counts, chosen, unseen=True)
    assert len(table) == 222 > len(seen) and table.representative.is_unique and table["count"].sum() == counts.samples
    assert set(table.representative) == set(classes(4, NPN)[0]) and table.orbit_size.sum() == 2**16
    never = table[table["count"] == 0]
    assert (never.members_seen == 0).all() and (never.probability_low == 0).all() and (never.greatest_count == 0).all()
    assert np.allclose(never.probability_high * never.orbit_size, 1 - 0.025 ** (1 / counts.samples))
    pd.testing.assert_frame_equal(table.iloc[: len(seen)], seen)


@pytest.mark.parametrize("spec", ["mlp:inputs=5,hidden=8", "mlp:inputs=5,hidden=8,values=pm1", "rnn:inputs=4,hidden=3"])
def test_pooled_is_the_row_of_its_orbit(spec):
    chosen, counts = drawn(spec, 4000)
    table = orbit_counts(counts, chosen)
    for row in table.iloc[::50].itertuples():
        other = orbit(row.representative, chosen.inputs, chosen.symmetries).strings()[-1]
        found = pooled(counts, chosen, other)
        expected = np.log2([row.probability, row.probability_low, row.probability_high])
        assert np.allclose([found.log2_probability, found.log2_low, found.log2_high], expected)
        assert (found.method, found.status, found.unit, found.evaluations) == ("count", "ok", "bits", 4000)


def test_pooled_is_narrower_by_the_root_of_the_size():
    chosen, counts = drawn("mlp:inputs=4,hidden=8,values=pm1", 200_000)
    size = int(canonical("and", 4, NPN)[1][0])
    plain, found = counts.probability("and"), pooled(counts, chosen, "and")
    ratio = (math.log2(plain.high) - math.log2(plain.low)) / (found.high - found.low)
    assert ratio == pytest.approx(math.sqrt(size), rel=0.2)  # the plain count is some hundred: its own root varies by 10 %


def test_a_function_never_drawn_has_an_upper_limit():
    chosen, counts = drawn(SIGNS, 1000)
    found = pooled(counts, chosen, "parity", confidence=0.9)
    assert found.value == found.low == -math.inf and found.status == "suspect" and "1,000 draws" in found.reasons[0]
    assert found.high == pytest.approx(math.log2((1 - 0.05 ** (1 / 1000)) / 2)) and found.confidence == 0.9


def test_inputs_without_binary_orbits():
    rows = from_rows(np.random.default_rng(0).normal(size=(6, 3)))
    for chosen in (maps.MLP(rows, hidden=(5,)), maps.parse("uniform", rows), maps.parse("perceptron:inputs=9")):
        counts = prior.sample(chosen, 500, workers=1)
        table = orbit_counts(counts, chosen)
        assert table.attrs["symmetries"] == ["negate-output"] and table.invariant.all() and (table.orbit_size == 2).all()
        one = table.representative[0]
        assert pooled(counts, chosen, one).value == pytest.approx(math.log2(table.probability[0]))


def test_refusals():
    chosen, counts = drawn(SIGNS, 100)
    other = maps.parse("perceptron:inputs=2")
    for call, words in (
        (lambda: orbit_counts(counts, other), "counts of"),
        (lambda: pooled(counts, other, "0110"), "counts of"),
        (lambda: orbit_counts(counts, 2), "give the map"),
        (lambda: orbit_counts(counts, hypercube(3), NPN), "4 points"),
        (lambda: orbit_counts(counts, "perceptron", NPN), "neither a map nor"),
        (lambda: orbit_counts(counts, chosen, confidence=1.0), "confidence"),
        (lambda: pooled(counts, chosen, ["0110", "0001"]), "takes one"),
        (lambda: pooled(counts, chosen, "01101"), "5 points"),
    ):
        with pytest.raises(InputError, match=words):
            call()
    with pytest.raises(SpecError, match="negate-output"):
        orbit_counts(counts, chosen, {"negate-outputs"})
    with pytest.raises(InputError, match="too many orbits"):
        orbit_counts(prior.sample("perceptron:inputs=5", 100, workers=1), 5, NPN, unseen=True)
