"""`rnn`: the simple recurrent network (Elman 1990), which reads the inputs one after another.

    h_t = tanh(W h_{t−1} + U x_t + b),  h_0 = 0;   output = u·h_n + c
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slt_bias.maps.recurrent import Recurrent

if TYPE_CHECKING:
    import torch


class RNN(Recurrent):
    __doc__ = Recurrent.__doc__

    name = "rnn"
    summary = "recurrent network (Elman, tanh) that reads the inputs one after another"
    gates = 1

    def step(self, driven: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """h = tanh(W h + U x + b)."""
        return (driven.tanh(),)

    def cell(self, dtype: torch.dtype) -> torch.nn.RNN:
        """torch.nn.RNN."""
        import torch

        return torch.nn.RNN(1, self.hidden, batch_first=True, bias=self.law.has_bias, dtype=dtype)
