"""The table itself, a bit a point."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code.family import Family, as_table, as_text
from slt_bias.complexity.code.reader import Reader
from slt_bias.functions import Functions


def _lengths(functions: Functions) -> np.ndarray:
    return np.full(len(functions), functions.points, np.int64)


def _decode(reader: Reader, points: int) -> np.ndarray:
    return as_table(reader.take(points))


LITERAL = Family("literal", "the table itself", _lengths, as_text, _decode)
