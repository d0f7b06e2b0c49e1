"""Claims: what a source says beside what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One statement, what the source says, what is measured with its interval, and whether they agree.

    low = measured = high where the number is exact or a count.
    """

    name: str
    claimed: str
    measured: float
    low: float
    high: float
    holds: bool


def counted(name: str, claimed: str, measured: float, holds: bool) -> Claim:
    """A claim about a number that has no sampling error: a count, or the outcome of a fixed computation."""
    return Claim(name, claimed, float(measured), float(measured), float(measured), bool(holds))


def fraction(name: str, claimed: str, hits: int, trials: int, at_least: float = 0.0) -> Claim:
    """A claim about a fraction of seeds, 95 % interval of Clopper & Pearson 1934; it holds where hits/trials ≥ at_least."""
    from scipy.stats import binomtest

    interval = binomtest(int(hits), int(trials)).proportion_ci(0.95)
    return Claim(name, claimed, hits / trials, float(interval.low), float(interval.high), bool(hits / trials >= at_least))


def claim_lines(claims: Sequence[Claim]) -> list[str]:
    """A line a claim: "paper says", "we measure" and the verdict, aligned."""
    names = max((len(claim.name) for claim in claims), default=0)
    says = max((len(claim.claimed) for claim in claims), default=0)
    lines = []
    for claim in claims:
        interval = "" if claim.low == claim.high else f" [{claim.low:.5g}, {claim.high:.5g}]"
        measured = f"{claim.measured:.5g}{interval}"
        verdict = "agrees" if claim.holds else "DISAGREES"
        lines.append(f"  {claim.name:{names}s}   says: {claim.claimed:{says}s}   we measure: {measured:32s} {verdict}")
    return lines
