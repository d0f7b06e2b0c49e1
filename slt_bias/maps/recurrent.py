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

    Law: independent parameters of mean 0. A weight on the hidden state has standard deviation weight_std/√hidden, one on
    the input weight_std (a step reads one number: fan_in = 1), one of the readout weight_std/√hidden; biases bias_std.
    Under a preset the cell's bias has the variance of a layer of fan_in = hidden.

    P is invariant under negation of the output, and on {−1,1} of all inputs at once; not under permutation of inputs.
    Raises SpecError or InputError.
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
        self._beginnings = _beginnings(self.inputs.points)
        widest = max(len(values) for _, values in self._beginnings)
        self._set_tensors(
            {
                "input.weight": ((rows, 1), self.law.stds(1, last=False)[0]),
                "cell.weight": ((rows, hidden), weight),
                "cell.bias": ((rows,), offset),
                "readout.weight": ((1, hidden), last_weight),
                "readout.bias": ((1,), last_offset),
            },
            2 * rows * widest,
        )
        symmetries = {"negate-output"} if never_exactly_zero(self.law, self.inputs.points, "tanh") else set()
        if self.inputs.values == (-1, 1):
            symmetries.add("negate-inputs")
        self.symmetries = frozenset(symmetries)

    @abstractmethod
    def step(self, driven: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """From W·h + U·x + b, (batch, gates·hidden, columns), and the last state to the next; its first part is h."""

    @abstractmethod
    def cell(self, dtype: torch.dtype) -> torch.nn.RNN | torch.nn.LSTM:
        """The cell as a torch module that takes (points, inputs, 1)."""

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """(batch, parameters) → (batch, points), differentiable."""
        import torch

        tensors = self.tensors(parameters)
        bias = tensors["cell.bias"][:, :, None] if "cell.bias" in tensors else None
        state: tuple[torch.Tensor, ...] = ()
        for origin, values in self._beginnings:
            x = torch.as_tensor(values, dtype=parameters.dtype, device=parameters.device)
            driven = tensors["input.weight"] * x
            if bias is not None:
                driven = driven + bias
            if state:
                index = torch.as_tensor(origin, device=parameters.device)
                driven = driven + torch.bmm(tensors["cell.weight"], state[0]).index_select(2, index)
                state = (state[0], *(part.index_select(2, index) for part in state[1:]))
            state = self.step(driven, state)
        total = torch.bmm(tensors["readout.weight"], state[0])[:, 0]
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
            cell.weight_ih_l0.copy_(tensors["input.weight"])
            cell.weight_hh_l0.copy_(tensors["cell.weight"])
            reader.readout.weight.copy_(tensors["readout.weight"])
            if self.law.has_bias:
                cell.bias_ih_l0.copy_(tensors["cell.bias"])
                cell.bias_hh_l0.zero_()  # torch has two biases, which only act as their sum
                reader.readout.bias.copy_(tensors["readout.bias"])
        return reader


def _beginnings(points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each step (the index of its beginning without the last input among the previous step's, that input's value).

    The last step has one column for each point, in order.
    """
    labels = np.zeros(len(points), np.int64)
    steps = []
    for t in range(points.shape[1] - 1):
        distinct, index = distinct_rows(np.column_stack([labels, points[:, t]]))
        steps.append((distinct[:, 0].astype(np.int64), distinct[:, 1]))
        labels = index
    return [*steps, (labels, points[:, -1].copy())]
