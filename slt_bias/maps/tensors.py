"""Families whose parameters are named tensors, evaluated by torch for many draws at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.maps.base import LatentMember
from slt_bias.maps.law import Law

if TYPE_CHECKING:
    import torch

CACHE = 2**19  # floats of the widest layer's activations evaluated at once


class TensorMember(LatentMember):
    """A parameter vector is a row of tensors, one behind the other; each entry is its normal times a standard deviation."""

    law: Law
    shapes: dict[str, tuple[int, ...]]

    def _set_tensors(self, tensors: dict[str, tuple[tuple[int, ...], float]], floats: int) -> None:
        """tensors : name → (shape, standard deviation); those of deviation 0 are left out. floats : a draw's activations."""
        kept = {name: tensor for name, tensor in tensors.items() if tensor[1] > 0}
        self.shapes = {name: shape for name, (shape, _) in kept.items()}
        self.latents = sum(math.prod(shape) for shape in self.shapes.values())
        stds = [np.full(math.prod(shape), std, np.float32) for shape, std in kept.values()]
        self._stds = np.concatenate(stds)
        self.chunk = 2 ** max(0, min(10, (CACHE // floats).bit_length() - 1))

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters), one parameter a normal."""
        import torch

        return self.law.transform(normals) * torch.as_tensor(self._stds, dtype=normals.dtype, device=normals.device)

    def tensors(self, parameters: torch.Tensor) -> dict[str, torch.Tensor]:
        """Views of (batch, parameters) by name, each (batch, *shape). Biases are missing where the law has none."""
        parts = parameters.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {name: part.unflatten(1, shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


def affine(tensors: dict[str, torch.Tensor], layer: str, columns: torch.Tensor) -> torch.Tensor:
    """W·columns + b with the tensors `layer.weight` (batch, out, in) and `layer.bias` (batch, out), if there is one."""
    import torch

    weight, bias = tensors[f"{layer}.weight"], tensors.get(f"{layer}.bias")
    if bias is None:
        return torch.bmm(weight, columns)
    return torch.baddbmm(bias[:, :, None], weight, columns)


def distinct_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distinct rows in order, the index of each row among them) of an integer or float table (rows, columns)."""
    distinct, index = np.unique(table, axis=0, return_inverse=True)
    return distinct, np.asarray(index).reshape(-1)
