"""`probability`: P of any chosen function of a map, however small, by the method that fits."""

from __future__ import annotations

import math
import operator
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from slt_bias.errors import InputError, SpecError
from slt_bias.estimate import Status, clopper_pearson
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import DiscreteMap, LatentMap, Map
from slt_bias.maps.mlp import NetworkMember
from slt_bias.maps.scrambled import Scrambled
from slt_bias.prior.counting import Counted, count
from slt_bias.prior.events import Events, around
from slt_bias.prior.representable import impossible
from slt_bias.prior.result import FunctionProbability
from slt_bias.prior.sampling import available_cores
from slt_bias.prior.walking import REPLICATES, Effort, walk
from slt_bias.splitting import Splitting

Method = Literal["auto", "count", "splitting", "orthant", "gaussian-process", "expectation-propagation"]
METHODS = ("auto", "count", "splitting", "orthant", "gaussian-process", "expectation-propagation")
BITS = 1 / math.log(2)  # bits a nat
PILOT = 2**16  # draws that tell whether counting is enough
SEEN = 20  # times that the pilot must have met the function for that
MOST_EXACT = 128  # points up to which the Gaussian process has exact orthants: a third of a second each
LEVELS = 40  # that a small budget shall last for: 10⁻¹²
MOST_COUNTED = 10**7  # draws, where no budget is given


@dataclass(frozen=True)
class Question:
    """What is asked of a map: events around one function, how well and at what cost."""

    map: Map
    events: Events
    radii: tuple[int, ...]
    given: bool
    seed: int
    relative_error: float
    confidence: float
    budget: int | None
    deadline: float | None
    floor: float
    workers: int
    say: Callable[[str], None]


def probability(
    map: Map | str,
    function: str | Functions,
    seed: int = 0,
    relative_error: float = 0.1,
    method: Method = "auto",
    confidence: float = 0.95,
    budget_evaluations: int | None = None,
    budget_seconds: float | None = None,
    given: Sequence[int] | np.ndarray | None = None,
    errors: int | Sequence[int] = 0,
    least_log2_probability: float | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> FunctionProbability:
    """log₂ P(f) in bits, with an interval.

    map : a map or its spec. function : a truth table, a named function such as `parity`, or Functions.
    method : "count" draws and counts; "splitting" walks there (`slt_bias.splitting`); "orthant" integrates the last layer out,
        "gaussian-process" and "expectation-propagation" are the limit of infinite width, another map than this one.
        "auto" takes a closed form, or a proof that the map cannot compute f, where there is one; else it counts what a pilot
        of draws has met often enough, and splits for the rest. The result says what was chosen and why.
    relative_error : the standard error of P over P that is aimed at.
    budget_evaluations, budget_seconds : when spent, what was reached is returned, with its interval and status "suspect".
    given : rows (indices, or bool of shape (points,)) that are fitted already: the value is log₂ P(f | S), and `.evidence` is
        log₂ P(S), of which PAC-Bayes bounds are made (Valle-Pérez, Camargo & Louis 2018).
    errors : the radius of a Hamming ball around f whose probability is asked for; or several radii, answered from the same
        draws: the value is the smallest ball's, `.balls` has all.
    least_log2_probability : splitting ends below it and says so; the upper limit is then the answer.
    workers : threads of compiled maps (default: one a core); without a budget of seconds the result does not depend on them.

    Raises InputError or SpecError for what does not fit.
    """
    question = _question(
        map, function, seed, relative_error, method, confidence, budget_evaluations, budget_seconds, given, errors,
        least_log2_probability, workers, progress,
    )  # fmt: skip
    return _answer(question, method)


def probabilities(
    map: Map | str, functions: Sequence[str] | Functions, *, workers: int | None = None, progress: bool = False, **options: object
) -> list[FunctionProbability]:
    """`probability` of many functions, one after another on every core; options as there, a budget is each function's own."""
    from slt_bias.progress import Progress

    if isinstance(map, str):
        from slt_bias.maps.registry import parse as parse_map

        map = parse_map(map)
    asked = parse(functions, map.inputs)
    with Progress("functions", len(asked), progress) as bar, ThreadPoolExecutor(_threads(map, workers)) as pool:

        def one(place: int) -> FunctionProbability:
            return probability(map, asked[place], workers=1, **options)  # type: ignore[arg-type]

        found: list[FunctionProbability] = []
        try:
            for each in pool.map(one, range(len(asked))):
                found.append(each)
                bar.update(len(found))
        except BaseException:  # after Ctrl-C nothing more is begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return found


def _question(
    map: Map | str, function: str | Functions, seed: int, relative_error: float, method: str, confidence: float,
    budget: int | None, seconds: float | None, given: object, errors: object, least: float | None, workers: int | None,
    progress: bool,
) -> Question:  # fmt: skip
    if isinstance(map, str):
        from slt_bias.maps.registry import parse as parse_map

        map = parse_map(map)
    if not hasattr(map, "draw_functions"):
        raise InputError(f"{map!r} is no map: give a map or a spec such as mlp.")
    if method not in METHODS:
        raise InputError(f"method={method}: give one of {', '.join(METHODS)}.")
    if not 0 < relative_error < 1 or not 0 < confidence < 1:
        raise InputError(f"relative_error = {relative_error}, confidence = {confidence}: give numbers between 0 and 1.")
    for name, value in (("budget_evaluations", budget), ("budget_seconds", seconds), ("workers", workers)):
        if value is not None and not value > 0:
            raise InputError(f"{name} = {value}: give a positive number, or leave it out.")
    if least is not None and not least < 0:
        raise InputError(f"least_log2_probability = {least}: give a negative number of bits.")
    asked = parse(function, map.inputs)
    radii = _radii(errors)
    events = around(asked, radii, _rows(given, asked.points))
    return Question(
        map, events, radii, given is not None, _seed(seed), relative_error, confidence, budget,
        None if seconds is None else time.monotonic() + seconds, -math.inf if least is None else least / BITS,
        _threads(map, workers), _speaker(progress),
    )  # fmt: skip


def _answer(question: Question, method: str) -> FunctionProbability:
    plain = question.radii == (0,) and not question.given
    if isinstance(question.map, Scrambled) and plain:
        inner = question.map.unscramble(question.events.function)
        return _answer(replace(question, map=question.map.map, events=around(inner)), method)
    if method in ("orthant", "gaussian-process", "expectation-propagation"):
        if not plain:
            raise InputError(f"method={method} takes neither errors nor given: use splitting.")
        return _analytic(question, method)
    if method == "count":
        return _by_counting(question, "")
    if method == "splitting":
        return _by_splitting(question, "")
    if plain and (known := _exact(question)) is not None:
        return known
    pilot = count(question.map, question.events, _pilot_draws(question), question.seed, workers=question.workers)
    movable = isinstance(question.map, LatentMap | DiscreteMap)
    if pilot.held[-1] >= SEEN or not movable:
        met = f"a pilot of {pilot.draws:,} draws met it {pilot.held[-1]} times"
        because = f"counted: {met}" if movable else f"counted, as this map's draws cannot be moved; {met}"
        return _by_counting(question, because, pilot)
    found = _by_splitting(question, f"split: a pilot of {pilot.draws:,} draws met it {pilot.held[-1]} times")
    return replace(found, evaluations=found.evaluations + pilot.draws)


def _exact(question: Question) -> FunctionProbability | None:
    from slt_bias.prior.closed_form import closed_form

    try:
        found = closed_form(question.map, question.events.function)
        return replace(found, confidence=question.confidence, chosen_because="the map has a closed form")
    except SpecError:
        pass
    reason = impossible(question.map, question.events.function)
    if not reason:
        return None
    return FunctionProbability(
        value=-math.inf, low=-math.inf, high=-math.inf, confidence=question.confidence, unit="bits", method="linear programme",
        chosen_because=f"not representable: {reason}",
    )  # fmt: skip


def _analytic(question: Question, method: str) -> FunctionProbability:
    from slt_bias.prior.expectation_propagation import expectation_propagation
    from slt_bias.prior.gaussian_process import gaussian_process
    from slt_bias.prior.last_layer import last_layer

    map, function = question.map, question.events.function
    if method == "expectation-propagation":
        return expectation_propagation(map, function)
    error, seed, confidence = question.relative_error, question.seed, question.confidence
    if method == "orthant":
        return last_layer(map, function, relative_error=error, seed=seed, confidence=confidence)
    return gaussian_process(map, function, relative_error=error, seed=seed, confidence=confidence, most_points=MOST_EXACT)


def _pilot_draws(question: Question) -> int:
    draws = PILOT if question.map.compiled else PILOT // 16
    return draws if question.budget is None else max(1, min(draws, question.budget // 10))


def can_split(map: Map) -> bool:
    """Whether parameters of the map, or of the one that it scrambles, can be moved within a set of functions."""
    return can_split(map.map) if isinstance(map, Scrambled) else isinstance(map, LatentMap | DiscreteMap)


def _by_counting(question: Question, because: str, pilot: Counted | None = None) -> FunctionProbability:
    """Fresh draws after the pilot's, as many as its frequency asks for; `most` where it tells nothing."""
    most = MOST_COUNTED if question.budget is None else question.budget
    if pilot is None:
        draws = _pilot_draws(question)
        pilot = count(question.map, question.events, draws, question.seed, 0, question.workers, question.deadline)
    share = (pilot.held[-1] + 1) / (pilot.draws + 1)
    wanted = max(pilot.draws, math.ceil(1.2 / (question.relative_error**2 * share)))
    short = wanted > most - pilot.draws
    draws = max(1, min(wanted, most - pilot.draws))
    question.say(f"counting {draws:,} draws …")
    found = count(question.map, question.events, draws, question.seed, pilot.next_block, question.workers, question.deadline)
    stopped = found.draws < draws or (short and question.budget is not None)
    spent = pilot.draws + found.draws
    first = int(question.given)
    among = int(found.held[0]) if question.given else found.draws

    def one(held: int, among: int) -> FunctionProbability:
        return _proportion(held, among, found.draws, stopped, question, spent, because)

    results = [one(int(held), among) for held in found.held[first:]]
    return _with_balls(question, results, one(among, found.draws) if question.given else None)


def _proportion(
    held: int, among: int, draws: int, stopped: bool, question: Question, spent: int, because: str
) -> FunctionProbability:
    """`held` of the `among` draws that fitted the given rows, of `draws` in all."""
    reasons: tuple[str, ...] = ()
    if among == 0:
        reasons = (f"the given rows were not fitted in {draws:,} draws: nothing is known; try splitting",)
    elif held == 0:
        reasons = (f"not met in {among:,} draws: only the upper limit says something; try splitting",)
    elif stopped and held * question.relative_error**2 < 1:
        reasons = ("the budget was spent before the relative error asked for was reached",)
    limits = clopper_pearson(held, among, question.confidence) if among else (0.0, 1.0)
    value, low, high = (math.log2(p) if p > 0 else -math.inf for p in (held / max(1, among), *limits))
    status: Status = "suspect" if reasons else "ok"
    return FunctionProbability(
        value=value, low=low, high=high, confidence=question.confidence, unit="bits", status=status, reasons=reasons,
        method="count", evaluations=spent, chosen_because=because,
    )  # fmt: skip


def _by_splitting(question: Question, because: str) -> FunctionProbability:
    found = walk(
        question.map, question.events, _effort(question), seed=question.seed, relative_error=question.relative_error,
        confidence=question.confidence, least_log_probability=question.floor, deadline=question.deadline,
        workers=question.workers, say=question.say,
    )  # fmt: skip
    stages = [found.until(target) for target in question.events.targets]
    evidence = _of_splitting(question, stages[0], because, found.evaluations) if question.given else None
    results = []
    for stage in stages[int(question.given) :]:
        result = _of_splitting(question, stage, because, found.evaluations)
        results.append(_conditional(question, result, stage, stages[0]) if question.given else result)
    return _with_balls(question, results, evidence)


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


def _with_balls(
    question: Question, results: list[FunctionProbability], evidence: FunctionProbability | None
) -> FunctionProbability:
    balls = dict(zip(question.radii, results, strict=True)) if len(results) > 1 else {}
    return replace(results[-1], balls=balls, evidence=evidence)


def _radii(errors: object) -> tuple[int, ...]:
    """Falling radii. Raises InputError."""
    try:
        numbers = [operator.index(errors)] if not isinstance(errors, Sequence) else [operator.index(each) for each in errors]  # type: ignore[arg-type]
    except TypeError:
        numbers = []
    if not numbers or min(numbers) < 0:
        raise InputError(f"errors = {errors!r}: give a whole number of points, 0 or larger, or several.")
    return tuple(sorted(set(numbers), reverse=True))


def _rows(given: object, points: int) -> np.ndarray | None:
    """bool (points,) from indices or bools. Raises InputError."""
    if given is None:
        return None
    rows = np.asarray(given)
    if rows.dtype == bool and rows.shape == (points,):
        mask = rows
    elif rows.dtype.kind in "iu" and rows.ndim == 1 and len(rows) and rows.min() >= 0 and rows.max() < points:
        mask = np.zeros(points, bool)
        mask[rows] = True
    else:
        raise InputError(f"given: need numbers of rows from 0 to {points - 1}, or a truth value for each of {points} rows.")
    if not mask.any():
        raise InputError("given: no row is given; leave it out.")
    return mask


def _threads(map: Map, workers: int | None) -> int:
    """Threads for compiled maps alone: torch holds the GIL between its kernels, and a module is not safe to share."""
    return 1 if not map.compiled else available_cores() if workers is None else workers


def _seed(seed: object) -> int:
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0:
        raise InputError(f"seed = {seed!r}: give a whole number, 0 or larger.")
    return number


def _speaker(progress: bool) -> Callable[[str], None]:
    def say(text: str) -> None:
        if progress:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    return say
