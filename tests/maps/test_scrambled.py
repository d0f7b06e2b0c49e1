"""Scrambling: a bijection, the same Zipf curve to the bit, and no correlation with complexity."""

import numpy as np
import pytest
from scipy import stats

from slt_bias import complexity, functions, maps, prior
from slt_bias.errors import SpecError
from slt_bias.functions.tables import Functions


@pytest.mark.parametrize("points", [2, 4, 8, 9, 15, 16])
def test_it_permutes_all_tables(points):
    inputs = functions.from_rows(np.arange(points, dtype=float)[:, None])
    chosen = maps.parse("scrambled:map=[uniform],key=5", inputs)
    every = Functions.from_values((np.arange(2**points)[:, None] >> np.arange(points)) & 1)
    image = chosen.scramble(every)
    assert len(np.unique(image.packed, axis=0)) == len(every)
    assert chosen.unscramble(image) == every
    if points >= 8:  # few fixed points: Poisson(1)
        assert (image.packed == every.packed).all(axis=1).sum() < 8


def test_one_point():
    chosen = maps.Scrambled(maps.Uniform(functions.from_rows(np.ones((1, 1)))), key=1)
    both = functions.parse(["0", "1"])
    assert sorted(chosen.scramble(both).strings()) == ["0", "1"] and chosen.unscramble(chosen.scramble(both)) == both


@pytest.mark.parametrize("inputs", ["7", "9", "grid-7x19", "grid-3x61"])
def test_long_tables_come_back_and_mix(inputs):
    chosen = maps.parse(f"scrambled:map=[uniform:inputs={inputs}],key=2")
    drawn = Functions(chosen.map.draw_functions(0, 0, 400), chosen.inputs.count)
    image = chosen.scramble(drawn)
    assert chosen.unscramble(image) == drawn and image != drawn
    values = drawn.values()
    values[:, 5] ^= True  # one changed bit changes half of the image
    changed = chosen.scramble(Functions.from_values(values)).values() ^ image.values()
    assert abs(changed.mean() - 0.5) < 5 * 0.5 / np.sqrt(changed.size)
    assert np.abs(changed.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(len(changed))
    other = maps.parse(f"scrambled:map=[uniform:inputs={inputs}],key=3").scramble(drawn)
    assert abs((other.values() ^ image.values()).mean() - 0.5) < 5 * 0.5 / np.sqrt(changed.size)


def test_zipf_curve_stays_and_simplicity_goes():
    plain = prior.sample("mlp:preset=valle-perez-2018-normal", 60_000, seed=4)
    scrambled = prior.sample("scrambled:map=[mlp:preset=valle-perez-2018-normal],key=7", 60_000, seed=4)
    assert (plain.count == scrambled.count).all() and plain.samples == scrambled.samples
    chosen = maps.parse("scrambled:map=[mlp:preset=valle-perez-2018-normal],key=7")
    back = chosen.unscramble(scrambled.functions)
    assert set(back.strings()) == set(plain.functions.strings())
    often = plain.count >= 2
    correlations = []
    for counts in (plain, scrambled):
        strings = counts.functions[often].strings()
        found = [complexity.lz(text) for text in strings]
        correlations.append(stats.spearmanr(found, np.log(counts.count[often])))
    assert correlations[0].statistic < -0.5 and correlations[1].pvalue > 1e-4
    mean = np.mean([complexity.lz(text) for text in scrambled.functions[:50].strings()])
    assert mean > 130  # random strings of 128 bits: 160 or so


def test_what_it_takes_from_the_inner_map():
    inner = maps.parse("transformer:inputs=3")
    chosen = maps.Scrambled(inner, key=2)
    assert chosen == maps.parse(f"scrambled:map=[{inner.spec}],key=2") and chosen.inputs == inner.inputs
    assert (chosen.block, chosen.compiled, chosen.law, chosen.symmetries) == (inner.block, False, inner.law, frozenset())
    assert maps.parse("scrambled:map=perceptron,key=1,inputs=4").map == maps.parse("perceptron:inputs=4")
    rows = functions.from_rows(np.eye(4))
    assert maps.parse("scrambled:map=[perceptron]", rows).map == maps.parse("perceptron", rows)
    with pytest.raises(SpecError, match="leave out inputs"):
        maps.Scrambled(inner, inputs=3)
