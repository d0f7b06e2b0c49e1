"""Activations inside a Triton kernel: the same approximations as `_activation_kernel`, so that both devices agree."""

# mypy: ignore-errors

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _tanh(x):
    """tanh(x): a rational function of degree 13/6 on ±7.9, where |tanh| is 1 to single precision."""
    x = tl.minimum(tl.maximum(x, -7.90531110763549805), 7.90531110763549805)
    q = x * x
    p = ((-2.76076847742355e-16 * q + 2.00018790482477e-13) * q - 8.60467152213735e-11) * q + 5.12229709037114e-08
    p = ((p * q + 1.48572235717979e-05) * q + 6.37261928875436e-04) * q + 4.89352455891786e-03
    d = ((1.19825839466702e-06 * q + 1.18534705686654e-04) * q + 2.26843463243900e-03) * q + 4.89352518554385e-03
    return x * p / d


@triton.jit
def _erf(x):
    """erf(x): a rational function of degree 13/8 on [−4, 4], where |erf| is 1 to 1.5·10⁻⁸."""
    x = tl.minimum(tl.maximum(x, -4.0), 4.0)
    q = x * x
    p = ((-2.72614225801306e-10 * q + 2.77068142495902e-08) * q - 2.10102402082508e-06) * q - 5.69250639462346e-05
    p = ((p * q - 7.34990630326855e-04) * q - 2.95459980854025e-03) * q - 1.60960333262415e-02
    d = ((-1.45660718464996e-05 * q - 2.13374055278905e-04) * q - 1.68282697438203e-03) * q - 7.37332916720468e-03
    d = d * q - 1.42647390514189e-02
    return x * p / d


@triton.jit
def _sin(x):
    """sin(x): reduced by multiples of π in two steps, then a polynomial of degree 11 on ±π/2."""
    k = tl.floor(x * 0.318309886 + 0.5)
    r = (x - k * 3.140625) - k * 9.67653589793e-4
    q = r * r
    s = ((-2.3889859e-8 * q + 2.7525562e-6) * q - 1.9840874e-4) * q + 8.3333310e-3
    s = (s * q - 1.6666667e-1) * q * r + r
    return s * (1.0 - 2.0 * (k - 2.0 * tl.floor(k * 0.5)))


@triton.jit
def activate(x, ACTIVATION: tl.constexpr):
    """An activation of `slt_bias.maps.network.ACTIVATIONS`; NaN stays NaN, so that it is counted as undefined."""
    if ACTIVATION == "relu":
        return tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL)
    elif ACTIVATION == "tanh":
        return tl.where(x == x, _tanh(x), x)
    elif ACTIVATION == "erf":
        return tl.where(x == x, _erf(x), x)
    elif ACTIVATION == "gelu":
        return 0.5 * x * (1.0 + _erf(x * 0.70710678))
    elif ACTIVATION == "sin":
        return _sin(x)
    elif ACTIVATION == "gaussian":
        return tl.exp(-0.5 * x * x)
    elif ACTIVATION == "step":
        return tl.where(x > 0.0, 1.0, 0.0)
    else:
        return x


@triton.jit
def normalised(tiles, WIDTH: tl.constexpr, TILE: tl.constexpr):
    """Layer norm without gain over the first WIDTH neurons of a tuple of tiles (networks, points, TILE)."""
    total = tl.sum(tiles[0], axis=2)
    for t in tl.static_range(1, len(tiles)):
        total += tl.sum(tiles[t], axis=2)
    mean = (total / WIDTH)[:, :, None]
    centred = ()
    for t in tl.static_range(len(tiles)):
        inside = (t * TILE + tl.arange(0, TILE) < WIDTH)[None, None, :]
        centred = centred + (tl.where(inside, tiles[t] - mean, 0.0),)
    squares = tl.sum(centred[0] * centred[0], axis=2)
    for t in tl.static_range(1, len(tiles)):
        squares += tl.sum(centred[t] * centred[t], axis=2)
    scale = (1.0 / tl.sqrt(squares / WIDTH + 1e-5))[:, :, None]
    result = ()
    for t in tl.static_range(len(tiles)):
        result = result + (centred[t] * scale,)
    return result
