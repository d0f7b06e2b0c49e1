"""Training runs with checkpoints, and loss and λ̂ along them (compare Lau et al. 2023, arXiv 2308.12108, figure 1)."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.llc.estimator import estimate_many
from slt_bias.llc.result import LearningCoefficient

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Trained:
    """A training run.

    model : at its end. steps : of the checkpoints, rising. checkpoints : state dictionaries, one a step.
    """

    model: nn.Module
    steps: tuple[int, ...]
    checkpoints: tuple[dict[str, Tensor], ...]


def checkpoint_steps(steps: int, checkpoints: int) -> tuple[int, ...]:
    """0, then steps in nearly equal ratios up to the last, for early training changes fast; exactly `checkpoints` of them.

    Raises InputError for fewer than two checkpoints, or more than steps + 1.
    """
    if not 2 <= checkpoints <= steps + 1:
        raise InputError(f"steps={steps}, checkpoints={checkpoints}: give from 2 to steps + 1 checkpoints.")
    spacing = np.geomspace(1, steps, checkpoints - 1) if checkpoints > 2 else np.array([float(steps)])
    rising = np.maximum.accumulate(np.round(spacing) - np.arange(checkpoints - 1)) + np.arange(checkpoints - 1)
    return (0, *(int(step) for step in rising))


def train(
    model: nn.Module,
    loss: Callable[..., Any],
    data: tuple[Tensor, ...],
    *,
    steps: Sequence[int],
    optimiser: Callable[[Any], torch.optim.Optimizer],
    batch_size: int | None = None,
    seed: int = 0,
) -> Trained:
    """Train a copy of `model` and keep its weights at `steps`, the last of which is the end.

    loss, data : as in `sb.llc.estimate`; the mean over a batch is minimised. optimiser : makes one from the parameters.
    batch_size : examples drawn with replacement for every step; None: all. Equal seeds give equal batches.
    Raises InputError for steps that do not rise from 0 or more.
    """
    wanted = list(steps)
    if not wanted or wanted[0] < 0 or any(later <= earlier for earlier, later in itertools.pairwise(wanted)):
        raise InputError(f"steps={wanted[:8]}: give rising steps from 0 or more, at which weights are kept.")
    own = copy.deepcopy(model).train()
    moves = optimiser(own.parameters())
    kept: list[dict[str, Tensor]] = []
    for step in range(wanted[-1] + 1):
        if step == wanted[len(kept)]:
            kept.append({name: tensor.detach().clone() for name, tensor in own.state_dict().items()})
        if step == wanted[-1]:
            break
        batch = data
        if batch_size is not None:
            rows = streams.integers(seed, "training batch", step, (batch_size,), len(data[0]))
            batch = tuple(tensor[rows.astype(np.int64)] for tensor in data)
        moves.zero_grad()
        loss(own(batch[0]), batch).mean().backward()
        moves.step()
    return Trained(own.eval(), tuple(wanted), tuple(kept))


def trajectory(
    model: nn.Module,
    checkpoints: Sequence[str | Path | Mapping[str, Tensor]],
    loss: Any,
    data: tuple[Tensor, ...] | None,
    steps: Sequence[int] | None = None,
    **settings: Any,
) -> pd.DataFrame:
    """Loss and λ̂ at every checkpoint, all checkpoints × chains at once: a row a checkpoint, see `trajectory_table`.

    steps : of the checkpoints; None: 0, 1, 2, … settings : of `sb.llc.estimate_many`.
    """
    numbers = range(len(checkpoints)) if steps is None else steps
    if len(numbers) != len(checkpoints):
        raise InputError(f"{len(numbers)} steps for {len(checkpoints)} checkpoints: give one each.")
    return trajectory_table(numbers, estimate_many(model, checkpoints, loss, data, **settings))


def trajectory_table(steps: Sequence[int], results: Sequence[LearningCoefficient]) -> pd.DataFrame:
    """step, loss (L_n at the checkpoint, nats an example), value, low, high (λ̂ and its interval, NaN where failed),
    data_spread, rhat, effective_sample_size, status, reasons (joined), seconds."""
    return pd.DataFrame(
        [
            {
                "step": step,
                "loss": result.baseline,
                "value": result.value,
                "low": result.low,
                "high": result.high,
                "data_spread": result.data_spread,
                "rhat": result.rhat,
                "effective_sample_size": result.effective_sample_size,
                "status": result.status,
                "reasons": " ".join(result.reasons),
                "seconds": result.seconds,
            }
            for step, result in zip(steps, results, strict=True)
        ]
    )
