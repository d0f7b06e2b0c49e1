"""The number of ones, then the rank among all tables with as many."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code.enumerative import decode_rank, encode_rank, rank_widths
from slt_bias.complexity.code.family import Family, gamma_lengths
from slt_bias.complexity.code.reader import Reader, gamma
from slt_bias.functions import Functions


def _lengths(functions: Functions) -> np.ndarray:
    ones = functions.ones()
    return 1 + gamma_lengths(np.minimum(ones, functions.points - ones) + 1) + rank_widths(functions.points)[ones]


def _encode(table: np.ndarray) -> str:
    mostly = 2 * int(table.sum()) > len(table)
    fewer = ~table if mostly else table
    return ("1" if mostly else "0") + gamma(int(fewer.sum()) + 1) + encode_rank(fewer)


def _decode(reader: Reader, points: int) -> np.ndarray:
    mostly = reader.take(1) == "1"
    fewer = decode_rank(reader, points, reader.gamma(points // 2 + 1, "the number of ones plus 1") - 1)
    return ~fewer if mostly else fewer


ONES = Family("ones", "which output is rarer, how often, and the rank (Cover 1973)", _lengths, _encode, _decode)
