"""The perceptron, about which much is known exactly."""

from __future__ import annotations

import math

import numpy as np

from slt_bias import functions, maps, prior
from slt_bias.workflows.truths.row import CONFIDENCE, Row, all_equal, exact, proportion, within

DISTINCT = {1: 4, 2: 14, 3: 104, 4: 1882}
DRAWS = {1: 20_000, 2: 20_000, 3: 200_000, 4: 2_000_000}  # at 4 inputs the rarest functions need so many
SOLID_ANGLES = {"0000": 0.27704336, "0001": 0.01462330, "0010": 0.03545664, "0011": 0.04787670, "0111": 1 / 24}


def number_of_ones(seed: int) -> list[Row]:
    """With zero bias on {0,1}⁵ the number of ones T is uniform on 0 … 31; the zero input gives 0, so T is never 32."""
    source = "Mingard et al. 2019, theorem 4.1"
    counts = prior.sample(maps.Perceptron(5, bias=False), samples=400_000, seed=seed)
    ones = np.bincount(counts.functions.ones(), weights=counts.count, minlength=33).astype(np.int64)
    return [
        all_equal("perceptron on {0,1}⁵, zero bias: P(T = t) equal for t = 0 … 31", source, ones[:32]),
        exact("perceptron on {0,1}⁵, zero bias: draws with T = 32", source, 0, int(ones[32])),
    ]


def distinct_functions(seed: int) -> list[Row]:
    """The number of linear threshold functions."""
    rows = []
    for inputs, truth in DISTINCT.items():
        found = prior.sample(maps.Perceptron(inputs), samples=DRAWS[inputs], seed=seed).distinct
        rows.append(
            exact(f"perceptron with bias on {{0,1}}{'¹²³⁴'[inputs - 1]}: distinct functions", "OEIS A000609", truth, found)
        )
    return rows


def two_inputs(seed: int) -> list[Row]:
    """On {−1,1}² with unit normals each function is a cone of weights, and P(f) its share of the sphere.

    A function with one or three ones is a cone between three planes, (3·arccos(1/3) − π)/4π of the sphere; there are
    eight. The other six share the rest. XOR and XNOR are not linearly separable.
    """
    source = "solid angles, spherical excess"
    square = functions.hypercube(2, values=(-1, 1))
    counts = prior.sample(maps.Perceptron(square, weight_std=math.sqrt(2), bias_std=1.0), samples=1_000_000, seed=seed)
    found = {table: counts.of(table) for table in (f"{number:04b}" for number in range(16))}
    corner = (3 * math.acos(1 / 3) - math.pi) / (4 * math.pi)
    xor = [functions.named("parity", square), "1001"]
    eight = np.array([count for table, count in found.items() if table.count("1") % 2])
    six = np.array([count for table, count in found.items() if table.count("1") % 2 == 0 and table not in xor])
    name = "perceptron on {−1,1}², unit normals"
    return [
        proportion(f"{name}: P(f) of the eight with 1 or 3 ones", source, corner, int(eight.sum()), counts.samples, 8),
        all_equal(f"{name}: the eight equal", source, eight),
        proportion(f"{name}: P(f) of the six others", source, (1 - 8 * corner) / 6, int(six.sum()), counts.samples, 6),
        all_equal(f"{name}: the six equal", source, six),
        exact(f"{name}: draws of XOR and XNOR", source, 0, sum(found[table] for table in xor)),
    ]


def chosen_functions(seed: int) -> list[Row]:
    """P of chosen functions on {0,1}² with unit normals, by splitting; XOR by the proof that no weights give it.

    Each P is the share of a cone of the sphere; 0111 is a corner between three planes that meet at known angles: 1/24.
    """
    source = "solid angles"
    map = maps.Perceptron(2, weight_std=math.sqrt(2), bias_std=1.0)
    rows = []
    for function, truth in SOLID_ANGLES.items():
        found = prior.probability(map, function, seed, relative_error=0.03, method="splitting", confidence=CONFIDENCE)
        rows.append(
            within(
                f"perceptron on {{0,1}}², unit normals: log₂P({function}) by splitting", source, math.log2(truth), found.value,
                found.low, found.high,
            )
        )  # fmt: skip
    never = prior.probability(map, "0110", seed)
    name = "perceptron on {0,1}², unit normals: P(XOR), by linear programme"
    return [*rows, exact(name, "not linearly separable", 0.0, 2.0**never.value)]
