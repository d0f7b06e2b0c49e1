import math

import numpy as np
import pytest
from known_laws import all_functions, counts_of, draw

from slt_bias import compare, prior
from slt_bias.compare.halves import halve, pair, share_draws
from slt_bias.errors import InputError

TRIALS = 200
FEW_ENOUGH = 17  # misses of 200 at 5 %: exceeded with probability .01 at the nominal rate


def truths(p, q):
    p, q = p / p.sum(), q / q.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        kl = np.where(p > 0, p * np.log2(p / q), 0.0).sum()
    return np.maximum(p - q, 0).sum(), kl


def misses(functions, p, q, samples_a, samples_b):
    """How often the intervals of total variation and of KL miss; and the last distance."""
    tv, kl = truths(p, q)
    missed = np.zeros(2, int)
    for seed in range(TRIALS):
        a = draw(functions, p, samples_a, 2 * seed, "a:inputs=2")
        b = draw(functions, q, samples_b, 2 * seed + 1, "b:inputs=2")
        found = compare.distance(a, b)
        for place, (estimate, truth) in enumerate([(found.total_variation, tv), (found.kullback_leibler, kl)]):
            missed[place] += not estimate.low - 1e-12 <= truth <= estimate.high + 1e-12
    return missed, found


SMALL = {
    "equal": (np.ones(16), np.ones(16)),
    "near": (np.ones(16), 1 + 0.3 * np.sin(np.arange(16))),
    "far": (2.0 ** -np.arange(16) + 0.001, 2.0 ** -np.arange(16)[::-1] + 0.02),
    "a has fewer": (np.r_[np.ones(5), np.zeros(11)], np.ones(16)),
}


@pytest.mark.parametrize("name", SMALL)
def test_intervals_cover_on_sixteen_functions(name):
    missed, found = misses(all_functions(2), *SMALL[name], 20_000, 5_000)
    assert (missed <= FEW_ENOUGH).all()
    assert found.kullback_leibler.high < math.inf
    assert found.total_variation.status == "ok"  # 20,000 and 5,000 draws place it within .1
    assert found.total_variation.high - found.total_variation.low < 0.1


def test_no_upper_limit_where_b_lacks_a_function_of_a():
    p, q = np.ones(16), np.r_[np.ones(8), np.zeros(8)]
    missed, found = misses(all_functions(2), p, q, 20_000, 20_000)
    assert (missed <= FEW_ENOUGH).all()
    assert found.kullback_leibler.high == math.inf and found.kullback_leibler.status == "suspect"
    assert found.kullback_leibler.low > 1  # the truth is infinite, and half of a's draws say so
    assert found.total_variation.low > 0.45


def test_two_samples_of_a_law_rich_in_singletons_are_not_called_apart():
    functions = all_functions(4)
    law = np.ones(2**16)
    law[0] = 20_000
    missed, found = misses(functions, law, law, 5_000, 5_000)
    assert (missed <= FEW_ENOUGH).all()
    plug_in = 1 - np.minimum(found.pairs["probability_a"], found.pairs["probability_b"]) @ found.pairs["functions"]
    assert plug_in > 0.5  # what a naive count of differences says of one and the same law
    assert found.total_variation.low == 0 and found.total_variation.status == "suspect"
    assert found.kullback_leibler.low == 0


def test_laws_rich_in_singletons_that_differ_are_told_apart():
    functions = all_functions(4)
    p, q = np.ones(2**16), np.ones(2**16)
    p[0] = q[2**15] = 40_000
    missed, found = misses(functions, p, q, 5_000, 5_000)
    assert (missed <= FEW_ENOUGH).all()
    assert found.total_variation.low > 0.3 and found.kullback_leibler.low > 1


def test_halves_are_independent_samples_and_sum_to_the_whole():
    count = np.full(20_000, 3)
    first, second = halve(count, ["a"])
    assert (first + second == count).all()
    assert first.sum() == pytest.approx(30_000, abs=5 * math.sqrt(60_000) / 2)
    assert np.array_equal(first, halve(count, ["a"])[0]) and not np.array_equal(first, halve(count, ["b"])[0])


def test_pairing_keeps_every_draw_and_keys_with_zero_bytes_apart():
    functions = all_functions(4)
    a = draw(functions, np.ones(2**16), 30_000, 0)
    b = draw(functions, np.ones(2**16), 20_000, 1)
    paired = pair(a, b)
    assert paired.a.sum() == 30_000 and paired.b.sum() == 20_000
    for place in range(0, len(paired.functions), 1999):
        assert paired.a[place] == a.of(paired.functions[place]) and paired.b[place] == b.of(paired.functions[place])


def test_table_and_pairs():
    functions = all_functions(2)
    a = counts_of(functions, np.r_[6, 4, np.zeros(14)].astype(int), 10, 0, "a:inputs=2")
    b = counts_of(functions, np.r_[5, 0, 15, np.zeros(13)].astype(int), 20, 0, "b:inputs=2")
    found = compare.distance(a, b)
    rows = found.table.set_index("function")
    assert rows.loc["0000", "log2_ratio"] == pytest.approx(math.log2(0.6 / 0.25))
    assert rows.loc["0001", "log2_ratio"] == math.inf and rows.loc["0010", "log2_ratio"] == -math.inf
    assert (found.functions_a, found.functions_b, found.functions_both) == (2, 2, 1)
    assert len(compare.distance(a, b, limit=1).table) == 1
    assert found.pairs["functions"].sum() == 3


def test_other_points_are_refused_and_shared_draws_noted():
    a = prior.sample("uniform:inputs=3", samples=1000, workers=1)
    with pytest.raises(InputError, match="8 and of 4 points"):
        compare.distance(a, prior.sample("uniform:inputs=2", samples=1000, workers=1))
    grid = prior.sample("uniform:inputs=grid-2x4", samples=1000, workers=1)
    with pytest.raises(InputError, match="grid-2x4"):
        compare.distance(a, grid)
    with pytest.raises(InputError, match="between 0 and 1"):
        compare.distance(a, a, confidence=95)
    assert "same draws" in compare.distance(a, a).total_variation.reasons[0]
    again = prior.sample("uniform:inputs=3", samples=1000, seed=1, workers=1)
    assert not any("same draws" in reason for reason in compare.distance(a, again).total_variation.reasons)


@pytest.mark.parametrize(
    ("one", "other", "shared"), [((0, 3), (1, 2), True), ((1, 2), (0, 3), True), ((0, 3), (3, 4), False), ((2, 3), (0, 2), False)]
)
def test_shared_draws_are_found_wherever_the_blocks_begin(one, other, shared):
    functions, count = all_functions(2), np.full(16, 2)
    a, b = (counts_of(functions, count, 32, 0, "uniform:inputs=2") for _ in range(2))
    for counts, (first, stop) in ((a, one), (b, other)):
        counts.blocks[0] = np.array([[first, stop, 32]])
    assert share_draws(a, b) is shared


def test_a_distance_prints_in_two_lines():
    functions = all_functions(2)
    found = compare.distance(*(draw(functions, np.ones(16), 500, seed, "law:inputs=2") for seed in (0, 1)))
    assert repr(found).count("\n") == 1 and len(repr(found)) < 250
    assert repr(found).startswith("Distance(V = ") and "16 by both" in repr(found)
