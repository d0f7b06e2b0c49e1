"""The PAC-Bayes bound of Bayesian learning: a large P(S) guarantees few errors on new points.

Draw a function from the prior conditioned on fitting a training set S of m examples without error. With probability at least
1 − δ over S, its expected error ε on a new example obeys

    −ln(1 − ε) ≤ (ln 1/P(S) + ln(2m/δ)) / (m − 1)

(Valle-Pérez, Camargo & Louis 2018, arXiv 1805.08522, the realizable case of McAllester 1999: the training error is 0 and the
divergence of posterior from prior is ln 1/P(S)). P(S) is the prior probability that the
examples of S are all fitted: `prior.probability(map, f, given=rows).evidence`, or a frequency.

The examples are independent draws and ε is the error on a further one, which may be a point of S again. For S drawn without
replacement from N points, ε is the error over all N: the exponential moment that the proof bounds is no larger then
(Hoeffding 1963, theorem 4), and the error on the N − m points outside S is ε·N/(N − m).
"""

from __future__ import annotations

import math
import operator

from slt_bias.errors import InputError
from slt_bias.estimate import Estimate, Status

NATS = math.log(2)  # nats a bit


def pac_bayes(log2_evidence: float | Estimate, examples: int, failure_probability: float = 0.05) -> Estimate:
    """The largest error ε that the bound allows, in [0, 1], unit "probability".

    log2_evidence : log₂ P(S) in bits, 0 or less; −inf, a training set that is never fitted, gives 1. An Estimate carries its
        interval, its confidence and its verdict over: `low` is the bound at the upper limit of P(S), `high` at the lower one,
        which is the number to rely on. A plain number has no interval: low = high.
    examples : m ≥ 2. failure_probability : δ, the share of training sets for which the bound may fail.
    1 means that nothing is guaranteed; above ½ the bound is worse than a coin. Decades of δ hardly matter, m and P(S) do.

    Raises InputError for log₂ P(S) above 0, in nats or NaN, fewer than 2 examples, or δ outside (0, 1).
    """
    examples = _examples(examples)
    if not 0 < failure_probability < 1:
        raise InputError(f"failure_probability = {failure_probability}: give a number between 0 and 1, such as 0.05.")
    if not isinstance(log2_evidence, Estimate):
        bits = _bits(log2_evidence)
        bound = _bound(bits, examples, failure_probability)
        return Estimate(value=bound, low=bound, high=bound, unit="probability")
    given = log2_evidence
    if given.unit not in ("bits", ""):
        raise InputError(f"log2_evidence is in {given.unit}: give log2 P(S) in bits (nats divided by ln 2).")
    nan = float("nan")
    if given.status == "failed":
        return Estimate(
            value=nan, low=nan, high=nan, confidence=given.confidence, unit="probability", status="failed",
            reasons=(*given.reasons, "no P(S), so no bound"),
        )  # fmt: skip
    limits = [_bound(_bits(bits), examples, failure_probability) for bits in (given.high, given.value, given.low)]
    status: Status = given.status
    return Estimate(
        value=limits[1], low=limits[0], high=limits[2], confidence=given.confidence, unit="probability", status=status,
        reasons=given.reasons,
    )  # fmt: skip


def _bound(bits: float, examples: int, failure_probability: float) -> float:
    """ε = 1 − exp(−(ln 1/P(S) + ln(2m/δ))/(m − 1))."""
    cost = -bits * NATS + math.log(2 * examples / failure_probability)
    return -math.expm1(-cost / (examples - 1))


def _bits(value: object) -> float:
    try:
        bits = math.nan if isinstance(value, bool | str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        bits = math.nan
    if math.isnan(bits):
        raise InputError(f"log2_evidence = {value!r}: give log2 P(S) in bits, a number of at most 0.")
    if bits > 0:
        raise InputError(f"log2_evidence = {bits:g}: log2 P(S) is at most 0; give the logarithm, not P(S) or -log2 P(S).")
    return bits


def _examples(value: object) -> int:
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 2:
        raise InputError(f"examples = {value!r}: the bound divides by m - 1, so give a whole number of at least 2.")
    return number
