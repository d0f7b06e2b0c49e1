"""Settings that can be checked: the step of a corrected run, a batch whose noise is small, draws that are far enough apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.samplers.sgnht import SGNHT
from slt_bias.llc.temperature import inverse_temperature_of, localization_of

if TYPE_CHECKING:
    from torch import Tensor, nn

PILOT_CHAINS = 4
PILOT_TRAJECTORIES = 120
SHARE_OF_CORRECTED_STEP = 0.4  # of the leapfrog step that HMC accepts 80 % of the time
LARGEST_FULL_BATCH = 4096  # examples up to which every step sees all data
MOST_STEPS_PER_DRAW = 32


@dataclass(frozen=True)
class Calibration:
    """What was chosen, and why.

    samplers : with their settings, one a model. inverse_temperature : nβ. localization : γ. reasons : one sentence a choice.
    acceptance : of the corrected pilot run. step_sizes : of the pilot after adaptation, one a model.
    """

    samplers: tuple[SGNHT, ...]
    inverse_temperature: float
    localization: float
    reasons: tuple[str, ...]
    acceptance: float
    step_sizes: tuple[float, ...]

    @property
    def sampler(self) -> SGNHT:
        """The sampler of the only, or first, model."""
        return self.samplers[0]


def calibrate(
    model: nn.Module,
    loss: Any,
    data: tuple[Tensor, ...] | None,
    *,
    inverse_temperature: float | None = None,
    localization: float | None = None,
    parameters: Sequence[str] | None = None,
    seed: int = 0,
) -> Calibration:
    """The settings that `estimate` would choose, to look at and to use again: estimate(…, calibration=…).

    Arguments as in `estimate`. Raises InputError as there.
    """
    from slt_bias.llc.fast import key_of
    from slt_bias.llc.reading import read

    problem = read(model, loss, data, parameters)
    return calibrate_at(
        problem.landscape,
        problem.centre[None],
        inverse_temperature_of(inverse_temperature, problem.landscape.examples),
        localization_of(localization),
        seed=seed,
        keys=[key_of(problem.centre)],
    )


def calibrate_at(
    landscape: Landscape,
    centres: np.ndarray,
    inverse_temperature: float,
    localization: float,
    *,
    seed: int,
    keys: list[str],
) -> Calibration:
    """Choose the sampler of `method="fast"` for models at `centres` (models, dimension).

    A pilot of HMC from w* (full batch, corrected, so that no step can be wrong) adapts its step to an acceptance of 0.8; the
    thermostat runs at 0.4 of it, the smallest over the pilot's chains of each model.
    """
    models = len(centres)
    posterior = Posterior(
        landscape,
        np.repeat(centres, PILOT_CHAINS, axis=0),
        np.full(models * PILOT_CHAINS, inverse_temperature),
        np.full(models * PILOT_CHAINS, localization),
    )
    pilot = HMC(leapfrog_steps=4).sample(
        posterior,
        posterior.centres,
        draws=PILOT_TRAJECTORIES // 4,
        burn_in=PILOT_TRAJECTORIES,
        seed=seed,
        purposes=[["pilot", key, chain] for key in keys for chain in range(PILOT_CHAINS)],
    )
    corrected = pilot.step_size.reshape(models, PILOT_CHAINS).min(1)
    steps = SHARE_OF_CORRECTED_STEP * corrected
    acceptance = float(pilot.acceptance.mean())
    batch = None
    if landscape.examples is not None and landscape.examples > LARGEST_FULL_BATCH:
        batch = min(landscape.examples, max(1024, math.ceil(inverse_temperature)))
    slowest = 1 / math.sqrt(localization)  # the time in which flat directions forget
    wanted = np.ceil(0.15 * slowest / steps)
    spacings = np.minimum(2 ** np.ceil(np.log2(np.maximum(wanted, 1))), MOST_STEPS_PER_DRAW).astype(int)
    samplers = tuple(
        SGNHT(step_size=float(step), batch_size=batch, steps_per_draw=int(spacing), friction=math.sqrt(localization))
        for step, spacing in zip(steps, spacings, strict=True)
    )
    shown = f"{steps.min():.3g}" if models == 1 else f"{steps.min():.3g} … {steps.max():.3g}"
    reasons = (
        f"step_size {shown}: {SHARE_OF_CORRECTED_STEP} of the leapfrog step at which a Metropolis-corrected pilot accepts "
        f"{acceptance:.0%}",
        "batch_size: all examples" if batch is None else f"batch_size {batch}: nβ and no fewer than 1,024, for the noise's sake",
        f"steps_per_draw {spacings.max()}: a draw every seventh of the time in which flat directions forget (1/√γ), at most "
        f"{MOST_STEPS_PER_DRAW}",
        "localization γ = 1 where not given; the verdict compares γ/10 and 10γ",
    )
    return Calibration(samplers, inverse_temperature, localization, reasons, acceptance, tuple(float(step) for step in corrected))
