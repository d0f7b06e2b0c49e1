"""P(f) of a finite network with its last layer integrated out: given the hidden layers, the outputs are normal.

    P(f) = E_hidden[P(sᵢ·(a·h(xᵢ) + b) > 0 for all i | h)],   a, b normal, h(xᵢ) the features of the last hidden layer

The inner probability is that of a Gaussian orthant in as many dimensions as the features span, estimated without bias by
`slt_bias.prior.separation` however small it is; the outer mean is over draws of the hidden layers. Draws whose features are
linearly dependent (units that are off at all points) are cones: the same estimate holds for them, a draw whose features cannot
represent f counts as 0, and so nothing is left out.
"""

from __future__ import annotations

import math
import operator
import warnings
from typing import TYPE_CHECKING

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError, SpecError
from slt_bias.estimate import Status, clopper_pearson
from slt_bias.functions.tables import Functions
from slt_bias.prior.gaussian_process import signs_of
from slt_bias.prior.result import FunctionProbability

if TYPE_CHECKING:
    import torch

    from slt_bias.maps.base import Map
    from slt_bias.maps.mlp import MLP

GROUP = 128  # draws that share a block of the random stream; the t-interval is over groups
LEAST_GROUPS = 8
MOST_DRAWS = 2**15
HOPE = 2**12  # draws after which the default number is given up where 2¹⁵ would not do either
POINTS = 128  # quasi-random points a draw: far less noise than between draws
ENOUGH = 50.0  # effective draws below which a mean of such skewed numbers is not trusted
HEAVY_TAIL = 0.7  # of the generalised Pareto index (Vehtari et al. 2024)
SMALL_SHARE = 0.02
MOST_NUMBERS = 2**22  # features evaluated at once


def last_layer(
    map: Map,
    function: str | Functions,
    *,
    relative_error: float = 0.1,
    seed: int = 0,
    confidence: float = 0.95,
    draws: int | None = None,
) -> FunctionProbability:
    """log₂P(f) in bits, the mean of conditional orthant probabilities over draws of the hidden layers.

    map : an `mlp` with law=normal and at least points − 1 units in its last hidden layer (points, without bias): with fewer the
        outputs span too few dimensions, f is a cone in every draw, and splitting is the method.
    draws : of the hidden layers, rounded up to at least 8 groups of 128; by default doubled until the standard error of P over P
        is at most `relative_error` and the effective number of draws (Σp)²/Σp² at least 50, up to 2¹⁵.
    The interval is log P̂ ± t·s/(P̂·√groups) over the groups. Conditional probabilities are very skewed where P is small: the
    status is "suspect" where few draws carry the mean, where the tail index says that the mean has not been seen yet, or where
    relative_error is not reached. evaluations : draws of the hidden layers.
    Raises SpecError for another map or law, InputError for what does not fit.
    """
    network_map = _suitable(map)
    signs = signs_of(map, function)
    for name, number in (("relative_error", relative_error), ("confidence", confidence)):
        if not 0 < number < 1:
            raise InputError(f"{name} = {number}: give a number between 0 and 1.")
    log_p = np.empty((0, GROUP))
    singular = 0
    wanted = LEAST_GROUPS if draws is None else max(LEAST_GROUPS, -(-_whole(draws) // GROUP))
    while True:
        while len(log_p) < wanted:
            values, dependent = _groups(network_map, signs, seed, len(log_p), min(LEAST_GROUPS, wanted - len(log_p)))
            log_p = np.concatenate([log_p, values])
            singular += dependent
        mean, error, effective = _summary(log_p)
        reached = error <= relative_error and effective >= ENOUGH
        drawn = wanted * GROUP
        hopeless = drawn >= HOPE and drawn * (error / relative_error) ** 2 > 4 * MOST_DRAWS
        if draws is not None or reached or hopeless or 2 * drawn > MOST_DRAWS:
            break
        wanted *= 2
    return _result(log_p, mean, error, effective, singular, relative_error, confidence)


def hidden_features(map: MLP, normals: np.ndarray) -> np.ndarray:
    """The last hidden layer, float64 (batch, points, width), of standard normals (batch, parameters below the last layer)."""
    import torch

    from slt_bias.maps.network import apply_activation

    network = map.network
    weight_at, bias_at = network.offsets()
    parameters = torch.from_numpy(np.asarray(normals, np.float64) * network.scales[: normals.shape[1]].astype(np.float64))
    h: torch.Tensor = torch.tensor(network.features.T, dtype=torch.float64)
    for layer in range(len(network.widths) - 2):
        fan_in, fan_out = network.widths[layer], network.widths[layer + 1]
        weights = parameters[:, weight_at[layer] : weight_at[layer] + fan_in * fan_out].reshape(-1, fan_out, fan_in)
        h = weights @ h
        if network.has_bias:
            h = h + parameters[:, bias_at[layer] : bias_at[layer] + fan_out, None]
        if network.layer_norm:
            h = torch.nn.functional.layer_norm(h.transpose(1, 2), (fan_out,)).transpose(1, 2)
        h = apply_activation(network.activation, h)
    return h.transpose(1, 2).numpy()


def _suitable(map: Map) -> MLP:
    from slt_bias.maps.mlp import MLP

    if not isinstance(map, MLP):
        raise SpecError(
            f"{map!r} has no last layer to integrate out here: only mlp has; where outputs are normal, take gaussian_process."
        )
    assert map.law is not None
    if map.law.distribution != "normal":
        raise SpecError(f"`{map.spec}` draws a uniform last layer: take law=normal, preset=valle-perez-2018-normal or splitting.")
    room = map.hidden[-1] + map.law.has_bias
    if map.inputs.count > room:
        raise InputError(
            f"{map.inputs.count} points, but the last hidden layer of `{map.spec}` spans {room} dimensions at most: f is a cone "
            "in every draw; use splitting."
        )
    return map


def _groups(map: MLP, signs: np.ndarray, seed: int, first: int, count: int) -> tuple[np.ndarray, int]:
    """log P(f | hidden) of groups first … first+count−1, (count, GROUP), and how many of the draws have dependent features."""
    from slt_bias.prior.separation import log_cones

    network = map.network
    hidden = int(network.offsets()[0][-1])
    assert map.law is not None
    weight_std, bias_std = map.law.stds(network.widths[-2], last=True)
    values, dependent = np.empty(count * GROUP), 0
    together = max(1, min(count * GROUP, MOST_NUMBERS // (len(signs) * max(network.widths))))
    blocks = [streams.normals(seed, ["last-layer", map.spec], first + k, (GROUP, hidden)) for k in range(count)]
    normals = np.concatenate(blocks)
    for start in range(0, len(values), together):
        with np.errstate(over="ignore", invalid="ignore"):
            rows = weight_std * hidden_features(map, normals[start : start + together])
            finite = bool(np.isfinite(np.linalg.norm(rows, axis=2)).all())
        if not finite:
            raise InputError(f"`{map.spec}`: features are not finite in double precision; give smaller standard deviations.")
        if network.has_bias:
            rows = np.concatenate([rows, np.full((*rows.shape[:2], 1), bias_std)], axis=2)
        purpose: list[streams.Purpose] = ["last-layer", map.spec, "points", first, start]
        part, ranks = log_cones(rows, signs, points=POINTS, shifts=1, seed=seed, purpose=purpose)
        values[start : start + together] = part[:, 0]
        dependent += int((ranks < len(signs)).sum())
    return values.reshape(count, GROUP), dependent


def _summary(log_p: np.ndarray) -> tuple[float, float, float]:
    """(log of the mean, its relative standard error over groups, effective number of draws) of (groups, GROUP)."""
    most = float(log_p.max())
    if most == -math.inf:
        return -math.inf, math.inf, 0.0
    p = np.exp(log_p - most)
    means = p.mean(axis=1)
    mean = float(means.mean())
    error = float(means.std(ddof=1)) / math.sqrt(len(means)) / mean
    return most + math.log(mean), error, float(p.sum() ** 2 / (p * p).sum())


def _result(
    log_p: np.ndarray,
    mean: float,
    error: float,
    effective: float,
    singular: int,
    relative_error: float,
    confidence: float,
) -> FunctionProbability:
    """The estimate in bits, with every reason to doubt it."""
    from scipy.stats import t

    groups, drawn = len(log_p), log_p.size
    if mean == -math.inf:
        share = clopper_pearson(0, drawn, confidence)[1]  # P ≤ P(conditional probability > 0)
        reasons = [f"the features of none of {drawn} draws could represent it: the upper limit is all that is known"]
        value, low, high = -math.inf, -math.inf, math.log2(share)
    else:
        half = float(t.ppf((1 + confidence) / 2, groups - 1)) * error / math.log(2)
        value = mean / math.log(2)
        low, high = value - half, min(value + half, 0.0)
        reasons = []
        if effective < ENOUGH:
            reasons.append(f"{effective:.1f} of {drawn} draws carry the mean, {ENOUGH:g} are needed: draw more, or use splitting")
        index = tail_index(log_p)
        if index > HEAVY_TAIL:
            reasons.append(f"tail index {index:.2f} above {HEAVY_TAIL}: rarer draws may hold more than all seen; use splitting")
        if error > relative_error:
            reasons.append(f"relative error {error:.2g}, {relative_error:g} was aimed at: draw more")
        if reasons and singular > drawn / 2:
            reasons.append(f"{singular} of {drawn} draws have dependent features and are cones: splitting fits better")
    status: Status = "suspect" if reasons else "ok"
    return FunctionProbability(
        value=value, low=low, high=high, confidence=confidence, unit="bits", status=status, reasons=tuple(reasons),
        method="orthant", evaluations=drawn,
    )  # fmt: skip


def tail_index(log_p: np.ndarray) -> float:
    """The index of the generalised Pareto law of the largest exp(log_p); from 0.7 a mean of this many draws is not to be trusted.

    Pareto-smoothed importance sampling (Vehtari et al. 2024), by arviz; −inf where the largest draw holds less than 2 % of the
    sum: an index of 0.7 would give it draws^-0.3, and a fit to the few values that activation=step has says nothing.
    """
    finite = log_p[np.isfinite(log_p)]
    if not len(finite) or np.exp(finite - finite.max()).sum() > 1 / SMALL_SHARE:
        return -math.inf
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # arviz announces its next version
        import arviz

        index = float(arviz.psislw(finite)[1])
    return index if math.isfinite(index) else math.inf


def _whole(draws: object) -> int:
    try:
        number = operator.index(draws)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if isinstance(draws, bool) or not 1 <= number <= 2**30:
        raise InputError(f"draws = {draws!r}: give a whole number of draws between 1 and 2**30.")
    return number
