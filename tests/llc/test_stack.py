import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from slt_bias.errors import InputError
from slt_bias.llc.landscapes import _stack_kernel as kernel
from slt_bias.llc.landscapes import stack
from slt_bias.llc.landscapes._activation_kernel import CODES, activate
from slt_bias.losses import cross_entropy, squared_error


class Autoencoder(nn.Module):
    """x' = ReLU(WᵀWx + b): tied weights."""

    def __init__(self, features=6, hidden=2, scale=1.0):
        super().__init__()
        self.W = nn.Parameter(0.7 * torch.randn(hidden, features))
        self.b = nn.Parameter(0.1 * torch.randn(features))
        self.scale = scale

    def forward(self, x):
        return torch.relu(self.scale * (x @ self.W.T) @ self.W + self.b)

    def layer_stack(self):
        return [("W", None, "identity", False), ("W", "b", "relu", True)]


class Linear(nn.Module):
    """y = W₂W₁x + b without sampling b."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 9, bias=False)
        self.register_buffer("b", torch.randn(4))
        self.second = nn.Linear(9, 4)

    def forward(self, x):
        return self.first(x) @ self.second.weight.T + self.b

    def layer_stack(self):
        return [("first.weight", None, None, False), ("second.weight", "b", "identity", False)]


def perceptron(activation, widths, bias=True):
    layers = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs, bias=bias), activation()]
    return nn.Sequential(*layers[:-1])


def setting(name, examples):
    generator = torch.Generator().manual_seed(5)
    torch.manual_seed(6)

    def rows(*shape):
        return torch.randn(*shape, generator=generator)

    if name == "autoencoder":
        weights = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
        return Autoencoder(), squared_error(target=0, scale=1.0, weights=weights), (rows(examples, 6).abs(),)
    if name == "buffer":
        return Linear(), squared_error(), (rows(examples, 3), rows(examples, 4))
    if name == "deep linear":
        return perceptron(nn.Identity, (10, 7, 13, 2), bias=False), squared_error(), (rows(examples, 10), rows(examples, 2))
    if name == "images":
        model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3), nn.Softplus())[:-1]
        return model, cross_entropy(2), (rows(examples, 3, 4), rows(examples), torch.arange(examples) % 3)
    activation = {"tanh": nn.Tanh, "gelu": nn.GELU, "sigmoid": nn.Sigmoid, "relu": nn.ReLU}[name]
    return perceptron(activation, (5, 17, 9, 4)), cross_entropy(), (rows(examples, 5), torch.arange(examples) % 4)


def autograd(model, loss, data, parameters, rows=None):
    """Losses, gradients and example losses in float64, one vector after another."""
    model = model.double()
    data = tuple(part.double() if part.is_floating_point() else part for part in data)
    values, slopes, single = [], [], []
    for k, vector in enumerate(parameters):
        nn.utils.vector_to_parameters(torch.as_tensor(vector), model.parameters())
        batch = data if rows is None else tuple(part[rows[k]] for part in data)
        each = loss(model(batch[0]), batch)
        own = list(model.parameters())
        slope = torch.autograd.grad(each.mean(), own, allow_unused=True)
        slopes.append(torch.cat([torch.zeros(p.numel()) if s is None else s.ravel() for s, p in zip(slope, own, strict=True)]))
        values.append(each.mean().item())
        single.append(each.detach().numpy())
    return np.array(values), torch.stack(slopes).numpy(), np.array(single)


NAMES = ["autoencoder", "buffer", "deep linear", "images", "tanh", "gelu", "sigmoid", "relu"]


@pytest.mark.parametrize("examples", [1, 10, 700])
@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_those_of_autograd(name, examples):
    model, loss, data = setting(name, examples)
    reasons = []
    landscape = stack.recognise(model, loss, data, reasons=reasons)
    assert landscape is not None, reasons
    assert landscape.dimension == sum(p.numel() for p in model.parameters()) and landscape.examples == examples
    generator = np.random.default_rng(1)
    parameters = generator.normal(0, 0.6, (3, landscape.dimension))
    rows = np.stack([generator.permutation(examples)[: max(1, examples // 3)] for _ in parameters])
    for chosen in (None, rows):
        values, slopes, single = autograd(model, loss, data, parameters, chosen)
        found, gradients = landscape.gradients(parameters, chosen)
        assert np.allclose(found, values, rtol=1e-12, atol=1e-14)
        assert np.allclose(gradients, slopes, rtol=1e-10, atol=1e-12 * np.abs(slopes).max())
        if chosen is None:
            assert np.allclose(landscape.losses(parameters), values, rtol=1e-12)
            assert np.allclose(landscape.example_losses(parameters), single, rtol=1e-11, atol=1e-13)


def test_widths_around_the_register_tiles():
    for widths in [(1, 1), (1, 5, 6, 7, 1), (11, 12, 13, 1), (25, 3, 31)]:
        torch.manual_seed(len(widths))
        model = perceptron(nn.Tanh, widths)
        data = torch.randn(45, widths[0]), torch.randn(45, widths[-1])
        landscape = stack.recognise(model, squared_error(), data)
        assert landscape is not None
        parameters = np.random.default_rng(0).normal(size=(2, landscape.dimension))
        for rows in (None, np.random.default_rng(2).permuted(np.tile(np.arange(45), (2, 1)), axis=1)[:, :37]):
            values, slopes, _ = autograd(model, squared_error(), data, parameters, rows)
            found, gradients = landscape.gradients(parameters, rows)
            assert np.allclose(found, values, rtol=1e-12)
            assert np.allclose(gradients, slopes, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", list(CODES))
def test_activations_against_libm(name):
    points = np.concatenate([np.linspace(-40, 40, 20001), np.linspace(-1e-3, 1e-3, 101), [-800.0, 800.0, np.inf, np.nan]])
    function = {"identity": lambda z: z, "gelu": nn.functional.gelu}.get(name) or getattr(torch, name)
    found = np.concatenate([points, np.empty(len(points))])
    activate(CODES[name], found, 0, len(points), len(points))
    wanted = function(torch.as_tensor(points)).numpy()
    assert np.allclose(found[: len(points) - 2], wanted[:-2], rtol=1e-12, atol=1e-13)
    assert np.isnan(found[len(points) - 1])  # an overflow is not hidden


def test_a_row_depends_on_no_other_row_and_on_no_thread(monkeypatch):
    landscape = stack.recognise(*setting("tanh", 700))
    parameters = np.random.default_rng(3).normal(size=(9, landscape.dimension))
    parameters[4] = np.nan
    monkeypatch.setattr(stack, "WORTH_THREADS", 1.0)
    values, gradients = landscape.gradients(parameters)
    assert np.isnan(values[4])
    for workers in (1, 3):
        other = dataclasses.replace(landscape, workers=workers)
        assert np.array_equal(other.gradients(parameters)[1], gradients, equal_nan=True)
        assert np.array_equal(other.losses(parameters), values, equal_nan=True)
    alone = landscape.gradients(parameters[7:8])
    assert alone[0] == values[7] and np.array_equal(alone[1][0], gradients[7])


def test_frozen_parameters_stay():
    model, loss, data = setting("autoencoder", 50)
    landscape = stack.recognise(model, loss, data, parameters=["W"])
    assert landscape.dimension == 12
    start = np.concatenate([p.detach().double().numpy().ravel() for p in model.parameters()])
    _, slopes, _ = autograd(model, loss, data, start[None])
    assert np.allclose(landscape.gradients(start[None, :12])[1], slopes[:, :12], rtol=1e-10)
    other = stack.recognise(model, loss, data, parameters=["b"])
    assert np.allclose(other.gradients(start[None, 12:])[1], slopes[:, 12:], rtol=1e-10)


def test_a_shared_module_adds_its_gradients():
    torch.manual_seed(2)
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    data = torch.randn(30, 4), torch.randn(30, 4)
    landscape = stack.recognise(model, squared_error(), data)
    assert landscape is not None and landscape.dimension == 20


class Other(Autoencoder):
    """Describes what it does not compute."""

    def forward(self, x):
        return super().forward(x) * 1.001


def test_what_is_not_recognised_says_why():
    model, loss, data = setting("autoencoder", 50)
    cases = [
        (model, lambda output, batch: output.sum(1), data, "no other loss"),
        (model, loss, None, "no other loss"),
        (Other(), loss, data, "relative difference"),
        (nn.Sequential(nn.Linear(6, 6), nn.Softplus()), loss, data, "Softplus"),
        (nn.Sequential(nn.Linear(6, 6), nn.GELU(approximate="tanh")), loss, data, "exact GELU"),
        (nn.Sequential(nn.Linear(6, 5)), squared_error(0), data, "5 outputs"),
        (nn.Sequential(nn.Linear(6, 5), nn.Linear(4, 6)), squared_error(0), data, "does not fit"),
        (nn.Bilinear(6, 6, 6), squared_error(0), data, "layer_stack"),
        (nn.Sequential(nn.Tanh()), squared_error(0), data, "layer 0"),
        (nn.Sequential(nn.Linear(6, 6)), squared_error(1), data, "target 1"),
    ]
    for wrong, criterion, rows, word in cases:
        reasons = []
        assert stack.recognise(wrong, criterion, rows, reasons=reasons) is None
        assert len(reasons) == 1 and word in reasons[0], reasons
    model.layer_stack = lambda: [("V", None, "relu", False)]
    assert stack.recognise(model, loss, data) is None


def test_recognised_where_the_loss_is_zero_to_rounding():
    torch.manual_seed(4)
    model = perceptron(nn.Identity, (3, 4, 2), bias=False)
    x = torch.randn(10, 3)
    assert stack.recognise(model, squared_error(), (x, model(x).detach())) is not None


def test_a_wrong_shape_is_refused():
    landscape = stack.recognise(*setting("relu", 20))
    with pytest.raises(InputError, match="this landscape needs"):
        landscape.losses(np.zeros((2, 3)))


def test_the_padding_repeats_an_example():
    landscape = stack.recognise(*setting("deep linear", 10))
    columns, stride, rows, width, features, examples = landscape.data
    assert (stride, width, features, examples) == (16, 16, 12, 10)
    assert np.array_equal(columns.reshape(features, stride)[:, 10:], np.repeat(rows.reshape(10, width)[:1, :12].T, 6, axis=1))
    assert kernel.padded_rows(10) == 16
