"""Deep linear networks as systems: f(x) = W_L … W_1 x and the loss ½‖y − f(x)‖² or its population value ½‖W_L … W_1 − A‖².

The truth is A = diag(1, …, 1, 0, …, 0) with `rank` ones. Their λ: `sb.llc.exact.deep_linear` at the worst point of the fibre
(point="aligned"), `sb.llc.exact.deep_linear_at` at a smooth one (point="generic").
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from slt_bias import losses, streams
from slt_bias.errors import InputError
from slt_bias.subjects.linear import points
from slt_bias.subjects.system import System

if TYPE_CHECKING:
    import torch

Point = Literal["aligned", "generic"]


def deep_linear(
    widths: Sequence[int],
    rank: int,
    point: Point = "aligned",
    examples: int | None = None,
    noise: float = 1.0,
    seed: int = 0,
    dtype: torch.dtype | None = None,
    at_minimum: bool = False,
) -> System:
    """A deep linear network without biases at a known w*.

    widths : inputs, hidden layers, outputs. rank : that of the truth A, the first `rank` ones of a diagonal.
    point : "aligned": every layer has rank `rank` and their kernels agree, the most singular point of the fibre.
        "generic": the first layer of rank `rank`, the others of full rank, a smooth point of the fibre.
    examples : None: the population loss, written as noiseless data: with n₀ inputs the n₀ rows of X = √n₀·I and Y = X Aᵀ, so that
        the mean of ½‖y − f‖² is exactly ½‖W_L … W_1 − A‖²_F. These rows are no sample: give the inverse temperature yourself.
        n: x standard normal, y = A x + noise · normal, and the loss is ‖y − f‖²/(2 noise²), in nats.
    seed : of x and the noise; fewer examples are the first rows of more.
    dtype : torch.float64 by default.
    at_minimum : with examples, w* is the empirical minimiser instead of `point`: reduced-rank regression (Izenman 1975) of rank
        min(widths), factorised so that the layers are balanced.
    Raises InputError for widths, rank, noise or examples that do not fit; at_minimum needs at least as many examples as inputs.
    """
    sizes = points.check_widths(widths, rank)
    if point not in ("aligned", "generic"):
        raise InputError(f"point={point!r}: give 'aligned' or 'generic'.")
    name = f"deep_linear:widths={'x'.join(map(str, sizes))},rank={rank}"
    if examples is None:
        if at_minimum:
            raise InputError("at_minimum=True needs examples=n: the population loss has its minimum at `point`.")
        inputs = np.sqrt(sizes[0]) * np.eye(sizes[0])
        targets = inputs @ points.truncated_identity(sizes[-1], sizes[0], rank).T
        loss = losses.squared_error()
    else:
        inputs, targets = _sample(sizes, rank, check_examples(examples), check_noise(noise), seed)
        loss = losses.squared_error(scale=1 / (2 * noise**2))
        name += f",examples={examples},noise={noise:g},seed={seed}"
    if at_minimum:
        weights = points.balanced(points.reduced_rank_minimiser(inputs, targets, min(sizes)), sizes)
        return _system(f"{name},point=minimum", weights, loss, inputs, targets, dtype)
    weights = points.aligned(sizes, rank) if point == "aligned" else points.generic(sizes, rank)
    return _system(f"{name},point={point}", weights, loss, inputs, targets, dtype)


def reduced_rank(
    inputs: int,
    hidden: int,
    outputs: int,
    rank: int,
    point: Point = "aligned",
    examples: int | None = None,
    noise: float = 1.0,
    seed: int = 0,
    dtype: torch.dtype | None = None,
    at_minimum: bool = False,
) -> System:
    """Reduced-rank regression, f(x) = B A x with `hidden` units between: `deep_linear` of widths (inputs, hidden, outputs)."""
    return deep_linear((inputs, hidden, outputs), rank, point, examples, noise, seed, dtype, at_minimum)


def check_examples(examples: int) -> int:
    """A whole number of examples, at least 1. Raises InputError."""
    try:
        number = operator.index(examples)
    except TypeError:
        number = 0
    if number < 1:
        raise InputError(f"examples={examples!r}: give a whole number, at least 1.")
    return number


def check_noise(noise: float) -> float:
    """A standard deviation above 0. Raises InputError."""
    if not 0 < noise < float("inf"):
        raise InputError(f"noise={noise!r}: give a standard deviation above 0.")
    return float(noise)


def _sample(sizes: tuple[int, ...], rank: int, examples: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    purpose: list[streams.Purpose] = ["subjects", "deep_linear", sizes, rank]
    inputs = streams.normals(seed, [*purpose, "inputs"], 0, (examples, sizes[0])).astype(np.float64)
    errors = streams.normals(seed, [*purpose, "noise"], 0, (examples, sizes[-1])).astype(np.float64)
    return inputs, inputs @ points.truncated_identity(sizes[-1], sizes[0], rank).T + noise * errors


def _system(
    name: str,
    weights: Sequence[np.ndarray],
    loss: losses.SquaredError,
    inputs: np.ndarray,
    targets: np.ndarray,
    dtype: torch.dtype | None,
) -> System:
    import torch

    dtype = torch.float64 if dtype is None else dtype
    if not dtype.is_floating_point:
        raise InputError(f"dtype={dtype}: give a floating-point dtype such as torch.float64.")
    # on the meta device no initial values are drawn: torch's own generator is left alone
    shapes = [(matrix.shape[1], matrix.shape[0]) for matrix in weights]
    model = torch.nn.Sequential(*(torch.nn.Linear(*shape, bias=False, dtype=dtype, device="meta") for shape in shapes))
    values = {f"{i}.weight": torch.from_numpy(np.ascontiguousarray(matrix)).to(dtype) for i, matrix in enumerate(weights)}
    model.load_state_dict(values, assign=True)
    data = torch.from_numpy(inputs).to(dtype), torch.from_numpy(np.ascontiguousarray(targets)).to(dtype)
    return System(name, model.eval(), loss, data)
