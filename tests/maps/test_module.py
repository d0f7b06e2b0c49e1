"""Modules as maps: initialisers replayed against real constructions, stacked outputs against single modules, errors."""

from __future__ import annotations

import architectures
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn

from slt_bias import streams
from slt_bias.errors import InputError, SltBiasError, SpecError
from slt_bias.functions.inputs import from_rows, grid, hypercube
from slt_bias.maps.base import LatentMap
from slt_bias.maps.initialisers import Initialisers, record
from slt_bias.maps.module import ModuleMap, from_module
from slt_bias.maps.registry import parse

REPLAYED = ["two_layers", "Normalised", "Bits", "OwnWeights", "initialised", "convolution", "attention", "Tied"]
STACKED = ["two_layers", "Normalised", "OwnWeights", "initialised", "convolution", "Tied"]
BUILT = ["orthogonal", "from_numpy", "written_through_numpy", "looks_at_its_draws", "chooses_by_numpy"]


def normals(rows: int, columns: int) -> torch.Tensor:
    return torch.from_numpy(streams.normals(5, "test", 0, (rows, columns)))


@pytest.mark.parametrize("name", REPLAYED)
def test_replay_has_the_law_of_real_constructions(name: str) -> None:
    factory = getattr(architectures, name)
    module, initialisers = record(factory)
    assert isinstance(initialisers, Initialisers)
    torch.manual_seed(0)
    real = torch.stack([nn.utils.parameters_to_vector(factory().parameters()).detach() for _ in range(400)])
    replayed = initialisers.replay(normals(2000, initialisers.latents))
    start = 0
    for label, parameter in module.named_parameters():
        a, b = (rows[:, start : start + parameter.numel()].numpy() for rows in (real, replayed))
        start += parameter.numel()
        constant = a.std(0) == 0
        np.testing.assert_array_equal(constant, b.std(0) == 0, label)
        np.testing.assert_array_equal(a[0, constant], b[0, constant], label)
        if constant.all():
            continue
        a, b = a[:, ~constant], b[:, ~constant]
        error = a.std() / np.sqrt(a.size) + b.std() / np.sqrt(b.size)
        assert abs(a.mean() - b.mean()) < 5 * error, label
        assert abs(a.std() / b.std() - 1) < 5 * (1 / np.sqrt(2 * a.size) + 1 / np.sqrt(2 * b.size)), label
        for k in range(0, a.shape[1], 5):  # element by element: no two share a normal, none has another's law
            assert ks_2samp(a[:, k], b[:, k]).pvalue > 1e-5, (label, k)
    assert start == real.shape[1]
    correlation = np.corrcoef(replayed.numpy()[:, replayed.std(0).numpy() > 0].T)
    assert np.abs(correlation - np.eye(len(correlation))).max() < 5.5 / np.sqrt(2000)


def test_truncation_is_seen_though_torch_rejects() -> None:
    _, initialisers = record(architectures.initialised)
    assert isinstance(initialisers, Initialisers)
    replayed = initialisers.replay(10 * normals(500, initialisers.latents))
    start = 8 * 3 + 8 + 64 + 8
    cut = replayed[:, start : start + 32]
    assert abs(cut.min() + 0.6) < 1e-6
    assert abs(cut.max() - 1.0) < 1e-6


@pytest.mark.parametrize("name", STACKED)
@pytest.mark.parametrize("law", ["init", "normal", "uniform"])
def test_stacked_outputs_are_those_of_single_modules(name: str, law: str) -> None:
    map = from_module(getattr(architectures, name), 3, law=law)
    assert map.slow is None
    assert isinstance(map, LatentMap)
    parameters = map.parameters(normals(9, map.latents))
    points = torch.tensor(map.inputs.points, dtype=torch.float32)
    single = torch.stack([map.module(row)(points).reshape(-1) for row in parameters])
    torch.testing.assert_close(map.outputs(parameters), single, rtol=1e-5, atol=1e-5)
    assert map.functions(parameters).values().tolist() == (single > 0).tolist()


def test_outputs_are_differentiable_in_the_normals() -> None:
    map = from_module(architectures.OwnWeights, 3)
    z = normals(2, map.latents).double().requires_grad_()
    (gradient,) = torch.autograd.grad(map.outputs(map.parameters(z).float()).sum(), z)
    step = 1e-3 * torch.sign(gradient)
    with torch.no_grad():
        difference = map.outputs(map.parameters(z + step).float()).sum() - map.outputs(map.parameters(z - step).float()).sum()
    assert difference.item() == pytest.approx(2e-3 * gradient.abs().sum().item(), rel=0.02)


@pytest.mark.parametrize("name", BUILT)
def test_own_initialisers_are_built_one_by_one(name: str) -> None:
    map = from_module(getattr(architectures, name), 3)
    assert not hasattr(map, "latents")
    assert not isinstance(map, LatentMap)
    assert map.slow is not None
    assert "one by one" in map.slow
    with pytest.raises(SpecError, match="counted only"):
        map.parameters(normals(2, 41))
    before = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    drawn = map.draw(0, 3, 20)
    assert (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before  # noqa: NPY002
    assert drawn.std(0).min() > 0
    torch.testing.assert_close(map.draw(0, 3, 7), drawn[:7], rtol=0, atol=0)
    assert not torch.equal(map.draw(0, 4, 20), drawn)
    np.testing.assert_array_equal(map.draw_functions(0, 3, 20), map.functions(drawn).packed)
    if name == "orthogonal":
        weight = drawn[0, :24].reshape(8, 3)
        torch.testing.assert_close(weight.T @ weight, torch.eye(3), rtol=0, atol=1e-5)
    assert isinstance(from_module(getattr(architectures, name), 3, law="normal"), LatentMap)


def test_built_and_replayed_draws_have_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    replayed = from_module(architectures.two_layers, 3)
    monkeypatch.setattr("slt_bias.maps.initialisers._recorded", lambda factory, seed: (factory(), "a test"))
    built = from_module(architectures.two_layers, 3)
    monkeypatch.undo()
    assert built.slow
    counts = [np.unpackbits(map.draw_functions(1, 0, draws), axis=1).mean(0) for map, draws in ((replayed, 20000), (built, 1500))]
    error = np.sqrt(counts[0] * (1 - counts[0]) * (1 / 20000 + 1 / 1500))
    assert (np.abs(counts[0] - counts[1]) < 4.5 * error).all()


@pytest.mark.parametrize("name", ["Branches", "Bits"])
def test_what_vmap_refuses_is_evaluated_one_by_one(name: str) -> None:
    map = from_module(getattr(architectures, name), 3)
    assert map.slow is not None
    assert "evaluated one by one" in map.slow
    parameters = map.parameters(normals(5, map.latents))
    points = torch.tensor(map.inputs.points, dtype=torch.float32)
    single = torch.stack([map.module(row)(points).reshape(-1) for row in parameters])
    torch.testing.assert_close(map.outputs(parameters), single, rtol=1e-5, atol=1e-6)
    assert map.draw_functions(0, 0, 5).shape == (5, 1)


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_given_laws(law: str) -> None:
    map = from_module(architectures.Normalised, 3, law=law, weight_std=1.5, bias_std=0.5)
    parameters = map.parameters(normals(4000, map.latents))
    start = 0
    for name, parameter in map.module(parameters[0]).named_parameters():
        part = parameters[:, start : start + parameter.numel()]
        start += parameter.numel()
        constants = {"layer_norm.weight": 1.0, "batch_norm.weight": 1.0, "slope.weight": 0.25}
        if name in constants:
            assert (part == constants[name]).all()
            continue
        std = 1.5 / np.sqrt(parameter.shape[1]) if parameter.ndim == 2 else 0.5
        assert float(part.std()) == pytest.approx(std, rel=5 / np.sqrt(2 * part.numel()))
        assert abs(float(part.mean())) < 5 * std / np.sqrt(part.numel())
        if law == "uniform":
            assert float(part.abs().max()) <= std * np.sqrt(3) * (1 + 1e-6)
    assert map.latents == sum(p.numel() for p in map.module(parameters[0]).parameters()) - 17


def test_no_bias_takes_no_normals() -> None:
    map = parse("module:architectures:two_layers,inputs=3,law=normal,bias=false")
    assert map.latents == 8 * 3 + 8
    assert "bias_std=0.0" in map.spec
    assert parse(map.spec) == map


@pytest.mark.parametrize("inputs", [hypercube(3, (-1, 1)), grid(3, 3, 3)])
@pytest.mark.parametrize("law", ["init", "normal", "uniform"])
def test_specs_come_back(inputs: object, law: str) -> None:
    map = from_module("architectures:two_layers", inputs, law=law)  # type: ignore[arg-type]
    assert map.importable
    assert map.spec.startswith("module:architectures:two_layers,inputs=")
    assert parse(map.spec) == map == from_module(architectures.two_layers, inputs, law=law)  # type: ignore[arg-type]
    assert parse(map.spec).draw_functions(0, 1, 10).tolist() == map.draw_functions(0, 1, 10).tolist()


def test_a_factory_without_a_name() -> None:
    map = from_module(lambda: nn.Linear(3, 1), 3)
    assert not map.importable
    assert map.spec.startswith("module:lambda#")
    assert map == from_module(lambda: nn.Linear(3, 1), 3)
    assert map != from_module(lambda: nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)), 3)
    with pytest.raises(SpecError, match="from_module"):
        parse(map.spec)


def test_rows_of_data() -> None:
    rows = from_rows(np.array([[0.0, 1.0, 2.5], [1.0, -1.0, 0.0]]))
    map = from_module(architectures.two_layers, rows)
    assert map.draw_functions(0, 0, 4).shape == (4, 1)
    assert "rows-" in map.spec
    with pytest.raises(InputError, match="hash"):
        parse(map.spec)


def test_draws_do_not_depend_on_the_number_asked_for() -> None:
    map = from_module(architectures.initialised, 3)
    assert map.draw_functions(2, 5, 300)[:130].tolist() == map.draw_functions(2, 5, 130).tolist()


ERRORS = [
    ({"factory": "architectures"}, SpecError, "package.module:factory"),
    ({"factory": "no_such_module:x"}, SpecError, "no_such_module"),
    ({"factory": "architectures:nothing"}, SpecError, "has no `nothing`"),
    ({"factory": "architectures:math"}, SpecError, "not callable"),
    ({"factory": 7}, SpecError, "not callable"),
    ({"factory": architectures.no_module}, SpecError, "returned int"),
    ({"factory": architectures.fails}, SpecError, "ValueError: a message"),
    ({"factory": architectures.lazy}, SpecError, "no shape yet"),
    ({"factory": architectures.double_precision}, SpecError, "float64"),
    ({"factory": architectures.nothing_to_draw}, SpecError, "no parameters"),
    ({"factory": architectures.unseeded}, SpecError, "global generator"),
    ({"factory": architectures.always_the_same}, SpecError, "manual_seed"),
    ({"factory": architectures.two_outputs}, InputError, r"returns \(8, 2\) for 8 points: need \(8,\) or \(8, 1\)"),
    ({"factory": architectures.attention}, InputError, "fails on inputs"),
    ({"factory": architectures.two_layers, "inputs": 4}, InputError, "fails on inputs"),
    ({"law": "orthogonal"}, SpecError, "law=orthogonal"),
    ({"weight_std": 1.0}, SpecError, "leave out weight_std"),
    ({"law": "normal", "weight_std": -1.0}, SpecError, "weight_std"),
]


@pytest.mark.parametrize(("keywords", "kind", "message"), ERRORS)
def test_errors_are_one_clear_line(keywords: dict, kind: type[SltBiasError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        ModuleMap(**({"factory": architectures.two_layers, "inputs": 3} | keywords))
    assert "\n" not in str(caught.value)


def test_a_preset_is_no_option_of_a_module() -> None:
    with pytest.raises(SpecError, match="preset"):
        parse("module:architectures:two_layers,inputs=3,preset=valle-perez-2018")


def test_a_module_is_no_factory() -> None:
    with pytest.raises(SpecError, match=r"Linear\(…\): pass a factory \(a function without arguments .*, not a module"):
        from_module(nn.Linear(3, 1), 3)
