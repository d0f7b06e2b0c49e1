import numpy as np
import pandas as pd
import pytest

from slt_bias import compare, complexity, maps, prior
from slt_bias.errors import InputError, SpecError
from slt_bias.functions import Functions, named


def table_of(complexity_values, counts, samples, points=7):
    counts = np.asarray(counts)
    table = pd.DataFrame(
        {
            "function": ["0" * points] * len(counts),
            "count": counts,
            "log2_probability": np.log2(counts / samples),
            "complexity": np.asarray(complexity_values, float),
        }
    )
    table.attrs = {"complexity": "lz", "samples": samples, "points": points, "spec": "made by hand"}
    return table


@pytest.fixture(scope="module")
def counts():
    return prior.sample("mlp:hidden=40x40,inputs=7,preset=valle-perez-2018-normal", samples=100_000, seed=3, workers=1)


def test_table_holds_what_its_columns_say(counts):
    table = compare.prior_versus_complexity(counts)
    assert list(table) == [
        "function", "count", "probability", "probability_low", "probability_high", "log2_probability", "complexity", "ones",
        "entropy",
    ]  # fmt: skip
    assert table["count"].sum() == counts.samples == table.attrs["samples"]
    assert table.attrs["points"] == 128 and table.attrs["spec"] == counts.spec and table.attrs["complexity"] == "lz"
    some = table.iloc[::997]
    for row in some.itertuples():
        assert row.complexity == complexity.lz(row.function)
        assert row.ones == row.function.count("1")
        p = row.ones / 128
        by_hand = 0.0 if p in (0, 1) else -p * np.log2(p) - (1 - p) * np.log2(1 - p)
        assert row.entropy == pytest.approx(by_hand, abs=1e-12)
        assert row.log2_probability == pytest.approx(np.log2(row.probability))


def test_formula_asks_for_one_of_its_two(counts):
    with pytest.raises(SpecError, match="formula_and_or and formula_all_gates"):
        compare.prior_versus_complexity(counts, "formula")
    with pytest.raises(SpecError, match="Did you mean `lzma`"):
        compare.prior_versus_complexity(counts, "lzm")


def test_a_priori_slope_knows_nothing_of_the_sample(counts):
    bound = compare.coding_bound(compare.prior_versus_complexity(counts))
    other = compare.coding_bound(table_of([7.0, 300.0], [5, 1], 6, points=128))
    assert bound.slope == other.slope and bound.offset == other.offset == 0
    # the largest of 100,000 random strings has 24 to 25 words
    assert 128 / (7 * 25) <= bound.slope <= 128 / (7 * 24)
    assert bound.log2(0.0) == 0 and bound.log2(np.array([7.0]))[0] == pytest.approx(-7 * bound.slope)
    assert any("bits above it" in note for note in bound.notes)  # P(constant) = .11 stands above 2^(-5.2)


def test_random_strings_are_those_of_fair_bits():
    values = compare.uniform_complexity(128, "lz")
    other = np.random.default_rng(0).integers(0, 256, (20_000, 16)).astype(np.uint8)
    reference = complexity.compute(Functions(other, 128), "lz")
    error = reference.std() * np.sqrt(1 / len(values) + 1 / len(reference))
    assert len(values) == 100_000 and abs(values.mean() - reference.mean()) < 4 * error
    assert 200 <= len(compare.uniform_complexity(4096, "lz")) < 10_000
    assert compare.uniform_complexity(5, "entropy").max() <= 5  # the padding of a byte is 0


def test_envelope_line_is_recovered_and_bounds_its_points():
    samples = 2**20
    values = np.repeat(np.arange(10, 40, 3.5), 3)
    tops = 2.0 ** (19 - 0.4 * values)
    counts = np.maximum(1, np.round(tops * np.tile([1, 0.3, 0.02], len(values) // 3))).astype(int)
    table = table_of(values, counts, samples)
    bound = compare.coding_bound(table, "envelope")
    assert bound.slope == pytest.approx(0.4, abs=0.01) and bound.offset == pytest.approx(1, abs=0.2)
    upper = compare.envelope(table)
    assert (upper["count"] >= 5).all() and upper["complexity"].is_monotonic_increasing and (upper["functions"] == 3).all()
    assert (upper["log2_probability"] <= bound.log2(upper["complexity"].to_numpy()) + 1e-9).all()
    shuffled = table.sample(frac=1, random_state=0)
    shuffled.attrs = table.attrs
    assert compare.coding_bound(shuffled, "envelope") == bound


def test_the_cut_off_flattens_slopes_in_the_documented_order(counts):
    table = compare.prior_versus_complexity(counts)
    every, raw = compare.raw_slope(table, least_count=1), compare.raw_slope(table)
    envelope, a_priori = compare.coding_bound(table, "envelope").slope, compare.coding_bound(table).slope
    assert 0 < every < 0.1 * raw < raw < envelope < a_priori


def test_many_values_are_binned():
    generator = np.random.default_rng(1)
    values = generator.uniform(0, 100, 5000)
    upper = compare.envelope(table_of(values, np.full(5000, 50), 10**6))
    assert len(upper) == 40 and upper["functions"].sum() == 5000


def test_no_envelope_where_nothing_was_drawn_twice():
    table = compare.prior_versus_complexity(prior.sample(maps.Uniform(7), samples=1000, seed=0, workers=1))
    with pytest.raises(InputError, match="an envelope needs 3"):
        compare.coding_bound(table, "envelope")
    with pytest.raises(InputError, match="give a-priori or envelope"):
        compare.coding_bound(table, "upper")
    assert np.isnan(compare.raw_slope(table))


def test_histogram_shares_are_those_of_the_draws(counts):
    table = compare.prior_versus_complexity(counts)
    frame = compare.complexity_histogram(table)
    assert frame["prior"].sum() == pytest.approx(1) and frame["uniform"].sum() == pytest.approx(1)
    constant = frame[(frame["complexity_low"] < 7) & (frame["complexity_high"] > 7)].iloc[0]
    drawn = sum(counts.of(named(f"constant:value={value}", 7)) for value in (0, 1))
    assert constant["prior"] == pytest.approx(drawn / counts.samples)
    halves = compare.complexity_histogram(table, np.array([0.0, 80.0, 1000.0]))
    assert halves["prior"].iloc[0] == pytest.approx(table.loc[table["complexity"] < 80, "count"].sum() / counts.samples)


def test_a_bound_prints_in_one_line():
    bound = compare.CodingBound(slope=0.75, offset=2.0, kind="a-priori", complexity="lz", notes=("a long note",) * 9)
    assert repr(bound) == "CodingBound(a-priori: log2 P <= -0.75 K(lz) -2)"
