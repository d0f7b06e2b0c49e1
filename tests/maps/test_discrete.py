"""Trees, circuits, transducers and layered machines against plain Python; draws and proposals against their law."""

import itertools

import numpy as np
import pytest
from scipy import stats

from slt_bias import maps
from slt_bias.errors import InputError
from slt_bias.maps.layered import ones_distribution

SPECS = [
    *(f"{family}:inputs={n}" for family in ("tree", "circuit", "transducer", "layered") for n in (1, 2, 3, 5, 6, 7, 9)),
    "tree:inputs=4,depth=0", "tree:inputs=4,depth=7,values=pm1", "circuit:inputs=4,gates=300,basis=all16",
    "layered:inputs=4,depth=1", "transducer:inputs=8,states=40", "transducer:inputs=7,machine=3",
    "transducer:inputs=grid-5x3,machine=0,states=2",
]  # fmt: skip


def plain_value(chosen, genotype, point, number):
    """f(point) by the definition."""
    n = len(point)
    if chosen.name == "tree":
        nodes, node = 2**chosen.depth - 1, 0
        while node < nodes:
            node = 2 * node + 1 + point[genotype[node]]
        return genotype[node]
    if chosen.name == "circuit":
        values = list(point)
        for operation, a, b in np.reshape(genotype, (-1, 3)).tolist():
            p, q = values[a], values[b]
            basic = [p & q, p | q, 1 - p]
            values.append(basic[operation] if chosen.basis == "and-or-not" else (operation >> (2 * p + q)) & 1)
        return values[-1]
    if chosen.name == "transducer":
        follow, emit, state, bit = genotype[: 2 * chosen.states], genotype[2 * chosen.states :], 0, 0
        for x in point:
            bit, state = emit[2 * state + x], follow[2 * state + x]
        return bit
    tables, state = np.reshape(genotype, (chosen.depth, 2**n)), number
    for table in tables:
        state = table[state]
    return state


def written(chosen, tape):
    """What the fixed transducer writes."""
    state, out = 0, []
    for bit in tape:
        out.append(int(chosen.emit[state, bit]))
        state = int(chosen.next[state, bit])
    return out


@pytest.mark.parametrize("spec", SPECS)
def test_kernels_agree_with_plain_python(spec):
    chosen = maps.parse(spec)
    genotypes = chosen.draw(1, 0, 12)
    table = chosen.functions(genotypes).values()
    assert (chosen.draw_functions(1, 0, 12) == chosen.functions(genotypes).packed).all()
    points = list(itertools.product((0, 1), repeat=chosen.inputs.features))
    for row, values in zip(genotypes.tolist(), table.tolist(), strict=True):
        if "machine=" in spec:
            assert written(chosen, row) == values
        else:
            assert [plain_value(chosen, row, point, k) for k, point in enumerate(points)] == values


@pytest.mark.parametrize("spec", ["tree", "circuit:basis=all16", "transducer", "transducer:machine=1", "layered"])
def test_every_component_is_uniform(spec):
    chosen = maps.parse(spec)
    assert len(chosen.bounds) == chosen.components
    genotypes = np.concatenate([chosen.draw(4, block, min(chosen.block, 4096)) for block in range(3)])
    values = [stats.chisquare(np.bincount(column, minlength=bound)).pvalue
              for column, bound in zip(genotypes.T, chosen.bounds, strict=True) if bound > 1]  # fmt: skip
    assert (genotypes < chosen.bounds).all()
    assert stats.kstest(values, "uniform").pvalue > 1e-4 and min(values) > 1e-4 / len(values)
    assert (chosen.draw(4, 0, 9) == genotypes[:9]).all()
    assert (chosen.draw(4, 0, 9, "splitting") != genotypes[:9]).any()


PROPOSALS = ["tree:inputs=3,depth=3", "circuit:inputs=3,gates=5", "transducer:inputs=3,states=3", "layered:inputs=3,depth=2"]


@pytest.mark.parametrize("spec", PROPOSALS)
def test_proposals_redraw_one_component(spec):
    chosen = maps.parse(spec)
    genotypes = chosen.draw(0, 0, 16_000)
    before = genotypes.copy()
    proposed = chosen.propose(genotypes, 0, "chain", 7)
    assert (genotypes == before).all() and (proposed < chosen.bounds).all()
    changed = proposed != genotypes
    assert changed.sum(axis=1).max() == 1
    expected = (1 - 1 / chosen.bounds) * len(genotypes) / chosen.components  # where the new value differs
    assert stats.chisquare(*normalised(changed.sum(axis=0), expected)).pvalue > 1e-4
    assert abs(changed.sum() - expected.sum()) < 4 * np.sqrt(expected.sum())
    again = chosen.propose(genotypes, 0, "chain", 7)
    assert (again == proposed).all() and (chosen.propose(genotypes, 0, "chain", 8) != proposed).any()


def normalised(found, expected):
    return found, expected * found.sum() / expected.sum()


@pytest.mark.parametrize("spec", PROPOSALS)
def test_a_chain_of_proposals_leaves_the_law_invariant(spec):
    """After steps enough to redraw most components: functions as frequent as in draws, also within a set."""
    chosen = maps.parse(spec)
    count = 16_000
    start, other = chosen.draw(0, 0, count), chosen.draw(0, 1, count)
    walked, confined = start.copy(), other[chosen.functions(other).ones() >= 4]
    for step in range(2 * chosen.components):
        walked = chosen.propose(walked, 0, "walk", step)
        proposed = chosen.propose(confined, 0, "confined", step)
        allowed = chosen.functions(proposed).ones() >= 4  # a step out of the set is refused
        confined = np.where(allowed[:, None], proposed, confined)
    assert (walked != start).mean() > 0.2
    fresh = chosen.functions(chosen.draw(0, 2, count))
    assert agree(chosen.functions(walked), fresh) > 1e-4
    assert agree(chosen.functions(confined), fresh[fresh.ones() >= 4]) > 1e-4


def agree(one, other):
    a, b = (np.bincount(functions.packed[:, 0], minlength=256) for functions in (one, other))
    frequent = a + b >= 10
    table = np.array([np.append(a[frequent], a[~frequent].sum()), np.append(b[frequent], b[~frequent].sum())])
    return stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue


def test_genotypes_that_do_not_fit():
    chosen = maps.parse("tree:inputs=3,depth=1")
    assert chosen.functions(np.array([[2, 0, 1]])).strings() == ["01010101"]
    for genotypes, words in (([[3, 0, 1]], "bound"), ([[-1, 0, 1]], "bound"), ([[1, 0]], "shape"), ([[0.5, 0, 1]], "whole")):
        with pytest.raises(InputError, match=words):
            chosen.functions(np.array(genotypes))


def test_trees_and_circuits_that_can_be_counted_by_hand():
    """Depth 1 on 2 inputs: constants 1/4 each, an input or its negation 1/8 each. One AND, OR or NOT gate on 2 inputs."""
    tree = np.bincount(maps.parse("tree:inputs=2,depth=1").draw_functions(0, 0, 16_000)[:, 0] >> 4, minlength=16)
    truth = np.zeros(16)
    truth[[0, 15]], truth[[0b0011, 0b1100, 0b0101, 0b1010]] = 1 / 4, 1 / 8
    assert stats.chisquare(*normalised(tree[truth > 0], truth[truth > 0])).pvalue > 1e-4 and not tree[truth == 0].any()
    gate = np.bincount(maps.parse("circuit:inputs=2,gates=1").draw_functions(0, 0, 16_000)[:, 0] >> 4, minlength=16)
    truth = np.zeros(16)
    truth[[0b0011, 0b0101, 0b1100, 0b1010, 0b0001, 0b0111]] = [1 / 6] * 6
    assert stats.chisquare(*normalised(gate[truth > 0], truth[truth > 0])).pvalue > 1e-4 and not gate[truth == 0].any()


@pytest.mark.parametrize("depth", range(1, 11))
@pytest.mark.parametrize("inputs", [2, 3, 4, 7])
def test_layered_machines_follow_their_exact_chain(inputs, depth):
    chosen = maps.parse(f"layered:inputs={inputs},depth={depth}")
    drawn = np.concatenate([chosen.draw_functions(8, block, 8192 if chosen.block > 8192 else chosen.block) for block in range(4)])
    ones = np.bitwise_count(drawn).sum(axis=1)
    exact = ones_distribution(inputs, depth)
    assert exact.sum() == pytest.approx(1, abs=1e-11)
    found = np.bincount(ones, minlength=len(exact))
    expected = exact * len(ones)
    bins = np.cumsum(expected) // 40  # neighbours together, so that 40 are expected in each bin or so
    groups = [(found[bins == k].sum(), expected[bins == k].sum()) for k in np.unique(bins)]
    groups = [(a, b) for a, b in groups if b > 0]
    if len(groups) > 1:
        assert stats.chisquare(*normalised(*(np.array(part) for part in zip(*groups, strict=True)))).pvalue > 1e-4


def test_the_chain_by_matrix_power_and_its_ends():
    step = stats.binom.pmf(np.arange(9)[None], 8, np.arange(9)[:, None] / 8)
    for depth in (1, 2, 7, 40):
        assert ones_distribution(3, depth) == pytest.approx(np.linalg.matrix_power(step, depth)[4], abs=1e-13)
    wrong = np.linalg.matrix_power(step, 3)[4]
    assert np.abs(ones_distribution(3, 2) - wrong).max() > 0.01
    chosen = maps.parse("layered:inputs=3,depth=3")
    every = maps.parse("uniform:inputs=3").inputs.count
    tables = maps.parse("tree:inputs=3,depth=0").functions(np.array([[0], [1]]))
    assert chosen.log2_probabilities(tables) == pytest.approx(np.log2(ones_distribution(3, 3)[[0, every]]))
    uniform = maps.parse("layered:inputs=10,depth=1")
    assert uniform.log2_probabilities(uniform.functions(uniform.draw(0, 0, 3))) == pytest.approx([-1024] * 3)


def test_layered_probability_depends_on_the_number_of_ones_alone():
    chosen = maps.parse("layered:inputs=2,depth=3")
    drawn = np.concatenate([chosen.draw_functions(0, block, chosen.block) for block in range(6)])[:, 0] >> 4
    functions = chosen.functions(np.array([[0, 1, 2, 3] * 2 + [k >> 3 & 1, k >> 2 & 1, k >> 1 & 1, k & 1] for k in range(16)]))
    assert (functions.packed[:, 0] >> 4).tolist() == list(range(16))
    expected = 2 ** chosen.log2_probabilities(functions) * len(drawn)
    assert stats.chisquare(*normalised(np.bincount(drawn, minlength=16), expected)).pvalue > 1e-4
