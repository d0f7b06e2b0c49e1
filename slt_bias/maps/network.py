"""Fully connected networks, once for all: what `mlp`, `perceptron` and `polynomial` are made of.

h₀ = x;  h_{l+1} = φ(W_l h_l + b_l);  output = W_L h_L + b_L.  Parameters of a network are one row: for each layer its
weights (out × in, row by row), then its biases. Two paths: a fused compiled kernel that draws and counts, and plain torch
that differentiates; the tests hold them against each other.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slt_bias import streams
from slt_bias.functions.inputs import InputSet
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import refuse_undefined
from slt_bias.maps.law import Law

if TYPE_CHECKING:
    import torch

ACTIVATIONS = ("relu", "tanh", "erf", "gelu", "sin", "gaussian", "step", "linear")


@dataclass(frozen=True)
class Network:
    """Widths, activation and scales of a fully connected network on fixed points.

    widths : from inputs to the one output.
    features : float64 (points, widths[0]), what enters the first layer.
    scales : float32 (parameters,), the standard deviation of each parameter.
    hypercube : the input set where `features` are its own points: the kernel's first layer then doubles over the bits.
    """

    widths: tuple[int, ...]
    features: np.ndarray
    scales: np.ndarray
    has_bias: bool
    uniform: bool
    activation: str = "linear"
    layer_norm: bool = False
    hypercube: InputSet | None = None

    @property
    def size(self) -> int:
        """The number of parameters."""
        return len(self.scales)

    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each layer's weights and biases start in the row of parameters."""
        weights, biases, at = [], [], 0
        for fan_in, fan_out in itertools.pairwise(self.widths):
            weights.append(at)
            at += fan_in * fan_out
            biases.append(at if self.has_bias else 0)
            at += fan_out if self.has_bias else 0
        return np.array(weights, np.int64), np.array(biases, np.int64)

    def kernel_arguments(self) -> tuple:
        """What the compiled kernels take after the parameters and scales."""
        from slt_bias.maps._activation_kernel import CODES

        cube = self.hypercube
        low, high = cube.values if cube is not None and cube.values is not None else (0, 0)
        points = np.zeros((1, 1), np.float32) if cube is not None else np.ascontiguousarray(self.features.T, np.float32)
        return (
            self.has_bias, np.array(self.widths, np.int64), *self.offsets(), CODES[self.activation], self.layer_norm,
            0 if cube is None else cube.features, np.float32(low), np.float32(high - low), points, len(self.features),
        )  # fmt: skip

    def draw(self, seed: int, purpose: streams.Purpose, block: int, count: int) -> np.ndarray:
        """The functions of `count` draws, packed; the same normals as `streams.normals(…, (count, size))`, never stored."""
        from slt_bias.maps._network_kernel import draw_rows

        packed = np.empty((count, -(-len(self.features) // 8)), np.uint8)
        start = streams.state("normals", seed, purpose, block)
        undefined = draw_rows(start, self.scales, self.uniform, *self.kernel_arguments(), packed)  # type: ignore[call-arg]
        refuse_undefined(int(undefined), count)
        return packed

    def evaluate(self, parameters: np.ndarray, with_outputs: bool = False) -> tuple[Functions, np.ndarray]:
        """(functions, float32 outputs) of given parameters (batch, size) by the compiled kernel; outputs only on demand."""
        from slt_bias.maps._network_kernel import evaluate_rows

        rows = np.ascontiguousarray(parameters, np.float32)
        points = len(self.features)
        packed = np.empty((len(rows), -(-points // 8)), np.uint8)
        outputs = np.empty((len(rows), points if with_outputs else 0), np.float32)
        undefined = evaluate_rows(rows, *self.kernel_arguments(), packed, outputs)  # type: ignore[call-arg]
        refuse_undefined(int(undefined), len(rows))
        return Functions(packed, points), outputs

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, size) → (batch, points), in torch and in the parameters' own precision."""
        import torch

        h = torch.tensor(self.features.T, dtype=parameters.dtype, device=parameters.device)
        batch = len(parameters)
        weight_at, bias_at = self.offsets()
        layers = len(self.widths) - 1
        for layer in range(layers):
            fan_in, fan_out = self.widths[layer], self.widths[layer + 1]
            weights = parameters[:, weight_at[layer] : weight_at[layer] + fan_in * fan_out].reshape(batch, fan_out, fan_in)
            h = weights @ h
            if self.has_bias:
                h = h + parameters[:, bias_at[layer] : bias_at[layer] + fan_out, None]
            if layer < layers - 1:
                if self.layer_norm:
                    h = torch.nn.functional.layer_norm(h.transpose(1, 2), (fan_out,)).transpose(1, 2)
                h = apply_activation(self.activation, h)
        return h[:, 0]

    def module(self, parameters: torch.Tensor) -> torch.nn.Module:
        """One row of parameters as a torch.nn.Sequential of Linear and activation modules."""
        import torch

        weight_at, bias_at = self.offsets()
        parts: list[torch.nn.Module] = []
        for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(self.widths)):
            linear = torch.nn.Linear(fan_in, fan_out, bias=self.has_bias, dtype=parameters.dtype)
            with torch.no_grad():
                linear.weight.copy_(parameters[weight_at[layer] :][: fan_in * fan_out].reshape(fan_out, fan_in))
                if self.has_bias:
                    linear.bias.copy_(parameters[bias_at[layer] :][:fan_out])
            parts.append(linear)
            if layer < len(self.widths) - 2:
                if self.layer_norm:
                    parts.append(torch.nn.LayerNorm(fan_out, elementwise_affine=False))
                parts.append(activation_module(self.activation))
        return torch.nn.Sequential(*parts)


def layer_scales(widths: tuple[int, ...], law: Law) -> np.ndarray:
    """float32 (parameters,): the standard deviation that `law` gives each weight and bias, in the order of a row."""
    scales: list[np.ndarray] = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        weight_std, bias_std = law.stds(fan_in, last=layer == len(widths) - 2)
        scales.append(np.full(fan_in * fan_out, weight_std, np.float32))
        if law.has_bias:
            scales.append(np.full(fan_out, bias_std, np.float32))
    return np.concatenate(scales)


def never_exactly_zero(law: Law, points: np.ndarray, activation: str, layer_norm: bool = False) -> bool:
    """Whether an output of exactly 0 has probability 0, so that a function and its negation are equally probable.

    With biases always. Without them a hidden layer may be all 0: at a point of zeros where φ(0) = 0, and anywhere under
    relu and step, whose units are off together with a probability above 0 (under layer norm only those of a layer of 1).
    """
    if law.has_bias:
        return True
    if activation in ("relu", "step") or layer_norm:
        return False
    return activation == "gaussian" or not (points == 0).all(axis=1).any()


def apply_activation(name: str, x: torch.Tensor) -> torch.Tensor:
    """relu, tanh, erf, gelu x·Φ(x), sin, gaussian exp(−x²/2), step (x > 0), linear."""
    import torch

    if name == "relu":
        return torch.relu(x)
    if name == "tanh":
        return torch.tanh(x)
    if name == "erf":
        return torch.erf(x)
    if name == "gelu":
        return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
    if name == "sin":
        return torch.sin(x)
    if name == "gaussian":
        return torch.exp(-0.5 * x * x)
    if name == "step":
        return (x > 0).to(x.dtype)
    return x


def activation_module(name: str) -> torch.nn.Module:
    """The activation as a torch module."""
    import torch

    known = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "gelu": torch.nn.GELU, "linear": torch.nn.Identity}
    if name in known:
        return known[name]()

    class Activation(torch.nn.Module):
        """An activation that torch.nn has no module for."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return apply_activation(name, x)

    return Activation()
