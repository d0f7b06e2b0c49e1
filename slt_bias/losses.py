"""Losses that compiled paths recognise: negative log-likelihoods in nats, one value an example.

Any function (output, batch) → one value an example is a loss; these two are objects, so that a compiled path can see what
they are and with which settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slt_bias.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SquaredError:
    """scale · Σⱼ weightsⱼ (yⱼ − fⱼ)², with y = batch[target]. See `squared_error`."""

    target: int = 1
    weights: tuple[float, ...] | None = None
    scale: float = 0.5

    def __call__(self, output: Tensor, batch: tuple[Tensor, ...]) -> Tensor:
        """Shape (examples,), from outputs and targets of one shape (examples, …)."""
        import torch

        wanted = batch[self.target]
        if wanted.shape != output.shape:
            raise InputError(
                f"squared_error: the model's output has shape {tuple(output.shape)}, the target data[{self.target}] "
                f"{tuple(wanted.shape)}: give them the same shape."
            )
        squares = (output - wanted).square().flatten(1) if output.ndim > 1 else (output - wanted).square()[:, None]
        if self.weights is not None:
            if len(self.weights) != squares.shape[1]:
                raise InputError(f"squared_error: {len(self.weights)} weights for {squares.shape[1]} outputs: give one each.")
            squares = squares * torch.as_tensor(self.weights, dtype=squares.dtype, device=squares.device)
        return self.scale * squares.sum(1)


@dataclass(frozen=True)
class CrossEntropy:
    """log Σ exp(f) − f_y, with y = batch[target] the class. See `cross_entropy`."""

    target: int = 1

    def __call__(self, output: Tensor, batch: tuple[Tensor, ...]) -> Tensor:
        """Shape (examples,), from logits (examples, classes) and classes (examples,)."""
        import torch

        wanted = batch[self.target]
        if output.ndim != 2 or wanted.shape != output.shape[:1] or wanted.dtype.is_floating_point:
            raise InputError(
                f"cross_entropy: needs logits (examples, classes) and whole-numbered classes (examples,), not "
                f"{tuple(output.shape)} and {tuple(wanted.shape)} {wanted.dtype}."
            )
        return torch.nn.functional.cross_entropy(output, wanted.long(), reduction="none")


def squared_error(target: int = 1, weights: Sequence[float] | None = None, scale: float = 0.5) -> SquaredError:
    """Gaussian negative log-likelihood, up to its constant: scale · Σⱼ weightsⱼ (yⱼ − fⱼ)².

    target : index of y in the data tuple (0: the input itself, for an autoencoder).
    weights : importances, one an output; None: all 1.
    scale : ½ for noise of variance 1, 1/(2σ²) for variance σ²; 1 for the plain square.
    """
    return SquaredError(target, None if weights is None else tuple(float(w) for w in weights), float(scale))


def cross_entropy(target: int = 1) -> CrossEntropy:
    """Negative log-likelihood of the class y = data[target] (whole numbers) under softmax of the outputs."""
    return CrossEntropy(target)
