"""A function of fewer inputs: which it depends on, then the shortest code of the smaller table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from slt_bias.complexity.code import _relevance_kernel as kernel
from slt_bias.complexity.code.enumerative import decode_rank, encode_rank, rank_widths
from slt_bias.complexity.code.family import NEVER, Family, single
from slt_bias.complexity.code.reader import Reader, fixed, width
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions


def over(
    lengths: Callable[[Functions], np.ndarray],
    encode: Callable[[np.ndarray], str],
    decode: Callable[[Reader, int], np.ndarray],
) -> Family:
    """The family, given the lengths, encoder and decoder of the whole code, which it uses for the smaller table."""

    def all_lengths(functions: Functions) -> np.ndarray:
        inputs = functions.points.bit_length() - 1
        masks = _relevant(functions)
        sizes = np.bitwise_count(masks).astype(np.int64)
        out = np.full(len(functions), NEVER)
        for size in np.unique(sizes[sizes < inputs]):
            rows = np.flatnonzero(sizes == size)
            smaller = np.empty((len(rows), 1 << size), bool)
            values = functions[rows].values()
            for mask in np.unique(masks[rows]):
                same = masks[rows] == mask
                smaller[same] = values[same][:, _corners(functions.points, int(mask))]
            out[rows] = width(inputs) + rank_widths(inputs)[size] + lengths(Functions.from_values(smaller))
        return out

    def encode_one(table: np.ndarray) -> str:
        inputs = len(table).bit_length() - 1
        mask = int(_relevant(single(table))[0])
        chosen = mask >> np.arange(inputs - 1, -1, -1) & 1 == 1
        return fixed(int(chosen.sum()), width(inputs)) + encode_rank(chosen) + encode(table[_corners(len(table), mask)])

    def decode_one(reader: Reader, points: int) -> np.ndarray:
        inputs = points.bit_length() - 1
        size = reader.below(inputs, "the number of inputs that matter")
        chosen = decode_rank(reader, inputs, size)
        smaller = decode(reader, 1 << size)
        mask = int((chosen * (1 << np.arange(inputs - 1, -1, -1))).sum())
        corners = _corners(points, mask)
        return smaller[np.searchsorted(corners, np.arange(points) & mask)]

    meaning = "the inputs that matter, and the code of the function of them"
    return Family("junta", meaning, all_lengths, encode_one, decode_one, hypercube=True)


def _relevant(functions: Functions) -> np.ndarray:
    out = np.empty(len(functions), np.int64)
    kernel.relevant_inputs(first_point_lowest(functions.packed), functions.points.bit_length() - 1, out)
    return out


def _corners(points: int, mask: int) -> np.ndarray:
    """The points whose inputs outside of the mask are 0, in order: those of the smaller table."""
    everywhere = np.arange(points)
    return everywhere[everywhere & ~mask == 0]
