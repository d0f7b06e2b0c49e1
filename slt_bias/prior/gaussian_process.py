"""The limit of infinite width: the outputs of a network at its points become normal, and P(f) an orthant probability.

    K₀(x, y) = σ_b² + σ_w²·x·y/fan_in,   K_{l+1}(x, y) = σ_b² + σ_w²·E[φ(u)φ(v)],  (u, v) ~ N(0, K_l at x and y)

(Neal 1996; Lee et al. 2018; Matthews et al. 2018), each layer with the standard deviations that the map's law gives it.
Maps that are linear in normal parameters (perceptron, polynomial, random features) are such a process without any limit.
Layer norm: over infinitely many neurons the mean is 0 and the variance K(x, x), so that z becomes z/√(K(x, x) + 10⁻⁵).
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError, SpecError
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions
from slt_bias.prior.result import FunctionProbability

if TYPE_CHECKING:
    from slt_bias.maps.base import Map
    from slt_bias.maps.mlp import MLP

MOST_POINTS = 16
LARGEST_COVARIANCE = 2**13  # points: half a GiB
LAYER_NORM_EPSILON = 1e-5  # as in torch.nn.LayerNorm and the compiled maps


def covariance(map: Map) -> np.ndarray:
    """The covariance of a map's outputs at its points where its hidden layers are infinitely wide: float64 (points, points).

    map : an `mlp` with law=normal, or one that is linear in normal parameters (perceptron, polynomial, random-features), for
        which the covariance is exact. A preset whose biases depend on the width keeps those of the widths at hand.
    Raises SpecError for a map of another family, and for law=uniform: its first layer is not normal whatever the widths;
    InputError for more than 8,192 points.
    """
    from slt_bias.maps.mlp import MLP, NetworkMember

    if not isinstance(map, NetworkMember):
        raise SpecError(f"{map!r} has no Gaussian-process limit here: mlp, perceptron, polynomial and random-features have.")
    assert map.law is not None
    if map.law.distribution != "normal":
        raise SpecError(
            f"`{map.spec}` draws uniform parameters: the sums of its first layer are not normal at any width. Take law=normal, "
            "or preset=valle-perez-2018-normal."
        )
    if map.inputs.count > LARGEST_COVARIANCE:
        raise InputError(f"{map.inputs.count} points: a covariance of at most {LARGEST_COVARIANCE} points fits.")
    if isinstance(map, MLP):
        return _limit(map)
    network = map.network
    weights = network.widths[0]
    out = (network.features * network.scales[:weights].astype(np.float64) ** 2) @ network.features.T
    return out + (float(network.scales[weights]) ** 2 if network.has_bias else 0.0)


def gaussian_process(
    map: Map,
    function: str | Functions,
    *,
    relative_error: float = 0.001,
    seed: int = 0,
    confidence: float = 0.95,
    most_points: int = MOST_POINTS,
) -> FunctionProbability:
    """log₂P(f) in bits of the Gaussian process that `covariance` describes: an exact orthant with a numerical error bar.

    function : as in `slt_bias.functions.parsing.parse`, one. relative_error : the standard error of P over P of the numerical
    integration that is aimed at. A point whose output is always 0 (variance 0) has the value 0: a function that is 1 there has
    P = 0. most_points : where the exact orthant stops; beyond 16 points the error bar is as honest, but may be wide (128 points
    at relative_error=0.1 take seconds). Raises InputError for more points than that, a singular covariance, or what is no
    function; SpecError as `covariance`.
    """
    from slt_bias.prior.orthants import orthant

    matrix = covariance(map)
    signs = signs_of(map, function)
    live = matrix.diagonal() > 0
    if (signs[~live] > 0).any() or not live.any():
        log2 = -math.inf if (signs[~live] > 0).any() else 0.0
        return FunctionProbability(
            value=log2, low=log2, high=log2, confidence=confidence, unit="bits", method="gaussian-process"
        )  # fmt: skip
    if live.sum() > most_points:
        raise InputError(
            f"{int(live.sum())} points: exact orthants go up to {most_points}; method='expectation-propagation' approximates "
            "beyond."
        )
    try:
        nats = orthant(
            matrix[np.ix_(live, live)], signs[live], relative_error=relative_error, seed=seed, confidence=confidence,
            purpose=["gaussian-process", map.spec],
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"`{map.spec}`: {error}") from None
    return FunctionProbability(
        value=nats.value / math.log(2),
        low=nats.low / math.log(2),
        high=nats.high / math.log(2),
        confidence=confidence,
        unit="bits",
        status=nats.status,
        reasons=nats.reasons,
        method="gaussian-process",
    )


def signs_of(map: Map, function: str | Functions) -> np.ndarray:
    """One function as ±1 at each point of a map, int64 (points,). Raises InputError for none or several."""
    asked = parse(function, map.inputs)
    if len(asked) != 1:
        raise InputError(f"asked for {len(asked)} functions: give one.")
    return 2 * asked.values()[0].astype(np.int64) - 1


def _limit(map: MLP) -> np.ndarray:
    from slt_bias.prior.kernels import expected_products

    widths = map.network.widths
    products = map.inputs.points @ map.inputs.points.T / widths[0]
    kernel = np.empty(0)
    for layer, (fan_in, _) in enumerate(itertools.pairwise(widths)):
        if layer > 0:
            products = expected_products(map.activation, kernel)
        assert map.law is not None
        weight_std, bias_std = map.law.stds(fan_in, last=layer == len(widths) - 2)
        kernel = bias_std**2 + fan_in * weight_std**2 * products
        if map.layer_norm and layer < len(widths) - 2:
            spread = np.sqrt(kernel.diagonal() + LAYER_NORM_EPSILON)
            kernel = kernel / spread[:, None] / spread
    return kernel
