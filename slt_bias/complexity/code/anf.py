"""Algebraic normal form: its degree, the number of terms, and their rank among the monomials up to that degree."""

from __future__ import annotations

import functools

import numpy as np

from slt_bias.complexity.anf import coefficients
from slt_bias.complexity.code.enumerative import decode_rank, encode_rank, rank_widths
from slt_bias.complexity.code.family import Family, gamma_lengths, single
from slt_bias.complexity.code.reader import Reader, fixed, gamma, width
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions


def _lengths(functions: Functions) -> np.ndarray:
    inputs = functions.points.bit_length() - 1
    terms = coefficients(functions)
    count = np.bitwise_count(terms).sum(axis=1, dtype=np.int64)
    degree = np.zeros(len(functions), np.int64)
    sizes = np.bitwise_count(np.arange(functions.points))
    for size in range(1, inputs + 1):
        degree[(terms & first_point_lowest(np.packbits(sizes == size)[None])).any(axis=1)] = size
    out = width(inputs + 1) + gamma_lengths(count + 1)
    for size in np.unique(degree):
        chosen = degree == size
        out[chosen] += rank_widths(len(_monomials(functions.points, int(size))))[count[chosen]]
    return out


def _encode(table: np.ndarray) -> str:
    inputs = len(table).bit_length() - 1
    packed = coefficients(single(table)).astype("<u8").view(np.uint8)
    terms = np.unpackbits(packed.ravel(), bitorder="little", count=len(table)) == 1
    degree = int(np.where(terms, np.bitwise_count(np.arange(len(table))), 0).max())
    listed = terms[_monomials(len(table), degree)]
    return fixed(degree, width(inputs + 1)) + gamma(int(listed.sum()) + 1) + encode_rank(listed)


def _decode(reader: Reader, points: int) -> np.ndarray:
    inputs = points.bit_length() - 1
    monomials = _monomials(points, reader.below(inputs + 1, "the degree"))
    count = reader.gamma(len(monomials) + 1, "the number of terms plus 1") - 1
    terms = np.zeros(points, bool)
    terms[monomials] = decode_rank(reader, len(monomials), count)
    for bit in range(inputs):  # the Möbius transform is its own inverse
        pairs = terms.reshape(-1, 2, 1 << bit)
        pairs[:, 1] ^= pairs[:, 0]
    return terms


@functools.lru_cache(maxsize=64)
def _monomials(points: int, degree: int) -> np.ndarray:
    """The sets of at most `degree` inputs, as numbers whose bits are the inputs, in order."""
    chosen = np.flatnonzero(np.bitwise_count(np.arange(points)) <= degree)
    chosen.setflags(write=False)
    return chosen


ANF = Family("anf", "degree, number and rank of the terms of the algebraic form", _lengths, _encode, _decode, hypercube=True)
