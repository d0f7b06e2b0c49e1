"""`lstm`: long short-term memory (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000).

    (i, f, g, o) = W h_{t−1} + U x_t + b;   c_t = σ(f)·c_{t−1} + σ(i)·tanh(g);   h_t = σ(o)·tanh(c_t);   h_0 = c_0 = 0
    output = u·h_n + c

The law is the same for all four gates: the forget gate's bias has mean 0, as torch initialises it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slt_bias.maps.recurrent import Recurrent, tanh

if TYPE_CHECKING:
    import torch


class LSTM(Recurrent):
    """A cell of `hidden` units with three gates reads the inputs in their order; a linear readout of its last h.

    Law: independent parameters of mean 0; standard deviations weight_std/√hidden for weights on the hidden state and in the
    readout, weight_std for weights on the input (a step reads one number: fan_in = 1), bias_std for biases. Under a preset
    the cell's bias has the variance of a layer of fan_in = hidden.

    P is invariant under negation of the output, and on {−1,1} of all inputs at once; not under permutation of inputs.
    Raises SpecError or InputError.
    """

    name = "lstm"
    summary = "long short-term memory that reads the inputs one after another"
    gates = 4

    def step(self, driven: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """The gates in the order i, f, g, o; the state is (h, c)."""
        enter, forget, new, leave = driven.chunk(4, dim=1)
        memory = enter.sigmoid() * tanh(new)
        if state:
            memory = memory + forget.sigmoid() * state[1]
        return leave.sigmoid() * tanh(memory), memory

    def cell(self, dtype: torch.dtype) -> torch.nn.LSTM:
        """torch.nn.LSTM."""
        import torch

        return torch.nn.LSTM(1, self.hidden, batch_first=True, bias=self.law.has_bias, dtype=dtype)
