"""The Fourier (Walsh) spectrum of a function: how spread it is, and the largest set of inputs in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import entr

from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import inputs_of, is_hypercube
from slt_bias.functions import Functions

BLOCK = 2**20  # coefficients transformed at a time: they stay in the second-level cache


class Spectrum(NamedTuple):
    """Spectral entropy in bits and degree: floats for one function, float64 (count,) for several."""

    entropy: float | np.ndarray
    degree: float | np.ndarray


def fourier(functions: str | Sequence[str] | np.ndarray | Functions) -> Spectrum:
    """Both numbers, `.entropy` and `.degree`. Raises InputError off a hypercube."""
    return Spectrum(fourier_entropy(functions), fourier_degree(functions))


@estimator("entropy of the squared Fourier coefficients, a distribution over sets of inputs", "bits", reaches=is_hypercube)
def fourier_entropy(functions: Functions) -> np.ndarray:
    """Spectral entropy of each function, float64 (count,), in bits; hypercubes only, else InputError.

    H(f) = Σ_S f̂(S)² log₂ 1/f̂(S)², with f as −1, 1 so that Σ_S f̂(S)² = 1 (Parseval); Friedgut & Kalai 1996
    conjecture that it is at most a constant times the total influence. 0 for constants, projections and parities, at
    most n. It does not bound K.
    """
    out = np.empty(len(functions))
    for start, spectrum in _spectra(functions, "fourier_entropy"):
        share = (spectrum / functions.points) ** 2
        out[start : start + len(spectrum)] = entr(share).sum(axis=1) / np.log(2)
    return np.abs(out)  # no negative zeros


@estimator("degree of the function as a real polynomial of its inputs", "inputs", reaches=is_hypercube)
def fourier_degree(functions: Functions) -> np.ndarray:
    """Fourier degree of each function, float64 (count,), 0 … n; hypercubes only, else InputError.

    The largest |S| with f̂(S) ≠ 0: the degree of the one real polynomial, linear in each input, that equals f (Nisan &
    Szegedy 1994). 0 for a constant, n for parity and for all but a vanishing share of functions.
    """
    inputs_of(functions, "fourier_degree")
    sizes = np.bitwise_count(np.arange(functions.points)).astype(np.int64)
    out = np.empty(len(functions))
    for start, spectrum in _spectra(functions, "fourier_degree"):
        out[start : start + len(spectrum)] = np.where(spectrum != 0, sizes, 0).max(axis=1)
    return out


def _spectra(functions: Functions, estimator: str) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, int32 (rows, 2ⁿ)) block by block: 2ⁿ·f̂(S), exact; bit j of the index S is the j-th input from the last."""
    inputs = inputs_of(functions, estimator)
    rows = max(1, BLOCK // functions.points)
    for start in range(0, len(functions), rows):
        signs = 1 - 2 * functions[start : start + rows].values().astype(np.int32)
        yield start, _transform(signs, inputs)


def _transform(signs: np.ndarray, inputs: int) -> np.ndarray:
    """The fast Walsh–Hadamard transform along axis 1."""
    for bit in range(inputs):
        pairs = signs.reshape(len(signs), -1, 2, 1 << bit)
        low, high = pairs[:, :, 0], pairs[:, :, 1]
        signs = np.stack([low + high, low - high], axis=2).reshape(len(signs), -1)
    return signs
