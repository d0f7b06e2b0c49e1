"""P by splitting, as an answer in bits: the effort that a question is worth, Hamming balls and conditions from one run."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from slt_bias.estimate import Status
from slt_bias.maps.base import DiscreteMap
from slt_bias.maps.mlp import NetworkMember
from slt_bias.prior.question import BITS, Question, with_balls
from slt_bias.prior.result import FunctionProbability
from slt_bias.prior.walking import REPLICATES, Effort, walk
from slt_bias.splitting import Splitting

LEVELS = 40  # that a small budget shall last for: 10⁻¹²


def by_splitting(question: Question, because: str) -> FunctionProbability:
    """What `walk` finds, in bits, for every ball and condition asked for."""
    found = walk(
        question.map, question.events, _effort(question), seed=question.seed, relative_error=question.relative_error,
        confidence=question.confidence, least_log_probability=question.floor, deadline=question.deadline,
        workers=question.workers, halted=question.halted, say=question.say,
    )  # fmt: skip
    stages = [found.until(target) for target in question.events.targets]
    evidence = _of_splitting(question, stages[0], because, found.evaluations) if question.given else None
    results = []
    for stage in stages[int(question.given) :]:
        result = _of_splitting(question, stage, because, found.evaluations)
        results.append(_conditional(question, result, stage, stages[0]) if question.given else result)
    return with_balls(question, results, evidence)


def _of_splitting(question: Question, stage: Splitting, because: str, evaluations: int) -> FunctionProbability:
    reasons = stage.reasons
    if not all(r.reached for r in stage.replicates) and not any(r.stopped for r in stage.replicates):
        reasons = (*reasons, f"stopped at the least probability asked for, {question.floor * BITS:.4g} bits: an upper limit")
    status: Status = "suspect" if reasons else "ok"
    return FunctionProbability(
        value=stage.value * BITS, low=stage.low * BITS, high=stage.high * BITS, confidence=question.confidence, unit="bits",
        status=status, reasons=reasons, method="splitting", evaluations=evaluations, chosen_because=because,
    )  # fmt: skip


def _conditional(question: Question, result: FunctionProbability, stage: Splitting, fitted: Splitting) -> FunctionProbability:
    """log P(f)/P(S) from the same replicates: the ratio of means, its error from the replicates' joint spread (delta method)."""
    from scipy.special import stdtrit

    ends = np.array([[run.log_probability for run in each.replicates] for each in (stage, fitted)])
    if not np.isfinite(ends).all():
        high = min(0.0, (stage.high - fitted.low) * BITS)
        return replace(result, value=-math.inf, low=-math.inf, high=high if math.isfinite(high) else 0.0)
    shares = np.exp(ends - ends.max(axis=1, keepdims=True))
    shares /= shares.mean(axis=1, keepdims=True)
    count_of = ends.shape[1]
    error = float((shares[0] - shares[1]).std(ddof=1)) / math.sqrt(count_of)
    half = float(stdtrit(count_of - 1, (1 + question.confidence) / 2)) * error * BITS
    value = min(0.0, (stage.value - fitted.value) * BITS)
    return replace(result, value=value, low=value - half, high=max(value, min(0.0, value + half)))


def _effort(question: Question) -> Effort:
    """Particles, moves and the default budget for each kind of map: about three minutes of a core.

    Where less precision is asked for, a quarter of the particles does. A small budget means fewer particles, so that it
    lasts for LEVELS levels; it is overspent by one move at most.
    """
    map, budget = question.map, question.budget
    compiled = isinstance(map, NetworkMember | DiscreteMap)
    particles = round(1000 * min(1.0, max(0.5, 0.1 / question.relative_error)) ** 2)
    if budget is None:
        return Effort(particles, 10, 3 * 10**7) if compiled else Effort(particles // 2, 10, 2 * 10**6)
    return Effort(max(20, min(particles, budget // (REPLICATES * 10 * LEVELS))), 10, budget)
