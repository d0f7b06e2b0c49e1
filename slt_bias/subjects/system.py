"""A system to measure: a model at w*, its loss and its data, and nothing about who measures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class System:
    """What `sb.llc.estimate(system.model, system.loss, system.data)` takes.

    name : what it is and with which settings.
    model : a torch module whose parameters are w*.
    loss : loss(output, batch) → one value an example (nats); for a population loss (data is None) loss(model) → a scalar.
    data : tensors with a common first axis, the model's input first; None for a population loss.
    """

    name: str
    model: nn.Module
    loss: Callable[..., Any]
    data: tuple[Tensor, ...] | None = None

    @property
    def dimension(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.model.parameters())
