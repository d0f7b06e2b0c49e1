"""The local volume along rays from w*: the part of {L − L(w*) ≤ ε} that w* sees (Scherlis & Belrose 2025, arXiv 2501.18812).

The basin is taken as star-shaped: along each direction it ends at the first radius r where the excess loss passes ε. With
w = w* + P y and directions v uniform on the unit sphere of y, its mass under N(w*, I/γ) is

    V(ε) = |det P| · E_v[ a^(−d) · Q(d/2, γ a² r²/2) ],   a = ‖P v‖,

Q the regularised lower incomplete gamma function; P = I gives the mean of χ²_d(γ r²). P = (H/ε + γI)^(−½), with H the
Hessian at w*, makes the radii nearly equal where the basin is nearly an ellipsoid (importance sampling of directions).

The mean over directions is heavy-tailed: few rays along a valley carry nearly all of the volume, and where none of the
sampled ones found it the estimate is too small by many nats and its interval does not know. So the effective number of
rays decides on the status; `volume.volume_scaling` is the estimator to trust, this one is for comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.estimate import Estimate, Status
from slt_bias.llc.curvature import hessian

if TYPE_CHECKING:
    from slt_bias.llc.landscapes.base import Landscape

Preconditioner = Literal["none", "diagonal", "hessian"]

OCTAVES = 64  # radii are searched from the edge of the Gaussian inwards over so many factors of 2
BISECTIONS = 30
FEWEST_RAYS = 100.0  # effective number of rays below which the mean is not to be trusted
GROUPS = 20  # of rays, for the jackknife


@dataclass(frozen=True, kw_only=True)
class LocalVolume(Estimate):
    """log V(ε) in nats of the star-shaped basin, with an interval that holds only as far as the rays found the valleys.

    epsilon : ε. effective_rays : (Σ wᵢ)²/Σ wᵢ² of the rays' volumes wᵢ. log_weights : log wᵢ of each ray, (rays,).
    """

    epsilon: float
    effective_rays: float
    log_weights: np.ndarray


@dataclass(frozen=True, kw_only=True)
class LocalVolumeScaling:
    """λ as the slope of log V(ε) of the star-shaped basin in log ε.

    learning_coefficient, low, high : the least-squares slope and its jackknife interval over groups of rays.
    volumes : one `LocalVolume` for each ε. log_epsilon, log_volume : the curve, nats, (points,).
    """

    learning_coefficient: float
    low: float
    high: float
    confidence: float
    log_epsilon: np.ndarray
    log_volume: np.ndarray
    volumes: tuple[LocalVolume, ...]
    status: Status
    reasons: tuple[str, ...]


def local_volume(
    landscape: Landscape,
    centre: np.ndarray,
    epsilon: float,
    *,
    seed: int = 0,
    localization: float = 1.0,
    rays: int = 2000,
    preconditioner: Preconditioner = "hessian",
    confidence: float = 0.95,
) -> LocalVolume:
    """log of the mass that N(w*, I/γ) gives to the star-shaped basin of excess loss ε around `centre` (dimension,).

    preconditioner : P above: "hessian", its "diagonal" alone, or "none" (P = I; no gradients are needed then).
    rays : directions. The same seed draws the same directions for every ε. Raises InputError for what does not fit.
    """
    centre = np.ascontiguousarray(centre, np.float64)
    _check(landscape, centre, [epsilon], localization, rays, preconditioner)
    matrix = np.empty((0, 0)) if preconditioner == "none" else hessian(landscape, centre)
    return _volume(landscape, centre, epsilon, matrix, preconditioner, seed, localization, rays, confidence)


def local_volume_scaling(
    landscape: Landscape,
    centre: np.ndarray,
    epsilons: np.ndarray,
    *,
    seed: int = 0,
    localization: float = 1.0,
    rays: int = 2000,
    preconditioner: Preconditioner = "hessian",
    confidence: float = 0.95,
) -> LocalVolumeScaling:
    """λ from the local volumes at `epsilons` (at least 3, all > 0): settings as in `local_volume`.

    The slope is plain least squares; the interval a jackknife over 20 groups of rays, which all ε share. For m > 1 the
    slope over a finite range lies below λ by about (m − 1)/log(1/ε): there is no correction for it here.
    """
    from scipy.special import stdtrit

    centre = np.ascontiguousarray(centre, np.float64)
    levels = [float(e) for e in epsilons]
    _check(landscape, centre, levels, localization, rays, preconditioner)
    if len(set(levels)) < 3 or rays < 2 * GROUPS:
        raise InputError(f"local_volume_scaling: needs at least 3 values of ε and {2 * GROUPS} rays.")
    matrix = np.empty((0, 0)) if preconditioner == "none" else hessian(landscape, centre)
    volumes = tuple(
        _volume(landscape, centre, level, matrix, preconditioner, seed, localization, rays, confidence) for level in levels
    )
    x = np.log(levels)
    weights = np.stack([volume.log_weights for volume in volumes])
    away = x - x.mean()

    def slope(kept: np.ndarray) -> float:
        return float(away @ (np.logaddexp.reduce(weights[:, kept], 1)) / (away @ away))

    group = np.arange(rays) % GROUPS
    value = slope(np.ones(rays, bool))
    without = np.array([slope(group != g) for g in range(GROUPS)])
    error = math.sqrt((GROUPS - 1) / GROUPS * float(((without - without.mean()) ** 2).sum()))
    half = float(stdtrit(GROUPS - 1, (1 + confidence) / 2)) * error
    reasons = tuple(dict.fromkeys(reason for volume in volumes for reason in volume.reasons))
    return LocalVolumeScaling(
        learning_coefficient=value,
        low=value - half,
        high=value + half,
        confidence=confidence,
        log_epsilon=x,
        log_volume=np.array([volume.value for volume in volumes]),
        volumes=volumes,
        status="suspect" if reasons else "ok",
        reasons=reasons,
    )


def _volume(
    landscape: Landscape,
    centre: np.ndarray,
    epsilon: float,
    matrix: np.ndarray,
    preconditioner: Preconditioner,
    seed: int,
    localization: float,
    rays: int,
    confidence: float,
) -> LocalVolume:
    from scipy.special import ndtri

    dimension = len(centre)
    shape, log_determinant = _preconditioner(matrix, preconditioner, epsilon, localization, dimension)
    directions = streams.normals(seed, "local-volume", 0, (rays, dimension)).astype(np.float64)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True) @ shape
    lengths = np.linalg.norm(directions, axis=1)
    unit = directions / lengths[:, None]
    distance = _radii(landscape, centre, unit, epsilon, localization)
    log_weights = log_determinant - dimension * np.log(lengths)
    log_weights = log_weights + _log_gamma_share(dimension / 2, localization * distance**2 / 2)
    largest = float(log_weights.max())
    weights = np.exp(log_weights - largest)
    value = largest + math.log(weights.mean())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    half = float(ndtri((1 + confidence) / 2)) * float(weights.std(ddof=1) / weights.mean()) / math.sqrt(rays)
    reasons = []
    if effective < FEWEST_RAYS or weights.max() > 0.1 * weights.sum():
        reasons.append(
            "few rays carry the volume (heavy tail): it is probably too small and the interval too narrow; take more rays, "
            "another preconditioner, or volume_scaling"
        )
    if np.any(distance <= _edge(localization, dimension) * 2.0 ** (1 - OCTAVES)):
        reasons.append("some rays leave the basin at once: w* is no minimum, or ε is below rounding")
    return LocalVolume(
        value=value,
        low=value - half,
        high=value + half,
        confidence=confidence,
        unit="nats",
        status="suspect" if reasons else "ok",
        reasons=tuple(reasons),
        epsilon=epsilon,
        effective_rays=effective,
        log_weights=log_weights,
    )


def _preconditioner(
    second: np.ndarray, kind: Preconditioner, epsilon: float, localization: float, dimension: int
) -> tuple[np.ndarray, float]:
    """P, symmetric, and log|det P|."""
    if kind == "none":
        return np.eye(dimension), 0.0
    matrix = np.diag(np.diag(second)) if kind == "diagonal" else second
    values, vectors = np.linalg.eigh(matrix)
    scales = 1 / np.sqrt(np.maximum(values, 0.0) / epsilon + localization)
    return (vectors * scales) @ vectors.T, float(np.log(scales).sum())


def _edge(localization: float, dimension: int) -> float:
    """A radius beyond which the Gaussian has no mass that matters."""
    return (math.sqrt(dimension) + 8) / math.sqrt(localization)


def _radii(
    landscape: Landscape, centre: np.ndarray, unit: np.ndarray, epsilon: float, localization: float
) -> np.ndarray:
    """Along each ray the radius at which the excess first passes ε: outwards by factors of 2, then by bisection in log r."""
    baseline = float(landscape.losses(centre[None])[0])

    def outside(rows: np.ndarray, radii: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            losses = landscape.losses(np.ascontiguousarray(centre + radii[:, None] * unit[rows]))
        return ~(losses - baseline <= epsilon)  # NaN is outside

    edge, rays = _edge(localization, len(centre)), len(unit)
    crossed, high = np.zeros(rays, bool), np.full(rays, edge)
    for octave in range(OCTAVES, -1, -1):
        rows = np.flatnonzero(~crossed)
        out = rows[outside(rows, np.full(len(rows), edge * 2.0**-octave))] if len(rows) else rows
        crossed[out], high[out] = True, edge * 2.0**-octave
    low = np.where(crossed, high / 2, high)
    rows = np.flatnonzero(crossed)
    for _ in range(BISECTIONS):
        middle = np.sqrt(low[rows] * high[rows])
        out_mask = outside(rows, middle) if len(rows) else np.zeros(0, bool)
        high[rows[out_mask]], low[rows[~out_mask]] = middle[out_mask], middle[~out_mask]
    return np.sqrt(low * high)


def _log_gamma_share(half_dimension: float, x: np.ndarray) -> np.ndarray:
    """log of the regularised lower incomplete gamma function, without underflow: its series where x is small."""
    from scipy.special import gammainc, gammaln

    small = x < half_dimension + 1
    out = np.zeros(len(x))
    out[~small] = np.log(gammainc(half_dimension, x[~small]))
    y = x[small]
    total, term = np.ones(len(y)), np.ones(len(y))
    for k in range(1, 60 + int(2 * half_dimension)):
        term = term * y / (half_dimension + k)
        total += term
        if k > 20 and (len(y) == 0 or term.max() < 1e-17):
            break
    out[small] = half_dimension * np.log(y) - y - gammaln(half_dimension + 1) + np.log(total)
    return out


def _check(
    landscape: Landscape, centre: np.ndarray, levels: list[float], localization: float, rays: int, preconditioner: str
) -> None:
    if centre.shape != (landscape.dimension,) or not np.all(np.isfinite(centre)):
        raise InputError(f"local_volume: the centre has shape {centre.shape}; give {landscape.dimension} finite parameters.")
    if not all(0 < level < math.inf for level in levels) or not localization > 0 or rays < 2:
        raise InputError(f"local_volume: ε = {levels}, localization = {localization}, rays = {rays}: give positive numbers.")
    if preconditioner not in ("none", "diagonal", "hessian"):
        raise InputError(f"local_volume: preconditioner = {preconditioner!r}: give none, diagonal or hessian.")
