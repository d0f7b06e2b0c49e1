"""`lstm`: long short-term memory (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000).

    (i, f, g, o) = W h_{t−1} + U x_t + b;   c_t = σ(f)·c_{t−1} + σ(i)·tanh(g);   h_t = σ(o)·tanh(c_t);   h_0 = c_0 = 0
    output = u·h_n + c

The law is the same for all four gates: the forget gate's bias has mean 0, as torch initialises it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slt_bias.maps.recurrent import Recurrent

if TYPE_CHECKING:
    import torch


class LSTM(Recurrent):
    __doc__ = Recurrent.__doc__

    name = "lstm"
    summary = "long short-term memory that reads the inputs one after another"
    gates = 4

    def step(self, driven: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """The gates in the order i, f, g, o; the state is (h, c)."""
        enter, forget, new, leave = driven.chunk(4, dim=1)
        memory = enter.sigmoid() * new.tanh()
        if state:
            memory = memory + forget.sigmoid() * state[1]
        return leave.sigmoid() * memory.tanh(), memory

    def cell(self, dtype: torch.dtype) -> torch.nn.LSTM:
        """torch.nn.LSTM."""
        import torch

        return torch.nn.LSTM(1, self.hidden, batch_first=True, bias=self.law.has_bias, dtype=dtype)
