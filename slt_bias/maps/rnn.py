"""`rnn`: the simple recurrent network (Elman 1990), which reads the inputs one after another.

h_t = tanh(W h_{t−1} + U x_t + b),  h_0 = 0;   output = u·h_n + c
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slt_bias.maps.recurrent import Recurrent, tanh

if TYPE_CHECKING:
    import torch


class RNN(Recurrent):
    """A cell of `hidden` tanh units reads the inputs in their order; a linear readout of its last state.

    Law: independent parameters of mean 0; standard deviations weight_std/√hidden for weights on the hidden state and in the
    readout, weight_std for weights on the input (a step reads one number: fan_in = 1), bias_std for biases. Under a preset
    the cell's bias has the variance of a layer of fan_in = hidden.

    P is invariant under negation of the output, and on {−1,1} of all inputs at once; not under permutation of inputs.
    Raises SpecError or InputError.
    """

    name = "rnn"
    summary = "recurrent network (Elman, tanh) that reads the inputs one after another"
    gates = 1

    def step(self, driven: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """h = tanh(W h + U x + b)."""
        return (tanh(driven),)

    def cell(self, dtype: torch.dtype) -> torch.nn.RNN:
        """torch.nn.RNN."""
        import torch

        return torch.nn.RNN(1, self.hidden, batch_first=True, bias=self.law.has_bias, dtype=dtype)
