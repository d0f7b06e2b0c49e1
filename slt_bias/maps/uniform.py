"""`uniform`: every function equally likely, the control that has no bias at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slt_bias import streams
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.base import PRIOR, LatentMember
from slt_bias.maps.law import Law
from slt_bias.maps.options import spec_text

if TYPE_CHECKING:
    import torch


class Uniform(LatentMember):
    """P(f) = 2^(−points) for every f: each output is a standard normal of its own. Raises InputError."""

    name = "uniform"
    summary = "every function equally likely: the control"
    options = ()
    law_text = "no parameters: each output is a fair bit"
    compiled = True
    symmetries = frozenset({"permute-inputs", "negate-inputs", "negate-output"})

    def __init__(self, inputs: int | InputSet = 7) -> None:
        self.inputs = as_inputs(inputs)
        self.law = Law()
        self.latents = self.inputs.count
        self.spec = spec_text(self.name, self.inputs.spec, {})

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """The normals themselves, (batch, points)."""
        return normals

    def outputs(self, parameters: torch.Tensor) -> torch.Tensor:
        """The parameters themselves, (batch, points)."""
        return parameters

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed."""
        normals = streams.normals(seed, [PRIOR, self.spec], block, (count, self.latents))
        return np.packbits(normals > 0, axis=1)
