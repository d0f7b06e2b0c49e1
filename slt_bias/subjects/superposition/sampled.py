"""Training on fresh examples, one instance at a time in a compiled kernel, float32: gradient by hand, draws without a copy.

At densities up to SPARSE only the features that are on are drawn, and examples without any are counted, not computed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.subjects.superposition import _training_kernel as kernel
from slt_bias.subjects.superposition.job import Job
from slt_bias.subjects.superposition.laws import (
    AnticorrelatedSets,
    Binary,
    CorrelatedSets,
    IndependentFeatures,
    Law,
    OneHot,
    set_of_each,
)
from slt_bias.subjects.superposition.model import KINDS, Model

SPARSE = 0.06  # mean density up to which only active features are drawn: faster from about here downwards
SEGMENT = 2e7  # entries (examples × features × hidden) a call of the kernel: some hundredths of a second

Recipe = tuple[int, np.ndarray, np.ndarray]  # how to draw, densities, the set of each feature


def recipe(law: Law) -> Recipe:
    """What the kernel needs of a law. Raises InputError for a law of the caller's own."""
    nowhere = np.zeros(law.features, np.int64)
    if isinstance(law, IndependentFeatures | Binary):
        density = np.ascontiguousarray(np.broadcast_to(np.asarray(law.density, np.float64), law.features))
        few = density.mean() <= SPARSE
        if isinstance(law, Binary):
            return kernel.SPARSE_BINARY if few else kernel.BINARY, density, nowhere
        return kernel.SPARSE if few else kernel.INDEPENDENT, density, nowhere
    if isinstance(law, OneHot):
        return kernel.ONE_OF, np.ones(1), nowhere
    if isinstance(law, CorrelatedSets | AnticorrelatedSets):
        density = np.ascontiguousarray(np.broadcast_to(np.asarray(law.density, np.float64), len(law.sets)))
        mode = kernel.TOGETHER if isinstance(law, CorrelatedSets) else kernel.ONE_OF
        return mode, density, set_of_each(law.sets)
    raise InputError(f"law {law.spec}: the trainer draws from the laws of sb.subjects.superposition alone.")


def with_something_on(law: Law, examples: int) -> int:
    """How many examples hold, on average, so many in which a feature is on: where few are drawn, the others cost nothing."""
    mode, density, _ = recipe(law)
    if mode not in (kernel.SPARSE, kernel.SPARSE_BINARY):
        return examples
    return int(np.ceil(examples / -np.expm1(np.log1p(-density).sum())))


def tasks(model: Model, seeds: Sequence[int]) -> list[np.ndarray]:
    """One task an instance, the dense ones, which take longest, first."""
    density = np.array([law.mean().mean() for law in model.laws])
    order = np.argsort(-density, kind="stable")
    return [np.array([cell * len(seeds) + k]) for cell in order for k in range(len(seeds))]


def key(model: Model, cell: int) -> streams.Purpose:
    """What the examples of a cell's instances depend on, beside the seed."""
    purpose: list[streams.Purpose] = ["subjects", "superposition", "train", model.kind, model.features, model.hidden]
    return [*purpose, model.laws[cell].spec, model.shares[cell].tobytes().hex()]


def train(job: Job, task: np.ndarray, halted: threading.Event, say: Callable[[int], None]) -> None:
    """Train the instance task[0]."""
    model, batch = job.model, job.batch
    instance = int(task[0])
    cell, place = divmod(instance, len(job.seeds))
    assert batch is not None
    parameters = pack(job.matrices[0, instance], job.offsets[0, instance], model.hidden)
    first, second = np.zeros_like(parameters), np.zeros_like(parameters)
    state = streams.state("uniforms", job.seeds[place], key(model, cell), 0)
    mode, density, home = recipe(model.laws[cell])
    importances = model.shares[cell].astype(np.float32)
    segment = max(1, int(SEGMENT / (batch * model.features * (model.hidden + 8))))
    at = 0
    for number, bound in enumerate(job.bounds):
        while at < bound:
            if halted.is_set():
                return
            more = min(segment, bound - at)
            kernel.train(
                parameters, first, second, state, at, job.rates[at : at + more], batch, importances, mode, density, home,
                KINDS.index(model.kind),
            )  # fmt: skip
            at += more
            say(more)
        if number:
            job.matrices[number, instance], job.offsets[number, instance] = unpack(parameters, model)


def pack(matrix: np.ndarray, offset: np.ndarray, hidden: int) -> np.ndarray:
    """The kernel's vector: encoder and decoder each (features, hidden), then the bias; float32."""
    parts = [half.T.ravel() for half in np.split(matrix, len(matrix) // hidden)]
    return np.concatenate([*parts, offset]).astype(np.float32)


def unpack(parameters: np.ndarray, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `pack`."""
    offset = parameters[-model.features :]
    halves = parameters[: -model.features].reshape(-1, model.features, model.hidden)
    return np.concatenate([half.T for half in halves]), offset
