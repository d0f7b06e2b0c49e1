"""The loss of given weights: exact where there is a closed form, else from many fresh examples."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.subjects.superposition import _training_kernel as kernel
from slt_bias.subjects.superposition import exact, sampled
from slt_bias.subjects.superposition.instances import numbers
from slt_bias.subjects.superposition.model import KINDS, Model


def evaluate(
    model: Model,
    weights: np.ndarray,
    bias: np.ndarray,
    decoder: np.ndarray | None = None,
    examples: int = 65_536,
    seed: int = 0,
    workers: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(loss, standard error), as `Model.loss` describes them."""
    from slt_bias.subjects.superposition.training import in_threads

    matrices, offsets, axes = _instances(model, weights, bias, decoder)
    count = len(offsets) // len(model.laws)
    loss, error = np.zeros(len(offsets)), np.zeros(len(offsets))
    closed = np.array([exact.closed_form(model, law) for law in model.laws])
    tasks = []
    for cells in exact.by_form(model):
        tasks += exact.split((cells[:, None] * count + np.arange(count)).ravel(), model.features**2)
    drawn = (np.flatnonzero(~closed)[:, None] * count + np.arange(count)).ravel()
    tasks += [np.array([instance]) for instance in drawn]

    tasks = [task for task in tasks if len(task)]

    def work(task: np.ndarray, halted: threading.Event, say: Callable[[int], None]) -> None:
        cell = int(task[0]) // count
        if closed[cell]:
            loss[task] = exact.gradient(model, task // count)(matrices[task], offsets[task])[0]
            return
        if halted.is_set():
            return
        mode, density, home = sampled.recipe(model.laws[cell])
        purpose = ["subjects", "superposition", "evaluate", model.kind, model.laws[cell].spec]
        count_all = sampled.with_something_on(model.laws[cell], examples)
        mean, variance = kernel.mean_loss(
            sampled.pack(matrices[task[0]], offsets[task[0]], model.hidden),
            streams.state("uniforms", seed, purpose, 0),
            count_all,
            model.shares[cell].astype(np.float32),
            mode,
            density,
            home,
            KINDS.index(model.kind),
        )
        loss[task], error[task] = mean, np.sqrt(variance / (count_all - 1))

    if tasks:
        in_threads(work, tasks, len(tasks), "losses", workers)
    return loss.reshape(axes), error.reshape(axes)


def _instances(
    model: Model, weights: np.ndarray, bias: np.ndarray, decoder: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """W (with V below it) and b, one leading axis, and the leading axes as they were given. Raises InputError."""
    if (decoder is None) == (model.kind == "absolute"):
        raise InputError(f"decoder: a model of kind {model.kind!r} {'needs one' if decoder is None else 'has none'}.")
    halves = [numbers(half, "weights") for half in (weights, decoder) if half is not None]
    offsets, ends = numbers(bias, "bias"), (model.hidden, model.features)
    axes = offsets.shape[:-1]
    fits = all(half.shape == (*axes, *ends) for half in halves) and offsets.shape[-1:] == ends[1:]
    if not fits or axes[: len(model.cells)] != model.cells:
        raise InputError(
            f"weights of shape {halves[0].shape} and bias of shape {offsets.shape}: give (*cells, …, {ends[0]}, {ends[1]}) and "
            f"(*cells, …, {ends[1]}), here with cells {model.cells}."
        )
    matrices = np.concatenate(halves, axis=-2)
    return matrices.reshape(-1, *matrices.shape[-2:]), offsets.reshape(-1, model.features), axes
