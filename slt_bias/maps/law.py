"""The law of the parameters: part of every map, because P(f) means nothing without it.

Under `law=normal` (the default) or `law=uniform` a weight has standard deviation weight_std/√fan_in and a bias
bias_std, in every layer. A preset fixes the distribution and the variances instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slt_bias.errors import SpecError, nearest

if TYPE_CHECKING:
    import torch

DISTRIBUTIONS = ("normal", "uniform")

# What the code of Valle-Pérez, Camargo & Louis (2018) draws: weights and biases of variance 2/fan_in in hidden layers
# and 1/fan_in in the output layer, uniform; and the same variances drawn normal.
PRESETS = {"valle-perez-2018": "uniform", "valle-perez-2018-normal": "normal"}


LARGEST_STD = 1e12  # single precision ends at 3·10³⁸


@dataclass(frozen=True)
class Law:
    """How parameters are drawn: independent, mean 0, from `distribution` with the standard deviations of `stds`."""

    distribution: str = "normal"
    weight_std: float = 1.0
    bias_std: float = 1.0
    preset: str | None = None

    def stds(self, fan_in: int, last: bool) -> tuple[float, float]:
        """Standard deviations of (a weight, a bias) of a layer with `fan_in` inputs; `last` marks the output layer."""
        if self.preset is not None:
            std = math.sqrt((1.0 if last else 2.0) / fan_in)
            return std, std
        return self.weight_std / math.sqrt(fan_in), self.bias_std

    @property
    def has_bias(self) -> bool:
        """False where every bias is 0."""
        return self.preset is not None or self.bias_std > 0

    @property
    def items(self) -> tuple[tuple[str, str], ...]:
        """The law as options of a spec."""
        if self.preset is not None:
            return (("preset", self.preset),)
        from slt_bias.maps.options import write  # options lists the laws, so it comes second

        return (("law", self.distribution), ("weight_std", write(self.weight_std)), ("bias_std", write(self.bias_std)))

    def transform(self, normals: torch.Tensor) -> torch.Tensor:
        """Standard normals to draws of mean 0 and variance 1; the uniform law through Φ: √3·(2Φ(z) − 1) = √3·erf(z/√2)."""
        import torch

        return normals if self.distribution == "normal" else math.sqrt(3) * torch.erf(normals / math.sqrt(2))


def make_law(
    law: str | None = None,
    weight_std: float | None = None,
    bias_std: float | None = None,
    bias: bool | None = None,
    preset: str | None = None,
) -> Law:
    """The law that a map's options name; `bias=False` is `bias_std=0`.

    Raises SpecError for an unknown law or preset, a standard deviation that is negative or not finite, a preset together
    with what it fixes, or `bias=False` together with `bias_std`.
    """
    if preset is not None:
        if preset not in PRESETS:
            raise SpecError(f"preset={preset} is unknown.{nearest(str(preset), PRESETS)}")
        given = {"law": law, "weight_std": weight_std, "bias_std": bias_std, "bias": bias}
        extra = [name for name, value in given.items() if value is not None]
        if extra:
            raise SpecError(f"preset={preset} fixes the whole law: leave out {', '.join(extra)}, or leave out the preset.")
        return Law(PRESETS[preset], preset=preset)
    if law is not None and law not in DISTRIBUTIONS:
        raise SpecError(f"law={law} is unknown.{nearest(str(law), DISTRIBUTIONS)}")
    for name, value in (("weight_std", weight_std), ("bias_std", bias_std)):
        if value is not None and not 0 <= value <= LARGEST_STD:
            raise SpecError(f"{name}={value}: a standard deviation is a finite number, 0 or larger and at most {LARGEST_STD:g}.")
    if weight_std == 0:
        raise SpecError("weight_std=0: every function would be constant; give a number larger than 0.")
    if bias is not None and bias_std is not None and bias != (bias_std > 0):
        raise SpecError(f"bias={str(bias).lower()} and bias_std={bias_std} contradict each other: give one of them.")
    if bias is False:
        bias_std = 0.0
    return Law(law or "normal", float(1 if weight_std is None else weight_std), float(1 if bias_std is None else bias_std))
