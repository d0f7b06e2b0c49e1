"""Compiled separation of variables: the weights of quasi-random points, explained in `separation`."""

# mypy: allow-untyped-defs
from __future__ import annotations

import math

import numpy as np

from slt_bias._compiled import compiled

jit = compiled(error_model="numpy")

FAR = 30.0  # beyond this many standard deviations tails are handled as logarithms
SQRT_HALF = math.sqrt(0.5)
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@jit
def log_tail(x):
    """log P(z > x) of a standard normal z, to a relative 1e-12 of P."""
    if x < FAR:
        return math.log(0.5 * math.erfc(x * SQRT_HALF))
    y = 1 / (x * x)
    return -0.5 * x * x - HALF_LOG_TWO_PI - math.log(x) + math.log1p(-y * (1 - y * (3 - y * (15 - y * (105 - y * 945)))))


@jit
def quantile(p):
    """Φ⁻¹(p) for 0 < p < 1, to a relative 1e-16 (Wichura 1988, algorithm AS 241, PPND16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
                   + 4.5921953931549871457e4) * r + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
                + 1.3314166789178437745e2) * r + 3.3871328727963666080e0)  # fmt: skip
        low = (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
                   + 2.1213794301586595867e4) * r + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
                + 4.2313330701600911252e1) * r + 1.0)  # fmt: skip
        return q * top / low
    r = math.sqrt(-math.log(min(p, 1 - p)))
    if r <= 5:
        r -= 1.6
        top = (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) * r
                   + 1.27045825245236838258e0) * r + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
                + 4.63033784615654529590e0) * r + 1.42343711074968357734e0)  # fmt: skip
        low = (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) * r
                   + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
                + 2.05319162663775882187e0) * r + 1.0)  # fmt: skip
    else:
        r -= 5
        top = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3) * r
                   + 2.65321895265761230930e-2) * r + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
                + 5.46378491116411436990e0) * r + 6.65790464350110377720e0)  # fmt: skip
        low = (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5) * r
                   + 7.86869131145613259100e-4) * r + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
                + 5.99832206555887937690e-1) * r + 1.0)  # fmt: skip
    return math.copysign(top / low, q)


@jit
def tail_between(low, high, share):
    """(log P(low < z < high), the z above which `share` of that probability lies) of a standard normal z; low < high."""
    mirrored = low + high < 0  # in the lower half the mirror image keeps the digits
    if mirrored:
        low, high, share = -high, -low, 1 - share
    log_low = log_tail(low)
    log_high = log_tail(high) if high < math.inf else -math.inf
    log_ratio = log_high - log_low
    log_p = log_low + math.log1p(-math.exp(log_ratio)) if log_ratio > -math.inf else log_low
    rest = share + (1 - share) * math.exp(log_ratio)  # P(z > answer) over P(z > low)
    if low < FAR:
        tail = rest * math.exp(log_low)
        z = -quantile(tail) if tail < 1 else low
    else:
        target = log_low + math.log(rest)
        z = math.sqrt(low * low - 2 * math.log(rest))
        for _ in range(3):  # Newton's iteration: the logarithm of a tail is almost a parabola
            log_here = log_tail(z)
            z += (log_here - target) * math.exp(log_here + 0.5 * z * z + HALF_LOG_TWO_PI)
    z = min(max(z, low), high)
    return log_p, -z if mirrored else z


@jit
def log_weight(factor, starts, rank, tilt, point, shift, z):
    """log of the weight of one quasi-random point; `z`, scratch of `rank` numbers, receives the normals."""
    total = 0.0
    for j in range(rank):
        low, high = -math.inf, math.inf
        for i in range(starts[j], starts[j + 1]):
            known = 0.0
            for k in range(j):
                known += factor[i, k] * z[k]
            bound = -known / factor[i, j]
            if factor[i, j] > 0:
                low = max(low, bound)
            else:
                high = min(high, bound)
        if low >= high:
            return -math.inf
        share = 0.5
        if j < rank - 1:
            share = (np.float64(point[j] ^ shift[j]) + 0.5) * 2.0**-32
        log_p, w = tail_between(low - tilt[j], high - tilt[j], share)
        z[j] = w + tilt[j]
        total += log_p - tilt[j] * (0.5 * tilt[j] + w)
    return total


@jit
def log_means(factors, starts, ranks, tilts, points, shifts):
    """log of the mean weight of all points under each shift.

    factors : (batch, rows, columns). starts : int64 (batch, columns + 1), rows starts[j] … starts[j+1]−1 bound the normal j.
    ranks : int64 (batch,). tilts : (batch, columns). points : uint32 (n, columns). shifts : uint32 (batch, shifts, columns).
    Returns float64 (batch, shifts).
    """
    out = np.empty(shifts.shape[:2])
    z = np.empty(factors.shape[2])
    for b in range(len(factors)):
        for s in range(shifts.shape[1]):
            most, total = -math.inf, 0.0
            for n in range(len(points)):
                weight = log_weight(factors[b], starts[b], ranks[b], tilts[b], points[n], shifts[b, s], z)
                if weight > most:
                    total = total * math.exp(most - weight) + 1
                    most = weight
                elif weight > -math.inf:
                    total += math.exp(weight - most)
            out[b, s] = most + math.log(total / len(points)) if total > 0 else -math.inf
    return out
