"""λ̂ over step sizes × temperatures of SGLD, a verdict for each cell: which settings give a number that can be trusted.

Every cell is an estimate of its own with Δw = −(ε/2)(nβ ∇L_B + γ(w − w*)) + N(0, ε) (Lau et al. 2023, arXiv 2308.12108, eq. 17).
The step's own error is seen beside it: what a Metropolis-adjusted step of the same ε accepts (Roberts & Tweedie 1996).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from slt_bias.errors import InputError
from slt_bias.llc.fast import Plan, key_of, run_fast
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.reading import Problem, read
from slt_bias.llc.samplers.mala import MALA
from slt_bias.llc.samplers.sgld import SGLD
from slt_bias.llc.temperature import check_size, inverse_temperature_of, localization_of
from slt_bias.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor, nn

MALA_CHAINS, MALA_DRAWS = 4, 60
LOST = 0.02  # acceptance that each direction may cost, see `_least_acceptance`


def sweep(
    model: nn.Module,
    loss: Any,
    data: tuple[Tensor, ...] | None,
    step_sizes: Sequence[float],
    inverse_temperatures: Sequence[float | None] = (None,),
    *,
    batch_size: int | None = None,
    steps_per_draw: int = 1,
    localization: float | None = None,
    chains: int = 4,
    draws: int = 500,
    burn_in: int | None = None,
    parameters: Sequence[str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Estimate λ with SGLD in every cell of step_sizes × inverse_temperatures.

    model, loss, data, parameters : as in `estimate`. step_sizes : ε. inverse_temperatures : nβ; None: n/ln n.
    batch_size : examples of a minibatch; None: all. burn_in : None: half of the draws.

    Returns a row a cell: step_size, inverse_temperature, value, low, high (λ̂ and its interval; NaN where failed), rhat,
    effective_sample_size, acceptance (share that a Metropolis-adjusted step of this ε on the whole data accepts from w*, NaN
    where its chains diverge), status, reason (the first one, or an empty text). Beside what `estimate` finds, a cell is suspect
    where that acceptance is so low that the step itself biases λ̂ by a tenth. A cell does not depend on the others.
    Raises InputError for what `estimate` refuses, and where one of the lists is empty.
    """
    if not len(step_sizes) or not len(inverse_temperatures):
        raise InputError("sweep: give one step size and one inverse temperature or more.")
    problem = read(model, loss, data, parameters)
    burn_in = round(0.5 * draws) if burn_in is None else burn_in
    check_size(chains, draws, burn_in, confidence)
    gamma = localization_of(localization)
    temperatures = [inverse_temperature_of(given, problem.landscape.examples) for given in inverse_temperatures]
    samplers = [SGLD(step_size=step, batch_size=batch_size, steps_per_draw=steps_per_draw) for step in step_sizes]
    rows: list[dict[str, Any]] = []
    with Progress("cells of the sweep", len(temperatures) * len(samplers), progress) as bar:
        for temperature in temperatures:
            for step, sampler in zip(step_sizes, samplers, strict=True):
                plan = Plan(temperature, gamma, chains, draws, burn_in, confidence, seed)
                rows.append({"step_size": float(step), **_cell(problem, plan, sampler, float(step))})
                bar.update(len(rows))
    return pd.DataFrame(rows)


def _cell(problem: Problem, plan: Plan, sampler: SGLD, step: float) -> dict[str, Any]:
    result = run_fast(problem.landscape, problem.centre[None], plan, sampler, problem.notes)[0]
    acceptance = _acceptance(problem, plan, step)
    status, reasons = result.status, result.reasons
    least = _least_acceptance(result.value, problem.landscape.dimension)
    if status != "failed" and not acceptance >= least:
        status = "suspect"
        refusal = f"the step is too large: a Metropolis-adjusted one accepts {acceptance:.1%}, {least:.1%} wanted"
        reasons = (f"{refusal}: take a smaller step_size.", *reasons)
    return {
        "inverse_temperature": plan.inverse_temperature,
        "value": result.value,
        "low": result.low,
        "high": result.high,
        "rhat": result.rhat,
        "effective_sample_size": result.effective_sample_size,
        "acceptance": acceptance,
        "status": status,
        "reason": reasons[0] if reasons else "",
    }


def _least_acceptance(value: float, dimension: int) -> float:
    """The acceptance below which SGLD's λ̂ is too large by a tenth.

    On k directions of curvature h the bias is 1/(1 − εh/4), a tenth at εh = 0.4, and Metropolis refuses about 0.1·√k (εh)^(3/2)
    (Roberts & Rosenthal 1998): 0.02·√k there. k : 2λ̂, from 1 to the number of parameters.
    """
    return 1 - LOST * math.sqrt(min(max(2 * value, 1.0), dimension))


def _acceptance(problem: Problem, plan: Plan, step: float) -> float:
    """What MALA accepts at this very step: 1 in the limit of small steps, 0.57 where it mixes best (Roberts & Rosenthal 1998)."""
    centres = np.tile(problem.centre, (MALA_CHAINS, 1))
    posterior = Posterior(
        problem.landscape, centres, np.full(MALA_CHAINS, plan.inverse_temperature), np.full(MALA_CHAINS, plan.localization)
    )
    key = key_of(problem.centre)
    run = MALA(step_size=step, adapt=False).sample(
        posterior, centres, draws=MALA_DRAWS, burn_in=MALA_DRAWS // 3, seed=plan.seed,
        purposes=[["sweep", key, chain] for chain in range(MALA_CHAINS)],
    )  # fmt: skip
    accepted = float(np.mean(run.acceptance))
    return accepted if math.isfinite(accepted) else math.nan
