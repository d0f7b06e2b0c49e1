"""The verdict: which of the things that make an estimate wrong can be seen here.

Each finding is one sentence with the numbers and the advice. A finding makes the estimate `suspect`; a chain in another phase
makes it `failed`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slt_bias.estimate import Status

FEWEST_EFFECTIVE = 100.0
HIGHEST_RHAT = 1.05
LARGEST_SHIFT = 0.1  # of λ̂: a check that moves it by more, beyond its error, is a finding
WEAKER = {"localization×10": 0.3}  # a regular direction that loses 4 % to γ loses 30 % to 10γ
LOWER_PHASE = 4.0  # nats of nβL below w*: posterior odds of e⁴ against staying


@dataclass(frozen=True)
class Evidence:
    """What the verdict looks at, for one model.

    value, error : λ̂ and its standard error. rhat, effective : of the chains. diverged, chains : how many.
    descent : nβ·(L(w*) − the lowest loss that descent from w* reaches), ≥ 0, nats.
    escape : nβ·(L(w*) − the lowest loss that descent from the chains' ends reaches), nats; may be negative.
    dimension : d; no minimum of an analytic loss has λ > d/2.
    regular : Σ ½nβh/(nβh + γ) at w*, or None above 600 parameters.
    checks : check → (λ̂, its standard error): "corrected", "localization/10", "localization×10", "rescaled".
    """

    value: float
    error: float
    rhat: float
    effective: float
    chains: int
    diverged: int
    descent: float
    escape: float
    regular: float | None
    dimension: int
    checks: dict[str, tuple[float, float]]


ADVICE = {
    "corrected": "the step is too large or the chains have not mixed: take a smaller step_size, more draws or method='reference'",
    "localization/10": "localisation decides the number: compare values of localization, and take a smaller one",
    "localization×10": "localisation decides the number: compare values of localization, and raise inverse_temperature",
    "rescaled": "a rescaling of the layers, which leaves the function as it is, changes the number: localisation decides it",
}


def judge(evidence: Evidence) -> tuple[Status, tuple[str, ...]]:
    """Status and reasons."""
    if evidence.diverged == evidence.chains:
        return "failed", (f"all {evidence.chains} chains left the finite numbers: take a smaller step_size.",)
    if evidence.descent <= LOWER_PHASE and evidence.escape > LOWER_PHASE + evidence.descent:
        return "failed", (
            f"the chains went to another phase: from where they ended, descent reaches a loss {evidence.escape:.3g} nats (of "
            f"nβL) below w*, from w* only {evidence.descent:.2g}: raise inverse_temperature or localization, or start there.",
        )
    reasons = [*_minimum(evidence), *_mixing(evidence), *_shifts(evidence), *_stratum(evidence)]
    return ("suspect" if reasons else "ok"), tuple(reasons)


def _minimum(evidence: Evidence) -> list[str]:
    reasons = []
    if evidence.value < 0:
        reasons.append(
            f"negative ({evidence.value:.3g}): the loss stays below L(w*), so that w* is no minimum: train longer, or take a "
            "smaller step_size."
        )
    if evidence.value - 3 * evidence.error > (1 + LARGEST_SHIFT) * evidence.dimension / 2:
        reasons.append(
            f"{evidence.value:.4g} is above half the number of parameters, {evidence.dimension / 2:g}, the most that a minimum "
            "can have: the step is too large, or w* is no minimum: take a smaller step_size."
        )
    tolerance = max(LARGEST_SHIFT * abs(evidence.value), 0.5)
    if evidence.descent > tolerance:
        reasons.append(
            f"w* is not at a local minimum: descent lowers nβL by {evidence.descent:.3g} nats, and λ̂ is lower by that: train "
            "longer (or w* is the truth and not the minimiser of these data)."
        )
    return reasons


def _mixing(evidence: Evidence) -> list[str]:
    reasons = []
    if evidence.diverged:
        reasons.append(
            f"{evidence.diverged} of {evidence.chains} chains left the finite numbers; the number comes from the others: take a "
            "smaller step_size."
        )
    if math.isnan(evidence.effective):
        reasons.append("the chains are constant or too short for an effective sample size: more draws, or a larger step_size.")
    elif evidence.effective < FEWEST_EFFECTIVE:
        reasons.append(f"too few effective draws ({evidence.effective:.0f}, {FEWEST_EFFECTIVE:.0f} wanted): more draws.")
    if evidence.rhat > HIGHEST_RHAT:
        reasons.append(f"the chains disagree (R-hat {evidence.rhat:.2f}, {HIGHEST_RHAT} wanted): longer burn_in, more draws.")
    return reasons


def _shifts(evidence: Evidence) -> list[str]:
    """Checks that disagree by more than a tenth of λ̂ (10γ: three tenths) and by more than three standard errors."""
    reasons = []
    for name, (value, error) in evidence.checks.items():
        noise = math.hypot(error, evidence.error)
        shift = abs(value - evidence.value)
        allowed = WEAKER.get(name, LARGEST_SHIFT) * max(abs(value), abs(evidence.value))
        if not math.isinf(error) and shift > 3 * noise and shift > allowed:
            reasons.append(f"{name}: λ̂ would be {value:.3g} ± {error:.2g} instead of {evidence.value:.3g}: {ADVICE[name]}.")
    return reasons


def _stratum(evidence: Evidence) -> list[str]:
    if evidence.regular is None or evidence.regular <= 0:
        return []
    short = evidence.regular - evidence.value
    if short > max(3 * evidence.error, LARGEST_SHIFT / 2 * evidence.regular) and evidence.descent < 0.5:
        return [
            f"the chains left the stratum of w*: its Hessian alone gives {evidence.regular:.4g}, they find {evidence.value:.4g} "
            "in flatter places around: raise inverse_temperature or localization to stay at w*."
        ]
    return []


def table_of_checks(evidence: Evidence) -> pd.DataFrame:
    """The checks as a table: check, value, standard_error, passed."""
    rows = [
        {"check": "descent from w*, nats", "value": evidence.descent, "standard_error": np.nan},
        {"check": "descent from the chains' ends, nats", "value": evidence.escape, "standard_error": np.nan},
    ]
    if evidence.regular is not None:
        rows.append({"check": "regular part", "value": evidence.regular, "standard_error": np.nan})
    rows += [{"check": name, "value": value, "standard_error": error} for name, (value, error) in evidence.checks.items()]
    failing = " ".join(judge(evidence)[1])
    words = ("not at a local", "another phase", "stratum")[: 2 if evidence.regular is None else 3]
    marks = [word not in failing for word in words] + [f"{name}:" not in failing for name in evidence.checks]
    return pd.DataFrame(rows).assign(passed=marks)
