"""The torch module behind the monomials: it imports torch, so it is imported when a system is made."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Monomials(nn.Module):
    """The parameter vector `weights` at 0; calling the module gives K(w) = Σⱼ Πᵢ wᵢ^(2kⱼᵢ).

    exponents : rows kⱼ, checked by `check_exponents`.
    """

    def __init__(self, exponents: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        self.exponents = exponents
        self.weights = nn.Parameter(torch.zeros(len(exponents[0]), dtype=torch.float64))

    def forward(self) -> Tensor:
        """K(w), a scalar."""
        # products written out: the derivative of torch.prod at 0 depends on the data, which torch.func.vmap refuses
        total = self.weights.new_zeros(())
        for row in self.exponents:
            term = self.weights.new_ones(())
            for i, k in enumerate(row):
                if k:
                    term = term * self.weights[i] ** (2 * k)
            total = total + term
        return total


def value(model: nn.Module) -> Tensor:
    """The population loss: the module's own value."""
    return model()
