"""Functions and their complexity by every estimator that applies to them: what `slt-bias complexity` prints."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from slt_bias import complexity, functions
from slt_bias.complexity.registry import ESTIMATORS
from slt_bias.errors import InputError


def measure(texts: Sequence[str], inputs: int | functions.InputSet | None = None) -> pd.DataFrame:
    """A row a function, in the order given: given (the text), points, ones, then a column an estimator.

    texts : strings of 0 and 1, `0x…`, or named functions. inputs : for named functions; where given, every text must fit
        them, else texts may differ in length.
    An estimator that does not reach a function leaves NaN; units are those of `sb.complexity.names()`.
    Raises InputError where there is no function, or one that cannot be read or does not fit, SpecError for an unknown name.
    """
    if not texts:
        raise InputError("no function given: write strings of 0 and 1 or names such as parity.")
    rows = []
    for text in texts:
        function = functions.parse(text, inputs)
        names = [name for name in complexity.names() if ESTIMATORS[name].reaches(function.points)]
        row = {"given": text, "points": function.points, "ones": int(function.ones()[0])}
        rows.append(row | {name: float(complexity.compute(function, name)[0]) for name in names})
    return pd.DataFrame(rows, columns=["given", "points", "ones", *complexity.names()])
