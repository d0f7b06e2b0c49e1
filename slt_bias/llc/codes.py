"""How many bits the parameters need for an excess loss of at most ε: a grid against a code that knows the volume.

After Urdshals et al. 2025 (arXiv 2510.12077). Two codes, both in bits as functions of log₂(1/ε):

(a) rounding: every weight to a grid of one step 2⁻ᵏ, the coarsest whose mean excess loss is at most ε: d·log₂(range/step).
    Where L grows as the square of the distance in every bad direction this is (d/2)·log₂(1/ε), whatever the number of flat
    directions: for (w₁−w₂)² the slope is 1, not λ = ½.
(b) a two-part code with a shared random sequence of draws from the prior N(w*, I/γ): the index of the first draw with excess
    at most ε costs −log₂V(ε), as a prefix code (Elias' δ) at most 2 log₂(1 + log₂(1/V)) + 1 bits more. Its slope is λ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.estimate import Status
from slt_bias.llc.volume import VolumeScaling, volume_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from slt_bias.llc.landscapes.base import Landscape

COARSEST, FINEST = -4, 50  # log2 of 1/step


@dataclass(frozen=True, kw_only=True)
class Compressibility:
    """Both curves and their slopes in bits a bit of 1/ε.

    table : a row an ε. log2_inverse_epsilon; step (of the grid, NaN where none is fine enough); rounding_bits; volume_bits
        (−log₂V) with volume_bits_low and volume_bits_high; code_bits (−log₂V with the prefix code of its index).
    rounding_slope : of rounding_bits, by least squares. volume_slope, low, high : λ of `volume`, whose fit takes the
        logarithmic factor into account. volume : the curve V(ε) and its verdict.
    """

    table: pd.DataFrame
    rounding_slope: float
    volume_slope: float
    volume_slope_low: float
    volume_slope_high: float
    volume: VolumeScaling
    status: Status
    reasons: tuple[str, ...]


def compressibility(
    model: Any,
    loss: Any,
    data: Any,
    seed: int = 0,
    localization: float = 1.0,
    parameters: Sequence[str] | None = None,
    **settings: Any,
) -> Compressibility:
    """Both code lengths of a torch module's present parameters; arguments as in `slt_bias.llc.estimate` and below."""
    from slt_bias.llc.reading import read

    reading = read(model, loss, data, parameters=parameters)
    return compressibility_of(reading.landscape, reading.centre, seed=seed, localization=localization, **settings)


def compressibility_of(
    landscape: Landscape,
    centre: np.ndarray,
    *,
    seed: int = 0,
    localization: float = 1.0,
    offsets: int = 64,
    volume: VolumeScaling | None = None,
    **settings: Any,
) -> Compressibility:
    """Both code lengths of a landscape at `centre` (dimension,).

    offsets : grids, each shifted by a random part of its step in every weight, over which the excess loss is averaged; so
        that no weight lies on the grid by accident (w* = 0 would round to itself at any step). The grid is never rotated.
    volume : V(ε), where it is at hand; else `volume_of` with the other settings. Raises InputError for what does not fit.
    """
    import pandas as pd

    centre = np.ascontiguousarray(centre, np.float64)
    if offsets < 1:
        raise InputError(f"compressibility: offsets = {offsets}: give at least 1.")
    if volume is None:
        volume = volume_of(landscape, centre, seed=seed, localization=localization, **settings)
    reasons = list(volume.reasons)
    steps, excess = rounding_losses(landscape, centre, seed, offsets)
    epsilon = np.exp(volume.log_epsilon)
    span = 2 * (float(np.abs(centre).max()) + 1 / math.sqrt(localization))
    step = np.array([coarsest_step(steps, excess, level) for level in epsilon])
    rounding_bits = len(centre) * np.log2(span / step) if len(step) else np.empty(0)
    bits = [-values / math.log(2) for values in (volume.log_volume, volume.log_volume_high, volume.log_volume_low)]
    table = pd.DataFrame(
        {
            "log2_inverse_epsilon": -volume.log_epsilon / math.log(2),
            "step": step,
            "rounding_bits": rounding_bits,
            "volume_bits": bits[0],
            "volume_bits_low": bits[1],
            "volume_bits_high": bits[2],
            "code_bits": bits[0] + 2 * np.log2(1 + bits[0]) + 1,
        }
    )
    known = np.isfinite(rounding_bits)
    slope = math.nan
    if known.sum() >= 3 and np.ptp(step[known]) > 0:
        slope = float(np.polynomial.polynomial.polyfit(table["log2_inverse_epsilon"][known], rounding_bits[known], 1)[1])
    else:
        reasons.append("rounding: fewer than two steps of the grid lie in the range of ε, there is no slope")
    failed = volume.status == "failed"
    return Compressibility(
        table=table,
        rounding_slope=slope,
        volume_slope=volume.learning_coefficient,
        volume_slope_low=volume.low,
        volume_slope_high=volume.high,
        volume=volume,
        status="failed" if failed else "suspect" if reasons else "ok",
        reasons=tuple(reasons),
    )


def rounding_losses(landscape: Landscape, centre: np.ndarray, seed: int, offsets: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps 2⁻ᵏ, falling, and the mean excess loss of the weights rounded to shifted grids of that step: (steps,) each.

    Weight i goes to the nearest point of step·(integers + shift), shift uniform on (0, 1), the same for all steps.
    """
    shifts = streams.uniforms(seed, "rounding-offsets", 0, (offsets, len(centre)))
    baseline = float(landscape.losses(centre[None])[0])
    steps = 2.0 ** -np.arange(COARSEST, FINEST + 1)
    means = []
    for step in steps:
        rounded = step * (np.rint(centre / step - shifts) + shifts)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(np.mean(landscape.losses(np.ascontiguousarray(rounded)) - baseline))
        means.append(math.inf if math.isnan(mean) else mean)
    return steps, np.array(means)


def coarsest_step(steps: np.ndarray, excess: np.ndarray, epsilon: float) -> float:
    """The coarsest step from which on all finer ones keep the excess at or below ε; NaN where the finest does not."""
    above = np.flatnonzero(excess > epsilon)
    first = 0 if len(above) == 0 else int(above[-1]) + 1
    return float(steps[first]) if first < len(steps) else math.nan
