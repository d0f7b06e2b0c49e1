"""`probability`: P of any chosen function of a map, however small, by the method that fits."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal

import numpy as np

from slt_bias.errors import InputError, SpecError
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import DiscreteMap, LatentMap, Map
from slt_bias.maps.scrambled import Scrambled
from slt_bias.prior.counting import by_counting, draw_pilot
from slt_bias.prior.events import around
from slt_bias.prior.question import Question, as_map, threads
from slt_bias.prior.question import question as ask
from slt_bias.prior.representable import impossible
from slt_bias.prior.result import FunctionProbability
from slt_bias.prior.walked import by_splitting

Method = Literal["auto", "count", "splitting", "orthant", "gaussian-process", "expectation-propagation"]
SEEN = 20  # times that the pilot must have met the function for counting to be enough
MOST_EXACT = 128  # points up to which the Gaussian process has exact orthants: a third of a second each


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
    question = ask(
        map, function, seed, relative_error, method, confidence, budget_evaluations, budget_seconds, given, errors,
        least_log2_probability, workers, progress,
    )  # fmt: skip
    return _answer(question, method)


def probabilities(
    map: Map | str, functions: Sequence[str] | Functions, *, workers: int | None = None, progress: bool = False, **options: object
) -> list[FunctionProbability]:
    """`probability` of many functions, one after another on every core; options as there, a budget is each function's own."""
    from slt_bias.progress import Progress

    map = as_map(map)
    asked = parse(functions, map.inputs)
    arguments, halted = inspect.signature(probability), threading.Event()
    with Progress("functions", len(asked), progress) as bar, ThreadPoolExecutor(threads(map, workers)) as pool:

        def one(place: int) -> FunctionProbability:
            given = arguments.bind(map, asked[place], workers=1, **options)
            given.apply_defaults()
            question = ask(*given.args)
            return _answer(replace(question, halted=halted), given.arguments["method"])

        found: list[FunctionProbability] = []
        try:
            for each in pool.map(one, range(len(asked))):
                found.append(each)
                bar.update(len(found))
        except BaseException:  # after Ctrl-C nothing more is begun, and what runs ends at its next move
            halted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return found


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
        return by_counting(question, "")
    if method == "splitting":
        return by_splitting(question, "")
    if plain and (exact := known(question.map, question.events.function, question.confidence)) is not None:
        return exact
    pilot = draw_pilot(question)
    movable = isinstance(question.map, LatentMap | DiscreteMap)
    if pilot.held[-1] >= SEEN or not movable:
        met = f"a pilot of {pilot.draws:,} draws met it {pilot.held[-1]} times"
        because = f"counted: {met}" if movable else f"counted, as this map's draws cannot be moved; {met}"
        return by_counting(question, because, pilot)
    found = by_splitting(question, f"split: a pilot of {pilot.draws:,} draws met it {pilot.held[-1]} times")
    return replace(found, evaluations=found.evaluations + pilot.draws)


def known(map: Map, function: Functions, confidence: float) -> FunctionProbability | None:
    """P where it takes no draw: a closed form, or a proof that the map cannot compute the function; else None."""
    from slt_bias.prior.closed_form import closed_form

    try:
        return replace(closed_form(map, function), confidence=confidence, chosen_because="the map has a closed form")
    except SpecError:
        reason = impossible(map, function)
    if not reason:
        return None
    return FunctionProbability(
        value=-math.inf, low=-math.inf, high=-math.inf, confidence=confidence, unit="bits", method="linear programme",
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


def can_split(map: Map) -> bool:
    """Whether parameters of the map, or of the one that it scrambles, can be moved within a set of functions."""
    return can_split(map.map) if isinstance(map, Scrambled) else isinstance(map, LatentMap | DiscreteMap)
