"""Training on the exact population loss, float64, all instances of a task at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from slt_bias.errors import InputError
from slt_bias.subjects.superposition.instances import Gradient
from slt_bias.subjects.superposition.job import Job
from slt_bias.subjects.superposition.laws import IndependentFeatures, Law, OneHot
from slt_bias.subjects.superposition.model import Model
from slt_bias.subjects.superposition.one_hot import fast_gradient
from slt_bias.subjects.superposition.population import MOST_FEATURES, moment_gradient, pattern_gradient

LARGEST_TASK = 1 << 14  # entries of WᵀW of all instances, which stay in the cache together
SEGMENT = 50  # steps between two looks at Ctrl-C


def closed_form(model: Model, law: Law) -> bool:
    """Whether the population loss of a cell has a closed form: the linear model; relu on one-hot or few independent features."""
    if model.kind == "linear":
        return True
    few = isinstance(law, IndependentFeatures) and model.features <= MOST_FEATURES
    return model.kind == "relu" and (few or isinstance(law, OneHot))


def gradient(model: Model, cells: np.ndarray) -> Callable[[np.ndarray, np.ndarray], Gradient]:
    """Weights and bias of k instances → loss (k,) and its gradient; cells : the cell of each."""
    shares = model.shares[cells]
    laws = [model.laws[cell] for cell in cells]
    if model.kind == "linear":
        mean = np.array([law.mean() for law in laws])
        moments = np.array([law.second_moments() for law in laws])
        return lambda weights, bias: moment_gradient(weights, bias, shares, mean, moments)
    if isinstance(laws[0], OneHot):
        return lambda weights, bias: fast_gradient(weights, bias, shares)
    density = np.array([2 * law.mean() for law in laws])
    return lambda weights, bias: pattern_gradient(weights, bias, shares, density)


def by_form(model: Model) -> list[np.ndarray]:
    """The cells with a closed form, those that one call of `gradient` takes together in one array."""
    kinds = np.array([type(law).__name__ if closed_form(model, law) else "" for law in model.laws])
    if model.kind == "linear":
        kinds[:] = "linear"
    return [np.flatnonzero(kinds == kind) for kind in dict.fromkeys(kinds.tolist()) if kind]


def split(instances: np.ndarray, entries: int, least: int = 1) -> list[np.ndarray]:
    """Instances of so many entries each in tasks that fit the cache, at least `least` of them."""
    parts = max(-(-len(instances) * entries // LARGEST_TASK), min(least, len(instances)))
    return np.array_split(instances, parts)


def tasks(model: Model, seeds: int) -> list[np.ndarray]:
    """Instances that are trained together. Raises InputError where a cell has no closed form."""
    for law in model.laws:
        if not closed_form(model, law):
            raise InputError(
                f"batch=None: the population loss of kind {model.kind!r} under {law.spec[:60]} has no closed form here; "
                "give the number of examples of a step, such as batch=1024."
            )
    found = []
    for cells in by_form(model):
        instances = (cells[:, None] * seeds + np.arange(seeds)).ravel()
        found += split(instances, model.features**2, least=2)
    return found


def train(job: Job, task: np.ndarray, halted: threading.Event, say: Callable[[int], None]) -> None:
    """Train the instances of a task together."""
    slope_at = gradient(job.model, task // len(job.seeds))
    parameters = [job.matrices[0, task], job.offsets[0, task]]
    first, second = ([np.zeros_like(part) for part in parameters] for _ in range(2))
    number, said = 1, 0
    for step in range(1, job.bounds[-1] + 1):
        if step % SEGMENT == 0:
            if halted.is_set():
                return
            say((step - said) * len(task))
            said = step
        _, *slopes = slope_at(*parameters)
        scale, unbias = job.rates[step - 1] / (1 - 0.9**step), 1 / (1 - 0.999**step)
        for part, slope, one, two in zip(parameters, slopes, first, second, strict=True):
            one *= 0.9
            one += 0.1 * slope
            two *= 0.999
            two += 0.001 * slope * slope
            part -= scale * one / (np.sqrt(two * unbias) + 1e-8)
        if step == job.bounds[number]:
            job.matrices[number, task], job.offsets[number, task] = parameters
            number += 1
    say((job.bounds[-1] - said) * len(task))
