"""What the stochastic-gradient samplers share: minibatches, the recorded loss, divergence, and the choice of the fused kernel.

Each step: a minibatch B of `batch_size` examples, uniformly random without replacement and independent of all others; the loss
and gradient of it at w; then the sampler's move. A draw is `steps_per_draw` steps; its recorded loss is the mean over them of
    L_B(w) − L_B(w*) + L_n(w*),   w before the step's move,
which for a fixed w is unbiased for L_n(w), free of the noise that w and w* share, and costs nothing beside the gradient.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.llc.landscapes.stack import StackLandscape, in_threads
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.samplers import _gradient_descent_kernel as kernel
from slt_bias.llc.samplers._chain_noise_kernel import fill_normals
from slt_bias.llc.samplers.base import states

CALL = 1e9  # multiplications of one compiled call: some tenths of a second, after which Ctrl-C is heard

StepSize = float | Sequence[float] | np.ndarray


@dataclass
class State:
    """The moving parts of k chains. seconds: momenta or mean squared gradients; orders: of the examples, where minibatched."""

    positions: np.ndarray
    seconds: np.ndarray
    thermostats: np.ndarray
    normal_states: np.ndarray
    integer_states: np.ndarray
    orders: np.ndarray


class Moves(Protocol):
    """A stochastic-gradient sampler: its settings, and its move of all chains at once."""

    @property
    def step_size(self) -> StepSize:
        """A number, or one for each chain."""

    @property
    def batch_size(self) -> int | None:
        """Examples of a minibatch; None: all."""

    @property
    def steps_per_draw(self) -> int:
        """Steps from one recorded draw to the next."""

    @property
    def compiled_kind(self) -> tuple[int, tuple[float, float]]:
        """What the fused kernel calls the sampler, and its two numbers."""

    def move(
        self, state: State, posterior: Posterior, gradients: np.ndarray, noise: np.ndarray, step: np.ndarray, beginning: bool,
        adapting: bool,
    ) -> None:  # fmt: skip
        """Change `state` in place by one step; gradients of L_B, noise standard normal, both (k, d); step (k, 1)."""


def check(sampler: Moves) -> None:
    """InputError for settings that no sampler can have."""
    kind = type(sampler).__name__
    steps = np.asarray(sampler.step_size, float)
    if steps.ndim > 1 or not steps.size or not np.all((steps > 0) & np.isfinite(steps)):
        raise InputError(f"{kind}: step_size = {sampler.step_size}: give a number above 0, or one for each chain.")
    for name, value in (("batch_size", sampler.batch_size), ("steps_per_draw", sampler.steps_per_draw)):
        if value is not None and (value != int(value) or value < 1):
            raise InputError(f"{kind}: {name} = {value}: give a whole number, 1 or larger.")


def run(
    sampler: Moves,
    posterior: Posterior,
    start: np.ndarray,
    *,
    draws: int,
    burn_in: int,
    seed: int,
    purposes: Sequence[streams.Purpose],
    keep: bool,
    momenta: bool = False,
    thermostat: float = 0.0,
    fused: bool = True,
) -> Chains:
    """The chains of `Sampler.sample`. momenta: begin with standard normals; fused: use the compiled chains where they serve."""
    chains, landscape = posterior.chains, posterior.landscape
    batch = _batch(sampler, landscape.examples)
    step = np.asarray(sampler.step_size, float)
    if step.ndim and len(step) != chains:
        raise InputError(f"{type(sampler).__name__}: {len(step)} step sizes for {chains} chains: give one each, or one number.")
    step = np.array(np.broadcast_to(step, chains))
    state = State(
        np.array(start, float, order="C"),
        np.zeros(start.shape),
        np.full(chains, float(thermostat)),
        states("normals", seed, purposes),
        states("integers", seed, purposes),
        np.tile(np.arange(landscape.examples if batch else 1, dtype=np.int32), (chains, 1)),  # type: ignore[arg-type]
    )
    if momenta:
        fill_normals(state.normal_states, state.seconds)
    losses = np.empty((chains, draws))
    kept = np.empty((chains, draws if keep else 0, start.shape[1]))
    diverged = np.full(chains, -1)
    way = _fused if fused and isinstance(landscape, StackLandscape) else _plain
    way(sampler, posterior, step, batch, state, draws, burn_in, losses, kept, diverged)
    return Chains(losses, state.positions, np.full(chains, np.nan), step, diverged, kept if keep else None)


def _batch(sampler: Moves, examples: int | None) -> int:
    """Examples of a minibatch; 0 for all."""
    if sampler.batch_size is None or sampler.batch_size == examples:
        return 0
    if examples is None:
        raise InputError(f"{type(sampler).__name__}: a population loss has no minibatches: leave batch_size out.")
    if sampler.batch_size > examples:
        raise InputError(
            f"{type(sampler).__name__}: batch_size = {sampler.batch_size} of {examples} examples: give at most as many."
        )
    return int(sampler.batch_size)


def _baseline(posterior: Posterior, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Example losses at the different centres (u, n), the row of each chain (k,), and their means (u,)."""
    if not batch:
        return np.zeros((1, 1)), np.zeros(posterior.chains, np.int64), np.zeros(1)
    centres, which = np.unique(posterior.centres, axis=0, return_inverse=True)
    base = posterior.landscape.example_losses(centres)
    return base, which.reshape(-1).astype(np.int64), base.mean(1)


def _plain(
    sampler: Moves, posterior: Posterior, step: np.ndarray, batch: int, state: State, draws: int, burn_in: int,
    losses: np.ndarray, kept: np.ndarray, diverged: np.ndarray,
) -> None:  # fmt: skip
    """All chains together, step by step, on any landscape."""
    base, which, base_mean = _baseline(posterior, batch)
    noise = np.empty_like(state.positions)
    for draw in range(burn_in + draws):
        recorded = np.zeros(len(losses))
        for k in range(sampler.steps_per_draw):
            rows = None
            if batch:
                kernel.draw_batches(state.integer_states, state.orders, batch)
                rows = state.orders[:, :batch]
            values, gradients = posterior.landscape.gradients(state.positions, rows)
            if rows is not None:
                values = values + base_mean[which] - base[which[:, None], rows].mean(1)
            recorded += values
            if k == sampler.steps_per_draw - 1 and draw >= burn_in and kept.shape[1]:
                kept[:, draw - burn_in] = state.positions
            fill_normals(state.normal_states, noise)
            with np.errstate(over="ignore", invalid="ignore"):
                sampler.move(state, posterior, gradients, noise, step[:, None], draw == 0 and k == 0, 2 * draw < burn_in)
            lost = (diverged < 0) & ~(np.isfinite(values) & np.isfinite(state.positions).all(1))
            diverged[lost] = max(draw - burn_in, 0)
            state.positions[diverged >= 0] = np.nan
        if draw >= burn_in:
            losses[:, draw - burn_in] = recorded / sampler.steps_per_draw
    for c in np.flatnonzero(diverged >= 0):
        losses[c, diverged[c] :] = np.nan
        kept[c, diverged[c] :] = np.nan


def _fused(
    sampler: Moves, posterior: Posterior, step: np.ndarray, batch: int, state: State, draws: int, burn_in: int,
    losses: np.ndarray, kept: np.ndarray, diverged: np.ndarray,
) -> None:  # fmt: skip
    """Chain after chain in compiled calls of some tenths of a second, blocks of chains in threads."""
    stack = posterior.landscape
    assert isinstance(stack, StackLandscape)
    kind, settings = sampler.compiled_kind
    base, which, base_mean = _baseline(posterior, batch)
    rows, total = batch or stack.examples, burn_in + draws
    cost = (stack.multiplications(rows) + 10 * rows + 50 * stack.dimension) * sampler.steps_per_draw
    stop = threading.Event()
    centres = np.ascontiguousarray(posterior.centres, np.float64)
    inverse_temperature, localization = posterior.inverse_temperature.astype(float), posterior.localization.astype(float)

    def work(a: int, b: int) -> None:
        call = max(1, int(CALL / (cost * (b - a))))
        own = tuple(array[a:b] for array in (state.positions, state.seconds, state.thermostats, state.normal_states,
                                             state.integer_states, state.orders))  # fmt: skip
        targets = centres[a:b], inverse_temperature[a:b], localization[a:b], step[a:b]
        for first in range(0, total, call):
            if stop.is_set():
                return
            kernel.run_chains(kind, settings, stack.table, stack.frozen, stack.data, stack.criterion, stack.tile(rows), batch,
                              targets, (base, which[a:b], base_mean), own, first, min(first + call, total), burn_in,
                              sampler.steps_per_draw, losses[a:b], kept[a:b], diverged[a:b])  # fmt: skip

    in_threads(work, posterior.chains, cost * total, stack.workers, stop)
