"""The torch modules of the toy models; this file imports torch, so it is imported when a model is made (`systems`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from slt_bias.subjects.superposition.landscape import OneHotLandscape

Stack = list[tuple[str, str | None, str, bool]]


class Autoencoder(nn.Module):
    """x' = relu(WᵀWx + b), or x' = WᵀWx + b with activation "identity"; W (hidden, features) and b (features)."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray, activation: str = "relu") -> None:
        super().__init__()
        self.W = nn.Parameter(torch.from_numpy(weights.copy()))
        self.b = nn.Parameter(torch.from_numpy(bias.copy()))
        self.activation = activation

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs (examples, features) → outputs of the same shape."""
        outputs = inputs @ self.W.T @ self.W + self.b
        return torch.relu(outputs) if self.activation == "relu" else outputs

    def layer_stack(self) -> Stack:
        """The layers as compiled paths read them: (weight, bias, activation, transposed); both share W."""
        return [("W", None, "identity", False), ("W", "b", self.activation, True)]


class PrivilegedBasis(nn.Module):
    """h = relu(Wx), x' = relu(Wᵀh + b): the relu gives the hidden layer a basis of neurons."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.from_numpy(weights.copy()))
        self.b = nn.Parameter(torch.from_numpy(bias.copy()))

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs (examples, features) → outputs of the same shape."""
        return torch.relu(torch.relu(inputs @ self.W.T) @ self.W + self.b)

    def layer_stack(self) -> Stack:
        """The layers as compiled paths read them: (weight, bias, activation, transposed); both share W."""
        return [("W", None, "relu", False), ("W", "b", "relu", True)]


class OneHotLoss:
    """The population loss of `one_hot.one_hot_loss` of an Autoencoder with relu, by torch operations: loss(model) → a scalar.

    importances : one a feature, or None; scale : factor of the loss.
    `landscape` offers the same loss compiled, for samplers that take it.
    """

    def __init__(self, importances: np.ndarray | None = None, scale: float = 1.0) -> None:
        self.importances = None if importances is None else torch.from_numpy(np.asarray(importances, np.float64))
        self.scale = scale

    def landscape(self, model: nn.Module, names: Sequence[str]) -> OneHotLandscape | None:
        """The compiled loss over (W row by row, b); None where only one of them is sampled, or importances are given."""
        fits = isinstance(model, Autoencoder) and model.activation == "relu" and tuple(names) == ("W", "b")
        if not fits or self.importances is not None:
            return None
        hidden, features = cast(Tensor, model.W).shape
        return OneHotLandscape(features, hidden, self.scale)

    def __call__(self, model: nn.Module) -> Tensor:
        """L(W, b), in the unit of scale · (squared error)."""
        weights, bias = cast(Tensor, model.W), cast(Tensor, model.b)
        gram = weights.T @ weights
        slope, offset = torch.broadcast_tensors(gram, bias[None, :])
        # the root is a constant for the derivative: the integrands are 0 there
        fixed, shift = slope.detach(), offset.detach()
        root = torch.where(fixed == 0, torch.zeros_like(fixed), -shift / torch.where(fixed == 0, torch.ones_like(fixed), fixed))
        root = root.clamp(0, 1)
        low = torch.where(fixed > 0, root, torch.zeros_like(root))
        high = torch.where(fixed < 0, root, ((fixed != 0) | (shift > 0)).to(root.dtype))
        m0, m1, m2 = high - low, (high**2 - low**2) / 2, (high**3 - low**3) / 3
        own = torch.diagonal(slope * m2 + offset * m1)
        squares = slope**2 * m2 + 2 * slope * offset * m1 + offset**2 * m0
        terms = 1 / 3 - 2 * own + squares.sum(0)
        if self.importances is not None:
            terms = terms * self.importances.to(terms)
        return self.scale * terms.sum() / len(bias)
