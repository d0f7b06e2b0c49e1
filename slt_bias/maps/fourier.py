"""`fourier`: random Fourier features (Rahimi & Recht 2007).

    output = Σ_j a_j √(2/features) cos(w_j·x + b_j)

Given the features the outputs are normal; in the limit of many features they are a Gaussian process with the kernel
exp(−scale²|x − y|²/2), whatever the input set.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from slt_bias import streams
from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.base import PRIOR
from slt_bias.maps.law import Law
from slt_bias.maps.mlp import NetworkMember
from slt_bias.maps.network import Network
from slt_bias.maps.options import Option, check_size, integer, real, spec_text

if TYPE_CHECKING:
    import torch


class Fourier(NetworkMember):
    """A linear readout of `features` cosines, all drawn anew at every draw.

    Law: the entries of w_j are normal of standard deviation `scale` (no fan-in: scale is the inverse length of the
    kernel), b_j is uniform on (−π, π), the readout a_j is standard normal, all independent; there is no bias. The readout's
    own scale would not change a function's sign. A parameter vector is w (features × inputs), b, a·√(2/features), and a 0.

    P is invariant under negation of the output; on a hypercube of either coding under permutation of inputs and negation
    of any of them, since a uniform phase makes the law of the features invariant under shifts.
    Raises SpecError or InputError.
    """

    name = "fourier"
    summary = "random Fourier features with a normal readout: a Gaussian kernel's process, at a finite width"
    options = (
        Option("features", integer, "number of cosines", "64"),
        Option("scale", real, "standard deviation of the frequencies, the inverse length of the kernel", "1"),
    )

    def __init__(self, inputs: int | InputSet = 7, features: int = 64, scale: float = 1.0) -> None:
        self.inputs = as_inputs(inputs)
        check_size("features", features, 1, 4096)
        if not (math.isfinite(scale) and scale > 0):
            raise SpecError(f"scale={scale}: give a finite number larger than 0.")
        self.features, self.scale = features, float(scale)
        self.law = Law(bias_std=0.0)
        self.spec = spec_text(self.name, self.inputs.spec, {"features": features, "scale": self.scale})
        self.law_text = f"normal frequencies of standard deviation {self.scale:g}, phases uniform, a standard normal readout"
        size = self.inputs.features
        cube = self.inputs if self.inputs.kind == "hypercube" else None
        parts = [scale, math.pi, math.sqrt(2 / features), 0]  # the output's bias is 0
        scales = np.repeat(parts, [features * size, features, features, 1]).astype(np.float32)
        # cos and sin differ by a phase, which is uniform anyway
        self._set_network(Network((size, features, 1), self.inputs.points, scales, True, False, "sin", hypercube=cube))
        self.latents = len(scales) - 1
        symmetries = {"negate-output"} | ({"permute-inputs", "negate-inputs"} if cube is not None else set())
        self.symmetries = frozenset(symmetries)

    @property
    def block(self) -> int:
        """As for every map, and so few that a block's normals take at most 16 MB (or it is 16 draws)."""
        return min(super().block, 2 ** max(4, (2**22 // self.latents).bit_length() - 1))

    def _phases(self) -> slice:
        start = self.features * self.inputs.features
        return slice(start, start + self.features)

    def parameters(self, normals: torch.Tensor) -> torch.Tensor:
        """(batch, latents) standard normals → (batch, parameters): phases through the normal distribution function."""
        import torch

        first, phases, last = normals.split([self._phases().start, self.features, self.features], dim=1)
        drawn = torch.cat([first, torch.erf(phases / math.sqrt(2)), last, torch.zeros_like(last[:, :1])], dim=1)
        return drawn * torch.as_tensor(self.network.scales, dtype=normals.dtype, device=normals.device)

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed; on another device than the CPU by torch."""
        if device != "cpu":
            return super().draw_functions(seed, block, count, device)
        from slt_bias.maps._activation_kernel import to_uniform

        rows = np.zeros((count, self.network.size), np.float32)
        rows[:, :-1] = streams.normals(seed, [PRIOR, self.spec], block, (count, self.latents))
        phases = rows[:, self._phases()].flatten()
        to_uniform(phases)  # √3·erf(z/√2)
        rows[:, self._phases()] = phases.reshape(count, -1) / np.float32(math.sqrt(3))
        rows *= self.network.scales
        return self.network.evaluate(rows)[0].packed
