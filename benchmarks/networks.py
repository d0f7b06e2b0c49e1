"""Networks a second, as ratios in one run: the fused kernel against torch and against the core's own matrix product.

Run: .venv/bin/python benchmarks/networks.py [--quick]
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

from slt_bias import maps, prior

torch.set_num_threads(1)
RELU = "mlp:hidden=40x40,preset=valle-perez-2018-normal"
FLOP = 2 * (7 * 40 + 40 * 40 + 40) * 128  # a network's multiplications and additions
POINTS = torch.tensor(maps.parse("mlp").inputs.points, dtype=torch.float32)


def best_rate(work: Callable[[], int], seconds: float) -> float:
    """Items a second, the best of several short runs: other programs only ever slow a run down."""
    work()
    best, until = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        best = max(best, work() / (time.perf_counter() - start))
    return best


def build() -> torch.nn.Sequential:
    """A (7,40,40,1) ReLU network, as torch makes it."""
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    return torch.nn.Sequential(linear(7, 40), relu(), linear(40, 40), relu(), linear(40, 1))


def new_network_each_time() -> int:
    """The way of public code: a new torch network, a string and a Counter."""
    counter: Counter[str] = Counter()
    with torch.no_grad():
        for _ in range(200):
            outputs = build()(POINTS)[:, 0] > 0
            counter["".join("1" if bit else "0" for bit in outputs.tolist())] += 1
    return counter.total()


def reinitialised_in_place() -> int:
    """One torch network, its parameters drawn anew."""
    network, keys = build(), []
    parameters = list(network.parameters())
    with torch.no_grad():
        for _ in range(500):
            for parameter in parameters:
                parameter.normal_()
            keys.append(np.packbits((network(POINTS)[:, 0] > 0).numpy()).tobytes())
    return len(Counter(keys)) and 500


def torch_batched(block: int) -> Callable[[], int]:
    """Plain torch over `block` networks at once, under the same law as the fused kernel."""
    scales = torch.from_numpy(maps.parse(RELU).network.scales)  # type: ignore[attr-defined]

    def work() -> int:
        with torch.no_grad():
            for _ in range(max(1, 2048 // block)):
                w = torch.randn(block, 2001).mul_(scales)
                h = torch.baddbmm(w[:, None, 280:320], POINTS.expand(block, -1, -1), w[:, :280].view(block, 7, 40)).relu_()
                h = torch.baddbmm(w[:, None, 1920:1960], h, w[:, 320:1920].view(block, 40, 40)).relu_()
                z = torch.baddbmm(w[:, None, 2000:], h, w[:, 1960:2000, None])
                np.packbits((z[..., 0] > 0).numpy(), axis=1)
        return max(1, 2048 // block) * block

    return work


def matrix_product() -> Callable[[], int]:
    """FLOP of the core's single-precision matrix product, 1024³."""
    a = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)

    def work() -> int:
        a @ a
        return 2 * 1024**3

    return work


def fused(spec: str, count: int = 4096) -> Callable[[], int]:
    """The package's own drawing and evaluating, one thread."""
    chosen = maps.parse(spec)
    blocks = iter(range(10**9))

    def work() -> int:
        return len(chosen.draw_functions(0, next(blocks), min(count, chosen.block)))

    return work


def one_module_at_a_time(spec: str, repeats: int) -> Callable[[], int]:
    """Building and evaluating one torch model of a map at a time (its own modules, torch's own initialisers)."""
    chosen = maps.parse(spec)
    points = torch.tensor(chosen.inputs.points, dtype=torch.float32)
    tokens = points.long()

    def model() -> torch.nn.Module:
        if spec.startswith("perceptron"):
            return torch.nn.Linear(7, 1)
        if spec.startswith("polynomial"):
            return torch.nn.Linear(chosen.latents, 1, bias=False)
        if spec.startswith("transformer"):
            return SmallTransformer()
        return build()

    def work() -> int:
        given = torch.ones(128, chosen.latents) if spec.startswith("polynomial") else points
        with torch.no_grad():
            for _ in range(repeats):
                network = model().eval()
                np.packbits((network(tokens if spec.startswith("transformer") else given) > 0).numpy())
        return repeats

    return work


class SmallTransformer(torch.nn.Module):
    """One block of width 16 with two heads, from torch's own modules."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.position = torch.nn.Embedding(2, 16), torch.nn.Parameter(torch.randn(7, 16))
        self.block = torch.nn.TransformerEncoderLayer(16, 2, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.norm, self.readout = torch.nn.LayerNorm(16), torch.nn.Linear(16, 1)

    def forward(self, bits: torch.Tensor) -> torch.Tensor:
        """(points, 7) bits → (points,)."""
        return self.readout(self.norm(self.block(self.token(bits) + self.position)).mean(dim=1))[:, 0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the time for each row")
    seconds = 1.0 if parser.parse_args().quick else 4.0
    ours = fused(RELU)
    rows = {
        "a new torch network each time": (new_network_each_time, 30.0),
        "one torch network re-initialised in place": (reinitialised_in_place, 9.0),
        "torch in blocks of 64": (torch_batched(64), 4.0),
        "torch in blocks of 4096": (torch_batched(4096), 4.0),
    }
    product = best_rate(matrix_product(), seconds)
    rate = best_rate(ours, seconds)
    print(f"(7,40,40,1) ReLU on {{0,1}}^7, one thread; fused kernel: {rate:,.0f} networks a second")
    for name, (work, goal) in rows.items():
        other = best_rate(work, seconds)
        print(f"  {name:45s} {other:10,.0f} a second   ratio {rate / other:6.1f}   (goal {goal:g})")
    product, rate = max(product, best_rate(matrix_product(), seconds)), max(rate, best_rate(ours, seconds))
    print(
        f"  {'matrix product 1024^3':45s} {product / 1e9:10.1f} GFLOP/s = {product / FLOP:,.0f} networks' worth   "
        f"ratio {rate * FLOP / product:6.2f}   (goal 0.9)"
    )
    print("other maps against building and evaluating one torch model at a time (goal 5)")
    for spec, repeats in (
        ("mlp:activation=tanh", 200), ("mlp:activation=gelu,law=uniform", 200), ("perceptron", 500), ("polynomial:degree=3", 500),
        ("transformer", 40), ("module:networks:build,law=normal", 200), ("module:networks:build", 200),
    ):  # fmt: skip
        mine, theirs = best_rate(fused(spec, 1024), seconds), best_rate(one_module_at_a_time(spec, repeats), seconds)
        print(f"  {spec:45s} {mine:10,.0f} a second   ratio {mine / theirs:6.1f}")
    million = 2_000_000 if seconds < 4 else 10_000_000
    times = {}
    for workers in (1, 2):
        start = time.perf_counter()
        prior.sample(RELU, million, workers=workers)
        times[workers] = time.perf_counter() - start
    print(f"two workers against one, {million:,} draws counted: {times[1] / times[2]:.2f}   (goal 1.8)")


if __name__ == "__main__":
    main()
