"""Regular systems: linear and logistic regression on noisy data, λ = d/2 with d parameters (`sb.llc.exact.regular`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from slt_bias import losses, streams
from slt_bias.errors import InputError
from slt_bias.subjects.linear.networks import check_examples, check_noise
from slt_bias.subjects.system import System

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_NEWTON_STEPS = 100


def linear_regression(
    inputs: int, examples: int, noise: float = 1.0, point: Literal["minimum", "truth"] = "minimum", seed: int = 0
) -> System:
    """y = w·x + noise · normal, with standard normal x and w; loss (y − f)²/(2 noise²), in nats; no bias, so d = `inputs`.

    point : "minimum": w* is the least-squares solution, where nβ E[L_n(w) − L_n(w*)] = d/2 at every temperature, exactly.
        "truth": the w that made the data, whose loss lies above the minimum by a χ²_d/2n variable.
    Data: x (examples, inputs) and y (examples, 1), float64. Raises InputError for examples < inputs, and noise ≤ 0.
    """
    if point not in ("minimum", "truth"):
        raise InputError(f"point={point!r}: give 'minimum' or 'truth'.")
    noise = check_noise(noise)
    rows, truth, purpose = _rows("linear_regression", inputs, examples, seed)
    errors = streams.normals(seed, [*purpose, "noise"], 0, (examples, 1)).astype(np.float64)
    targets = rows @ truth[:, None] + noise * errors
    weights = truth if point == "truth" else np.linalg.lstsq(rows, targets, rcond=None)[0][:, 0]
    name = f"linear_regression:inputs={inputs},examples={examples},noise={noise:g},point={point},seed={seed}"
    import torch

    data = torch.from_numpy(rows), torch.from_numpy(targets)
    return System(name, _linear(weights), losses.squared_error(scale=1 / (2 * noise**2)), data)


def logistic_regression(inputs: int, examples: int, seed: int = 0) -> System:
    """P(y = 1 | x) = 1/(1 + exp(−w·x)), standard normal x, w normal of variance 1/inputs; no bias, so d = `inputs`.

    w* is the maximum-likelihood estimate, by Newton's method with step halving. The model gives one logit, the loss is
    `logistic_loss` (nats). Data: x (examples, inputs) and y (examples, 1) of 0.0 and 1.0, float64.
    Raises InputError for examples < inputs, and where a plane separates the classes, so that no minimum exists.
    """
    rows, truth, purpose = _rows("logistic_regression", inputs, examples, seed)
    chances = 1 / (1 + np.exp(-rows @ truth / np.sqrt(inputs)))
    targets = (streams.uniforms(seed, [*purpose, "classes"], 0, (examples,)) < chances).astype(np.float64)
    weights = _newton(rows, targets)
    import torch

    data = torch.from_numpy(rows), torch.from_numpy(targets[:, None])
    return System(f"logistic_regression:inputs={inputs},examples={examples},seed={seed}", _linear(weights), logistic_loss, data)


def logistic_loss(output: Tensor, batch: tuple[Tensor, ...]) -> Tensor:
    """−log P(y | x) of one logit: log(1 + exp f) − y f; output and batch[1] of shape (examples, 1) → (examples,), in nats."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(output, batch[1], reduction="none")[:, 0]


def _rows(kind: str, inputs: int, examples: int, seed: int) -> tuple[np.ndarray, np.ndarray, list[streams.Purpose]]:
    if check_examples(examples) < inputs or inputs < 1:
        raise InputError(f"inputs={inputs}, examples={examples}: give at least 1 input and at least as many examples as inputs.")
    purpose: list[streams.Purpose] = ["subjects", kind, inputs]
    rows = streams.normals(seed, [*purpose, "inputs"], 0, (examples, inputs)).astype(np.float64)
    return rows, streams.normals(seed, [*purpose, "truth"], 0, (inputs,)).astype(np.float64), purpose


def _linear(weights: np.ndarray) -> nn.Module:
    import torch

    model = torch.nn.Linear(len(weights), 1, bias=False, dtype=torch.float64, device="meta")
    model.load_state_dict({"weight": torch.from_numpy(weights.copy())[None, :]}, assign=True)
    return torch.nn.Sequential(model).eval()


def _newton(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """argmin Σ log(1 + exp f) − y f. The loss is convex: a full step where it goes down, else half of it, and so on."""

    def total(weights: np.ndarray) -> float:
        logits = rows @ weights
        return float(np.sum(np.logaddexp(0, logits) - targets * logits))

    weights = np.zeros(rows.shape[1])
    for _ in range(MOST_NEWTON_STEPS):
        chances = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (chances - targets)
        hessian = (rows * (chances * (1 - chances))[:, None]).T @ rows
        step = np.linalg.lstsq(hessian, gradient, rcond=None)[0]
        if gradient @ step < 1e-22 * len(rows):
            return weights
        size = 1.0
        while total(weights - size * step) > total(weights) and size > 1e-8:
            size /= 2
        if size <= 1e-8:  # the loss no longer goes down: rounding
            return weights
        weights = weights - size * step
        if np.all((2 * targets - 1) * (rows @ weights) > 0):
            raise InputError(
                f"logistic regression: a plane separates the classes of these {len(rows)} examples, so the minimum lies at "
                "infinity: give more examples or another seed."
            )
    return weights
