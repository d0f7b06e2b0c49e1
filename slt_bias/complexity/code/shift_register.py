"""A linear feedback shift register: every output is the exclusive or of some of the L before it."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity.code import _period_kernel as kernel
from slt_bias.complexity.code.family import Family, as_text, gamma_lengths
from slt_bias.complexity.code.reader import Reader, fixed, gamma
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions


def _lengths(functions: Functions) -> np.ndarray:
    registers = np.empty(len(functions), np.int64)
    kernel.linear_complexities(first_point_lowest(functions.packed), functions.points, registers)
    return gamma_lengths(registers + 1) + 2 * registers


def _encode(table: np.ndarray) -> str:
    length, taps = shortest_register(table.tolist())
    return gamma(length + 1) + fixed(taps, length) + as_text(table[:length])


def _decode(reader: Reader, points: int) -> np.ndarray:
    length = reader.gamma(points + 1, "the length of the shift register plus 1") - 1
    taps = reader.fixed(length)
    state = int(reader.take(length)[::-1] or "0", 2)  # the most recent output highest
    out = [bool(state >> i & 1) for i in range(length)]
    for _ in range(length, points):
        bit = (taps & state).bit_count() & 1
        out.append(bool(bit))
        state = (state | bit << length) >> 1
    return np.array(out, bool)


def shortest_register(bits: list[bool]) -> tuple[int, int]:
    """(L, taps): s_i = ⊕_j taps_j s_{i−j}, j = 1 … L, tap 1 the highest bit of the number (Massey 1969)."""
    current, before, length, past = 1, 1, 0, 0
    for i, bit in enumerate(bits):
        past = past << 1 | bit
        before <<= 1
        if (current & past).bit_count() & 1:
            if 2 * length <= i:
                current, before, length = current ^ before, current, i + 1 - length
            else:
                current ^= before
    return length, sum((current >> j & 1) << (length - j) for j in range(1, length + 1))


SHIFT_REGISTER = Family(
    "shift_register", "taps and first outputs of a linear feedback shift register", _lengths, _encode, _decode
)
