"""K of random strings: what complexity looks like where every function is equally likely."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from slt_bias import streams
from slt_bias.complexity import compute
from slt_bias.functions import Functions

STRINGS = 100_000
FULL_POINTS = 1024  # up to here 10⁵ strings take seconds
FEWEST = 200
PURPOSE = "random strings of the uniform law"


@lru_cache(maxsize=32)
def uniform_complexity(points: int, complexity: str = "lz") -> np.ndarray:
    """K of random strings of `points` fair bits, float64 (strings,), sorted, read-only, always the same strings.

    10⁵ strings up to 1,024 points. A parse costs the square of the length, so beyond that there are 10⁵·(1024/points)²,
    but never fewer than 200: K of long random strings varies little (by 1 % at 1,024 points).
    Raises SpecError for an unknown estimator, InputError where it does not reach so many points.
    """
    strings = max(FEWEST, int(STRINGS * min(1.0, FULL_POINTS / max(points, 1)) ** 2))
    width = -(-points // 8)
    rows = max(1, 2**22 // max(width, 1))  # at most 4 MB of strings at a time
    spare = np.uint8(0xFF << (-points % 8) & 0xFF)
    parts = []
    for block, start in enumerate(range(0, strings, rows)):
        shape = (min(rows, strings - start), width)
        packed = streams.integers(0, [PURPOSE, points], block, shape, 256).astype(np.uint8)
        if width:
            packed[:, -1] &= spare
        parts.append(compute(Functions(packed, points), complexity))
    values = np.sort(np.concatenate(parts))
    values.flags.writeable = False
    return values
