"""The compiled landscape of the commonest model: dense layers with elementwise activations, in double precision.

x₀ = the example; x_l = φ_l(W_l x_{l−1} + b_l), with W_l transposed where the layer says so; the loss is Σⱼ weightsⱼ (x_L − y)²ⱼ
or the cross-entropy of softmax(x_L). Weights may be shared between layers: their gradients add. All is float64, whatever
the type of the model: one precision. Gradients by backpropagation (Rumelhart, Hinton & Williams 1986).
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError, SltBiasError
from slt_bias.llc.landscapes import _stack_kernel as kernel
from slt_bias.llc.landscapes._activation_kernel import CODES
from slt_bias.llc.landscapes._product_kernel import PAD
from slt_bias.losses import CrossEntropy, SquaredError

if TYPE_CHECKING:
    from torch import Tensor, nn

TILE_BYTES = 32 * 1024  # the activations of a tile: they share the first cache with the examples and the deltas
SMALLEST_TILE, LARGEST_TILE = 32, 512
WORTH_THREADS = 4e6  # multiplications below which a second thread costs more than it brings
AGREEMENT = 1e-8  # relative, between the compiled and the automatic gradient


@dataclass(frozen=True)
class Layer:
    """φ(W x + b), or φ(Wᵀ x + b) where transposed. W and b lie in the flat vector from `weight` and `bias` on; bias −1: none.

    W is stored row by row as (outputs, inputs), or as (inputs, outputs) where transposed. activation: identity, relu, tanh,
    gelu (exact) or sigmoid.
    """

    weight: int
    bias: int
    inputs: int
    outputs: int
    activation: str
    transposed: bool = False


@dataclass(frozen=True)
class StackLandscape:
    """L_n and its gradient of a stack of layers on data: the protocol of `landscapes.base`, compiled.

    layers : in the order in which they are applied; offsets into the flat vector (sampled parameters, then `frozen`).
    dimension : number of sampled parameters. frozen : values of the parameters that are not sampled.
    inputs : examples (n, features), float64. targets : (n, outputs), or classes (n,) for the cross-entropy; None where the
        examples are their own targets.
    loss : SquaredError or CrossEntropy; its `target` is not looked at here.
    workers : threads at most, None = the cores of the process. Results do not depend on it.
    """

    layers: tuple[Layer, ...]
    dimension: int
    inputs: np.ndarray
    targets: np.ndarray | None
    loss: SquaredError | CrossEntropy
    frozen: np.ndarray
    workers: int | None = None

    backend = "compiled"

    @property
    def examples(self) -> int:
        """n."""
        return len(self.inputs)

    @cached_property
    def table(self) -> np.ndarray:
        """The layers as the kernels read them, int64 (layers, 8)."""
        rows, before = [], 0
        for layer in self.layers:
            strides = (1, layer.outputs) if layer.transposed else (layer.inputs, 1)
            code = CODES[layer.activation]
            rows.append((layer.weight, layer.bias, layer.inputs, layer.outputs, code, *strides, before))
            before += layer.outputs
        return np.array(rows, np.int64)

    @cached_property
    def data(self) -> tuple[np.ndarray, int, np.ndarray, int, int, int]:
        """Examples and targets side by side: feature after feature, padded, for full batches; row after row for minibatches."""
        parts = [self.inputs] if self.targets is None else [self.inputs, self.targets.reshape(self.examples, -1)]
        features = sum(part.shape[1] for part in parts)
        stride, width = (-(-size // PAD) * PAD for size in (self.examples, features))
        rows = np.zeros((self.examples, width))
        np.concatenate(parts, axis=1, out=rows[:, :features])
        columns = np.repeat(rows[:1, :features].T, stride, axis=1)
        columns[:, : self.examples] = rows[:, :features].T
        return np.ascontiguousarray(columns).ravel(), stride, rows.ravel(), width, features, self.examples

    @cached_property
    def criterion(self) -> tuple[int, np.ndarray, int]:
        """The loss as the kernels read it: kind, weights of the outputs, first feature of the target."""
        target = 0 if self.targets is None else self.inputs.shape[1]
        if isinstance(self.loss, CrossEntropy):
            return kernel.CROSS_ENTROPY, np.ones(1), target
        weights = np.ones(self.layers[-1].outputs) if self.loss.weights is None else np.array(self.loss.weights, np.float64)
        return kernel.SQUARED_ERROR, self.loss.scale * weights, target

    def tile(self, rows: int) -> int:
        """Examples that are worked on at once, of so many."""
        units = sum(layer.outputs for layer in self.layers) + max(layer.outputs for layer in self.layers)
        most = min(max(TILE_BYTES // (8 * units), SMALLEST_TILE), LARGEST_TILE)
        tiles = -(-rows // most)
        return -(-rows // (tiles * PAD)) * PAD

    def multiplications(self, rows: int) -> float:
        """Roughly, those of one gradient on so many examples."""
        return 3.0 * rows * sum(layer.inputs * layer.outputs for layer in self.layers)

    def losses(self, parameters: np.ndarray) -> np.ndarray:
        """L_n of each row on the whole data: (k, dimension) → (k,), in nats an example."""
        return self._evaluate(parameters)[0]

    def gradients(self, parameters: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Mean losses (k,) and their gradients (k, dimension); rows : (k, batch) examples of each row's minibatch, None = all."""
        return self._evaluate(parameters, rows, gradients=True)[:2]

    def example_losses(self, parameters: np.ndarray) -> np.ndarray:
        """ℓᵢ of each row: (k, dimension) → (k, examples)."""
        return self._evaluate(parameters, single=True)[2]

    def _evaluate(
        self, parameters: np.ndarray, rows: np.ndarray | None = None, gradients: bool = False, single: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean losses, gradients (or no columns of them) and example losses (likewise)."""
        parameters = np.ascontiguousarray(parameters, np.float64)
        if parameters.ndim != 2 or parameters.shape[1] != self.dimension:
            raise InputError(f"parameters of shape {parameters.shape}: this landscape needs (k, {self.dimension}).")
        count = len(parameters)
        batch = 0 if rows is None else rows.shape[1]
        chosen = np.zeros((count, 1), np.int32) if rows is None else np.ascontiguousarray(rows, np.int32)
        size = batch or self.examples
        losses = np.empty(count)
        slopes = np.empty((count, self.dimension if gradients else 0))
        each = np.empty((count, self.examples if single else 0))

        def work(a: int, b: int) -> None:
            kernel.evaluate(self.table, self.frozen, parameters[a:b], self.data, chosen[a:b], batch, self.criterion,
                            self.tile(size), losses[a:b], slopes[a:b], each[a:b])  # fmt: skip

        in_threads(work, count, self.multiplications(size) / (1 if gradients else 3), self.workers)
        return losses, slopes, each


def in_threads(
    work: Callable[[int, int], None], count: int, cost: float, workers: int | None = None, stop: threading.Event | None = None
) -> None:
    """work(first, behind) on blocks of 0 … count − 1, in threads where `cost` (multiplications each) makes it worth while.

    stop : set where an error or Ctrl-C comes up, for work that looks at it to end early.
    """
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = int(min(workers, count, max(1.0, count * cost / WORTH_THREADS)))
    if threads <= 1:
        work(0, count)
        return
    edges = np.linspace(0, count, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work, a, b) for a, b in pairwise(edges)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            if stop is not None:
                stop.set()
            raise


def recognise(
    model: nn.Module,
    loss: Any,
    data: tuple[Tensor, ...] | None,
    parameters: Sequence[str] | None = None,
    reasons: list[str] | None = None,
) -> StackLandscape | None:
    """The compiled landscape of a model, or None where it is not known how to compile it: then the general path serves.

    model : a module with `layer_stack()`, a list of (weight name, bias name or None, activation, transposed) in order, or a
        Linear, or a Sequential of (Flatten first,) Linear, ReLU, Tanh, exact GELU, Sigmoid and Identity.
    loss : `slt_bias.losses.squared_error(…)` or `cross_entropy(…)`. data : tuple of tensors, the inputs first.
    parameters : names of those that are sampled, in the order of `named_parameters()`; None = all.
    reasons : where given, the reason for None is appended to it.
    Value and gradient are compared with automatic differentiation of a float64 copy of the model, at w* and at a point
    beside it: a relative difference above 1e-8 gives None.
    """
    reasons = [] if reasons is None else reasons
    if data is None or not isinstance(loss, SquaredError | CrossEntropy):
        reasons.append("the compiled path knows squared_error and cross_entropy on data, no other loss")
        return None
    described = _describe(model, reasons)
    if described is None:
        return None
    owners = {id(value): name for name, value in model.named_parameters()}
    names = list(owners.values()) if parameters is None else [name for name in owners.values() if name in set(parameters)]
    try:
        landscape = _assemble(model, described, owners, names, loss, data)
    except InputError as error:
        reasons.append(str(error))
        return None
    try:
        difference = _difference(model, landscape, loss, data, names)
    except SltBiasError:
        raise
    except Exception as error:  # a model that no float64 copy can be made of, among others
        reasons.append(f"the compiled path could not be checked on a float64 copy of the model: {error!r}")
        return None
    if not difference <= AGREEMENT:
        reasons.append(f"the layers described do not compute what the model does: relative difference {difference:.1e}")
        return None
    return landscape


Description = list[tuple["Tensor", "Tensor | None", str, bool]]


def _describe(model: nn.Module, reasons: list[str]) -> Description | None:
    """(weight, bias, activation, transposed) of each layer, or None."""
    from torch import nn

    if hasattr(model, "layer_stack"):
        tensors = {**dict(model.named_buffers()), **dict(model.named_parameters(remove_duplicate=False))}
        try:
            listed = list(model.layer_stack())  # type: ignore[operator]
            stack = [(w, b, "identity" if f in (None, "linear") else str(f), bool(t)) for w, b, f, t in listed]
            described = [(tensors[w], None if b is None else tensors[b], f, t) for w, b, f, t in stack]
        except (KeyError, TypeError, ValueError) as error:
            reasons.append(f"layer_stack() is no list of (weight name, bias name or None, activation, transposed): {error!r}")
            return None
        unknown = [f for _, _, f, _ in described if f not in CODES]
        if unknown or not described:
            reasons.append(f"layer_stack(): the compiled path knows no activation {unknown}; it knows {', '.join(CODES)}")
            return None
        return described
    if type(model) not in (nn.Sequential, nn.Linear):
        reasons.append("the model has no layer_stack() and is no Sequential")
        return None
    layers: Description = []
    for place, module in enumerate(model if isinstance(model, nn.Sequential) else (model,)):
        kind = type(module).__name__.lower()
        if type(module) is nn.Linear:
            layers.append((module.weight, module.bias, "identity", False))
        elif isinstance(module, nn.Identity) or (place == 0 and isinstance(module, nn.Flatten) and module.start_dim == 1):
            continue
        elif kind in CODES and type(module).__module__.startswith("torch.nn") and layers and layers[-1][2] == "identity":
            if getattr(module, "approximate", "none") != "none":
                reasons.append("the compiled path knows the exact GELU alone")
                return None
            layers[-1] = (*layers[-1][:2], kind, False)
        else:
            reasons.append(f"the compiled path does not know layer {place} of the model, {type(module).__name__}, there")
            return None
    if not layers:
        reasons.append("the model has no Linear layer")
        return None
    return layers


def _assemble(
    model: nn.Module,
    described: Description,
    owners: dict[int, str],
    names: list[str],
    loss: SquaredError | CrossEntropy,
    data: tuple[Tensor, ...],
) -> StackLandscape:
    """The landscape of a description; InputError where shapes do not fit."""
    offsets, size = {}, 0
    sampled = {id(value): value for value in model.parameters() if owners[id(value)] in names}
    for place, value in sampled.items():
        offsets[place], size = size, size + value.numel()
    dimension, frozen = size, [np.empty(0)]
    for tensor in [t for weight, bias, _, _ in described for t in (weight, bias) if t is not None]:
        if id(tensor) not in offsets:
            offsets[id(tensor)], size = size, size + tensor.numel()
            frozen.append(array(tensor).ravel())
    layers: list[Layer] = []
    for weight, bias, activation, transposed in described:
        if weight.ndim != 2:
            raise InputError(f"a weight of shape {tuple(weight.shape)}: the compiled path knows matrices alone")
        outputs, inputs = weight.shape[::-1] if transposed else weight.shape
        if (layers and layers[-1].outputs != inputs) or (bias is not None and bias.numel() != outputs):
            raise InputError(f"layer {len(layers)} of the stack does not fit: {inputs} inputs, {outputs} outputs")
        at = -1 if bias is None else offsets[id(bias)]
        layers.append(Layer(offsets[id(weight)], at, int(inputs), int(outputs), activation, transposed))
    if not -len(data) <= loss.target < len(data):
        raise InputError(f"target {loss.target} of the loss: the data have {len(data)} parts")
    rows = array(data[0])
    rows = rows.reshape(len(rows), -1)
    if not len(rows) or rows.shape[1] != layers[0].inputs:
        raise InputError(f"data[0] has {rows.shape[1]} features, the first layer {layers[0].inputs} inputs")
    targets = None if loss.target == 0 and isinstance(loss, SquaredError) else array(data[loss.target])
    width = 1 if isinstance(loss, CrossEntropy) else layers[-1].outputs
    if (rows if targets is None else targets.reshape(len(rows), -1)).shape[1] != width:
        raise InputError(f"data[{loss.target}] does not fit {layers[-1].outputs} outputs")
    return StackLandscape(tuple(layers), dimension, rows, targets, loss, np.concatenate(frozen))


def array(tensor: Tensor) -> np.ndarray:
    """A tensor as a contiguous float64 array."""
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float64)


def _difference(model: nn.Module, landscape: StackLandscape, loss: Any, data: tuple[Tensor, ...], names: list[str]) -> float:
    """The largest relative difference of loss and gradient from automatic differentiation, at w* and beside it."""
    import torch

    twin = copy.deepcopy(model).double().cpu().eval()
    batch = tuple(part.double().cpu() if part.dtype.is_floating_point else part.cpu() for part in data)
    values = dict(twin.named_parameters())
    sampled = [values[name].requires_grad_(True) for name in names]
    start = np.concatenate([np.empty(0), *[array(value).ravel() for value in sampled]])
    beside = streams.normals(0, "check of the compiled gradient", 0, (1, max(len(start), 1)))[0, : len(start)]
    worst = 0.0
    for point in (start, start + 0.1 * beside):
        with torch.no_grad():
            at = 0
            for value in sampled:
                value.copy_(torch.as_tensor(point[at : at + value.numel()]).reshape(value.shape))
                at += value.numel()
        mean = loss(twin(batch[0]), batch).mean()
        slopes = torch.autograd.grad(mean, sampled, allow_unused=True)
        wanted = [np.zeros(v.numel()) if s is None else array(s).ravel() for s, v in zip(slopes, sampled, strict=True)]
        values_found, gradients = landscape.gradients(point[None])
        expected = np.concatenate([[float(mean.detach())], *wanted])
        found = np.concatenate([values_found, gradients[0]])
        # at a minimum the gradient is rounding: its size is measured against the terms that cancel there
        rounding = 1e-12 * (1.0 + float(np.abs(point).max(initial=0.0)))
        size = np.array([abs(expected[0])] + [np.abs(expected[1:]).max(initial=0.0)] * (len(expected) - 1))
        difference = float(np.max(np.abs(found - expected) / (size + rounding / AGREEMENT)))
        worst = difference if not difference <= worst else worst
    return worst
