"""The first output, then where along the points the output changes: their number and their rank."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code.enumerative import decode_rank, encode_rank, rank_widths
from slt_bias.complexity.code.family import Family, gamma_lengths
from slt_bias.complexity.code.reader import Reader, gamma
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions


def _lengths(functions: Functions) -> np.ndarray:
    words = first_point_lowest(functions.packed)
    following = words >> np.uint64(1)
    following[:, :-1] |= words[:, 1:] << np.uint64(63)
    last = functions.points - 1
    changes = words ^ following
    changes[:, last // 64] &= np.uint64((1 << last % 64) - 1)
    count = np.bitwise_count(changes).sum(axis=1, dtype=np.int64)
    return 1 + gamma_lengths(count + 1) + rank_widths(functions.points - 1)[count]


def _encode(table: np.ndarray) -> str:
    changes = table[1:] != table[:-1]
    return ("1" if table[0] else "0") + gamma(int(changes.sum()) + 1) + encode_rank(changes)


def _decode(reader: Reader, points: int) -> np.ndarray:
    first = reader.take(1) == "1"
    changes = decode_rank(reader, points - 1, reader.gamma(points, "the number of changes plus 1") - 1)
    return np.concatenate([[first], first ^ (np.cumsum(changes) % 2 == 1)])


RUNS = Family("runs", "the first output, the number of changes and their rank", _lengths, _encode, _decode)
