"""Training many instances in threads: by `sampled` on fresh examples or by `exact` on the population loss."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.progress import Progress
from slt_bias.subjects.superposition import exact, sampled
from slt_bias.subjects.superposition.evaluation import evaluate
from slt_bias.subjects.superposition.instances import numbers
from slt_bias.subjects.superposition.job import Job
from slt_bias.subjects.superposition.model import Fitted, Model, Start

PATH_EXAMPLES = 16_384  # of the losses along a path, where they are not exact


@dataclass(frozen=True)
class Plan:
    """What `Model.fit` is asked for."""

    seeds: tuple[int, ...]
    steps: int
    batch: int | None
    learning_rate: float
    decay: Literal["cosine", "constant"]
    record: tuple[int, ...]

    def rates(self) -> np.ndarray:
        """The learning rate of each step."""
        if self.decay == "constant":
            return np.full(self.steps, float(self.learning_rate))
        return self.learning_rate * (1 + np.cos(np.pi * np.arange(self.steps) / max(self.steps, 1))) / 2


def train(model: Model, plan: Plan, start: Start | None, workers: int | None, progress: bool) -> Fitted:
    """Train every instance; arguments are checked by `Model.fit`. Raises InputError where the start does not fit."""
    matrices, offsets = _start(model, plan, start)
    cells, seeds = len(model.laws), len(plan.seeds)
    bounds = sorted({0, *plan.record, plan.steps})
    kept_matrices = np.empty((len(bounds), *matrices.shape))
    kept_offsets = np.empty((len(bounds), *offsets.shape))
    kept_matrices[0], kept_offsets[0] = matrices, offsets
    run = sampled.train if plan.batch is not None else exact.train
    tasks = sampled.tasks(model, plan.seeds) if plan.batch is not None else exact.tasks(model, seeds)
    job = Job(model, plan.seeds, plan.rates(), plan.batch, bounds, kept_matrices, kept_offsets)
    in_threads(partial(run, job), tasks, cells * seeds * plan.steps, "instances × steps", workers, progress)
    shape = (*model.cells, seeds)
    halves = np.split(kept_matrices, 2 if model.kind == "absolute" else 1, axis=2)
    weights = halves[0].reshape(len(bounds), *shape, model.hidden, model.features)
    decoder = halves[1].reshape(weights.shape) if len(halves) > 1 else None
    bias = kept_offsets.reshape(len(bounds), *shape, model.features)
    loss, error = evaluate(model, weights[-1], bias[-1], None if decoder is None else decoder[-1], workers=workers)
    places = [bounds.index(step) for step in plan.record]
    path = [
        evaluate(model, weights[k], bias[k], None if decoder is None else decoder[k], PATH_EXAMPLES, workers=workers)[0]
        for k in places
    ]
    return Fitted(
        model,
        plan.seeds,
        weights[-1],
        bias[-1],
        None if decoder is None else decoder[-1],
        loss,
        error,
        plan.record,
        weights[places],
        bias[places],
        None if decoder is None else decoder[places],
        np.array(path).reshape(len(places), *shape),
    )


def in_threads(
    work: Callable[[np.ndarray, threading.Event, Callable[[int], None]], None],
    tasks: Sequence[np.ndarray],
    total: int,
    label: str,
    workers: int | None = None,
    progress: bool = False,
) -> None:
    """work(task, halted, say) on every task; `halted` is set where Ctrl-C or an error comes up, `say` counts what is done.

    Matrix products stay in the thread that asks for them.
    """
    from threadpoolctl import threadpool_limits

    threads = workers or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    halted, lock, done = threading.Event(), threading.Lock(), 0
    with threadpool_limits(1), Progress(label, total, progress) as bar, ThreadPoolExecutor(min(threads, len(tasks))) as pool:

        def say(count: int) -> None:
            nonlocal done
            with lock:
                done += count
                bar.update(done)

        futures = [pool.submit(work, task, halted, say) for task in tasks]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            halted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start(model: Model, plan: Plan, start: Start | None) -> tuple[np.ndarray, np.ndarray]:
    """W of all instances, with V below it for kind "absolute", (instances, hidden or twice that, features), and b."""
    parts, features = 2 if model.kind == "absolute" else 1, model.features
    shape = (len(model.laws), len(plan.seeds))
    rows = parts * model.hidden
    if start is None:
        matrices = np.empty((*shape, rows, features))
        for k, seed in enumerate(plan.seeds):
            purpose: list[streams.Purpose] = ["subjects", "superposition", "start", model.kind, features, model.hidden]
            matrices[:, k] = streams.normals(seed, purpose, 0, (rows, features)) * math.sqrt(2 / (features + model.hidden))
        return matrices.reshape(-1, rows, features), np.zeros((shape[0] * shape[1], features))
    if len(start) != parts + 1:
        raise InputError(f"start of {len(start)} arrays: give (weights, bias{', decoder' if parts == 2 else ''}).")
    grid = (*model.cells, len(plan.seeds))
    try:
        offsets = np.broadcast_to(numbers(start[1], "start, bias"), (*grid, features))
        halves = [
            np.broadcast_to(numbers(part, "start, weights"), (*grid, model.hidden, features)) for part in (start[0], *start[2:])
        ]
    except ValueError:
        shapes = ", ".join(str(np.shape(part)) for part in start)
        raise InputError(
            f"start of shapes {shapes}: give what broadcasts to {(*grid, model.hidden, features)} and {(*grid, features)}."
        ) from None
    matrices = np.concatenate(halves, axis=-2)
    return matrices.reshape(-1, rows, features).copy(), offsets.reshape(-1, features).copy()
