"""Reading the inputs one after another: what `rnn` and `lstm` share.

The state after t inputs depends on the first t inputs only, so it is computed once for each distinct beginning of a
point: on n bits 2 + 4 + … + 2ⁿ < 2·2ⁿ steps instead of n·2ⁿ.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.law import make_law
from slt_bias.maps.network import never_exactly_zero
from slt_bias.maps.options import LAW_OPTIONS, Option, check_size, integer, spec_text
from slt_bias.maps.tensors import TensorMember, distinct_rows

if TYPE_CHECKING:
    import torch


class Recurrent(TensorMember):
    """A cell of `hidden` units reads the inputs in their order; the output is u·h + c with the last hidden state h.

    Subclasses say what a step does; the law and the symmetries stand with them.
    """

    gates: ClassVar[int]  # rows of hidden units in the cell's weights
    options = (Option("hidden", integer, "units of the cell", "16"), *LAW_OPTIONS)

    def __init__(
        self,
        inputs: int | InputSet = 7,
        hidden: int = 16,
        weight_std: float | None = None,
        bias_std: float | None = None,
        law: str | None = None,
        bias: bool | None = None,
        preset: str | None = None,
    ) -> None:
        self.inputs = as_inputs(inputs)
        check_size("hidden", hidden, 1, 1024)
        self.hidden = hidden
        self.law = make_law(law, weight_std, bias_std, bias, preset)
        self.spec = spec_text(self.name, self.inputs.spec, {"hidden": hidden}, self.law.items)
        rows = self.gates * hidden
        weight, offset = self.law.stds(hidden, last=False)
        last_weight, last_offset = self.law.stds(hidden, last=True)
        self._steps, self._place = _beginnings(self.inputs.points)
        self._set_tensors(
            {
                "input.weight": ((rows, 1), self.law.stds(1, last=False)[0]),
                "cell.weight": ((rows, hidden), weight),
                "cell.bias": ((rows,), offset),
                "readout.weight": ((1, hidden), last_weight),
                "readout.bias": ((1,), last_offset),
            },
            rows * (int(self._place.max()) + 1),  # the last step has the most columns
        )
        symmetries = {"negate-output"} if never_exactly_zero(self.law, self.inputs.points, "tanh") else set()
        if self.inputs.values == (-1, 1):
            symmetries.add("negate-all-inputs")
        self.symmetries = frozenset(symmetries)

    @abstractmethod
    def step(self, driven: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """From W·h + U·x + b, (batch, gates·hidden, …columns), and the last state to the next; its first part is h."""

    @abstractmethod
    def cell(self, dtype: torch.dtype) -> torch.nn.RNN | torch.nn.LSTM:
        """The cell as a torch module that takes (points, inputs, 1)."""

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points), differentiable."""
        import torch

        tensors = self.tensors(parameters)
        bias = tensors["cell.bias"][:, :, None] if "cell.bias" in tensors else None
        state: tuple[torch.Tensor, ...] = ()
        for values, origin in self._steps:
            driven = tensors["input.weight"] * torch.as_tensor(values, dtype=parameters.dtype, device=parameters.device)
            if bias is not None:
                driven = driven + bias
            if state and origin is None:  # every value after every beginning: (batch, units, values, beginnings)
                driven = driven[:, :, :, None] + torch.bmm(tensors["cell.weight"], state[0])[:, :, None]
                state = tuple(part.flatten(2) for part in self.step(driven, tuple(part[:, :, None] for part in state)))
            elif state:
                index = torch.as_tensor(origin, device=parameters.device)
                driven = driven + torch.bmm(tensors["cell.weight"], state[0]).index_select(2, index)
                state = self.step(driven, tuple(part.index_select(2, index) for part in state))
            else:
                state = self.step(driven, ())
        total = torch.bmm(tensors["readout.weight"], state[0])[:, 0]
        total = total.index_select(1, torch.as_tensor(self._place, device=parameters.device))
        return total + tensors["readout.bias"] if "readout.bias" in tensors else total

    def module(self, parameters: torch.Tensor) -> torch.nn.Module:
        """One row of parameters as a torch module of torch's own cell and a Linear layer; it takes (points, inputs)."""
        import torch

        class Reader(torch.nn.Module):
            """A cell that reads a row of inputs, and a linear readout of its last hidden state."""

            def __init__(self, cell: torch.nn.RNN | torch.nn.LSTM, readout: torch.nn.Linear) -> None:
                super().__init__()
                self.cell, self.readout = cell, readout

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                """(points, inputs) → (points, 1)."""
                return self.readout(self.cell(x[:, :, None])[0][:, -1])

        cell = self.cell(parameters.dtype)
        reader = Reader(cell, torch.nn.Linear(self.hidden, 1, bias=self.law.has_bias, dtype=parameters.dtype))
        tensors = {name: tensor[0] for name, tensor in self.tensors(parameters[None]).items()}
        with torch.no_grad():
            given = dict(cell.named_parameters())
            given["weight_ih_l0"].copy_(tensors["input.weight"])
            given["weight_hh_l0"].copy_(tensors["cell.weight"])
            reader.readout.weight.copy_(tensors["readout.weight"])
            if self.law.has_bias:
                given["bias_ih_l0"].copy_(tensors["cell.bias"])
                given["bias_hh_l0"].zero_()  # torch has two biases, which only act as their sum
                reader.readout.bias.copy_(tensors["readout.bias"])
        return reader


def tanh(x: torch.Tensor) -> torch.Tensor:
    """tanh(x) = 2σ(2x) − 1: torch computes σ five times faster than tanh; the absolute error is that of rounding."""
    return 2 * (2 * x).sigmoid() - 1


def _beginnings(points: np.ndarray) -> tuple[list[tuple[np.ndarray, np.ndarray | None]], np.ndarray]:
    """(steps, the last step's column of each point). A step has a column for each distinct beginning, by last value first.

    A step is (values, origin): origin[c] is the beginning less its last input among the previous step's columns, and
    values[c] that input; or origin is None, and every one of `values` follows every previous column.
    """
    labels, columns = np.zeros(len(points), np.int64), 1
    steps: list[tuple[np.ndarray, np.ndarray | None]] = []
    for t in range(points.shape[1]):
        distinct, labels = distinct_rows(np.column_stack([points[:, t], labels]))
        values = np.unique(points[:, t])
        if len(distinct) == len(values) * columns:
            steps.append((values, None))
        else:
            steps.append((distinct[:, 0], distinct[:, 1].astype(np.int64)))
        columns = len(distinct)
    return steps, labels
