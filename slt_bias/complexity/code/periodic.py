"""A short pattern repeated along the points."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code import _period_kernel as kernel
from slt_bias.complexity.code.family import Family, as_table, as_text, gamma_lengths, single
from slt_bias.complexity.code.reader import Reader, gamma
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions


def _periods(functions: Functions) -> np.ndarray:
    out = np.empty(len(functions), np.int64)
    kernel.smallest_periods(first_point_lowest(functions.packed), functions.points, out)
    return out


def _lengths(functions: Functions) -> np.ndarray:
    periods = _periods(functions)
    return gamma_lengths(periods) + periods


def _encode(table: np.ndarray) -> str:
    period = int(_periods(single(table))[0])
    return gamma(period) + as_text(table[:period])


def _decode(reader: Reader, points: int) -> np.ndarray:
    return np.resize(as_table(reader.take(reader.gamma(points, "the period"))), points)


PERIODIC = Family("periodic", "a pattern and its length, repeated", _lengths, _encode, _decode)
