"""`method="fast"`: one temperature, a stochastic-gradient sampler from w*, and the checks that its verdict needs."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
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
    samplers: list[Sampler]
    if sampler is not None:
        samplers = [sampler] * len(centres)
        chains = sample(landscape, centres, plan, sampler, keys)
    else:
        calibration = calibrate_at(landscape, centres, plan.inverse_temperature, plan.localization, seed=plan.seed, keys=keys)
        samplers, chains = _sample_until_stable(landscape, centres, plan, list(calibration.samplers), keys)
    baselines = landscape.losses(centres)
    evidence: dict[int, verdict.Evidence] = {}
    for members in _alike(samplers):
        own = chains.chosen(_chains_of(members, plan.chains))
        found = checks.gather(
            landscape, centres[members], baselines[members], plan, samplers[members[0]], own, [keys[model] for model in members]
        )
        evidence.update(zip(members.tolist(), found, strict=True))
    seconds = (time.perf_counter() - began) / len(centres)
    return [
        _result(model, landscape, plan, samplers[model], chains, float(baselines[model]), evidence[model], seconds, notes)
        for model in range(len(centres))
    ]


HALVINGS = 2  # of the step, as many steps more, for models whose chains leave the finite numbers or disagree


def _sample_until_stable(
    landscape: Landscape, centres: np.ndarray, plan: Plan, samplers: list[SGNHT], keys: list[str]
) -> tuple[list[Sampler], Chains]:
    """The main run with calibrated samplers: models with diverged or disagreeing chains again, at half the step."""
    current = list(samplers)
    chains = _sample_each(landscape, centres, plan, current, keys)
    for _ in range(HALVINGS):
        grouped = chains.losses.reshape(len(centres), plan.chains, -1)
        lost = (chains.diverged.reshape(len(centres), plan.chains) >= 0).any(1)
        again = np.flatnonzero(lost | np.array([diagnostics.rhat(own) > verdict.HIGHEST_RHAT for own in grouped]))
        if not len(again):
            break
        for model in again:
            old = current[model]
            current[model] = replace(old, step_size=float(np.asarray(old.step_size)) / 2, steps_per_draw=2 * old.steps_per_draw)
        redone, names = [current[model] for model in again], [keys[model] for model in again]
        fresh = _sample_each(landscape, centres[again], plan, redone, names)
        chains = chains.replaced(_chains_of(again, plan.chains), fresh)
    return list(current), chains


def _sample_each(
    landscape: Landscape, centres: np.ndarray, plan: Plan, samplers: list[SGNHT], keys: list[str]
) -> Chains:
    """One run for each number of steps per draw: a model's chains then depend on its own sampler alone."""
    parts, places = [], []
    for members in _alike(samplers):
        steps = np.repeat([float(np.asarray(samplers[model].step_size)) for model in members], plan.chains)
        merged = replace(samplers[members[0]], step_size=steps)
        parts.append(sample(landscape, centres[members], plan, merged, [keys[model] for model in members]))
        places.append(_chains_of(members, plan.chains))
    return Chains.joined(parts, np.concatenate(places))


def _alike(samplers: Sequence[Sampler]) -> list[np.ndarray]:
    """Indices of the models whose samplers differ in nothing but the step, so that they can run together."""
    spacings = np.array([getattr(sampler, "steps_per_draw", 1) for sampler in samplers])
    return [np.flatnonzero(spacings == spacing) for spacing in np.unique(spacings)]


def _chains_of(models: np.ndarray, chains: int) -> np.ndarray:
    return (models[:, None] * chains + np.arange(chains)).ravel()


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
        sampler=repr(sampler),
        method="fast",
        backend=landscape.backend,
        examples=landscape.examples,
        seconds=seconds,
        trace=trace,
        checks=verdict.table_of_checks(evidence),
        notes=notes,
    )
