"""Draws a second of each family on {0,1}^7, one thread, against the one-at-a-time way, as ratios in one run.

The other way is a new torch model, evaluated on all points and packed (goal 5), and for discrete maps a Python loop over
points (goal 20).  Run: .venv/bin/python benchmarks/families.py [--quick] [FAMILY …]
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import itertools
import random
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from slt_bias import maps

torch.set_num_threads(1)
INPUTS = 7
POINTS = list(itertools.product((0, 1), repeat=INPUTS))
TENSOR = torch.tensor(POINTS, dtype=torch.float32)
nn = torch.nn


def best_rates(works: Sequence[Callable[[], int]], seconds: float) -> list[float]:
    """Items a second of each, the best of several short runs taken in turn: other programs only ever slow a run down."""
    best = [0.0] * len(works)
    for work in works:
        work()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for k, work in enumerate(works):
            start = time.perf_counter()
            best[k] = max(best[k], work() / (time.perf_counter() - start))
    return best


class Reader(nn.Module):
    """A cell of torch's own and a readout of its last state."""

    def __init__(self, cell: type) -> None:
        super().__init__()
        self.cell, self.readout = cell(1, 16, batch_first=True), nn.Linear(16, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(points, 7) → (points, 1)."""
        return self.readout(self.cell(x[:, :, None])[0][:, -1])


def convolutional() -> nn.Module:
    """Two convolutions of 16 channels and width 3, flattened."""
    first, second = nn.Conv1d(1, 16, 3, padding="same"), nn.Conv1d(16, 16, 3, padding="same")
    return nn.Sequential(nn.Unflatten(1, (1, 7)), first, nn.ReLU(), second, nn.ReLU(), nn.Flatten(), nn.Linear(112, 1))


class Cosines(nn.Module):
    """Random Fourier features."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.readout = nn.Linear(7, 64), nn.Linear(64, 1, bias=False)
        nn.init.normal_(self.first.weight)
        nn.init.uniform_(self.first.bias, -np.pi, np.pi)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(points, 7) → (points, 1)."""
        return self.readout(torch.cos(self.first(x)))


def frozen() -> nn.Module:
    """A frozen hidden layer (drawn each time here too: a model is built) and a readout."""
    return nn.Sequential(nn.Linear(7, 64), nn.ReLU(), nn.Linear(64, 1))


def tree() -> list[int]:
    """A decision tree of depth 4, walked for each point."""
    tests, leaves = [random.randrange(INPUTS) for _ in range(15)], [random.randrange(2) for _ in range(16)]
    table = []
    for point in POINTS:
        node = 0
        while node < 15:
            node = 2 * node + 1 + point[tests[node]]
        table.append(leaves[node - 15])
    return table


def circuit() -> list[int]:
    """A circuit of 16 gates, evaluated for each point."""
    gates = [(random.randrange(3), random.randrange(INPUTS + k), random.randrange(INPUTS + k)) for k in range(16)]
    table = []
    for point in POINTS:
        values = list(point)
        for operation, a, b in gates:
            values.append((values[a] & values[b], values[a] | values[b], 1 - values[a])[operation])
        table.append(values[-1])
    return table


def transducer() -> list[int]:
    """A transducer of 5 states, run for each point."""
    follow = [[random.randrange(5) for _ in range(2)] for _ in range(5)]
    emit = [[random.randrange(2) for _ in range(2)] for _ in range(5)]
    table = []
    for point in POINTS:
        state = bit = 0
        for x in point:
            bit, state = emit[state][x], follow[state][x]
        table.append(bit)
    return table


def layered() -> list[int]:
    """A layered machine of depth 4: three random maps of the states, and a random table."""
    layers = [[random.randrange(128) for _ in range(128)] for _ in range(3)]
    last = [random.randrange(2) for _ in range(128)]
    table = []
    for state in range(128):
        for layer in layers:
            state = layer[state]
        table.append(last[state])
    return table


def built(model: Callable[[], nn.Module]) -> Callable[[], list[int]]:
    """The table of a new torch model."""

    def table() -> list[int]:
        with torch.no_grad():
            return np.packbits((model()(TENSOR)[:, 0] > 0).numpy()).tolist()

    return table


ONE_AT_A_TIME = {
    "cnn": (built(convolutional), 5), "rnn": (built(lambda: Reader(nn.RNN)), 5), "lstm": (built(lambda: Reader(nn.LSTM)), 5),
    "fourier": (built(Cosines), 5), "random-features": (built(frozen), 5), "scrambled": (built(frozen), 5), "tree": (tree, 20),
    "circuit": (circuit, 20), "transducer": (transducer, 20), "layered": (layered, 20),
}  # fmt: skip


def ours(family: str) -> Callable[[], int]:
    """The package's own drawing and evaluating, one thread."""
    chosen = maps.parse("scrambled:map=[mlp:hidden=64]" if family == "scrambled" else family)
    numbers = itertools.count()

    def work() -> int:
        return len(chosen.draw_functions(0, next(numbers), min(chosen.block, 2048)))

    return work


def theirs(table: Callable[[], list[int]]) -> Callable[[], int]:
    """A hundred tables."""

    def work() -> int:
        for _ in range(100):
            table()
        return 100

    return work


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", help="only these")
    parser.add_argument("--quick", action="store_true", help="a quarter of the time for each row")
    arguments = parser.parse_args()
    seconds = 1.5 if arguments.quick else 6.0
    print("draws a second on {0,1}^7, one thread, against one model at a time")
    for family in arguments.families or ONE_AT_A_TIME:
        table, goal = ONE_AT_A_TIME[family]
        mine, other = best_rates([ours(family), theirs(table)], seconds)
        print(f"  {family:16s} {mine:12,.0f} a second   one at a time {other:8,.0f}   ratio {mine / other:8.1f}   (goal {goal})")


if __name__ == "__main__":
    main()
