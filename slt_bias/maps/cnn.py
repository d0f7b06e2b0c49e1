"""Convolutional networks over the bits, 1-d (Fukushima 1980; LeCun et al. 1989).

    h⁰_t = x_t (one channel);   h^{l+1}_t = φ(Σ_j W^l_j h^l_{t+j} + b^l),   j = −⌊(kernel−1)/2⌋ … ⌊kernel/2⌋
    output = Σ_t u_t·h^L_t + c (readout=flatten)   or   u·mean_t h^L_t + c (readout=mean)

A unit sees a window of the inputs only, and the weights are the same at all positions: at layer l its value depends on
what stands in its window, not on where. So each layer is evaluated on its distinct windows (80 instead of 896 positions
of points in the second layer on 7 bits), and only the readout goes back to the points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.law import make_law
from slt_bias.maps.network import ACTIVATIONS, activation_module, apply_activation, never_exactly_zero
from slt_bias.maps.options import LAW_OPTIONS, Option, check_choice, check_size, integer, spec_text, word
from slt_bias.maps.tensors import TensorMember, affine, distinct_rows

if TYPE_CHECKING:
    import torch

PADDINGS = ("zero", "circular")
READOUTS = ("flatten", "mean")


class CNN(TensorMember):
    """Convolutions over the inputs in their order, and a linear readout.

    channels, kernel, layers : units at a position, width of the window in positions, number of convolutions.
    padding : "zero": the positions outside are 0 in every layer; "circular": the inputs form a ring. Both keep the length.
    readout : "flatten": a weight for each channel and position; "mean": the mean over positions first. With circular
        padding and mean readout the function does not change when the inputs are rotated.

    Law: independent parameters of mean 0. A weight of a convolution has standard deviation weight_std/√fan_in with
    fan_in = channels below × kernel (kernel in the first layer), one of the readout weight_std/√(channels × inputs)
    (flatten) or weight_std/√channels (mean); all biases bias_std, one a channel.

    P is invariant under negation of the output, and on {−1,1} of all inputs at once; not under permutation of inputs.
    Raises SpecError or InputError.
    """

    name = "cnn"
    summary = "1-d convolutions over the inputs in their order"
    options = (
        Option("channels", integer, "channels of every convolution", "16"),
        Option("kernel", integer, "width of the window", "3"),
        Option("layers", integer, "number of convolutions", "2"),
        Option("activation", word, "one of " + ", ".join(ACTIVATIONS), "relu"),
        Option("padding", word, "zero, or circular: the inputs form a ring", "zero"),
        Option("readout", word, "flatten: a weight a position; mean: the mean over positions first", "flatten"),
        *LAW_OPTIONS,
    )

    def __init__(
        self,
        inputs: int | InputSet = 7,
        channels: int = 16,
        kernel: int = 3,
        layers: int = 2,
        activation: str = "relu",
        padding: str = "zero",
        readout: str = "flatten",
        weight_std: float | None = None,
        bias_std: float | None = None,
        law: str | None = None,
        bias: bool | None = None,
        preset: str | None = None,
    ) -> None:
        self.inputs = as_inputs(inputs)
        check_size("channels", channels, 1, 1024)
        check_size("kernel", kernel, 1, 1024)
        check_size("layers", layers, 1, 32)
        check_choice("activation", activation, ACTIVATIONS)
        check_choice("padding", padding, PADDINGS)
        check_choice("readout", readout, READOUTS)
        if padding == "circular" and kernel > self.inputs.features:
            raise SpecError(f"kernel={kernel}: the window is wider than the ring of {self.inputs.features} inputs.")
        self.channels, self.kernel, self.layers, self.activation = channels, kernel, layers, activation
        self.padding, self.readout = padding, readout
        self.law = make_law(law, weight_std, bias_std, bias, preset)
        options: dict[str, object] = {"channels": channels, "kernel": kernel, "layers": layers}
        options |= {"activation": activation, "padding": padding, "readout": readout}
        self.spec = spec_text(self.name, self.inputs.spec, options, self.law.items)
        self._windows = _Windows(self.inputs.points, kernel, layers, padding)
        tensors: dict[str, tuple[tuple[int, ...], float]] = {}
        for layer in range(layers):
            fan_in = kernel * (channels if layer else 1)
            weight, offset = self.law.stds(fan_in, last=False)
            tensors |= {f"{layer}.weight": ((channels, fan_in), weight), f"{layer}.bias": ((channels,), offset)}
        seen = channels * (self.inputs.features if readout == "flatten" else 1)
        weight, offset = self.law.stds(seen, last=True)
        tensors |= {"readout.weight": ((1, seen), weight), "readout.bias": ((1,), offset)}
        widest = max(taps.shape[1] for taps in self._windows.taps)
        self._set_tensors(tensors, channels * kernel * widest + self.inputs.count)
        symmetries = {"negate-output"} if never_exactly_zero(self.law, self.inputs.points, activation) else set()
        if self.inputs.values == (-1, 1):
            symmetries.add("negate-all-inputs")
        self.symmetries = frozenset(symmetries)

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points), differentiable.

        A convolution's weight is (channels, channels below × kernel), taps fastest, as in torch.
        """
        import torch

        tensors, windows = self.tensors(parameters), self._windows
        values = torch.as_tensor(windows.values, dtype=parameters.dtype, device=parameters.device)
        h = values.expand(len(parameters), 1, -1)
        for layer, taps in enumerate(windows.taps):
            h = torch.nn.functional.pad(h, (0, 1))  # the last column is what lies outside
            index = torch.as_tensor(taps, device=parameters.device)
            seen = h.index_select(2, index.flatten()).unflatten(2, index.shape).flatten(1, 2)
            h = apply_activation(self.activation, affine(tensors, str(layer), seen))
        place = torch.as_tensor(windows.place, device=parameters.device)  # (positions, points) → column
        positions, weight = len(place), tensors["readout.weight"]
        if self.readout == "flatten":  # torch flattens (channels, positions)
            parts = torch.bmm(weight.view(len(h), self.channels, positions).mT, h)  # (batch, positions, columns)
            total = torch.stack([parts[:, t].index_select(1, place[t]) for t in range(positions)]).sum(0)
        else:
            scores = torch.bmm(weight, h)[:, 0]
            total = scores.index_select(1, place.flatten()).unflatten(1, place.shape).mean(1)
        return total + tensors["readout.bias"] if "readout.bias" in tensors else total

    def module(self, parameters: torch.Tensor) -> torch.nn.Module:
        """One row of parameters as a torch.nn.Sequential of Conv1d, activation and Linear modules."""
        import torch

        tensors = {name: tensor[0] for name, tensor in self.tensors(parameters[None]).items()}
        has_bias, dtype = self.law.has_bias, parameters.dtype
        sides = ((self.kernel - 1) // 2, self.kernel // 2)
        pad = torch.nn.ConstantPad1d(sides, 0.0) if self.padding == "zero" else torch.nn.CircularPad1d(sides)
        parts: list[torch.nn.Module] = [torch.nn.Unflatten(1, (1, self.inputs.features))]
        for layer in range(self.layers):
            below = self.channels if layer else 1
            convolution = torch.nn.Conv1d(below, self.channels, self.kernel, bias=has_bias, dtype=dtype)
            _fill(convolution, tensors, str(layer))
            parts += [pad, convolution, activation_module(self.activation)]
        if self.readout == "mean":
            parts.append(torch.nn.AdaptiveAvgPool1d(1))
        linear = torch.nn.Linear(tensors["readout.weight"].shape[1], 1, bias=has_bias, dtype=dtype)
        _fill(linear, tensors, "readout")
        return torch.nn.Sequential(*parts, torch.nn.Flatten(), linear)


def _fill(module: torch.nn.Conv1d | torch.nn.Linear, tensors: dict[str, torch.Tensor], layer: str) -> None:
    import torch

    with torch.no_grad():
        module.weight.copy_(tensors[f"{layer}.weight"].reshape(module.weight.shape))
        if module.bias is not None:
            module.bias.copy_(tensors[f"{layer}.bias"])


class _Windows:
    """The distinct windows of each layer.

    values : the distinct values of an input, (columns,).
    taps : for each layer int64 (kernel, columns): the columns of the layer below, which one more column of zeros follows.
    place : int64 (positions, points): the last layer's column at a position of a point.
    """

    def __init__(self, points: np.ndarray, kernel: int, layers: int, padding: str) -> None:
        count, positions = points.shape
        self.values, labels = np.unique(points, return_inverse=True)
        labels = np.asarray(labels).reshape(points.shape)
        self.taps: list[np.ndarray] = []
        columns = len(self.values)
        left = (kernel - 1) // 2
        for _ in range(layers):
            if padding == "zero":
                padded = np.pad(labels, ((0, 0), (left, kernel - 1 - left)), constant_values=columns)
            else:
                padded = np.pad(labels, ((0, 0), (left, kernel - 1 - left)), mode="wrap")
            windows = np.stack([padded[:, j : j + positions] for j in range(kernel)], axis=2).reshape(-1, kernel)
            distinct, index = distinct_rows(windows)
            self.taps.append(np.ascontiguousarray(distinct.T))
            labels, columns = index.reshape(count, positions), len(distinct)
        self.place = np.ascontiguousarray(labels.T)
