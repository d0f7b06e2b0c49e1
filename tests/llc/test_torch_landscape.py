"""The general landscape against plain autograd, in each of its three modes, and whatever models users bring."""

import numpy as np
import pytest
import torch
from torch import nn

from slt_bias.errors import InputError
from slt_bias.llc.landscapes import torch_landscape
from slt_bias.llc.landscapes.torch_landscape import TorchLandscape
from slt_bias.losses import cross_entropy, squared_error

DIGITS = {torch.float32: 2e-4, torch.float64: 1e-11}  # rounding of sums over ≤ 300 examples, relative to the largest entry


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 6))
        self.bias = nn.Parameter(torch.randn(6))

    def forward(self, x):
        return torch.relu(x @ self.weight.T @ self.weight + self.bias)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.1)
        self.read = nn.Linear(8, 3)

    def forward(self, x):
        return self.read(self.block(self.embed(x)).mean(1))


class Branching(nn.Module):
    """Control flow that depends on values: neither vmap nor a recording can follow it."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.0, -2.0]))

    def forward(self, x):
        y = x * self.scale
        return y.sin() if bool(y.sum() > 0) else y.cos()


class Writing(nn.Module):
    """Writes into a tensor in forward, and reads a slice of it."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.0, -2.0, 0.5]))

    def forward(self, x):
        y = x * self.scale
        z = y.clone()
        z[:, 1] = y[:, 0] * y[:, 2]
        return z.add_(1.0).pow(1.0) * y[:, :1]


class Twice(torch.autograd.Function):
    """A custom function without a vmap rule."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, slope):
        return 2 * slope


class Custom(Branching):
    def forward(self, x):
        return Twice.apply(x * self.scale)


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(27), nn.Linear(27, 3)
    )


def perceptron():
    return nn.Sequential(nn.Linear(6, 9), nn.GELU(), nn.Linear(9, 4), nn.Tanh(), nn.Linear(4, 3))


def classes(n):
    return torch.arange(n) % 3


CASES = {
    "autoencoder": (Autoencoder, lambda n: (torch.rand(n, 6),), squared_error(0), "traced"),
    "perceptron": (perceptron, lambda n: (torch.randn(n, 6), classes(n)), cross_entropy(), "traced"),
    "attention": (Attention, lambda n: (torch.randint(0, 5, (n, 4)), classes(n)), cross_entropy(), "traced"),
    "convolutions": (convolutions, lambda n: (torch.randn(n, 1, 8, 8), classes(n)), cross_entropy(), "traced"),
    "writing": (Writing, lambda n: (torch.randn(n, 3), torch.randn(n, 3)), squared_error(), "traced"),
    "custom": (Custom, lambda n: (torch.randn(n, 2), torch.randn(n, 2)), squared_error(), "loop"),
    "branching": (Branching, lambda n: (torch.randn(n, 2), torch.randn(n, 2)), squared_error(), "loop"),
}


def case(name, n=40, dtype=torch.float64):
    torch.manual_seed(1)
    factory, rows, loss, mode = CASES[name]
    model, data = factory().to(dtype), rows(n)
    data = tuple(part.to(dtype) if part.is_floating_point() else part for part in data)
    return model, loss, data, mode


def around(model, k, seed=0, size=0.2):
    flat = nn.utils.parameters_to_vector(model.parameters()).detach().double().numpy()
    return flat + size * np.random.default_rng(seed).standard_normal((k, len(flat)))


def reference(model, loss, data, vector, rows):
    """Mean loss and gradient by the plainest autograd there is."""
    import copy

    own = copy.deepcopy(model).eval()
    kind = next(own.parameters()).dtype
    nn.utils.vector_to_parameters(torch.tensor(vector, dtype=kind), own.parameters())
    batch = tuple(part[rows] for part in data)
    value = loss(own(batch[0]), batch).mean()
    slopes = torch.autograd.grad(value, list(own.parameters()), allow_unused=True, materialize_grads=True)
    return float(value.detach()), torch.cat([slope.reshape(-1) for slope in slopes]).double().numpy()


def close(found, wanted, dtype):
    return np.allclose(found, wanted, rtol=0, atol=DIGITS[dtype] * max(1e-3, np.abs(wanted).max()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_autograd(name, dtype):
    model, loss, data, mode = case(name, dtype=dtype)
    landscape = TorchLandscape(model, loss, data)
    vectors = around(model, 3)
    rows = np.random.default_rng(1).integers(0, 40, (3, 11))
    for _ in range(2):  # the second call finds the buffers full
        whole, minibatch = landscape.gradients(vectors), landscape.gradients(vectors, rows)
        values, examples = landscape.losses(vectors), landscape.example_losses(vectors)
        for row, vector in enumerate(vectors):
            for found, chosen in ((whole, np.arange(40)), (minibatch, rows[row])):
                value, slope = reference(model, loss, data, vector, chosen)
                assert close(found[0][row], value, dtype) and close(found[1][row], slope, dtype)
        assert close(values, whole[0], dtype) and close(examples.mean(1), values, dtype)
        vectors = vectors[::-1] * 1.1
        rows = rows[:, ::-1].copy()
    assert landscape.mode == mode
    assert all(array.dtype == np.float64 and array.flags.c_contiguous for array in (*whole, *minibatch, values, examples))


@pytest.mark.parametrize("mode", ["vmap", "loop"])
def test_every_mode_gives_the_same(mode):
    model, loss, data, _ = case("autoencoder")
    vectors, rows = around(model, 5), np.random.default_rng(2).integers(0, 40, (5, 7))
    fast, slow = TorchLandscape(model, loss, data), TorchLandscape(model, loss, data, mode=mode)
    for given in (None, rows):
        for one, other in zip(fast.gradients(vectors, given), slow.gradients(vectors, given), strict=True):
            assert close(one, other, torch.float64)
    assert close(fast.example_losses(vectors), slow.example_losses(vectors), torch.float64)
    assert (fast.mode, slow.mode, fast.backend) == ("traced", mode, "torch")


def test_a_wrong_recording_is_noticed(monkeypatch):
    """A broken program (a step left out: its buffer keeps what the first point left there) gives way to vmap."""
    model, loss, data, _ = case("autoencoder")
    vectors = around(model, 3)
    wanted = TorchLandscape(model, loss, data, mode="loop").gradients(vectors)
    original = torch_landscape.Program.__init__

    def broken(self, *arguments):
        original(self, *arguments)
        del self._steps[1]

    monkeypatch.setattr(torch_landscape.Program, "__init__", broken)
    landscape = TorchLandscape(model, loss, data)
    found = landscape.gradients(vectors)
    assert landscape.mode == "vmap" and close(found[1], wanted[1], torch.float64)


def everything(landscape, vectors, rows):
    whole, own = landscape.gradients(vectors), landscape.gradients(vectors, rows)
    return [*whole, *own, landscape.example_losses(vectors), landscape.losses(vectors)]


@pytest.mark.parametrize("name", ["autoencoder", "convolutions", "writing"])
def test_blocks_do_not_change_the_result(name, monkeypatch):
    model, loss, data, _ = case(name)
    vectors, rows = around(model, 13), np.random.default_rng(3).integers(0, 40, (13, 9))
    wanted = TorchLandscape(model, loss, data)
    values = everything(wanted, vectors, rows)
    monkeypatch.setattr(torch_landscape, "CHAIN_BYTES", 1)
    monkeypatch.setattr(torch_landscape, "EXAMPLE_BYTES", 4000)
    small = TorchLandscape(model, loss, data)
    assert len(small._blocks(13, 40)) > 13
    for one, other in zip(everything(small, vectors, rows), values, strict=True):
        assert close(one, other, torch.float64)


def test_a_row_does_not_feel_the_others():
    model, loss, data, _ = case("perceptron")
    vectors = around(model, 21)
    landscape = TorchLandscape(model, loss, data)
    together = landscape.gradients(vectors)[1]
    spoiled = vectors.copy()
    spoiled[1::2] = np.nan
    spoiled[0] = 1e308
    assert close(landscape.gradients(spoiled)[1][2::2], together[2::2], torch.float64)
    assert np.isnan(landscape.losses(spoiled)[1::2]).all()
    assert close(landscape.gradients(vectors[:5])[1], together[:5], torch.float64)
    assert landscape.gradients(vectors[:0])[1].shape == (0, landscape.dimension)


def test_an_overflow_is_no_warning():
    model, loss, data, _ = case("autoencoder", dtype=torch.float32)
    vectors = np.full((2, 18), 1e300)
    vectors.flags.writeable = False
    assert not np.isfinite(TorchLandscape(model, loss, data).gradients(vectors)[0]).any()


def test_sampled_and_frozen_parameters():
    model, loss, data, _ = case("autoencoder")
    landscape = TorchLandscape(model, loss, data, ["bias"])
    bias = model.bias.detach().numpy() + 0.1 * np.arange(12).reshape(2, 6)
    full = np.concatenate([np.tile(model.weight.detach().numpy().reshape(1, -1), (2, 1)), bias], 1)
    rows = np.arange(16).reshape(2, 8)
    value, slope = TorchLandscape(model, loss, data).gradients(full, rows)
    found = landscape.gradients(bias, rows)
    assert landscape.dimension == 6 and landscape.names == ("bias",) and landscape.mode == "traced"
    assert close(found[0], value, torch.float64) and close(found[1], slope[:, 12:], torch.float64)


def test_the_model_is_left_alone():
    model, loss, data, _ = case("convolutions")
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    TorchLandscape(model, loss, data, dtype=torch.float32).gradients(around(model, 2))
    assert model.training and all(value.requires_grad and value.grad is None for value in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_dtype_of_the_caller():
    """In float64 two parameter vectors 10⁻⁷ apart differ as the gradient says; in float32 they do not (rounding 10⁻⁷)."""
    model, loss, data, _ = case("autoencoder", dtype=torch.float32)
    start, step = around(model, 1, size=0), np.full((1, 18), 1e-7)
    precise = TorchLandscape(model, loss, data, dtype=torch.float64)
    slope = float((precise.gradients(start)[1] * step).sum())
    change = float((precise.losses(start + step) - precise.losses(start - step))[0]) / 2
    assert change == pytest.approx(slope, rel=1e-5)


class Point(nn.Module):
    def __init__(self, *place):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(place, dtype=torch.float64))


def test_population_loss():
    """K = w1² w2⁴ for thousands of chains; its gradient in closed form."""
    landscape = TorchLandscape(Point(0.0, 0.0), lambda model: model.w[0] ** 2 * model.w[1] ** 4, None)
    w = np.random.default_rng(4).standard_normal((4000, 2))
    values, slopes = landscape.gradients(w)
    assert landscape.examples is None and landscape.mode == "traced"
    assert np.allclose(values, w[:, 0] ** 2 * w[:, 1] ** 4, rtol=1e-12) and np.allclose(landscape.losses(w), values, rtol=1e-12)
    exact = np.stack([2 * w[:, 0] * w[:, 1] ** 4, 4 * w[:, 0] ** 2 * w[:, 1] ** 3], 1)
    assert np.allclose(slopes, exact, rtol=1e-12)
    with pytest.raises(InputError, match="population loss"):
        landscape.example_losses(w)


def test_population_loss_of_a_module_with_control_flow():
    def loss(model):
        return model.w.square().sum() if bool(model.w[0] > 0) else model.w.abs().sum()

    landscape = TorchLandscape(Point(1.0, 1.0), loss, None)
    values, slopes = landscape.gradients(np.array([[1.0, 2.0], [-1.0, 2.0]]))
    assert landscape.mode == "loop" and values.tolist() == [5.0, 3.0] and slopes.tolist() == [[2.0, 4.0], [-1.0, 1.0]]


def test_rows_out_of_range_are_an_error():
    model, loss, data, _ = case("autoencoder")
    with pytest.raises(IndexError):
        TorchLandscape(model, loss, data).gradients(around(model, 1), np.array([[0, 40]]))
