"""Blind spots against maps whose P is known exactly; tables side by side and scores against ones made by hand."""

import math
import time

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from slt_bias import maps, prior
from slt_bias.compare.blind_spots import _joined, _of_count, blind_spots
from slt_bias.compare.reference_sets import described, reference_set
from slt_bias.compare.shortfalls import score, shortfalls
from slt_bias.complexity import compute
from slt_bias.errors import InputError, SpecError
from slt_bias.functions import Functions, grid, hypercube, parse
from slt_bias.functions.catalogue import reference_functions
from slt_bias.functions.symmetry import NPN, PERMUTATIONS, canonical, orbit
from slt_bias.prior.result import FunctionProbability

NULL = "polynomial:degree=4,inputs=4,values=pm1"
PERCEPTRON = "perceptron:inputs=2,weight_std=1.4142135623730951,bias_std=1"


# Reference sets


@pytest.mark.parametrize(("n", "number"), [(2, 4), (3, 14), (4, 222)])
def test_every_function_is_in_the_class_of_one_reference_function(n, number):
    table = reference_set(n)
    assert len(table) == number
    assert table["class_size"].sum() == 2 ** 2**n
    assert table["function"].is_unique and table["name"].is_unique
    assert table["formula_is_exact"].all()
    forms = canonical(table["function"].tolist(), n, NPN)[0].strings()
    assert forms == table["function"].tolist()  # the documented representative


def test_a_maps_own_symmetries_give_its_orbits():
    assert len(reference_set(3, {"permute-inputs"})) == 80
    assert len(reference_set(4, {"permute-inputs", "negate-output"})) == 1992


def test_known_members_of_the_set_on_four_inputs():
    table = reference_set(4).set_index("name")
    xor = table.loc["x0 xor x1"]
    assert xor["function"] == "0000111111110000"
    assert (xor["complexity_and_or"], xor["complexity_all_gates"], xor["class_size"]) == (4, 2, 12)
    parity = table.loc["parity of 4"]
    assert (parity["complexity_and_or"], parity["complexity_all_gates"], parity["class_size"]) == (16, 4, 2)
    assert table.loc["constant 0", "complexity_code"] == 6
    assert table.loc["0x0007", "equivalent"] == "a times b: bit 2"
    assert table.loc["not (interval: below half + 1)", "function"] == "0000000001111111"
    assert table.loc["not (interval: below half + 1)", "equivalent"] == ""


def test_complexities_do_not_depend_on_the_row_and_lz_is_the_least_of_the_orbit():
    table = reference_set(4)
    row = table.iloc[77]
    members = orbit(row["function"], 4, PERMUTATIONS)
    assert row["complexity_lz"] == compute(members, "lz").min()
    assert row["complexity_lz_as_given"] == compute(parse(row["function"]), "lz")[0]
    assert (table["complexity_lz"] <= table["complexity_lz_as_given"]).all()
    assert (table["complexity_lz"] < table["complexity_lz_as_given"]).any()


def test_beyond_four_inputs_the_set_is_the_catalogue_with_its_upper_bounds():
    table, catalogue = reference_set(5), reference_functions(5)
    assert table["name"].tolist() == [each.name for each in catalogue]
    assert table["complexity_and_or"].tolist() == [each.leaves_and_or for each in catalogue]
    assert not table["formula_is_exact"].any()
    loops = table["family"] == "loop program"
    assert loops.any() and table.loc[loops, "loop_bits"].notna().all() and table.loc[loops, "steps"].notna().all()
    assert table.attrs == {"inputs": 5, "symmetries": sorted(NPN)}


def test_a_set_given_out_can_be_changed_without_harm():
    mine = reference_set(3)
    mine.loc[:, "name"] = "changed"
    assert reference_set(3)["name"].iloc[0] == "constant 0"


def test_functions_of_ones_own_are_described():
    table = described(["parity:bits=2", "0x0169", "0110" * 4], 4)
    assert table["name"].tolist() == ["parity:bits=2", "0x0169", "x2 xor x3"]
    assert table["complexity_all_gates"].tolist() == [2, 6, 2]
    points = grid(3, 3)
    table = described("0" * 9, points)
    assert math.isnan(table["complexity_lz"].iloc[0]) and math.isnan(table["complexity_all_gates"].iloc[0])
    assert table["complexity_code"].notna().all()


@pytest.mark.parametrize("where", [grid(4, 4), 11, 0, "4"])
def test_inputs_without_a_reference_set_are_refused(where):
    with pytest.raises(InputError):
        reference_set(where)


def test_unknown_symmetries_are_refused():
    with pytest.raises(SpecError, match="permute-inputs"):
        reference_set(3, {"permute-input"})


# P of each function


def test_a_map_with_a_closed_form_needs_no_draw():
    table = blind_spots(NULL)
    assert len(table) == 222 and table.attrs["samples"] == 0
    assert (table["log2_probability"] == -16).all() and (table["method"] == "closed form").all()
    np.testing.assert_array_equal(table["bits_below_bound"], 16 - table["complexity_code"])
    assert table["name"].iloc[0] == "constant 0"  # the fewest bits lie farthest below
    assert "class_total" not in table


def test_what_a_perceptron_cannot_compute_is_proved_and_the_rest_agrees_with_the_orthants():
    functions = ["0000", "0001", "0010", "0011", "0111", "0110"]
    truth = [0.27704336, 0.01462330, 0.03545664, 0.04787670, 1 / 24]
    table = blind_spots(PERCEPTRON, functions, samples=400_000, confidence=0.9999).set_index("function")
    never = table.loc["0110"]
    assert never["log2_probability"] == never["log2_high"] == -math.inf
    assert (never["status"], never["method"]) == ("ok", "linear programme")
    assert not never["upper_limit_only"] and never["bits_below_bound"] == math.inf
    assert "not representable" in never["reasons"]
    low, high = 2 ** table["log2_low"], 2 ** table["log2_high"]
    for function, p in zip(functions, truth, strict=False):
        assert low[function] < p < high[function]  # Clopper–Pearson at 99.99 %, 5 functions
        assert table.loc[function, "method"] == "count"


def test_counts_are_pooled_over_the_orbit_under_the_maps_own_symmetries():
    counts = prior.sample(PERCEPTRON, samples=20_000, seed=3)
    table = blind_spots(PERCEPTRON, ["0001", "0011"], counts=counts).set_index("function")
    assert table["orbit_size"].to_dict() == {"0001": 2, "0011": 4}  # negate-output; permute-inputs too
    assert table.loc["0001", "seen"] == counts.of("0001") + counts.of("1110")
    seen = sum(counts.of(each) for each in ("0011", "0101", "1100", "1010"))
    assert table.loc["0011", "seen"] == seen
    assert table.loc["0011", "log2_probability"] == pytest.approx(math.log2(seen / 4 / 20_000), abs=1e-12)
    assert table.attrs["samples"] == 20_000 and table.attrs["symmetries"] == ["negate-output", "permute-inputs"]


def test_a_class_shows_its_total_and_the_range_of_its_members():
    counts = prior.sample(PERCEPTRON, samples=20_000, seed=3)
    table = blind_spots(PERCEPTRON, ["0001"], counts=counts).iloc[0]
    members = orbit("0001", 2, NPN)
    assert table["class_total"] == pytest.approx(sum(counts.of(each) for each in members.strings()) / 20_000)
    own = [orbit(member, 2, maps.parse(PERCEPTRON).symmetries) for member in members.strings()]
    by_orbit = [sum(counts.of(each) for each in orbit_of.strings()) / len(orbit_of) for orbit_of in own]
    assert table["class_least"] == pytest.approx(min(by_orbit) / 20_000)
    assert table["class_greatest"] == pytest.approx(max(by_orbit) / 20_000)
    assert table["class_least"] < table["class_greatest"]


def test_the_rare_are_split_and_agree_with_counting():
    """Parities under a cubic polynomial with decay: pooled draws against splitting."""
    spec = "polynomial:degree=3,decay=0.3,inputs=3,values=pm1"
    functions = ["parity:bits=2", "parity"]
    split = blind_spots(spec, functions, samples=1000, relative_error=0.25, confidence=0.999).set_index("name")
    counted = blind_spots(spec, functions, samples=2_000_000, confidence=0.999).set_index("name")
    assert (split["method"] == "splitting").all() and (split["status"] == "ok").all()
    for name in functions:  # two intervals at 99.9 %, the second exact
        assert split.loc[name, "log2_low"] < counted.loc[name, "log2_high"]
        assert counted.loc[name, "log2_low"] < split.loc[name, "log2_high"]


def test_equal_orbits_are_split_once_and_share_the_answer():
    spec = "polynomial:degree=3,decay=0.3,inputs=3,values=pm1"
    table = blind_spots(spec, ["00111100", "01100110", "11000011"], samples=1000, relative_error=0.3)
    assert (table["method"] == "splitting").all()
    assert table["log2_probability"].nunique() == 1 and table["evaluations"].nunique() == 1


def test_below_the_least_probability_an_upper_limit_is_the_answer():
    spec = "polynomial:degree=3,decay=0.1,inputs=3,values=pm1"
    table = blind_spots(spec, ["parity", "constant"], samples=1000, least_log2_probability=-10.0).set_index("name")
    row = table.loc["parity"]
    assert math.isnan(row["log2_probability"]) and row["log2_low"] == -math.inf and -30 < row["log2_high"] < -9
    assert row["status"] == "suspect" and row["upper_limit_only"] and "upper limit" in row["reasons"]
    assert row["bits_below_bound"] == pytest.approx(-row["log2_high"] - row["complexity_code"])
    assert not table.loc["constant", "upper_limit_only"] and table.loc["constant", "reasons"] == ""


def test_the_same_for_any_number_of_workers_and_the_order_is_the_documented_one():
    spec, few = "polynomial:degree=3,decay=0.3,inputs=3,values=pm1", reference_set(3).iloc[[0, 1, 5, 11, 12, 13]]
    one, two = (blind_spots(spec, few, samples=20_000, relative_error=0.3, workers=w) for w in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    expected = one.sort_values(["bits_below_bound", "complexity_code"], ascending=[False, True], kind="stable")
    assert one["function"].tolist() == expected["function"].tolist()


def test_ties_are_ranked_by_complexity():
    table = blind_spots("perceptron:inputs=3", ["parity:bits=2", "parity", "0x18", "constant"], samples=1000)
    never = table[table["bits_below_bound"] == math.inf]
    assert table.index[: len(never)].tolist() == never.index.tolist()
    assert never["name"].tolist() == ["parity", "parity:bits=2", "interval: middle quarter"]  # 9, 10, 10 bits; then leaves


def test_a_budget_is_kept_and_what_it_leaves_says_so():
    spec = "mlp:hidden=40x40,inputs=4"
    blind_spots(spec, ["constant"], samples=100)  # compiles
    begun = time.monotonic()
    table = blind_spots(spec, reference_set(4).iloc[::8], samples=10**9, budget_seconds=1.5)
    assert time.monotonic() - begun < 6  # 1.5 s, and one round of moves or a block more on a busy machine
    assert table.attrs["samples"] < 10**8
    late = table[table["reasons"].str.contains("the time was up")]
    assert len(late) and (late["status"] == "suspect").all() and (late["method"] == "count").all()
    assert (table["log2_high"] < 0).all() and (table["log2_low"] <= table["log2_high"]).all()


# What splitting and counting say together, by hand


def _splitting(value, low, high, status="ok"):
    return FunctionProbability(value=value, low=low, high=high, unit="bits", status=status, method="splitting", evaluations=7)


def test_a_collapse_that_the_draws_contradict_is_not_believed():
    counted = _of_count(12, 4, 1_000_000, 0.95)  # 2^-18.3
    agreed = _joined(_splitting(-18.2, -18.5, -17.9), counted, 12, 4, 1_000_000)
    assert (agreed.value, agreed.status) == (-18.2, "ok")
    collapsed = _joined(_splitting(-25.0, -25.5, -24.5), counted, 12, 4, 1_000_000)
    assert collapsed.value == counted.value and collapsed.status == "suspect" and "12 of 1,000,000" in collapsed.reasons[0]
    stuck = _joined(_splitting(-math.inf, -math.inf, -20.0, "suspect"), counted, 12, 4, 1_000_000)
    assert stuck.value == counted.value and stuck.status == "suspect"
    unseen = _of_count(0, 4, 1_000_000, 0.95)
    assert unseen.value == -math.inf and 2**unseen.high == pytest.approx((1 - 0.025 ** (1 / 1e6)) / 4, rel=1e-6)
    limit = _joined(_splitting(-math.inf, -math.inf, -5.0, "suspect"), unseen, 0, 4, 1_000_000)
    assert limit.high == unseen.high  # the better of two limits
    too_high = _joined(_splitting(-10.0, -10.3, -9.7), unseen, 0, 4, 1_000_000)
    assert too_high.status == "suspect" and too_high.value == -10.0


def test_the_doubt_of_counting_is_rarely_without_cause():
    """A splitting answer that is right is contradicted by the draws at most once in a thousand."""
    p, size, samples = 2.0**-17, 4, 1_000_000
    right = _splitting(-17.0, -17.0, -17.0)
    seen = np.arange(100)
    joined = [_joined(right, _of_count(k, size, samples, 0.95), k, size, samples) for k in seen.tolist()]
    doubted = [each.status == "suspect" for each in joined]
    assert binom.pmf(seen, samples, p * size)[doubted].sum() < 0.001


# Tables side by side


def _table(rows):
    """function → (complexity_code, log2_probability, log2_high, upper_limit_only)."""
    return pd.DataFrame(
        [
            {
                "function": function, "name": f"f{function}", "complexity_code": code, "log2_probability": value,
                "log2_high": high, "upper_limit_only": limit, "bits_below_bound": -(high if limit else value) - code,
            }
            for function, (code, value, high, limit) in rows.items()
        ]
    )  # fmt: skip


NEVER = (8.0, -math.inf, -math.inf, False)
ONE = _table({"0001": (4.0, -3.0, -2.9, False), "0011": (8.0, math.nan, -20.0, True), "0110": NEVER})
TWO = _table({"0001": (4.0, -5.0, -4.9, False), "0011": (8.0, -10.0, -9.9, False), "0110": (8.0, -8.0, -7.9, False)})
THREE = _table({"0001": (4.0, math.nan, math.nan, False), "0011": (8.0, -12.0, -11.9, False), "0110": NEVER})


def _cell(long, function, label):
    row = long[(long["function"] == function) & (long["map"] == label)].iloc[0]
    return row["bits_below_median"], row["bits_below_median_limit"]


def test_shortfalls_against_the_median_over_maps_by_hand():
    long = shortfalls({"one": ONE, "two": TWO, "three": THREE})
    assert len(long) == 9
    assert _cell(long, "0011", "one") == (8.0, "at least")  # at least 20 against the median 12 of (≥ 20, 10, 12)
    assert _cell(long, "0011", "two") == (-2.0, "value")
    assert _cell(long, "0011", "three") == (0.0, "value")
    assert _cell(long, "0110", "one") == (0.0, "value")  # infinite like the median
    assert _cell(long, "0110", "two") == (-math.inf, "value")
    value, kind = _cell(long, "0001", "three")
    assert math.isnan(value) and kind == "unknown"
    assert _cell(long, "0001", "two") == (0.0, "at least")  # the missing one moves the median between 3 and 5
    assert _cell(long, "0001", "one") == (-2.0, "at least")
    assert long["function"].tolist()[:3] == ["0011"] * 3 and long["map"].tolist()[:3] == ["one", "two", "three"]
    bound = long[(long["function"] == "0011") & (long["map"] == "one")].iloc[0]
    assert (bound["bits_below_bound"], bound["bits_below_bound_limit"]) == (12.0, "at least")


def test_a_limit_never_counts_for_more_than_it_proves():
    """Whatever the truth below the limit, what is said with it holds: 100 random tables of 4 maps."""
    generator = np.random.default_rng(5)
    for _ in range(100):
        true = generator.integers(1, 12, 4).astype(float)
        cut = generator.integers(2, 12, 4).astype(float)
        limit = true > cut
        tables = {
            str(k): _table({"0001": (4.0, math.nan if limit[k] else -true[k], -cut[k] if limit[k] else -true[k], bool(limit[k]))})
            for k in range(4)
        }
        truth, long = true - np.median(true), shortfalls(tables)
        for k in range(4):
            value, kind = _cell(long, "0001", str(k))
            if kind == "value":
                assert value == truth[k]
            elif kind == "at least":
                assert value <= truth[k]
            elif kind == "at most":
                assert value >= truth[k]
            else:
                assert limit.any() and math.isnan(value)


def test_shortfalls_of_one_map_are_zero_where_known():
    long = shortfalls({"two": TWO})
    assert (long["bits_below_median"] == 0).all() and (long["bits_below_median_limit"] == "value").all()
    assert _cell(shortfalls({"one": ONE}), "0011", "one")[1] == "unknown"


def test_score_by_hand():
    found = score(ONE, bin_bits=4, most_complexity=(4, 8), more_than=(5, 15))
    assert found.functions == 3
    rows = found.by_complexity.set_index("complexity_from")
    assert rows.index.tolist() == [4.0, 8.0]
    assert rows.loc[4.0, ["functions", "never", "limits", "mean_shortfall"]].tolist() == [1, 0, 0, -1.0]
    assert rows.loc[8.0, ["functions", "never", "limits", "mean_shortfall"]].tolist() == [2, 1, 1, 12.0]
    assert rows["mean_is_lower_limit"].tolist() == [False, True]
    assert rows.loc[8.0, "median_shortfall"] == math.inf
    assert (found.spots(4, 5), found.spots(8, 5), found.spots(8, 15)) == (0, 2, 1)
    pairs = found.blind.set_index(["most_complexity", "more_than"])
    assert pairs.loc[(8, 15), "open"] == 1 and pairs.loc[(8, 5), "open"] == 0  # the limit at 12 bits decides only the lesser
    assert score(THREE).by_complexity["unknown"].sum() == 1
    with pytest.raises(InputError, match="no pair"):
        found.spots(9, 5)


def test_the_score_of_the_null_is_the_same_at_every_complexity_up_to_the_slope():
    found = score(blind_spots(NULL))
    middle = found.by_complexity
    assert (middle["mean_shortfall"] + middle["complexity_from"]).between(12, 16).all()
    assert found.spots(10.0, 5.0) == 10


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"relative_error": 0.0}, "relative_error"),
        ({"relative_error": math.nan}, "relative_error"),
        ({"relative_error": "0.1"}, "relative_error"),
        ({"confidence": 1}, "confidence"),
        ({"least_log2_probability": 1e-12}, "negative number of bits"),
        ({"least_log2_probability": math.nan}, "negative number of bits"),
        ({"budget_seconds": 0}, "budget_seconds"),
        ({"budget_seconds": math.nan}, "budget_seconds"),
        ({"workers": 0}, "workers"),
        ({"workers": True}, "workers"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"samples": 0}, "samples"),
        ({"counts": 7}, "counts"),
    ],
)
def test_bad_options_are_refused_before_anything_is_drawn(options, message):
    with pytest.raises(InputError, match=message):
        blind_spots("perceptron:inputs=2", ["0001"], **options)


@pytest.mark.parametrize(
    "reference",
    [[], "011", ["0110", "01"], 5, reference_set(3), reference_set(2).iloc[:0], reference_set(2)[["function", "name"]], b"0110"],
)
def test_references_that_do_not_fit_are_refused(reference):
    with pytest.raises(InputError):
        blind_spots("perceptron:inputs=2", reference, samples=100)


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(SpecError, match="perceptron"):
        blind_spots("perceptrom")
    with pytest.raises(InputError, match="no map"):
        blind_spots(7)
    with pytest.raises(InputError, match="list of functions"):
        blind_spots("perceptron:inputs=grid-3x3")
    counts = prior.sample("perceptron:inputs=2", samples=10)
    with pytest.raises(InputError, match="counts of"):
        blind_spots("perceptron:inputs=2,bias=false", ["0001"], counts=counts)


def test_a_grid_works_with_functions_of_ones_own():
    table = blind_spots("perceptron:inputs=grid-3x3", ["0" * 9, "000000111"], samples=5000)
    assert (table["method"] == "count").all() and table["complexity_lz"].isna().all() and "class_total" not in table


@pytest.mark.parametrize(
    "tables",
    [
        {},
        [ONE],
        {"one": ONE, "two": TWO.iloc[:2]},
        {"one": ONE.drop(columns="log2_high")},
        {"one": pd.concat([ONE, ONE])},
        {"one": ONE.iloc[:0]},
        {"one": "table"},
    ],
)
def test_tables_that_do_not_fit_are_refused(tables):
    with pytest.raises(InputError):
        shortfalls(tables)


@pytest.mark.parametrize(
    "options", [{"bin_bits": 0}, {"bin_bits": math.nan}, {"most_complexity": ()}, {"more_than": (math.inf,)}]
)
def test_scores_of_no_bits_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        score(ONE, **options)


def test_the_inputs_coding_does_not_matter_to_the_set():
    pd.testing.assert_frame_equal(reference_set(hypercube(3, (-1, 1))), reference_set(3))
    assert isinstance(described(Functions.from_values(np.eye(4)), 2), pd.DataFrame)
