"""The transformer map against one torch module at a time, its law, its symmetries and what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chi2
from torch import nn

from slt_bias import streams
from slt_bias.errors import InputError, SltBiasError, SpecError
from slt_bias.functions.inputs import grid, hypercube
from slt_bias.maps.base import LatentMap
from slt_bias.maps.registry import parse
from slt_bias.maps.transformer import Transformer


class Block(nn.Module):
    """A pre-layer-norm block, written as in any textbook."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        q, k, v = (layer(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.o(attended.transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Network(nn.Module):
    """The whole transformer, with the parameters of one row of the map."""

    def __init__(self, map: Transformer, row: torch.Tensor) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(2, map.width), nn.Embedding(map.tokens, map.width)
        self.blocks = nn.ModuleList(Block(map.width, map.heads, map.causal) for _ in range(map.blocks))
        self.norm = nn.LayerNorm(map.width, elementwise_affine=False)
        self.readout, self.causal = nn.Linear(map.width, 1), map.causal
        tensors = {name: tensor[0] for name, tensor in map.tensors(row[None]).items()}
        with torch.no_grad():
            self.token.weight.copy_(tensors["token"])
            self.position.weight.copy_(tensors["position"])
            for k, block in enumerate(self.blocks):
                rows = dict(zip("qkv", tensors[f"qkv.{k}"].chunk(3), strict=True))
                rows |= {name: tensors[f"{name}.{k}"] for name in ("o", "up", "down")}
                for name, values in rows.items():
                    block.get_submodule(name).weight.copy_(values[:, :-1])
                    block.get_submodule(name).bias.copy_(values[:, -1])
            self.readout.weight.copy_(tensors["readout"][:, :-1])
            self.readout.bias.copy_(tensors["readout"][:, -1])

    def forward(self, bits: torch.Tensor) -> torch.Tensor:
        x = self.token(bits) + self.position.weight
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return self.readout(x[:, -1] if self.causal else x.mean(1))[:, 0]


def drawn(map: Transformer, count: int) -> torch.Tensor:
    return map.parameters(torch.from_numpy(streams.normals(3, "test", 0, (count, map.latents))))


CASES = [
    {"inputs": 7},
    {"inputs": 7, "causal": True},
    {"inputs": 5, "blocks": 2},
    {"inputs": 4, "blocks": 3, "causal": True, "heads": 4},
    {"inputs": 1},
    {"inputs": 1, "causal": True},
    {"inputs": hypercube(3, (-1, 1)), "width": 6, "heads": 3, "law": "uniform"},
    {"inputs": 3, "bias": False},
    {"inputs": 3, "preset": "valle-perez-2018"},
]


@pytest.mark.parametrize("keywords", CASES)
def test_outputs_are_those_of_a_torch_module(keywords: dict) -> None:
    map = Transformer(**keywords)
    parameters = drawn(map, 19)
    outputs = map.outputs(parameters)
    bits = torch.tensor(map.inputs.points > 0).long()
    for row, output in zip(parameters, outputs, strict=True):
        torch.testing.assert_close(output, Network(map, row)(bits).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("keywords", [{"inputs": 4}, {"inputs": 4, "causal": True}, {"inputs": 4, "causal": True, "blocks": 2}])
def test_scores_beyond_the_range_of_float32(keywords: dict) -> None:
    map = Transformer(weight_std=9.0, **keywords)
    parameters = drawn(map, 24)
    bits = torch.tensor(map.inputs.points > 0).long()
    wild = map._prepared(parameters, _tables(map))["wild"]
    assert 0 < wild.sum() < 24  # both ways of the first attention are met
    rows = [Network(map, row).double()(bits).detach() for row in parameters]
    difference = (map.outputs(parameters) - torch.stack(rows)).abs() / torch.stack(rows).std(1, keepdim=True)
    assert difference.max() < 2e-3


def _tables(map: Transformer) -> object:
    map.outputs(drawn(map, 1))
    return map._tables


def test_outputs_are_differentiable() -> None:
    map = Transformer(3, blocks=2, width=4)
    normals = torch.from_numpy(streams.normals(3, "test", 0, (2, map.latents))).requires_grad_()
    (gradient,) = torch.autograd.grad(map.outputs(map.parameters(normals)).sum(), normals)
    bits = torch.tensor(map.inputs.points > 0).long()
    direction = torch.sign(gradient)
    ends = [map.parameters(normals.detach() + sign * 1e-4 * direction) for sign in (1, -1)]
    plus, minus = (sum(Network(map, row).double()(bits).sum().item() for row in rows) for rows in ends)
    assert (plus - minus) == pytest.approx(2e-4 * gradient.abs().sum().item(), rel=0.02)


@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_the_law_of_every_tensor(law: str) -> None:
    map = Transformer(3, blocks=2, weight_std=1.5, bias_std=0.5, law=law)
    tensors = map.tensors(drawn(map, 2000))
    assert map.latents == sum(tensor[0].numel() for tensor in tensors.values())
    for name, tensor in tensors.items():
        if name in ("token", "position"):
            parts = [(tensor, 1.5)]
        else:
            fan_in = 64 if name.startswith("down") else 16
            parts = [(tensor[:, :, :-1], 1.5 / fan_in**0.5), (tensor[:, :, -1], 0.5)]
        for part, std in parts:
            assert float(part.std()) == pytest.approx(std, rel=5 / np.sqrt(2 * part.numel())), name
            assert abs(float(part.mean())) < 5 * std / np.sqrt(part.numel()), name
            largest = float(part.abs().max()) / std
            assert largest <= np.sqrt(3) + 1e-5 if law == "uniform" else largest > 3


def test_a_preset_gives_its_variances() -> None:
    map = Transformer(3, preset="valle-perez-2018-normal")
    stds = {name: tensor.std(unbiased=True).item() for name, tensor in map.tensors(drawn(map, 3000)).items()}
    expected = {"token": 2.0, "qkv.0": 2 / 16, "up.0": 2 / 16, "down.0": 2 / 64, "readout": 1 / 16}
    for name, variance in expected.items():
        assert stds[name] == pytest.approx(variance**0.5, rel=0.02)


def images(n: int, symmetry: str) -> list[np.ndarray]:
    """Permutations of the points that generate the symmetry."""
    points = np.array(list(itertools.product((0, 1), repeat=n)))
    powers = 1 << np.arange(n - 1, -1, -1)
    if symmetry == "negate-all-inputs":
        return [(1 - points) @ powers]
    if symmetry == "negate-inputs":
        return [(points ^ one) @ powers for one in np.eye(n, dtype=int)]
    swaps = [list(range(n)) for _ in range(n - 1)]
    for k, swap in enumerate(swaps):
        swap[k], swap[k + 1] = k + 1, k
    return [points[:, swap] @ powers for swap in swaps]


def p_value(map: Transformer, symmetry: str) -> float:
    """χ² test that a function and its image are equally frequent, over all pairs seen ten times or more."""
    draws = [np.unpackbits(map.draw_functions(11, block, 4096), axis=1) for block in range(6)]
    table = np.concatenate(draws)
    powers = 1 << np.arange(table.shape[1])
    counts = np.bincount(table @ powers, minlength=2 ** table.shape[1])
    moved = [1 - table] if symmetry == "negate-output" else [table[:, order] for order in images(map.tokens, symmetry)]
    smallest = 1.0
    for image in moved:
        one, other = table @ powers, image @ powers
        pairs = np.unique(np.stack([one, other], 1)[one < other], axis=0)
        a, b = counts[pairs[:, 0]], counts[pairs[:, 1]]
        often = a + b >= 10
        statistic = ((a - b)[often] ** 2 / (a + b)[often]).sum()
        smallest = min(smallest, float(chi2.sf(statistic, often.sum())))
    return smallest


@pytest.mark.parametrize("causal", [False, True])
def test_symmetries_are_those_of_the_counts(causal: bool) -> None:
    map = Transformer(3, causal=causal)
    assert map.symmetries == {"negate-all-inputs", "negate-output"} | (set() if causal else {"permute-inputs"})
    for symmetry in ("permute-inputs", "negate-inputs", "negate-all-inputs", "negate-output"):
        p = p_value(map, symmetry)
        assert p > 1e-3 if symmetry in map.symmetries else p < 1e-12, symmetry


def test_specs_come_back() -> None:
    for keywords in CASES:
        map = Transformer(**keywords)
        assert parse(map.spec) == map
        assert isinstance(map, LatentMap)
    map = Transformer(7)
    assert map.spec == (
        "transformer:inputs=7,values=01,blocks=1,width=16,heads=2,causal=false,law=normal,weight_std=1.0,bias_std=1.0"
    )
    assert map == parse("transformer:") != Transformer(7, causal=True)
    assert parse("transformer:heads=4,causal=true,inputs=3") == Transformer(3, heads=4, causal=True)


def test_draws_do_not_depend_on_the_number_asked_for() -> None:
    map = Transformer(7)
    assert map.draw_functions(2, 5, 150)[:70].tolist() == map.draw_functions(2, 5, 70).tolist()


ERRORS = [
    ({"inputs": grid(3, 3)}, InputError, "reads bits"),
    ({"width": 10, "heads": 3}, SpecError, "does not divide"),
    ({"width": 2}, SpecError, "width=2"),
    ({"blocks": 0}, SpecError, "blocks=0"),
    ({"heads": 0}, SpecError, "heads=0"),
    ({"law": "cauchy"}, SpecError, "law=cauchy"),
    ({"preset": "valle-perez-2018", "bias_std": 1.0}, SpecError, "preset"),
]


@pytest.mark.parametrize(("keywords", "kind", "message"), ERRORS)
def test_errors_are_one_clear_line(keywords: dict, kind: type[SltBiasError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        Transformer(**({"inputs": 3} | keywords))
    assert "\n" not in str(caught.value)
