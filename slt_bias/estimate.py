"""The one type for a number with an interval and a verdict, and the two intervals of a proportion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from slt_bias.errors import InputError

Status = Literal["ok", "suspect", "failed"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value, its interval and a verdict.

    value, low, high : in `unit`; a failed estimate has the value NaN.
    confidence : the coverage that the interval claims, in (0, 1).
    unit : "bits", "nats", "probability", …
    status : "ok", "suspect" (the number stands, but see the reasons) or "failed" (there is no number).
    reasons : why the status is what it is, and what to do about it.
    """

    value: float
    low: float
    high: float
    confidence: float = 0.95
    unit: str = ""
    status: Status = "ok"
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise InputError(f"confidence = {self.confidence}: give a number between 0 and 1, such as 0.95.")
        if self.status == "failed" and not math.isnan(self.value):
            raise InputError("a failed estimate has no value: value must be NaN.")
        if self.status != "failed" and not self.low <= self.value <= self.high:
            raise InputError(f"the interval [{self.low}, {self.high}] does not hold the value {self.value}.")

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        if self.status == "failed":
            return f"failed: {'; '.join(self.reasons)}"
        text = f"{self.value:.6g} [{self.low:.6g}, {self.high:.6g}]"
        text += f" {self.unit}" if self.unit else ""
        return text if self.status == "ok" else f"{text} ({self.status}: {'; '.join(self.reasons)})"


def check_counts(count: int, samples: int, confidence: float) -> None:
    """Refuse counts that are no binomial outcome. Raises InputError."""
    if samples < 1 or not 0 <= count <= samples:
        raise InputError(f"{count} of {samples} samples: need 0 ≤ count ≤ samples and at least one sample.")
    if not 0 < confidence < 1:
        raise InputError(f"confidence = {confidence}: give a number between 0 and 1, such as 0.95.")


def clopper_pearson(count: int, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of a binomial proportion (Clopper & Pearson 1934): coverage is never below `confidence`.

    With α = 1 − confidence: low = Beta(α/2; k, N−k+1), high = Beta(1−α/2; k+1, N−k), as quantiles.
    """
    from scipy.special import betaincinv

    check_counts(count, samples, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, samples - count + 1, tail))
    high = 1.0 if count == samples else float(betaincinv(count + 1, samples - count, 1 - tail))
    return low, high


def wilson(count: int, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a binomial proportion (Wilson 1927): coverage is `confidence` on average over p.

    (p̂ + z²/2N ± z·√(p̂(1−p̂)/N + z²/4N²)) / (1 + z²/N)
    """
    from scipy.special import ndtri

    check_counts(count, samples, confidence)
    z = float(ndtri((1 + confidence) / 2))
    share = count / samples
    centre = share + z * z / (2 * samples)
    half = z * math.sqrt(share * (1 - share) / samples + (z / (2 * samples)) ** 2)
    scale = 1 + z * z / samples
    low = 0.0 if count == 0 else (centre - half) / scale
    high = 1.0 if count == samples else (centre + half) / scale
    return max(0.0, low), min(1.0, high)
