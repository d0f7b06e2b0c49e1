"""λ with its multiplicity, of regular and Morse–Bott systems and of systems made of parts in separate variables."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from slt_bias.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_DENOMINATOR = 10**6  # λ given as a float is the rational number of at most this denominator next to it


class Exact(NamedTuple):
    """A pair (λ, m): K's zeta function ∫ K(w)^z φ(w) dw has its largest pole at −λ, of order m.

    learning_coefficient : λ. multiplicity : m ≥ 1.
    """

    learning_coefficient: float
    multiplicity: int


def whole(name: str, value: Any, least: int) -> int:
    """A whole number of at least `least`. Raises InputError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise InputError(f"{name}={value!r}: give a whole number, at least {least}.")
    return number


def array_of(values: Tensor | np.ndarray) -> tuple[np.ndarray, float]:
    """A torch tensor or an array as float64, and the relative rounding error of the dtype that it came in."""
    if hasattr(values, "detach"):
        tensor = values.detach()
        if tensor.is_complex():
            raise InputError("complex numbers: give real ones.")
        epsilon = 2.0**-52
        if tensor.dtype.is_floating_point:
            import torch

            epsilon = float(torch.finfo(tensor.dtype).eps)
        return tensor.cpu().double().numpy(), epsilon
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise InputError(f"numbers of type {array.dtype}: give real numbers.")
    epsilon = float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else 2.0**-52
    return array.astype(np.float64), max(epsilon, 2.0**-52)


def regular(parameters: int) -> Exact:
    """λ = d/2 and m = 1: d parameters, K with a positive definite Hessian (Watanabe 2009)."""
    return Exact(whole("parameters", parameters, 0) / 2, 1)


def morse_bott(hessian: Tensor | np.ndarray) -> Exact:
    """λ = rank(H)/2 and m = 1, where the zero set of K is a manifold whose tangent space is the kernel of H (Morse–Bott).

    There K = Σ uᵢ² over rank(H) coordinates (Morse–Bott lemma, Bott 1954). Whether the zero set is one, H alone cannot tell:
    where it is not, λ is larger.

    hessian : of K at the point, shape (d, d), array or tensor. Eigenvalues below 4 d · (rounding error of its dtype) · (largest
        one) count as 0. Raises InputError for one that is not symmetric, and for a negative eigenvalue: no minimum.
    """
    matrix, epsilon = array_of(hessian)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"hessian of shape {matrix.shape}: give a square matrix.")
    if not np.isfinite(matrix).all():
        raise InputError("the hessian holds NaN or inf.")
    size = len(matrix)
    scale = float(np.abs(matrix).max(initial=0.0))
    if np.abs(matrix - matrix.T).max(initial=0.0) > 64 * size * epsilon * scale:
        raise InputError("the hessian is not symmetric: give second derivatives, or (H + Hᵀ)/2.")
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    tolerance = 4 * size * epsilon * float(np.abs(values).max(initial=0.0))
    if (values < -tolerance).any():
        raise InputError(f"the hessian has the eigenvalue {values[0]:.3g}: the point is no minimum of K.")
    return Exact(int(np.sum(values > tolerance)) / 2, 1)


def sum_of(*parts: tuple[float, int]) -> Exact:
    """K(u, v, …) = K₁(u) + K₂(v) + …: λ = Σ λᵢ, m = 1 + Σ (mᵢ − 1) (Watanabe 2009; the state densities convolve).

    parts : pairs (λ, m), each in variables of its own. Raises InputError for none, or for one that is no such pair.
    """
    pairs = [_pair(part) for part in _some(parts)]
    return Exact(float(sum(pole for pole, _ in pairs)), 1 + sum(order - 1 for _, order in pairs))


def product_of(*parts: tuple[float, int]) -> Exact:
    """K(u, v, …) = K₁(u) · K₂(v) · …: λ = min λᵢ, m = Σ mᵢ over the parts that attain it: the zeta functions multiply.

    parts : pairs (λ, m) with λ > 0, each in variables of its own. A part whose K is a positive constant has none: leave it out.
    """
    pairs = [_pair(part) for part in _some(parts)]
    if any(pole == 0 for pole, _ in pairs):
        raise InputError("product_of: a part has λ = 0: its K is 0 around the point, and so is the product.")
    least = min(pole for pole, _ in pairs)
    return Exact(float(least), sum(order for pole, order in pairs if pole == least))


def _some(parts: tuple[tuple[float, int], ...]) -> tuple[tuple[float, int], ...]:
    if not parts:
        raise InputError("give at least one part, a pair (λ, m).")
    return parts


def _pair(part: tuple[float, int]) -> tuple[Fraction, int]:
    try:
        pole, order = part
        found = Fraction(pole).limit_denominator(LARGEST_DENOMINATOR), operator.index(order)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{part!r} is no pair (λ, m), such as (0.5, 1).") from None
    if found[0] < 0 or found[1] < 1:
        raise InputError(f"{part!r}: a pair (λ, m) has λ ≥ 0 and a whole m ≥ 1.")
    return found
