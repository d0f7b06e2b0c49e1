"""`method="fast"`: one temperature, a stochastic-gradient sampler from w*, and the checks that its verdict needs."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slt_bias.llc import checks, diagnostics, verdict
from slt_bias.llc.calibration import calibrate_at
from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.samplers.base import Sampler
from slt_bias.llc.samplers.sgnht import SGNHT


@dataclass(frozen=True)
class Plan:
    """What to run: see `estimate`."""

    inverse_temperature: float
    localization: float
    chains: int
    draws: int
    burn_in: int
    confidence: float
    seed: int
    keep: bool = False


def key_of(centre: np.ndarray) -> str:
    """A model's name in the random numbers: a digest of its weights, so that it gives the same bits alone and among many."""
    return hashlib.blake2b(np.ascontiguousarray(centre, float).tobytes(), digest_size=8).hexdigest()


def run_fast(
    landscape: Landscape,
    centres: np.ndarray,
    plan: Plan,
    sampler: Sampler | None,
    notes: tuple[str, ...] = (),
) -> list[LearningCoefficient]:
    """λ̂ at each of `centres` (models, dimension), all models × chains in one run."""
    began = time.perf_counter()
    keys = [key_of(centre) for centre in centres]
    used = sampler
    if used is None:
        chosen = calibrate_at(
            landscape, centres, plan.inverse_temperature, plan.localization, chains=plan.chains, seed=plan.seed, keys=keys
        )
        used, chains = _sample_until_stable(landscape, centres, plan, chosen.sampler, keys)
    else:
        chains = sample(landscape, centres, plan, used, keys)
    baselines = landscape.losses(centres)
    evidence = checks.gather(landscape, centres, baselines, plan, used, chains, keys)
    seconds = (time.perf_counter() - began) / len(centres)
    return [
        _result(model, landscape, plan, used, chains, float(baselines[model]), evidence[model], seconds, notes)
        for model in range(len(centres))
    ]


HALVINGS = 2  # of the step, as many steps more, for models whose chains leave the finite numbers or disagree


def _sample_until_stable(
    landscape: Landscape, centres: np.ndarray, plan: Plan, sampler: SGNHT, keys: list[str]
) -> tuple[SGNHT, Chains]:
    """The main run with a calibrated sampler: models with diverged or disagreeing chains again, at half the step."""
    chains = sample(landscape, centres, plan, sampler, keys)
    for _ in range(HALVINGS):
        grouped = chains.losses.reshape(len(centres), plan.chains, -1)
        lost = (chains.diverged.reshape(len(centres), plan.chains) >= 0).any(1)
        again = lost | np.array([diagnostics.rhat(own) > verdict.HIGHEST_RHAT for own in grouped])
        if not again.any():
            break
        members = np.repeat(again, plan.chains)
        sampler = replace(sampler, steps_per_draw=2 * sampler.steps_per_draw)
        smaller = replace(sampler, step_size=chains.step_size[members] / 2)
        fresh = sample(landscape, centres[again], plan, smaller, [key for key, redo in zip(keys, again, strict=True) if redo])
        chains = chains.replaced(members, fresh)
    return replace(sampler, step_size=_one_or_each(chains.step_size)), chains


def _one_or_each(steps: np.ndarray) -> float | np.ndarray:
    return float(steps[0]) if np.all(steps == steps[0]) else steps


def sample(landscape: Landscape, centres: np.ndarray, plan: Plan, sampler: Sampler, keys: list[str]) -> Chains:
    """The main run: chains × models, model after model."""
    count = len(centres) * plan.chains
    posterior = Posterior(
        landscape,
        np.repeat(centres, plan.chains, axis=0),
        np.full(count, plan.inverse_temperature),
        np.full(count, plan.localization),
    )
    purposes: list[Any] = [["llc", key, chain] for key in keys for chain in range(plan.chains)]
    return sampler.sample(
        posterior, posterior.centres, draws=plan.draws, burn_in=plan.burn_in, seed=plan.seed, purposes=purposes, keep=plan.keep
    )


def _result(
    model: int,
    landscape: Landscape,
    plan: Plan,
    sampler: Sampler,
    chains: Chains,
    baseline: float,
    evidence: verdict.Evidence,
    seconds: float,
    notes: tuple[str, ...],
) -> LearningCoefficient:
    own = slice(model * plan.chains, (model + 1) * plan.chains)
    trace = plan.inverse_temperature * (chains.losses[own] - baseline)
    status, reasons = verdict.judge(evidence)
    good = trace[chains.diverged[own] < 0]
    value, error, low, high = (
        diagnostics.mean_interval(good, plan.confidence) if len(good) else (math.nan, math.nan, math.nan, math.nan)
    )
    if status == "failed":
        value = low = high = math.nan
    acceptance = chains.acceptance[own]
    spread = math.nan
    if landscape.examples is not None and landscape.examples >= 3 and value > 0:
        spread = math.sqrt(value / (2 * math.log(landscape.examples)))
    return LearningCoefficient(
        value=value,
        low=low,
        high=high,
        confidence=plan.confidence,
        unit="",
        status=status,
        reasons=reasons,
        standard_error=error,
        data_spread=spread,
        multiplicity=None,
        inverse_temperature=plan.inverse_temperature,
        localization=plan.localization,
        baseline=baseline,
        rhat=evidence.rhat,
        effective_sample_size=evidence.effective,
        acceptance=float(acceptance.mean()) if np.isfinite(acceptance).all() else math.nan,
        diverged_chains=evidence.diverged,
        step_size=float(chains.step_size[own].mean()),
        sampler=describe(sampler),
        method="fast",
        backend=landscape.backend,
        examples=landscape.examples,
        seconds=seconds,
        trace=trace,
        checks=verdict.table_of_checks(evidence),
        notes=notes,
    )


def describe(sampler: Sampler) -> str:
    """A sampler with its settings as one line; a step a chain is shown as its range."""
    steps = np.atleast_1d(np.asarray(getattr(sampler, "step_size", None), dtype=object))
    if len(steps) > 1:
        return f"{type(sampler).__name__}(step_size={min(steps):.3g}…{max(steps):.3g}, …)"
    return repr(replace(sampler))  # type: ignore[type-var]
