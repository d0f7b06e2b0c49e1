"""Small modules that the tests of `from_module` build, by name and by hand."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))


class Normalised(nn.Module):
    """Layer norm, batch norm, dropout and a PReLU: everything that eval mode and constants concern."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 8), nn.Linear(8, 1)
        self.layer_norm, self.batch_norm = nn.LayerNorm(8), nn.BatchNorm1d(8)
        self.dropout, self.slope = nn.Dropout(0.5), nn.PReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.dropout(self.slope(self.batch_norm(self.layer_norm(self.first(x))))))[:, 0]


class Bits(nn.Module):
    """An embedding with a padding row, and a recurrent layer over the bits."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(3, 4, padding_idx=2)
        self.recurrent, self.last = nn.RNN(4, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.recurrent(self.embedding((x > 0).long()))[0][:, -1])


class OwnWeights(nn.Module):
    """Parameters from arithmetic on torch.randn and torch.rand, and a row set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(6, 3) / math.sqrt(3) + 0.25)
        self.u = nn.Parameter(2 * torch.rand(6) - 1)
        self.linear = nn.Linear(3, 6)
        with torch.no_grad():
            self.linear.weight.copy_(torch.randn(6, 3) * 0.1)
            self.linear.weight[0].fill_(0.5)
            self.linear.weight[:, 1].mul_(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (torch.relu(x @ self.w.T + self.linear(x)) * self.u).sum(1)


def initialised() -> nn.Module:
    module = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 1))
    nn.init.kaiming_normal_(module[0].weight)
    nn.init.xavier_uniform_(module[2].weight)
    nn.init.trunc_normal_(module[4].weight, std=0.5, a=-0.6, b=1.0)
    nn.init.trunc_normal_(module[6].weight, std=0.02)
    nn.init.constant_(module[6].bias, 0.1)
    return module


def convolution() -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 1))


def attention() -> nn.Module:
    return nn.MultiheadAttention(4, 2)


def orthogonal() -> nn.Module:
    module = two_layers()
    nn.init.orthogonal_(module[0].weight)
    return module


def from_numpy() -> nn.Module:
    module = two_layers()
    module[0].weight.data = torch.from_numpy(np.random.randn(8, 3).astype(np.float32))  # noqa: NPY002
    return module


def written_through_numpy() -> nn.Module:
    module = two_layers()
    module[0].weight.detach().numpy()[0] *= 3
    return module


def looks_at_its_draws() -> nn.Module:
    module = two_layers()
    while module[0].weight.max() > 0.5:
        module[0].weight.data.uniform_(-1, 1)
    return module


def chooses_by_numpy() -> nn.Module:
    module = two_layers()
    nn.init.normal_(module[0].weight, std=float(np.random.rand()))  # noqa: NPY002
    return module


class Tied(nn.Module):
    """Two names for one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 1)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Branches(nn.Module):
    """Looks at its own activations, which torch.func.vmap refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.linear(x)
        return -h if h.mean() > 0 else h


def unseeded() -> nn.Module:
    module = orthogonal()
    module[2].weight.data = torch.from_numpy(np.random.default_rng().normal(size=(1, 8)).astype(np.float32))
    return module


def always_the_same() -> nn.Module:
    torch.manual_seed(1)
    return orthogonal()


def two_outputs() -> nn.Module:
    return nn.Linear(3, 2)


def no_module() -> int:
    return 7


def fails() -> nn.Module:
    raise ValueError("a message\nof two lines")


def lazy() -> nn.Module:
    return nn.LazyLinear(1)


def double_precision() -> nn.Module:
    return nn.Linear(3, 1).double()


def nothing_to_draw() -> nn.Module:
    return nn.Flatten(0)
