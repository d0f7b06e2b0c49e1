import math

import numpy as np
import pytest
import torch
from scipy import stats

from slt_bias import functions, maps
from slt_bias.errors import SltBiasError
from slt_bias.maps.base import LatentMap, Map
from slt_bias.maps.registry import FAMILIES

SPECS = [
    "mlp", "mlp:hidden=3x4,activation=sin,bias=false", "mlp:preset=valle-perez-2018,inputs=3", "perceptron:inputs=2,values=pm1",
    "perceptron:law=uniform,weight_std=0.1", "polynomial:degree=2,decay=0.25", "uniform:inputs=grid-3x4", "transformer:inputs=3",
]  # fmt: skip


@pytest.mark.parametrize("text", SPECS)
def test_spec_is_canonical(text):
    chosen = maps.parse(text)
    assert maps.parse(chosen.spec) == chosen and maps.parse(chosen.spec).spec == chosen.spec
    assert hash(maps.parse(chosen.spec)) == hash(chosen)
    assert isinstance(chosen, Map) and isinstance(chosen, LatentMap)


def test_every_family_has_defaults_and_documents_its_options():
    for name in FAMILIES:
        chosen = maps.family(name)
        assert chosen.name == name and chosen.summary
        if name == "module":
            continue
        spec = maps.parse(name).spec
        for option in chosen.options:
            assert option.meaning
            if option.default and option.name not in ("law", "weight_std", "bias_std", "bias", "preset"):
                assert f"{option.name}={option.default}" in spec.replace(".0", "").replace("[", ""), (name, option.name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mpl", ["`mpl` is unknown", "mlp"]),
        ("mlp:hiden=4", ["no option `hiden`", "hidden"]),
        ("mlp:activation=rleu", ["relu"]),
        ("mlp:hidden=4,hidden=5", ["twice"]),
        ("mlp:hidden=axb", ["no whole number"]),
        ("mlp:hidden=", ["perceptron"]),
        ("mlp:hidden=0", ["between 1"]),
        ("mlp:preset=valle-perez-2018,weight_std=1", ["leave out weight_std"]),
        ("mlp:preset=valle-perez-2018,bias=true", ["leave out bias"]),
        ("mlp:preset=valle", ["valle-perez-2018"]),
        ("mlp:bias=false,bias_std=2", ["contradict"]),
        ("mlp:weight_std=-1", ["0 or larger"]),
        ("mlp:weight_std=nan", ["finite"]),
        ("mlp:weight_std=0", ["constant"]),
        ("mlp:law=cauchy", ["normal"]),
        ("mlp:40x40", ["name=value"]),
        ("mlp:inputs=17", ["largest that fits is 16", "16 KiB"]),
        ("mlp:inputs=40", ["largest that fits is 16", "128 GiB"]),
        ("mlp:inputs=7,values=012", ["01 or pm1"]),
        ("mlp:inputs=rows-abc", ["pass the rows"]),
        ("polynomial:degree=8", ["between 0 and 7"]),
        ("polynomial:decay=0", ["larger than 0"]),
        ("polynomial:inputs=16,degree=16", ["at most"]),
    ],
)
def test_bad_specs_are_one_clear_line(text, words):
    with pytest.raises(SltBiasError) as caught:
        maps.parse(text)
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_inputs_given_twice():
    rows = functions.from_rows(np.eye(3))
    assert maps.parse("mlp:hidden=4", rows).inputs == rows
    with pytest.raises(SltBiasError, match="leave out one"):
        maps.parse("mlp:inputs=7", rows)
    with pytest.raises(SltBiasError, match="pass the rows themselves"):
        maps.parse(maps.parse("mlp:hidden=4", rows).spec)


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_law_of_parameters(law):
    chosen = maps.MLP(inputs=5, hidden=(8, 3), weight_std=2.0, bias_std=0.5, law=law)
    draws = 20_000
    parameters = chosen.parameters(torch.from_numpy(np.random.default_rng(0).normal(size=(draws, chosen.latents)))).numpy()
    stds = np.concatenate([np.full(40, 2 / math.sqrt(5)), np.full(8, 0.5), np.full(24, 2 / math.sqrt(8)), np.full(3, 0.5),
                           np.full(3, 2 / math.sqrt(3)), [0.5]])  # fmt: skip
    assert parameters.shape[1] == len(stds)
    shape = stats.norm if law == "normal" else stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))
    for column, std in zip(parameters.T, stds, strict=True):
        assert stats.kstest(column / std, shape.cdf).pvalue > 1e-5


@pytest.mark.parametrize(("preset", "distribution"), [("valle-perez-2018", "uniform"), ("valle-perez-2018-normal", "normal")])
def test_presets(preset, distribution):
    chosen = maps.MLP(preset=preset)
    assert chosen.law.distribution == distribution
    stds = np.unique(chosen.network.scales)
    assert stds == pytest.approx([math.sqrt(1 / 40), math.sqrt(2 / 40), math.sqrt(2 / 7)], rel=1e-6)
    assert chosen.latents == 7 * 40 + 40 + 40 * 40 + 40 + 40 + 1


def test_bias_false_is_bias_std_zero():
    assert maps.parse("mlp:bias=false") == maps.parse("mlp:bias_std=0")
    assert maps.parse("mlp:bias=false").latents == 7 * 40 + 1600 + 40


def test_polynomial_monomials():
    assert maps.parse("polynomial:inputs=4,degree=4").latents == 16
    assert maps.parse("polynomial:inputs=4,degree=2").latents == 1 + 4 + 6
    grid = maps.parse("polynomial:inputs=grid-5x5,degree=3")
    assert grid.latents == 10
    scales = maps.parse("polynomial:inputs=3,degree=3,decay=0.5,weight_std=2").network.scales
    assert scales.tolist() == [2, 1, 1, 1, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0"), (0.5, "0.5"), (100.0, "100.0"), (1e12, "1e12"), (-1e7, "-1e7"), (1e16, "1e16"), (123456789.5, "123456789.5")],
)
def test_floats_are_short_and_read_back(value, text):
    from slt_bias.maps.options import write

    assert write(value) == text and float(text) == value


def test_every_float_reads_back():
    from slt_bias.maps.options import write

    generator = np.random.default_rng(0)
    values = generator.normal(size=1000) * 10.0 ** generator.integers(-300, 300, 1000)
    assert [float(write(float(value))) for value in values] == values.tolist()
