"""The compiled score of `slt_bias.prior.events`: see there for the definition."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np

from slt_bias._compiled import compiled

f32 = np.float32
jit = compiled()
# sums in any order: as many at a time as the machine's registers hold
summing = compiled(error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"})

WRONG_ZERO = 0.05  # what an output of exactly 0 costs where it should be positive, in units of the mean |output|
LEAST = 1e-30  # mean |output| below which all outputs count as 0; a score that is not 0 is at least this


@summing
def _sums(outputs, signs):
    """(Σ |z|, Σ max(0, −y z), how many zeros should be positive)."""
    size, violation, zeros = f32(0.0), f32(0.0), np.int32(0)
    for p in range(len(outputs)):
        z = outputs[p]
        size += abs(z)
        violation += max(f32(0.0), -signs[p] * z)
        zeros += np.int32(z == f32(0.0)) & np.int32(signs[p] > f32(0.0))
    return size, violation, zeros


@jit
def _without_largest(outputs, signs, scale, radius, largest):
    """The sum of the violations but for the `radius` largest; 0 where no more than these are wrong."""
    wrong, total = 0, 0.0
    largest[:radius] = 0.0
    for p in range(len(outputs)):
        z, sign = outputs[p], signs[p]
        if sign == 0.0 or (z > 0.0 if sign > 0.0 else z <= 0.0):
            continue
        violation = abs(np.float64(z)) * scale
        if violation == 0.0:
            violation = WRONG_ZERO if scale > 0.0 else 1.0
        wrong += 1
        total += violation
        if violation > largest[radius - 1]:
            k = radius - 1
            while k > 0 and violation > largest[k - 1]:
                largest[k] = largest[k - 1]
                k -= 1
            largest[k] = violation
    if wrong <= radius:
        return 0.0
    return max(total - largest[:radius].sum(), LEAST)


@jit
def score(outputs, signs, radii, largest):
    """The score of one row of outputs (points,), float32; +inf where one is not finite.

    signs : float32 (events, points), +1 where the output must be > 0, −1 where it must be ≤ 0, 0 where it may be anything.
    radii : int64 (events,), how many of these may be wrong. largest : scratch of at least max(radii) numbers.
    """
    points, events = len(outputs), len(radii)
    for event in range(events):
        radius = radii[event]
        size, violation, zeros = _sums(outputs, signs[event])
        if not size <= f32(3.4e38):
            return np.inf
        mean = np.float64(size) / points
        scale = 1.0 / mean if mean > LEAST else 0.0
        if radius > 0:
            left = _without_largest(outputs, signs[event], scale, radius, largest)
        elif scale > 0.0:
            left = np.float64(violation) * scale + WRONG_ZERO * zeros
        else:
            left = np.float64(zeros) + (LEAST if violation > f32(0.0) else 0.0)
        if left > 0.0:
            return (events - 1 - event) * 2.0 * points + left
    return 0.0


@jit
def scores(outputs, signs, radii, out):
    """`score` of every row of outputs (count, points) into out (count,)."""
    largest = np.zeros(max(1, radii.max()))
    for r in range(len(outputs)):
        out[r] = score(outputs[r], signs, radii, largest)
