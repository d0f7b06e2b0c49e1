"""Compiled activations in single precision: plain loops that LLVM vectorises, accurate to a few units in the last place."""

# mypy: allow-untyped-defs

from __future__ import annotations

import numpy as np
from numba import njit

from slt_bias.maps._layer_kernel import f32, jit


@njit(inline="always")
def _exp(x):
    """eˣ, Cephes expf; x is clamped to ±87."""
    x = min(max(x, f32(-87.0)), f32(87.0))
    k = np.floor(x * f32(1.44269504) + f32(0.5))
    r = x - k * f32(0.693359375)
    r = r + k * f32(2.12194440e-4)
    p = f32(1.9875691500e-4)
    p = p * r + f32(1.3981999507e-3)
    p = p * r + f32(8.3334519073e-3)
    p = p * r + f32(4.1665795894e-2)
    p = p * r + f32(1.6666665459e-1)
    p = p * r + f32(5.0000001201e-1)
    p = p * r * r + r + f32(1.0)
    return p * f32(np.int32(np.int32(np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32))


@njit(inline="always")
def _erf(x):
    """erf(x): a rational function of degree 13/8 on [−4, 4], where |erf| is 1 to 1.5·10⁻⁸."""
    x = min(max(x, f32(-4.0)), f32(4.0))
    q = x * x
    p = f32(-2.72614225801306e-10)
    p = p * q + f32(2.77068142495902e-08)
    p = p * q + f32(-2.10102402082508e-06)
    p = p * q + f32(-5.69250639462346e-05)
    p = p * q + f32(-7.34990630326855e-04)
    p = p * q + f32(-2.95459980854025e-03)
    p = p * q + f32(-1.60960333262415e-02)
    d = f32(-1.45660718464996e-05)
    d = d * q + f32(-2.13374055278905e-04)
    d = d * q + f32(-1.68282697438203e-03)
    d = d * q + f32(-7.37332916720468e-03)
    d = d * q + f32(-1.42647390514189e-02)
    return x * p / d


@njit(inline="always")
def _tanh(x):
    """tanh(x): a rational function of degree 13/6 on ±7.9, where |tanh| is 1 to single precision."""
    x = min(max(x, f32(-7.90531110763549805)), f32(7.90531110763549805))
    q = x * x
    p = f32(-2.76076847742355e-16)
    p = p * q + f32(2.00018790482477e-13)
    p = p * q + f32(-8.60467152213735e-11)
    p = p * q + f32(5.12229709037114e-08)
    p = p * q + f32(1.48572235717979e-05)
    p = p * q + f32(6.37261928875436e-04)
    p = p * q + f32(4.89352455891786e-03)
    d = f32(1.19825839466702e-06)
    d = d * q + f32(1.18534705686654e-04)
    d = d * q + f32(2.26843463243900e-03)
    d = d * q + f32(4.89352518554385e-03)
    return x * p / d


@njit(inline="always")
def _sin(x):
    """sin(x): reduced by multiples of π in two steps, then Taylor-minimax of degree 11 on ±π/2."""
    k = np.floor(x * f32(0.318309886) + f32(0.5))
    r = x - k * f32(3.140625)
    r = r - k * f32(9.67653589793e-4)
    q = r * r
    s = f32(-2.3889859e-8)
    s = s * q + f32(2.7525562e-6)
    s = s * q + f32(-1.9840874e-4)
    s = s * q + f32(8.3333310e-3)
    s = s * q + f32(-1.6666667e-1)
    s = s * q * r + r
    odd = k - f32(2.0) * np.floor(k * f32(0.5))
    return s * (f32(1.0) - f32(2.0) * odd)


RELU, TANH, ERF, GELU, SIN, GAUSSIAN, STEP, LINEAR = range(8)
CODES = {"relu": RELU, "tanh": TANH, "erf": ERF, "gelu": GELU, "sin": SIN, "gaussian": GAUSSIAN, "step": STEP, "linear": LINEAR}


@jit
def activate(h, activation):
    """Apply an activation in place to a flat float32 array."""
    if activation == RELU:
        for i in range(len(h)):
            h[i] = max(h[i], f32(0.0))
    elif activation == TANH:
        for i in range(len(h)):
            h[i] = _tanh(h[i])
    elif activation == ERF:
        for i in range(len(h)):
            h[i] = _erf(h[i])
    elif activation == GELU:
        for i in range(len(h)):
            h[i] = f32(0.5) * h[i] * (f32(1.0) + _erf(h[i] * f32(0.70710678)))
    elif activation == SIN:
        for i in range(len(h)):
            h[i] = _sin(h[i])
    elif activation == GAUSSIAN:
        for i in range(len(h)):
            h[i] = _exp(f32(-0.5) * h[i] * h[i])
    elif activation == STEP:
        for i in range(len(h)):
            h[i] = f32(1.0) if h[i] > f32(0.0) else f32(0.0)


@jit
def to_uniform(z):
    """Standard normals to uniforms of mean 0 and variance 1, in place: √3·erf(z/√2)."""
    for i in range(len(z)):
        z[i] = f32(1.7320508) * _erf(z[i] * f32(0.70710678))


@jit
def normalise(h, mean, variance, neurons, stride):
    """Layer norm without gain: each point's pre-activations to mean 0 and variance 1 over the neurons, in place."""
    mean[:stride] = f32(0.0)
    variance[:stride] = f32(0.0)
    for j in range(neurons):
        row = h[j * stride : (j + 1) * stride]
        for p in range(stride):
            mean[p] += row[p]
    for p in range(stride):
        mean[p] = mean[p] / f32(neurons)
    for j in range(neurons):
        row = h[j * stride : (j + 1) * stride]
        for p in range(stride):
            row[p] -= mean[p]
            variance[p] += row[p] * row[p]
    for p in range(stride):
        variance[p] = f32(1.0) / np.sqrt(variance[p] / f32(neurons) + f32(1e-5))
    for j in range(neurons):
        row = h[j * stride : (j + 1) * stride]
        for p in range(stride):
            row[p] *= variance[p]
