"""What an estimator is: an upper bound on the complexity K(f) of a function, measured for a whole batch at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast, overload

import numpy as np

from slt_bias.functions import Functions, parse

Measure = Callable[[Functions], np.ndarray]
Reach = Callable[[int], bool]


def anywhere(points: int) -> bool:
    """The reach of an estimator that takes any number of points."""
    return points >= 0


class Estimator(Protocol):
    """A public estimator: call it with one string for a float, with several functions for float64 (count,).

    meaning : one line on what it is. unit : the unit of its values. bulk : Functions → float64 (count,), no strings.
    reaches : whether it can measure functions of that many points; elsewhere a call raises InputError.
    """

    meaning: str
    unit: str
    bulk: Measure
    reaches: Reach

    @overload
    def __call__(self, functions: str) -> float: ...  # type: ignore[overload-overlap]  # str first: it is a Sequence too
    @overload
    def __call__(self, functions: Sequence[str] | np.ndarray | Functions) -> np.ndarray: ...


def estimator(meaning: str, unit: str, reaches: Reach = anywhere) -> Callable[[Measure], Estimator]:
    """Make a vectorised function of Functions the public estimator of the same name and docstring."""

    def publish(measure: Measure) -> Estimator:
        def public(functions: str | Sequence[str] | np.ndarray | Functions) -> float | np.ndarray:
            values = measure(parse(functions))
            return float(values[0]) if isinstance(functions, str) else values

        public.__doc__ = measure.__doc__
        for name in ("__name__", "__qualname__", "__module__"):
            setattr(public, name, getattr(measure, name))
        published = cast(Estimator, public)
        published.meaning, published.unit, published.bulk, published.reaches = meaning, unit, measure, reaches
        return published

    return publish
