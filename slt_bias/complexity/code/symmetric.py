"""A function of the number of ones among its inputs: n + 1 outputs."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code.family import NEVER, Family, as_table, as_text
from slt_bias.complexity.code.reader import Reader
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions


def _lengths(functions: Functions) -> np.ndarray:
    weights = _weights(functions.points)
    inputs = int(weights[-1])
    words = first_point_lowest(functions.packed)
    same = np.ones(len(functions), bool)
    for weight in range(inputs + 1):
        shell = first_point_lowest(np.packbits(weights == weight)[None])[0]
        inside = words & shell
        same &= (inside == 0).all(axis=1) | (inside == shell).all(axis=1)
    return np.where(same, inputs + 1, NEVER)


def _encode(table: np.ndarray) -> str:
    inputs = len(table).bit_length() - 1
    return as_text(table[[(1 << weight) - 1 for weight in range(inputs + 1)]])


def _decode(reader: Reader, points: int) -> np.ndarray:
    return as_table(reader.take(points.bit_length()))[_weights(points)]


def _weights(points: int) -> np.ndarray:
    return np.bitwise_count(np.arange(points))


SYMMETRIC = Family("symmetric", "an output for each number of ones among the inputs", _lengths, _encode, _decode, hypercube=True)
