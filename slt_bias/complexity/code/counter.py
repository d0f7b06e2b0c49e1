"""A counter: the output at point i is 1 where (a·i + b) mod m < c."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from slt_bias.complexity.code.family import Family, single
from slt_bias.complexity.code.programs import Programs, collect
from slt_bias.complexity.code.reader import Reader, fixed, gamma, gamma_length, width
from slt_bias.functions import Functions

LARGEST_STEPPING, LARGEST_PLAIN = 32, 64
STEPPING_WORK, PLAIN_WORK = 2**26, 2**24
"""Points computed for the table of programs with any step a, and with a = 1: they bound the modulus on many points."""


def _lengths(functions: Functions) -> np.ndarray:
    return known_programs(functions.points).find(functions)


def _encode(table: np.ndarray) -> str:
    programs = known_programs(len(table))
    m, a, b, c = programs.parameters[programs.shortest[single(table).packed.tobytes()]].tolist()
    bits = width(m)
    return gamma(m) + ("0" if a == 1 else "1" + fixed(a, bits)) + fixed(b, bits) + fixed(c, bits)


def _decode(reader: Reader, points: int) -> np.ndarray:
    m = reader.gamma(2**31, "the modulus")
    a = reader.below(m, "the step") if reader.take(1) == "1" else 1
    b, c = reader.below(m, "the start"), reader.below(m, "the bound")
    return (a * np.arange(points, dtype=np.int64) + b) % m < c


@functools.lru_cache(maxsize=8)
def known_programs(points: int) -> Programs:
    """All counters with a modulus up to 32, and up to 64 where a = 1 (less on more than 128 points)."""
    return collect(_all(points), points)


def _all(points: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    stepping = min(LARGEST_STEPPING, int((4 * STEPPING_WORK / points) ** 0.25))
    plain = min(LARGEST_PLAIN, points, int((3 * PLAIN_WORK / points) ** (1 / 3)))
    for m in range(2, max(stepping, plain) + 1):
        steps = range(m) if m <= stepping else (1,)
        for a in steps:
            length = gamma_length(m) + 1 + (2 if a == 1 else 3) * width(m)
            if (a == 1 and m > plain) or length >= points:
                continue
            b, c = np.repeat(np.arange(m), m), np.tile(np.arange(m), m)
            phases = (a * np.arange(points) + np.arange(m)[:, None]) % m
            tables = (phases[:, None, :] < np.arange(m)[:, None]).reshape(m * m, points)
            parameters = np.stack([np.full(m * m, m), np.full(m * m, a), b, c], axis=1)
            yield tables, parameters, np.full(m * m, length)


COUNTER = Family("counter", "a counter modulo m: 1 where (a·i + b) mod m < c", _lengths, _encode, _decode)
