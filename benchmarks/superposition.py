"""Training steps of toy models of superposition, as ratios in one run: the compiled step against the published notebook's way.

The notebook's way (Elhage et al. 2022): all instances in one einsum, two uniform draws and a where for the inputs, AdamW
through automatic differentiation. Both use one thread, float32, the same instances and the same batch. The last column is the
share of the time that the five matrix products alone would take.

Run: .venv/bin/python benchmarks/superposition.py [--quick]
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
from collections.abc import Callable

import numba
import numpy as np
import torch

from slt_bias import streams
from slt_bias.subjects import superposition
from slt_bias.subjects.superposition import _training_kernel as kernel
from slt_bias.subjects.superposition import sampled
from slt_bias.subjects.superposition.model import KINDS

torch.set_num_threads(1)
BATCH = 1024
CASES = (  # instances, features, hidden, density
    (30, 400, 30, 0.25),
    (30, 400, 30, 0.05),
    (30, 400, 30, 0.01),
    (10, 5, 2, 0.25),
    (10, 5, 2, 0.05),
    (10, 20, 5, 0.1),
)


class Notebook(torch.nn.Module):
    """The published model: weights (instances, features, hidden)."""

    def __init__(self, instances: int, features: int, hidden: int, density: float) -> None:
        super().__init__()
        self.W = torch.nn.Parameter(torch.empty(instances, features, hidden))
        torch.nn.init.xavier_normal_(self.W)
        self.b = torch.nn.Parameter(torch.zeros(instances, features))
        self.density = torch.full((instances, 1), density)
        self.importance = torch.ones(1, features)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(batch, instances, features) → the same shape."""
        hidden = torch.einsum("...if,ifh->...ih", inputs, self.W)
        return torch.relu(torch.einsum("...ih,ifh->...if", hidden, self.W) + self.b)

    def draw(self) -> torch.Tensor:
        """Two uniform draws and a where."""
        shape = (BATCH, *self.b.shape)
        return torch.where(torch.rand(shape) <= self.density, torch.rand(shape), torch.zeros(()))


def notebook(instances: int, features: int, hidden: int, density: float) -> Callable[[], int]:
    """A step of all instances; returns how many steps were made."""
    model = Notebook(instances, features, hidden, density)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def step() -> int:
        optimiser.zero_grad(set_to_none=True)
        inputs = model.draw()
        error = model.importance * (inputs.abs() - model(inputs)) ** 2
        error.mean(dim=(0, 2)).sum().backward()
        optimiser.step()
        return 1

    return step


def compiled(instances: int, features: int, hidden: int, density: float) -> Callable[[], int]:
    """The same by the kernel behind `Model.fit`."""
    model = superposition.Model(features, hidden, density=density)
    recipe = sampled.recipe(model.laws[0])
    vectors = [sampled.pack(matrix, np.zeros(features), hidden) for matrix in model.fit(instances, steps=0).weights]
    moments = [(np.zeros_like(vector), np.zeros_like(vector)) for vector in vectors]
    states = [streams.state("uniforms", k, "benchmark", 0) for k in range(instances)]
    rates, shares = np.full(4, 1e-3), np.ones(features, np.float32)

    def steps() -> int:
        for vector, (first, second), state in zip(vectors, moments, states, strict=True):
            kernel.train(vector, first, second, state, 0, rates, BATCH, shares, *recipe, KINDS.index("relu"))
        return len(rates)

    return steps


def products(instances: int, features: int, hidden: int) -> Callable[[], int]:
    """The five matrix products of a step alone, on chunks that fit the cache."""
    chunk = kernel.chunk_size(features, BATCH)
    x = np.random.default_rng(0).random((features, chunk), dtype=np.float32)
    weights = np.random.default_rng(1).random((features, hidden), dtype=np.float32)

    @numba.njit
    def work(x, weights, h, e, total, repeats):
        for _ in range(repeats):
            np.dot(x.T, weights, h)
            np.dot(weights, h.T, e)
            np.dot(e.T, weights, h)
            np.dot(e, h, total)
            np.dot(x, h, total)

    h, e, total = np.empty((chunk, hidden), np.float32), np.empty_like(x), np.empty_like(weights)

    def step() -> int:
        work(x, weights, h, e, total, instances * BATCH // chunk)
        return 1

    return step


def milliseconds(work: Callable[[], int], seconds: float) -> float:
    """Of one step, the best of several: other programs only ever slow a run down."""
    work()
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        steps = work()
        best = min(best, (time.perf_counter() - start) / steps)
    return 1e3 * best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a second a number")
    seconds = 1.0 if parser.parse_args().quick else 5.0
    print(f"a step of all instances, batch {BATCH}, one thread")
    head = f"{'instances':>9s} {'n':>4s} {'m':>3s} {'density':>8s} {'notebook':>11s} {'ours':>10s}"
    print(f"{head} {'ratio':>7s} {'products alone':>15s}")
    for case in CASES:
        theirs, ours = milliseconds(notebook(*case), seconds), milliseconds(compiled(*case), seconds)
        share = milliseconds(products(*case[:3]), seconds / 2) / ours
        print(
            f"{case[0]:9d} {case[1]:4d} {case[2]:3d} {case[3]:8.2f} {theirs:8.2f} ms {ours:7.3f} ms {theirs / ours:6.1f}x "
            f"{share:15.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
