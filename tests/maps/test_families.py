"""What every family promises: specs that come back, symmetries, the same bits with one and two workers, a minimal program."""

import functools
import itertools

import numpy as np
import pytest
from scipy import stats

from slt_bias import functions, maps, prior
from slt_bias.errors import SltBiasError
from slt_bias.maps.base import DiscreteMap, LatentMap, Map
from slt_bias.maps.programs import PROGRAMS, description_bits, source
from slt_bias.maps.registry import FAMILIES

LATENT = [
    "cnn:inputs=3", "cnn:inputs=3,values=pm1,channels=4,activation=tanh,readout=mean,padding=circular,kernel=2,layers=3",
    "cnn:inputs=3,bias=false", "rnn:inputs=3", "rnn:inputs=3,values=pm1,bias=false,hidden=5", "lstm:inputs=3,hidden=4",
    "lstm:inputs=3,values=pm1,law=uniform", "fourier:inputs=3", "fourier:inputs=3,scale=2.5,features=7",
    "random-features:inputs=3", "random-features:inputs=3,activation=sin,features_seed=4,bias=false,law=uniform",
]  # fmt: skip
DISCRETE = [
    "tree:inputs=3", "tree:inputs=3,values=pm1,depth=2", "circuit:inputs=3,gates=6", "circuit:inputs=3,gates=4,basis=all16",
    "transducer:inputs=3,states=3", "transducer:inputs=3,machine=0", "layered:inputs=3,depth=2",
]  # fmt: skip
WRAPPED = ["scrambled:map=[perceptron:inputs=3],key=3", "scrambled:map=[scrambled:map=[tree:inputs=3],key=1],key=2"]
ALL = LATENT + DISCRETE + WRAPPED
LACKING = {  # an undeclared symmetry that the counts must refute: the test can fail
    "cnn:inputs=3": ["permute-inputs"], "rnn:inputs=3": ["permute-inputs", "negate-inputs", "negate-all-inputs"],
    "lstm:inputs=3,hidden=4": ["permute-inputs", "negate-inputs", "negate-all-inputs"],
    "cnn:inputs=3,bias=false": ["negate-output"], "rnn:inputs=3,values=pm1,bias=false,hidden=5": ["negate-inputs"],
    "lstm:inputs=3,values=pm1,law=uniform": ["negate-inputs"],
    "cnn:inputs=3,values=pm1,channels=4,activation=tanh,readout=mean,padding=circular,kernel=2,layers=3": ["negate-inputs"],
    "circuit:inputs=3,gates=6": ["negate-inputs", "negate-all-inputs", "negate-output"],
    "transducer:inputs=3,states=3": ["permute-inputs"],
    "random-features:inputs=3": ["permute-inputs", "negate-inputs"], "transducer:inputs=3,machine=0": ["negate-output"],
    "scrambled:map=[perceptron:inputs=3],key=3": ["permute-inputs", "negate-inputs", "negate-all-inputs", "negate-output"],
}  # fmt: skip


@pytest.mark.parametrize("text", ALL)
def test_spec_comes_back(text):
    chosen = maps.parse(text)
    assert maps.parse(chosen.spec) == chosen and maps.parse(chosen.spec).spec == chosen.spec
    assert isinstance(chosen, Map)
    assert isinstance(chosen, LatentMap) == (text in LATENT)
    assert isinstance(chosen, DiscreteMap) == (text in DISCRETE)
    assert chosen.law_text or chosen.law is not None


@functools.cache
def frequencies(text, seed, draws=160_000):
    """How often each of the 256 functions comes in that many draws or a few more."""
    chosen, found, drawn = maps.parse(text), np.zeros(256, np.int64), 0
    while drawn < draws:
        packed = chosen.draw_functions(seed, drawn // chosen.block, chosen.block)
        found += np.bincount(packed[:, 0], minlength=256)
        drawn += chosen.block
    return found


def moved(found, symmetry):
    """The frequencies of the images of all functions, for generators of the symmetry."""
    table = (np.arange(256)[:, None] >> np.arange(7, -1, -1)) & 1
    cubes = table.reshape(256, 2, 2, 2)
    images = {
        "permute-inputs": [cubes.transpose(0, 2, 1, 3), cubes.transpose(0, 2, 3, 1)],
        "negate-inputs": [np.flip(cubes, axis) for axis in (1, 2, 3)],
        "negate-all-inputs": [table[:, ::-1]],
        "negate-output": [1 - table],
    }[symmetry]
    return [found[np.packbits(image.reshape(256, 8).astype(np.uint8), axis=1)[:, 0]] for image in images]


def p_value(a, b):
    """χ² test that two tables of counts come from one law, rare functions taken together."""
    frequent = a + b >= 10
    table = np.array([np.append(a[frequent], a[~frequent].sum()), np.append(b[frequent], b[~frequent].sum())])
    return stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue


@pytest.mark.parametrize("symmetry", ["permute-inputs", "negate-inputs", "negate-all-inputs", "negate-output"])
@pytest.mark.parametrize("text", ALL)
def test_symmetries_are_those_of_the_counts(text, symmetry):
    """Two independent samples, one of them transformed."""
    chosen = maps.parse(text)
    values = [p_value(frequencies(text, 1), image) for image in moved(frequencies(text, 2), symmetry)]
    declared = chosen.symmetries | ({"negate-all-inputs"} if "negate-inputs" in chosen.symmetries else set())
    if symmetry in declared:
        assert min(values) > 1e-4
    elif symmetry in LACKING.get(text, []):
        assert min(values) < 1e-4


def test_a_transducer_of_four_inputs_tells_one_negated_input():
    """All 256 machines of two states: the law of their functions changes with one input negated, not with all four."""
    machines = np.array(list(itertools.product((0, 1), repeat=8)), np.uint16)
    cubes = maps.parse("transducer:inputs=4,states=2").functions(machines).values().reshape(-1, 2, 2, 2, 2)
    laws = [np.unique(image.reshape(-1, 16), axis=0, return_counts=True) for image in (cubes, np.flip(cubes, 1))]
    assert any(not np.array_equal(*pair) for pair in zip(*laws, strict=True))
    joint = np.unique(np.flip(cubes, (1, 2, 3, 4)).reshape(-1, 16), axis=0, return_counts=True)
    assert all(np.array_equal(*pair) for pair in zip(laws[0], joint, strict=True))


@pytest.mark.parametrize("text", ["mlp:inputs=3,hidden=3,bias=false", "mlp:inputs=3,hidden=3,bias=false,activation=gaussian"])
def test_negation_of_outputs_without_biases(text):
    declared = "negate-output" in maps.parse(text).symmetries
    assert declared == (p_value(frequencies(text, 1), moved(frequencies(text, 2), "negate-output")[0]) > 1e-4)


WORKERS = [
    "cnn:inputs=4", "lstm:inputs=4,hidden=4", "scrambled:map=[rnn:inputs=4,hidden=4],key=1", "fourier", "random-features", "tree",
    "circuit", "transducer", "transducer:machine=1", "layered", "scrambled:map=[perceptron]",
]  # fmt: skip


@pytest.mark.parametrize("text", WORKERS)
def test_same_bits_with_one_and_two_workers(text):
    samples = maps.parse(text).block + 700
    one, two = (prior.sample(text, samples, seed=5, workers=workers) for workers in (1, 2))
    assert one.functions == two.functions and (one.count == two.count).all()


@pytest.mark.parametrize("text", ["cnn:inputs=3", "rnn:inputs=3", "fourier", "tree", "circuit", "transducer", "layered"])
def test_draws_do_not_depend_on_their_number(text):
    chosen = maps.parse(text)
    assert (chosen.draw_functions(1, 3, 100)[:37] == chosen.draw_functions(1, 3, 37)).all()
    assert (chosen.draw_functions(1, 3, 37) != chosen.draw_functions(2, 3, 37)).any()


@pytest.mark.parametrize("text", ["cnn", "rnn", "lstm", "fourier", "random-features"])
def test_real_data(text):
    rows = functions.from_rows(np.random.default_rng(0).normal(size=(37, 5)))
    chosen = maps.parse(text, rows)
    assert chosen.draw_functions(0, 0, 50).shape == (50, 5) and "permute-inputs" not in chosen.symmetries
    assert maps.parse(text, functions.grid(4, 3)).draw_functions(0, 0, 20).shape == (20, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cnn:kernel=8,padding=circular", ["kernel=8", "7 inputs"]),
        ("cnn:padding=none", ["zero"]),
        ("cnn:readout=max", ["mean"]),
        ("cnn:channels=0", ["channels=0"]),
        ("rnn:hidden=0", ["hidden=0"]),
        ("lstm:hiden=3", ["hidden"]),
        ("fourier:scale=0", ["larger than 0"]),
        ("fourier:features=0", ["features=0"]),
        ("random-features:features_seed=-1", ["0 or"]),
        ("tree:inputs=grid-3x3", ["reads bits"]),
        ("tree:depth=15", ["between 0 and 14"]),
        ("circuit:basis=nand", ["all16"]),
        ("circuit:gates=0", ["gates=0"]),
        ("circuit:inputs=grid-3x3", ["reads bits"]),
        ("transducer:machine=x", ["whole number"]),
        ("transducer:machine=-1", ["0 or larger"]),
        ("transducer:states=0", ["states=0"]),
        ("layered:depth=0", ["depth=0"]),
        ("scrambled:map=[mlp:hidden=4", ["brackets"]),
        ("scrambled:map=mlp]", ["brackets"]),
        ("scrambled:key=-1", ["0 or larger"]),
        ("scrambled:map=[mlp:inputs=3],inputs=4", ["leave out one"]),
        ("scrambled:map=[mpl]", ["`mpl` is unknown", "mlp"]),
    ],
)  # fmt: skip
def test_bad_specs_are_one_clear_line(text, words):
    with pytest.raises(SltBiasError) as caught:
        maps.parse(text)
    message = str(caught.value)
    assert "\n" not in message and all(word in message for word in words), message


def test_every_family_has_a_minimal_program():
    assert set(PROGRAMS) == set(FAMILIES) - {"module"}
    bits = {name: description_bits(name) for name in PROGRAMS}
    assert all(200 < value < 6000 for value in bits.values())
    assert min(bits, key=bits.__getitem__) == "uniform" and max(bits, key=bits.__getitem__) == "transformer"
    assert bits["scrambled"] - bits["mlp"] < 900  # a short key: the complexity of scrambling is small
    assert maps.parse("tree").minimal_program == source("tree")
    with pytest.raises(SltBiasError, match="no minimal program"):
        source("forest")
    with pytest.raises(SltBiasError, match="your own code"):
        source("module")


@pytest.mark.parametrize("family", PROGRAMS)
def test_minimal_programs_draw_from_the_family(family):
    """The program's frequencies at n = 3 against the map's, on all functions that are frequent enough."""
    space = {}
    exec(PROGRAMS[family], space)
    generator = np.random.default_rng(3)
    assert np.asarray(space["f"](generator)).shape == (128,)
    draws = np.array([space["f"](generator, 3) for _ in range(4000)]).astype(np.uint8)
    assert set(np.unique(draws)) == {0, 1}
    if family in ("random-features", "scrambled"):  # another frozen layer, another bijection
        return
    programs = np.bincount(np.packbits(draws, axis=1)[:, 0], minlength=256)
    assert p_value(frequencies(f"{family}:inputs=3", 1, 16_000), programs) > 1e-4
