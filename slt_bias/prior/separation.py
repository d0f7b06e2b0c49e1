"""P(rows·u > 0 for every row), u standard normal: a Gaussian orthant or cone, by separation of variables.

With rows·Qᵀ = L lower triangular, row i binds zᵢ > −(Σ_{k<i} L_ik z_k)/L_ii alone once z_1 … z_{i−1} are drawn, each from the
normal law cut off at its own bound; the product of the probabilities of the cuts is an unbiased estimate of P (Genz 1992).

- The order of the rows: at each step the one least likely to hold, given the means so far (Genz & Bretz 2009, section 4.1.3).
- z_i is drawn around μᵢ instead of 0, with weight exp(μᵢ²/2 − μᵢzᵢ), where (x, μ) is the saddle point of the log-weight
  ψ(x, μ) = Σᵢ [μᵢ²/2 − xᵢμᵢ + log P(z > −μᵢ − Σ_{k<i} l_ik x_k)], l_ik = L_ik/L_ii (Botev 2017, equations 9-12): the relative
  error then stays small however rare the event is. Any μ is unbiased.
- The points are Sobol's, each shift an exclusive-or with random bits (Owen 1998, digital shift): one shift is unbiased, and
  independent shifts tell the error.
- Where rows depend on others (fewer dimensions than rows), a row binds the last zᵢ that it depends on, from above or below
  (Genz & Kwong 2000). That stays unbiased, and is slow only where many such rows cut.
"""

from __future__ import annotations

import math

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError

RANK_TOLERANCE = 1e-10  # a unit row less than this far from the span of others lies in it; rounding is about 1e-15
NEWTON_STEPS = 100
HALVINGS = 40
CLOSE_ENOUGH = 1e-14  # of the squared Newton decrement, the gain in ψ still to come


def log_cones(
    rows: np.ndarray, signs: np.ndarray, *, points: int, shifts: int, seed: int, purpose: streams.Purpose
) -> tuple[np.ndarray, np.ndarray]:
    """log P(signs·(rows·u) > 0 for every row) for each of a batch, in nats, one unbiased estimate of P a shift; and the ranks.

    rows : float64 (batch, rows, dimensions), of any length, dependent or not. signs : ±1, (rows,). A row of zeros is an output
    of exactly 0, which is no 1: the event is impossible where its sign is +, and the row says nothing where it is −.
    points : quasi-random points a shift, a power of two. Every batch member has shifts of its own.
    Returns float64 (batch, shifts), −inf where no point lies in the cone, and int64 (batch,), the dimensions that the rows span.
    Raises InputError for points that are no power of 2.
    """
    from scipy.stats import qmc

    from slt_bias.prior._orthant_kernel import log_means

    if points < 1 or points & (points - 1):
        raise InputError(f"points = {points}: a power of two is needed, such as 1024.")
    possible = ~((rows == 0).all(axis=2) & (signs > 0)).any(axis=1)
    factors, starts, ranks = ordered_factors(rows * signs[:, None])
    batch, _, columns = factors.shape
    pivots = np.minimum(starts[:, :-1], factors.shape[1] - 1)  # the first row of every group
    square = np.take_along_axis(factors, pivots[:, :, None], axis=1)
    tilts = saddle_points(square, ranks)
    free = max(columns - 1, 1)
    net = (qmc.Sobol(free, scramble=False, bits=32).random(points) * 2.0**32).astype(np.uint32)
    bits = streams.integers(seed, purpose, 0, (batch, shifts, free)).astype(np.uint32)
    log_p = log_means(factors, starts, ranks, tilts, net, bits)
    log_p[~possible] = -np.inf
    return log_p, ranks


def ordered_factors(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (batch, n, dimensions) as triangular factors in the order in which they are drawn.

    Returns factors (batch, n, k) of unit rows, starts int64 (batch, k+1) and ranks int64 (batch,): rows starts[j] …
    starts[j+1]−1 have their last entry in column j, the first of them > 0; rows of zeros come before starts[0]. Gram-Schmidt in
    its modified form works on the rows themselves: a covariance would square the condition number.
    """
    batch, n, dimensions = rows.shape
    everyone = np.arange(batch)
    length = np.linalg.norm(rows, axis=2)
    residual = rows / np.where(length > 0, length, 1.0)[:, :, None]
    if dimensions > n:  # as many coordinates as rows say the same
        upper: np.ndarray = np.linalg.qr(residual.transpose(0, 2, 1))[1]
        residual = upper.transpose(0, 2, 1).copy()
    columns = min(n, dimensions)
    factors = np.zeros((batch, n, columns))
    known = np.zeros((batch, n))  # Σ_k L_ik E[z_k] over the columns so far
    group = np.full((batch, n), columns)
    first = np.zeros((batch, n), bool)
    free = length > 0
    group[~free] = -1
    for j in range(columns):
        size = np.where(free, np.linalg.norm(residual, axis=2), 0.0)
        certainty = np.full((batch, n), np.inf)
        np.divide(known, size, out=certainty, where=free)
        pick = np.argmin(certainty, axis=1)
        going = free[everyone, pick]
        pivot, least = size[everyone, pick], certainty[everyone, pick]
        direction = residual[everyone, pick] / np.where(going, pivot, 1.0)[:, None] * going[:, None]
        column = np.where(free, np.matmul(residual, direction[:, :, None])[:, :, 0], 0.0)
        residual -= column[:, :, None] * direction[:, None, :]
        factors[:, :, j] = column
        known += column * np.where(going, hazard(-np.where(going, least, 0.0)), 0.0)[:, None]
        chosen = np.zeros((batch, n), bool)
        chosen[everyone, pick] = going
        done = free & (chosen | (np.linalg.norm(residual, axis=2) <= RANK_TOLERANCE))
        group[done] = j
        first |= chosen
        free &= ~done
    order = np.argsort(2 * group - first, axis=1, kind="stable")
    group = np.take_along_axis(group, order, axis=1)
    factors = np.take_along_axis(factors, order[:, :, None], axis=1)
    starts = (group[:, :, None] < np.arange(columns + 1)).sum(axis=1)
    ranks = first.sum(axis=1)
    return np.ascontiguousarray(factors), starts.astype(np.int64), ranks.astype(np.int64)


def hazard(x: np.ndarray) -> np.ndarray:
    """h(x) = φ(x)/P(z > x) of a standard normal: √(2/π)/erfcx(x/√2)."""
    from scipy.special import erfcx

    with np.errstate(over="ignore"):  # far below 0 the hazard is 0
        return math.sqrt(2 / math.pi) / erfcx(np.asarray(x) * math.sqrt(0.5))


def saddle_points(factors: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """μ of the saddle point of ψ for each factor: (batch, k, k) lower triangular → (batch, k); 0 for the last normal.

    With the slacks t = A·x, A_ik = L_ik/L_ii, the least of ψ over μ is a function of x alone, −|x|²/2 + Σᵢ B(tᵢ): concave, and
    finite only inside of the cone. B(t) = h(y)²/2 + log P(z > y), where h(y) − y = t; B′ = h(y), and μ = x − h(y) at the
    greatest. Newton's iteration with halved steps finds it from any point inside. μ = 0 where rounding leaves no such point.
    """
    batch, k, _ = factors.shape
    inside = np.arange(k) < ranks[:, None]
    diagonal = np.where(inside, np.einsum("bii->bi", factors), 1.0)
    slacks = np.tril(factors, -1) / diagonal[:, :, None] * inside[:, :, None] + np.eye(k)
    x = np.zeros((batch, k))
    for i in range(k):  # the means of the cut normals, one after the other, lie inside
        known = (slacks[:, i, :i] * x[:, :i]).sum(axis=1)
        x[:, i] = _excess(-known) - known
    value, rate, curvature = _barrier(slacks, x)
    active = np.flatnonzero(np.isfinite(value))
    lost = ~np.isfinite(value)
    for _ in range(NEWTON_STEPS):
        chosen = slacks[active]
        gradient = np.matmul(chosen.transpose(0, 2, 1), rate[active][:, :, None])[:, :, 0] - x[active]
        hessian = np.matmul(chosen.transpose(0, 2, 1), chosen * curvature[active][:, :, None]) + np.eye(k)
        step = _solve(hessian, gradient)
        decrement = (gradient * step).sum(axis=1)
        going = decrement > CLOSE_ENOUGH  # false where narrow cones overflow
        active, step, decrement = active[going], step[going], decrement[going]
        if not len(active):
            break
        scale, waiting = np.ones(len(active)), np.arange(len(active))
        for _ in range(HALVINGS):
            who = active[waiting]
            trial = x[who] + scale[waiting, None] * step[waiting]
            there, rate_there, curvature_there = _barrier(slacks[who], trial)
            better = there >= value[who] + 1e-4 * scale[waiting] * decrement[waiting] - 1e-13 * np.abs(value[who])
            moved = who[better]
            x[moved], value[moved] = trial[better], there[better]
            rate[moved], curvature[moved] = rate_there[better], curvature_there[better]
            waiting = waiting[~better]
            if not len(waiting):
                break
            scale[waiting] /= 2
        active = np.delete(active, waiting)  # no step helps: rounding
    tilts = (x - rate) * inside
    tilts[lost | ~np.isfinite(tilts).all(axis=1)] = 0
    tilts[np.arange(batch), np.maximum(ranks, 1) - 1] = 0
    return tilts


def _solve(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """hessian⁻¹·gradient of positive definite matrices, scaled to unit diagonal; NaN where numbers are not finite."""
    scale = np.sqrt(np.einsum("bii->bi", hessian))
    even = hessian / scale[:, :, None] / scale[:, None, :] + 1e-14 * np.eye(hessian.shape[1])
    lost = ~np.isfinite(even).all(axis=(1, 2))
    even[lost] = np.eye(hessian.shape[1])
    step: np.ndarray = np.linalg.solve(even, (gradient / scale)[:, :, None])[:, :, 0] / scale
    step[lost] = np.nan
    return step


def _barrier(slacks: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """−|x|²/2 + Σ B(t) at t = A·x, (batch,), −inf outside of the cone; B′ = h and −B″ = h′/(1 − h′), (batch, k)."""
    from scipy.special import erfcx, log_ndtr

    t = np.matmul(slacks, x[:, :, None])[:, :, 0]
    outside = (t <= 0).any(axis=1)
    y = _bound(np.where(t > 0, t, 1.0))
    excess = _excess(y)
    rate = y + excess
    with np.errstate(over="ignore", divide="ignore"):
        log_tail = np.where(y > 0, np.log(0.5 * erfcx(np.maximum(y, 0) * math.sqrt(0.5))), log_ndtr(-y))
    summands = log_tail + np.where(y > 0, excess * (y + 0.5 * excess), 0.5 * rate * rate)
    value = summands.sum(axis=1) - 0.5 * (x * x).sum(axis=1)
    flat = _flatness(y)
    return np.where(outside, -np.inf, value), rate, (1 - flat) / flat


def _bound(t: np.ndarray) -> np.ndarray:
    """The y where h(y) − y = t > 0, by Newton from the left: h is convex, h(y) > (3y + √(y²+8))/4 (Sampford 1953)."""
    y = np.maximum(-t, 1 / t - 2 * t)
    for _ in range(8):
        y = y + (_excess(y) - t) / _flatness(y)
    return y


def _excess(y: np.ndarray) -> np.ndarray:
    """h(y) − y; beyond 100 by its series, where the difference has lost its digits."""
    far = np.maximum(y, 100.0)
    return np.where(y > 100, (1 - (2 - 10 / far**2) / far**2) / far, hazard(np.minimum(y, 100.0)) - np.minimum(y, 100.0))


def _flatness(y: np.ndarray) -> np.ndarray:
    """1 − h′(y) = 1 − h(y)·(h(y) − y), between 0 and 1."""
    near, far = np.minimum(y, 100.0), np.maximum(y, 100.0)
    excess = hazard(near) - near
    return np.where(y > 100, (1 - (6 - 50 / far**2) / far**2) / far**2, 1 - (near + excess) * excess)
