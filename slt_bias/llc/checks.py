"""The runs beside the main one: a corrected sampler, γ/10 and 10γ, rescaled layers, and descents. A third of the cost at most."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from slt_bias.llc import diagnostics
from slt_bias.llc.curvature import hessian_eigenvalues, regular_part
from slt_bias.llc.descent import descend
from slt_bias.llc.gauge import rescaled
from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.samplers.base import Sampler
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.verdict import Evidence

if TYPE_CHECKING:
    from slt_bias.llc.fast import Plan

SHARE = 1 / 12  # of the main run's gradients, for each check
CHAINS = 4
LEAPFROG_STEPS = 4
RESCALING = 1.5
CONCLUSIVE = 1.15  # R-hat above which a check says nothing
FEWEST_DRAWS = 25  # a check with fewer tells nothing and is left out


def gather(
    landscape: Landscape,
    centres: np.ndarray,
    baselines: np.ndarray,
    plan: Plan,
    sampler: Sampler,
    chains: Chains,
    keys: list[str],
) -> list[Evidence]:
    """The evidence for each model."""
    models = len(centres)
    ends = _finite_ends(chains, centres, plan.chains)
    shifts: list[dict[str, tuple[float, float]]] = [{} for _ in range(models)]
    _corrected(landscape, centres, baselines, plan, sampler, ends, keys, shifts)
    _variants(landscape, centres, baselines, plan, sampler, chains, ends, keys, shifts)
    starts = np.concatenate([centres[:, None], _lowest_ends(chains, centres, plan.chains)], axis=1)
    lowest = descend(landscape, starts.reshape(-1, centres.shape[1]), steps=100)[0].reshape(models, 1 + CHAINS)
    evidence = []
    for model in range(models):
        own = slice(model * plan.chains, (model + 1) * plan.chains)
        good = chains.losses[own][chains.diverged[own] < 0]
        trace = plan.inverse_temperature * (good - baselines[model])
        value, error = diagnostics.mean_interval(trace, plan.confidence)[:2] if len(good) else (math.nan, math.nan)
        eigenvalues = hessian_eigenvalues(landscape, centres[model])
        evidence.append(
            Evidence(
                value=value,
                error=error,
                rhat=diagnostics.rhat(trace) if len(good) else math.nan,
                effective=diagnostics.effective_sample_size(trace) if len(good) else math.nan,
                chains=plan.chains,
                diverged=plan.chains - len(good),
                descent=plan.inverse_temperature * float(baselines[model] - lowest[model, 0]),
                escape=plan.inverse_temperature * float(baselines[model] - lowest[model, 1:].min()),
                regular=None if eigenvalues is None else regular_part(eigenvalues, plan.inverse_temperature, plan.localization),
                dimension=landscape.dimension,
                checks=shifts[model],
            )
        )
    return evidence


def _finite_ends(chains: Chains, centres: np.ndarray, count: int) -> np.ndarray:
    """Places where chains ended, (models, CHAINS, dimension); w* in the place of diverged ones."""
    ends = chains.last.reshape(len(centres), count, -1)[:, np.arange(CHAINS) % count].copy()
    lost = ~np.isfinite(ends).all(2)
    ends[lost] = np.repeat(centres[:, None], CHAINS, 1)[lost]
    return ends


def _lowest_ends(chains: Chains, centres: np.ndarray, count: int) -> np.ndarray:
    """Places where the chains ended whose last loss is lowest, (models, CHAINS, dimension): where a lower phase would be."""
    last = np.where(np.isfinite(chains.losses[:, -1]), chains.losses[:, -1], np.inf).reshape(len(centres), count)
    order = np.argsort(last, axis=1)[:, np.arange(CHAINS) % count]
    ends = np.take_along_axis(chains.last.reshape(len(centres), count, -1), order[..., None], 1).copy()
    lost = ~np.isfinite(ends).all(2)
    ends[lost] = np.repeat(centres[:, None], CHAINS, 1)[lost]
    return ends


def _gradients(plan: Plan, sampler: Sampler) -> float:
    """Gradients of a whole minibatch that the main run takes for one model."""
    steps = getattr(sampler, "steps_per_draw", getattr(sampler, "leapfrog_steps", 1))
    return float(plan.chains * (plan.draws + plan.burn_in) * steps)


def _corrected(
    landscape: Landscape,
    centres: np.ndarray,
    baselines: np.ndarray,
    plan: Plan,
    sampler: Sampler,
    ends: np.ndarray,
    keys: list[str],
    shifts: list[dict[str, tuple[float, float]]],
) -> None:
    """HMC on the whole data, from where the chains ended: exact for any step, so that a disagreement is the main run's."""
    if isinstance(sampler, HMC):
        return
    share = 1.0
    batch = getattr(sampler, "batch_size", None)
    if batch is not None and landscape.examples:
        share = batch / landscape.examples
    afford = share * _gradients(plan, sampler) / (CHAINS * LEAPFROG_STEPS)
    trajectories = max(int(SHARE * afford), min(2 * FEWEST_DRAWS, int(afford / 4)))  # a short main run pays a quarter for it
    burn_in = max(FEWEST_DRAWS, trajectories // 3)
    if trajectories - burn_in < FEWEST_DRAWS:
        return
    posterior = _posterior(landscape, centres, plan, plan.localization)
    start = ends.reshape(-1, ends.shape[2])
    run = HMC(leapfrog_steps=LEAPFROG_STEPS).sample(
        posterior, start, draws=trajectories - burn_in, burn_in=burn_in, seed=plan.seed, purposes=_purposes("corrected", keys)
    )
    _note(run, baselines, plan, "corrected", shifts)


def _variants(
    landscape: Landscape,
    centres: np.ndarray,
    baselines: np.ndarray,
    plan: Plan,
    sampler: Sampler,
    chains: Chains,
    ends: np.ndarray,
    keys: list[str],
    shifts: list[dict[str, tuple[float, float]]],
) -> None:
    """The main sampler at γ/10 and 10γ, and at a rescaled w*."""
    draws = int(SHARE * (plan.draws + plan.burn_in) * plan.chains / CHAINS)
    burn_in = draws // 3
    if draws - burn_in < FEWEST_DRAWS:
        return
    steps = np.repeat(np.asarray(chains.step_size).reshape(len(centres), plan.chains)[:, 0], CHAINS)
    start = ends.reshape(-1, ends.shape[2])
    variants: list[tuple[str, np.ndarray, np.ndarray, float, float]] = [
        ("localization/10", centres, start, plan.localization / 10, 1.0),
        ("localization×10", centres, start, plan.localization * 10, 1.0),
    ]
    moved = rescaled(landscape, RESCALING)
    if moved is not None:
        variants.append(("rescaled", centres * moved, start * moved, plan.localization, RESCALING**-2))
    for name, around, begin, localization, shrink in variants:
        run = _with_steps(sampler, steps * shrink).sample(
            _posterior(landscape, around, plan, localization),
            begin,
            draws=draws - burn_in,
            burn_in=burn_in,
            seed=plan.seed,
            purposes=_purposes(name, keys),
        )
        _note(run, baselines, plan, name, shifts)


def _with_steps(sampler: Sampler, steps: np.ndarray) -> Sampler:
    """The same sampler with a step of its own for each chain; HMC adapts and keeps none."""
    if isinstance(sampler, HMC):
        return sampler
    return replace(sampler, step_size=steps)  # type: ignore[type-var]


def _posterior(landscape: Landscape, centres: np.ndarray, plan: Plan, localization: float) -> Posterior:
    count = len(centres) * CHAINS
    return Posterior(
        landscape, np.repeat(centres, CHAINS, axis=0), np.full(count, plan.inverse_temperature), np.full(count, localization)
    )


def _purposes(name: str, keys: list[str]) -> list[Any]:
    return [["check", name, key, chain] for key in keys for chain in range(CHAINS)]


def _note(
    run: Chains, baselines: np.ndarray, plan: Plan, name: str, shifts: list[dict[str, tuple[float, float]]]
) -> None:
    """λ̂ of a check for each model, from the chains that stayed finite."""
    for model, baseline in enumerate(baselines):
        own = slice(model * CHAINS, (model + 1) * CHAINS)
        good = plan.inverse_temperature * (run.losses[own][run.diverged[own] < 0] - baseline)
        value, error = diagnostics.mean_interval(good, plan.confidence)[:2] if len(good) > 1 else (math.nan, math.inf)
        if len(good) > 1 and not diagnostics.rhat(good) < CONCLUSIVE:
            error = math.inf  # too short to tell: shown, and never a finding
        shifts[model][name] = (value, error)
