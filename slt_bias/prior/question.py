"""What `probability` is asked: checked arguments, as one value that every method takes."""

from __future__ import annotations

import math
import operator
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from slt_bias.errors import InputError
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import Map
from slt_bias.prior.events import Events, around
from slt_bias.prior.result import FunctionProbability
from slt_bias.prior.sampling import available_cores

METHODS = ("auto", "count", "splitting", "orthant", "gaussian-process", "expectation-propagation")
BITS = 1 / math.log(2)  # bits a nat


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
    halted: threading.Event = field(default_factory=threading.Event, compare=False)


def question(
    map: Map | str, function: str | Functions, seed: int, relative_error: float, method: str, confidence: float,
    budget: int | None, seconds: float | None, given: object, errors: object, least: float | None, workers: int | None,
    progress: bool,
) -> Question:  # fmt: skip
    """The arguments of `probability`, checked. Raises InputError or SpecError."""
    map = as_map(map)
    if not hasattr(map, "draw_functions"):
        raise InputError(f"{map!r} is no map: give a map or a spec such as mlp.")
    if method not in METHODS:
        raise InputError(f"method={method}: give one of {', '.join(METHODS)}.")
    for name, value in (("relative_error", relative_error), ("confidence", confidence)):
        if not _is_number(value) or not 0 < value < 1:
            raise InputError(f"{name} = {value!r}: give a number between 0 and 1.")
    for name, limit in (("budget_evaluations", budget), ("budget_seconds", seconds), ("workers", workers)):
        if limit is None:
            continue
        if not _is_number(limit) or not 0 < limit < math.inf or (name != "budget_seconds" and limit != int(limit)):
            raise InputError(f"{name} = {limit!r}: give a positive number, whole but for seconds, or leave it out.")
    if least is not None and not (_is_number(least) and -math.inf < least < 0):
        raise InputError(f"least_log2_probability = {least!r}: give a negative number of bits.")
    asked = parse(function, map.inputs)
    radii = _radii(errors)
    events = around(asked, radii, _rows(given, asked.points))
    return Question(
        map, events, radii, given is not None, _seed(seed), relative_error, confidence, None if budget is None else int(budget),
        None if seconds is None else time.monotonic() + seconds, -math.inf if least is None else least / BITS,
        threads(map, workers), _speaker(progress),
    )  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def as_map(map: Map | str) -> Map:
    """A map, or the one that a spec names."""
    if not isinstance(map, str):
        return map
    from slt_bias.maps.registry import parse as parse_map

    return parse_map(map)


def with_balls(
    question: Question, results: list[FunctionProbability], evidence: FunctionProbability | None
) -> FunctionProbability:
    """The smallest ball's result, which also holds the others and the evidence."""
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


def threads(map: Map, workers: int | None) -> int:
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
