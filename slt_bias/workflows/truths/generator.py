"""The random numbers: moments and tails of the standard normal law."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from slt_bias import streams
from slt_bias.workflows.truths.row import CONFIDENCE, Row, proportion, within

NORMALS = 4_000_000
SOURCE = "standard normal law"


def moments(seed: int) -> list[Row]:
    """Mean 0, variance 1, fourth moment 3, neighbours independent, and the mass beyond 4."""
    z = streams.normals(seed, "verify", 0, (4, NORMALS // 4)).ravel().astype(np.float64)
    reach = float(ndtri((1 + CONFIDENCE) / 2)) / math.sqrt(NORMALS)
    # standard deviations of z, z², z⁴ and z·z' are 1, √2, √96 and 1
    cases = [
        ("mean", 0.0, float(z.mean()), 1.0),
        ("variance", 1.0, float((z**2).mean()), math.sqrt(2)),
        ("fourth moment", 3.0, float((z**4).mean()), math.sqrt(96)),
        ("product of neighbours", 0.0, float((z[:-1] * z[1:]).mean()), 1.0),
    ]
    found = [
        within(f"normals: {name}", SOURCE, truth, value, value - s * reach, value + s * reach) for name, truth, value, s in cases
    ]
    beyond = int((np.abs(z) > 4).sum())
    return [*found, proportion("normals: P(|z| > 4)", SOURCE, math.erfc(4 / math.sqrt(2)), beyond, NORMALS)]
