"""`method="reference"`: replica exchange with HMC over several temperatures, and λ with m from the fit over them.

Where the loss at w* is 0 to rounding nothing lies lower, and the ladder runs from nβ = 10³ (where chains find their way along the
flat directions) to 10⁹; elsewhere it stays around n/ln n, or at what is asked: a hotter rung would leave the phase of w*.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from slt_bias.errors import InputError
from slt_bias.estimate import Status
from slt_bias.llc import diagnostics, verdict
from slt_bias.llc.curvature import hessian_eigenvalues, regular_part
from slt_bias.llc.descent import descend
from slt_bias.llc.fast import key_of
from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Posterior
from slt_bias.llc.replica_exchange import Ladders, ReplicaExchange, rungs
from slt_bias.llc.result import LearningCoefficient
from slt_bias.llc.samplers.hmc import HMC
from slt_bias.llc.temperature import inverse_temperature_of
from slt_bias.llc.temperature_fit import TemperatureFit, fit_temperatures

LADDER = (1e3, 1e9)  # the method's own, where the loss at w* is 0
AROUND = 2.0  # elsewhere: from n/ln n divided by this to times this
MOST_RUNGS_AROUND = 9
FEWEST_RUNGS = 4  # temperatures that a fit of (λ, m, c) needs
HIGHEST_RHAT = 1.2  # rungs whose ladders disagree more stay out of the fit
PILOTS = 4
BOTH_SIDES = 5.0  # standard errors between the ladders that came from either side
ROUNDS = 6  # of `draws` trajectories at most, until m is resolved and λ is known to
PRECISE = 0.01  # of itself
ZERO = 1e-12  # a loss at w* below this is 0 to rounding


def run_reference(
    landscape: Landscape,
    centre: np.ndarray,
    *,
    inverse_temperature: float | Sequence[float] | None,
    localization: float,
    chains: int,
    draws: int,
    burn_in: int,
    confidence: float,
    seed: int,
    sampler: HMC,
    notes: tuple[str, ...] = (),
    progress: bool = False,
) -> LearningCoefficient:
    """λ̂ at `centre` (dimension,); see `estimate`."""
    began = time.perf_counter()
    baseline = float(landscape.losses(centre[None])[0])
    noiseless = abs(baseline) < ZERO
    size = _guess(landscape, centre, baseline, inverse_temperature, localization, noiseless, burn_in, seed)
    ladder, asked = _ladder(inverse_temperature, landscape.examples, noiseless, size)
    fitting = (noiseless or landscape.examples is None) and (inverse_temperature is None or len(asked) >= FEWEST_RUNGS)
    exchange = ReplicaExchange(
        landscape, centre, ladder, localization, ladders=chains, sampler=sampler, seed=seed, purpose=["reference", key_of(centre)]
    )
    exchange.settle(burn_in, progress)
    run, fit = exchange.draw(draws, progress), None
    for again in range(ROUNDS if fitting else 1):
        if again:
            run = run.followed_by(exchange.draw(draws, progress))
        settled = run.losses[:, :, again * draws // 2 :]  # what came first may still be on its way
        traces = ladder[:, None, None] * (settled - baseline)
        table = _table(ladder, traces, run, confidence)
        usable = (table["rhat"].to_numpy() < HIGHEST_RHAT) & _both_sides_agree(traces.mean(2))
        table["in_the_fit"] = usable & fitting
        if not fitting or usable.sum() < FEWEST_RUNGS:
            continue
        fit = fit_temperatures(ladder[usable], traces[usable].mean(2), len(centre), confidence)
        if fit.multiplicity is not None and fit.standard_error < PRECISE * fit.learning_coefficient:
            break
    wanted = asked if inverse_temperature is not None else ladder[-1:] if fitting else ladder[[len(ladder) // 2]]
    rung = int(np.argmin(np.abs(np.log(ladder / wanted[-1]))))
    return _result(
        landscape, centre, baseline, traces, table, rung, fit, run, localization, confidence, sampler, notes,
        time.perf_counter() - began,
    )  # fmt: skip


def _both_sides_agree(values: np.ndarray) -> np.ndarray:
    """Rungs (rungs,) up to the first where ladders that began at w* and ladders that came from hotter rungs still differ.

    values : means (rungs, ladders), every second ladder from w*. Rungs are pooled by eights of the ladder; Student's t above 5
    (of 8 ladders: one in 400). The hotter half always stays: the cold end is what settles last.
    """
    good = np.ones(len(values), bool)
    if values.shape[1] < 4:
        return good
    groups = np.array_split(np.arange(len(values)), min(8, len(values)))
    for group in groups[len(groups) // 2 :]:
        annealed, begun = values[group, ::2].mean(0), values[group, 1::2].mean(0)
        ladders = values.shape[1]
        scatter = np.sum((annealed - annealed.mean()) ** 2) + np.sum((begun - begun.mean()) ** 2)
        error = np.sqrt(scatter / (ladders - 2) * (1 / len(annealed) + 1 / len(begun)))
        if abs(annealed.mean() - begun.mean()) > BOTH_SIDES * error:
            good[group[0] :] = False
            break
    return good


def _guess(
    landscape: Landscape,
    centre: np.ndarray,
    baseline: float,
    given: float | Sequence[float] | None,
    localization: float,
    noiseless: bool,
    burn_in: int,
    seed: int,
) -> float:
    """About λ, from a short run at the lowest temperature: the spacing of the ladder follows from it."""
    if given is None:
        lowest = LADDER[0] if noiseless else inverse_temperature_of(None, landscape.examples)
    else:
        listed = np.atleast_1d(np.asarray(given, dtype=object))
        lowest = min((inverse_temperature_of(value, landscape.examples) for value in listed), default=1.0)
    posterior = Posterior(landscape, np.tile(centre, (PILOTS, 1)), np.full(PILOTS, lowest), np.full(PILOTS, localization))
    purposes: list[Any] = [["reference pilot", key_of(centre), chain] for chain in range(PILOTS)]
    run = HMC().sample(
        posterior, posterior.centres, draws=burn_in // 3 + 10, burn_in=burn_in // 3 + 10, seed=seed, purposes=purposes
    )
    return float(np.clip(lowest * (np.nanmean(run.losses) - baseline), 0.25, len(centre) / 2))


def _ladder(
    given: float | Sequence[float] | None, examples: int | None, noiseless: bool, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """All rungs, and the temperatures that were asked for; size: about λ, for the spacing."""
    if given is None and noiseless:
        asked = np.array(LADDER)
        return rungs(*LADDER, size), asked
    if given is None:
        middle = inverse_temperature_of(None, examples)
        side = min(len(rungs(middle, AROUND * middle, size)), MOST_RUNGS_AROUND // 2 + 1)
        upper = np.geomspace(middle, AROUND * middle, side)
        return np.concatenate([middle**2 / upper[:0:-1], upper]), np.array([middle])
    asked = np.unique([inverse_temperature_of(value, examples) for value in np.atleast_1d(np.asarray(given, dtype=object))])
    if not len(asked):
        raise InputError("inverse_temperature is empty: give nβ, or several, or None.")
    lowest = min(LADDER[0], asked[0]) if noiseless else asked[0]
    pieces = [[lowest]]
    for high in asked:
        if high > pieces[-1][-1]:
            pieces.append(list(rungs(pieces[-1][-1], high, size)[1:]))
    return np.concatenate(pieces), asked


def _table(ladder: np.ndarray, traces: np.ndarray, run: Ladders, confidence: float) -> pd.DataFrame:
    """A row a rung."""
    rows: list[dict[str, Any]] = []
    for rung, temperature in enumerate(ladder):
        value, error, low, high = diagnostics.mean_interval(traces[rung], confidence)
        rows.append(
            {
                "inverse_temperature": temperature,
                "value": value,
                "standard_error": error,
                "low": low,
                "high": high,
                "rhat": diagnostics.rhat(traces[rung]),
                "effective_sample_size": diagnostics.effective_sample_size(traces[rung]),
                "acceptance": run.acceptance[rung],
                "exchanged_with_next": run.exchanged[rung] if rung < len(ladder) - 1 else math.nan,
            }
        )
    return pd.DataFrame(rows)


def _result(
    landscape: Landscape,
    centre: np.ndarray,
    baseline: float,
    traces: np.ndarray,
    table: pd.DataFrame,
    rung: int,
    fit: TemperatureFit | None,
    run: Ladders,
    localization: float,
    confidence: float,
    sampler: HMC,
    notes: tuple[str, ...],
    seconds: float,
) -> LearningCoefficient:
    row = table.iloc[rung]
    temperature = float(row["inverse_temperature"])
    evidence = _evidence(landscape, centre, baseline, temperature, localization, row, traces[rung], run.last[rung], fit)
    status, reasons = verdict.judge(evidence)
    status, reasons = _about_the_ladder(status, reasons, table, fit)
    low, high = (fit.low, fit.high) if fit else (float(row["low"]), float(row["high"]))
    value = evidence.value
    if status == "failed":
        value = low = high = math.nan
    spread = math.nan
    if landscape.examples is not None and landscape.examples >= 3 and value > 0 and abs(baseline) >= ZERO:
        spread = math.sqrt(value / (2 * math.log(landscape.examples)))
    return LearningCoefficient(
        value=value,
        low=low,
        high=high,
        confidence=confidence,
        status=status,
        reasons=reasons,
        standard_error=evidence.error,
        data_spread=spread,
        multiplicity=fit.multiplicity if fit else None,
        multiplicities=fit.multiplicities if fit else (),
        inverse_temperature=temperature,
        localization=localization,
        baseline=baseline,
        rhat=float(row["rhat"]),
        effective_sample_size=float(row["effective_sample_size"]),
        acceptance=float(run.acceptance.mean()),
        diverged_chains=0,
        step_size=float(run.step_sizes[rung]),
        sampler=repr(sampler),
        method="reference",
        backend=landscape.backend,
        examples=landscape.examples,
        seconds=seconds,
        trace=traces[rung],
        checks=verdict.table_of_checks(evidence),
        temperatures=table,
        notes=notes,
    )


def _evidence(
    landscape: Landscape,
    centre: np.ndarray,
    baseline: float,
    temperature: float,
    localization: float,
    row: pd.Series,
    trace: np.ndarray,
    ends: np.ndarray,
    fit: TemperatureFit | None,
) -> verdict.Evidence:
    lowest, _ = descend(landscape, np.vstack([centre[None], ends[:4]]), steps=100)
    eigenvalues = None if fit else hessian_eigenvalues(landscape, centre)
    return verdict.Evidence(
        value=fit.learning_coefficient if fit else float(row["value"]),
        error=fit.standard_error if fit else float(row["standard_error"]),
        rhat=float(row["rhat"]) if not fit else 1.0,  # rungs that disagree stay out of a fit
        effective=float(row["effective_sample_size"]) if not fit else math.inf,
        chains=len(trace),
        diverged=0,
        descent=temperature * float(baseline - lowest[0]),
        escape=temperature * float(baseline - lowest[1:].min()),
        regular=None if eigenvalues is None else regular_part(eigenvalues, temperature, localization),
        dimension=landscape.dimension,
        checks={},
    )


def _about_the_ladder(
    status: Status, reasons: tuple[str, ...], table: pd.DataFrame, fit: TemperatureFit | None
) -> tuple[Status, tuple[str, ...]]:
    """What the rungs add to the verdict."""
    out = int((~table["in_the_fit"]).sum())
    if status != "failed" and fit and out > len(table) / 2:
        reasons = (*reasons, f"{out} of {len(table)} rungs are left out, their ladders disagree: more draws, longer burn_in.")
        status = "suspect"
    return status, reasons
