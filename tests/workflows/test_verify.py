"""Known answers hold, and a wrong implementation makes its row fail."""

import numpy as np
import pytest

from slt_bias import complexity, maps, prior, streams
from slt_bias.workflows.truths import complexities, generator, perceptrons, symmetries, uniform
from slt_bias.workflows.truths.row import pairs_equal
from slt_bias.workflows.verify import verify

SAMPLE = prior.sample


def failing(rows):
    return [row.name for row in rows if not row.holds]


def test_all_rows_hold():
    table = verify(seed=0)
    assert list(table.columns) == ["name", "source", "truth", "estimate", "low", "high", "holds"]
    assert table["holds"].all(), table[~table["holds"]]
    assert len(table) >= 25 and table["name"].is_unique


def swapped_map(change):
    """A sampler that draws from another map than it was asked for."""
    return lambda map, samples, seed: SAMPLE(change(map), samples=samples, seed=seed)


def test_a_generator_with_a_wrong_scale_fails(monkeypatch):
    right = streams.normals
    monkeypatch.setattr(streams, "normals", lambda *arguments: right(*arguments) * np.float32(1.002))
    assert len(failing(generator.moments(0))) >= 2


def test_a_generator_that_repeats_itself_fails(monkeypatch):
    right = streams.normals
    monkeypatch.setattr(streams, "normals", lambda *arguments: right(*arguments).repeat(2, axis=1)[:, ::2].repeat(2, axis=1))
    assert "normals: product of neighbours" in failing(generator.moments(0))


def test_a_perceptron_with_a_bias_it_should_not_have_fails(monkeypatch):
    monkeypatch.setattr(prior, "sample", swapped_map(lambda map: maps.Perceptron(map.inputs, bias_std=0.1)))
    assert len(failing(perceptrons.number_of_ones(0))) == 2


def test_missing_and_impossible_functions_fail(monkeypatch):
    monkeypatch.setattr(prior, "sample", swapped_map(lambda map: maps.Perceptron(map.inputs, bias=False)))
    assert len(failing(perceptrons.distinct_functions(0))) == 4


@pytest.mark.parametrize("wrong", [{"weight_std": 1.0}, {"weight_std": 2**0.5, "law": "uniform"}])
def test_wrong_laws_of_two_inputs_fail(monkeypatch, wrong):
    monkeypatch.setattr(prior, "sample", swapped_map(lambda map: maps.Perceptron(map.inputs, **wrong)))
    assert any("eight with" in name for name in failing(perceptrons.two_inputs(0)))


def test_a_network_that_computes_xor_fails(monkeypatch):
    monkeypatch.setattr(prior, "sample", swapped_map(lambda map: maps.MLP(map.inputs, hidden=(8,))))
    assert any("XOR" in name for name in failing(perceptrons.two_inputs(0)))


def test_laws_that_are_not_flat_fail(monkeypatch):
    monkeypatch.setattr(prior, "sample", swapped_map(lambda map: maps.Polynomial(map.inputs, degree=3, decay=0.98)))
    assert len(failing(uniform.flat_laws(0))) == 2


def test_an_output_rule_that_prefers_ones_fails(monkeypatch):
    def shifted(map, samples, seed):
        right = map.network.draw
        object.__setattr__(map.network, "draw", lambda *a: np.where(np.arange(a[-1])[:, None] % 50, right(*a), np.uint8(255)))
        return SAMPLE(map, samples=samples, seed=seed)

    monkeypatch.setattr(prior, "sample", shifted)
    assert any("not f" in name for name in failing(symmetries.equal_probabilities(0)))


def test_inputs_that_are_not_alike_fail(monkeypatch):
    def tilted(map, samples, seed):
        scales = map.network.scales.copy()
        scales[: 40 * 4 : 4] *= 1.3  # the first input's weights
        object.__setattr__(map.network, "scales", scales)
        return SAMPLE(map, samples=samples, seed=seed)

    monkeypatch.setattr(prior, "sample", tilted)
    assert any("exchanging" in name for name in failing(symmetries.equal_probabilities(0)))


def test_another_parse_fails(monkeypatch):
    def lempel_ziv_1978(text):
        words, word = set(), ""
        for character in text:
            word += character
            if word not in words:
                words.add(word)
                word = ""
        return 7.0 * len(words)

    monkeypatch.setattr(complexity, "lz", lempel_ziv_1978)
    assert len(failing(complexities.lempel_ziv(0))) >= 5


def test_a_formula_that_takes_the_wrong_gates_fails(monkeypatch):
    monkeypatch.setattr(complexity, "formula_and_or", lambda tables: complexity.formula_all_gates(tables))
    assert len(failing(complexities.smallest_formulas(0))) == 1


def test_no_pair_drawn_often_is_a_failed_row_and_no_crash(monkeypatch):
    nothing = np.zeros(3, np.int64)
    assert not pairs_equal("nothing", "", nothing, nothing).holds
