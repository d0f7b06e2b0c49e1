"""µs of a chain-step of learning-coefficient samplers, against two public packages and the core's own matrix product.

The systems: a superposition autoencoder with tied weights, x' = ReLU(WᵀWx + b) with 6 features and 2 hidden units, and deep
linear networks. The same algorithm for all, Langevin dynamics on minibatches, with the same step size, nβ, γ and batch size; λ̂
must agree: z is the difference over its standard error, from the spread of our own chains. A peer's loader stops it every 100
steps to let ours run, so that both sides see the same machine. Times are those of the processor, on one core, the best of many
blocks: other programs hardly enter. The peers are installed without their requirements into runs/benchmark-peers; one that
cannot be installed or run is "not measured". Without a C++ compiler the second peer runs without any compiled part.

Run: .venv/bin/python benchmarks/learning_coefficients.py [--quick]
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS"):
    os.environ[name] = "1"

import argparse
import dataclasses
import importlib
import itertools
import logging
import math
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

import slt_bias as sb
from slt_bias.llc.landscapes.base import Landscape
from slt_bias.llc.posterior import Chains, Posterior
from slt_bias.llc.reading import read
from slt_bias.subjects.linear import deep_linear

EXAMPLES, BATCH, BURN_IN, DRAWS = 1000, 300, 200, 1000
STEPS = BURN_IN + DRAWS
STEP_SIZE, LOCALIZATION = 1e-3, 1.0
INVERSE_TEMPERATURE = EXAMPLES / math.log(EXAMPLES)
BLOCK = 100  # steps of a peer between two times
PEERS = {"devinterp": "devinterp==1.3.2", "canonical_interp": "canonical-interp==0.1.5"}
FOLDER = Path(__file__).resolve().parent.parent / "runs" / "benchmark-peers"
GOALS = {1: 25.0, 4: 10.0, 20: 3.0, 100: 2.0}  # against the compiled peer, by the number of chains
CPU = time.process_time
RUNS: list[float] = []  # seconds of each call of TimedSGLD


class Autoencoder(torch.nn.Module):
    """x' = ReLU(WᵀWx + b)."""

    def __init__(self) -> None:
        super().__init__()
        self.W, self.b = torch.nn.Parameter(torch.empty(2, 6)), torch.nn.Parameter(torch.zeros(6))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(examples, 6) → (examples, 6)."""
        return torch.relu(x @ self.W.T @ self.W + self.b)

    def layer_stack(self) -> list[tuple[str, str | None, str, bool]]:
        """The layers, for the compiled path."""
        return [("W", None, "identity", False), ("W", "b", "relu", True)]


def mean_squares(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss as the peers take it: ‖x' − x‖², the mean over the batch."""
    return (output - target).square().sum(1).mean()


def trained() -> tuple[Autoencoder, torch.Tensor, list[dict[str, torch.Tensor]]]:
    """An autoencoder after 10,000 steps of Adam, its 1,000 rows (one feature each, uniform), and 100 checkpoints on the way."""
    source = torch.Generator().manual_seed(0)
    x = torch.zeros(EXAMPLES, 6)
    x[torch.arange(EXAMPLES), torch.randint(6, (EXAMPLES,), generator=source)] = torch.rand(EXAMPLES, generator=source)
    model, checkpoints = Autoencoder(), []
    with torch.no_grad():
        model.W.normal_(generator=source).mul_(0.5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(10_000):
        if step % 100 == 0:
            checkpoints.append({name: value.detach().clone() for name, value in model.state_dict().items()})
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - step / 10_000)
        optimizer.zero_grad()
        mean_squares(model(x), x).backward()
        optimizer.step()
    return model, x, checkpoints


# ---- ours


def langevin(landscape: Landscape, centre: np.ndarray, chains: int, burn_in: int, draws: int, seed: int = 0) -> Chains:
    """Our SGLD from w*."""
    count = np.full(chains, 1.0)
    posterior = Posterior(landscape, np.tile(centre, (chains, 1)), INVERSE_TEMPERATURE * count, LOCALIZATION * count)
    return sb.llc.SGLD(step_size=STEP_SIZE, batch_size=BATCH).sample(
        posterior, posterior.centres, draws=draws, burn_in=burn_in, seed=seed, purposes=[["benchmark", c] for c in range(chains)]
    )


class Best:
    """The shortest time of some runs so far, in µs a chain-step."""

    def __init__(self, landscape: Landscape, centre: np.ndarray, chains: int, steps: int, runs: int = 1) -> None:
        self.run = lambda: [langevin(landscape, centre, chains, 0, steps) for _ in range(runs)]
        self.per, self.value = 1e6 / (chains * steps * runs), math.inf
        self.run()

    def again(self) -> None:
        """Once more."""
        start = CPU()
        self.run()
        self.value = min(self.value, (CPU() - start) * self.per)


# ---- the peers


class Clock:
    """Times a peer by the batches that it takes; after each block of steps it is our turn."""

    def begin(self, skip: int, between: Callable[[], None]) -> None:
        """Start counting; the first `skip` steps are not timed."""
        self.skip, self.between, self.count, self.best, self.since = skip, between, 0, math.inf, CPU()

    def tick(self) -> None:
        """A batch is asked for."""
        if self.count % BLOCK == 0:
            if self.count > self.skip:
                self.best = min(self.best, (CPU() - self.since) / BLOCK)
                self.between()
            self.since = CPU()
        self.count += 1


CLOCK = Clock()


class AsUsed(DataLoader):
    """The common loader: shuffled batches of a data set."""

    def __iter__(self) -> Iterator[Any]:
        for batch in super().__iter__():
            CLOCK.tick()
            yield batch


class Prepared(DataLoader):
    """Batches that were drawn beforehand."""

    batches: list[tuple[torch.Tensor, torch.Tensor]]

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            CLOCK.tick()
            yield batch

    def __len__(self) -> int:
        return len(self.batches)


def loaders(x: torch.Tensor) -> tuple[AsUsed, Prepared]:
    """The two loaders; every batch has 300 rows."""
    data = TensorDataset(x, x)
    prepared = Prepared(data, batch_size=BATCH)
    rows = [torch.randperm(EXAMPLES, generator=torch.Generator().manual_seed(step))[:BATCH] for step in range(STEPS)]
    prepared.batches = [(part, part) for part in (x[index] for index in rows)]
    return AsUsed(data, batch_size=BATCH, shuffle=True, drop_last=True), prepared


def installed(module: str) -> Any:
    """A peer's module, installed at first; None, with a line that says why, where that does not work."""
    if not hasattr(itertools, "batched"):  # Python 3.11 has none, and the second peer imports it

        def batched(values: Any, size: int) -> Iterator[tuple[Any, ...]]:
            source = iter(values)
            while some := tuple(itertools.islice(source, size)):
                yield some

        itertools.batched = batched  # type: ignore[attr-defined]
    version = PEERS[module].split("==")[1]
    if not list(FOLDER.glob(f"{module}-{version}.dist-info")):
        options = ["--quiet", "--no-deps", "--upgrade", "--target", str(FOLDER)]
        command = [sys.executable, "-m", "pip", "install", *options, PEERS[module]]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"{PEERS[module]} cannot be installed: {(done.stderr.strip().splitlines() or ['pip gives no reason'])[-1]}")
            return None
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    try:
        return importlib.import_module({"devinterp": "devinterp.slt.sampler"}.get(module, f"{module}.slt"))
    except Exception as error:
        print(f"{PEERS[module]} cannot be imported: {type(error).__name__}: {error}")
        return None


def devinterp(peer: Any, model: Autoencoder, loader: DataLoader, init_loss: float, chains: int) -> np.ndarray:
    """The losses (chains, draws) of devinterp, as its README calls it."""
    from devinterp.optim import SGLD
    from devinterp.utils import make_evaluate

    estimator = peer.LLCEstimator(num_chains=chains, num_draws=DRAWS, init_loss=init_loss, nbeta=INVERSE_TEMPERATURE)
    options = {"lr": STEP_SIZE, "localization": LOCALIZATION, "nbeta": INVERSE_TEMPERATURE}
    peer.sample(
        model, loader, callbacks=[estimator], evaluate=make_evaluate(mean_squares), sampling_method=SGLD,
        optimizer_kwargs=options, num_draws=DRAWS, num_chains=chains, num_burnin_steps=BURN_IN, init_loss=init_loss,
        verbose=False, seed=1,
    )  # fmt: skip
    return np.asarray(estimator.get_results()["loss/trace"], float)


def canonical(peer: Any, model: Autoencoder, loader: DataLoader, chains: int, compiled: bool) -> np.ndarray:
    """The losses (chains, draws) of canonical-interp."""
    torch.compiler.reset()
    estimator = peer.LLCEstimator(
        draws=DRAWS, chains=chains, burnin_steps=BURN_IN, steps_bw_draws=1, learning_rate=STEP_SIZE, localization=LOCALIZATION,
        nbeta=INVERSE_TEMPERATURE,
    )  # fmt: skip
    estimator.estimate_llc(model, loader, criterion_fn=mean_squares, compile=compiled, seed=1, show_progress=False)
    return estimator.get_metrics()["losses"].double().numpy()


# ---- the tables


def verdict(holds: bool) -> str:
    """OK or MISS."""
    return "OK" if holds else "MISS"


def coefficients(losses: np.ndarray, baseline: float) -> np.ndarray:
    """λ̂ of each chain; losses (chains, draws)."""
    return INVERSE_TEMPERATURE * (losses.mean(1) - baseline)


@dataclasses.dataclass(frozen=True)
class Measured:
    """A peer's µs a chain-step, and z of its λ̂."""

    microseconds: float
    z: float


class Superposition:
    """(a) The autoencoder: ours, and what is measured of the peers while ours runs in between."""

    def __init__(self, model: Autoencoder, x: torch.Tensor, counts: tuple[int, ...]) -> None:
        loss = sb.llc.losses.squared_error(target=0, scale=1)
        problem = read(model, loss, (x,))
        general = read(model, lambda output, batch: loss(output, batch), (x,))  # a plain function: no stack is recognised
        assert (problem.backend, general.backend) == ("compiled", "torch")
        self.model, self.counts = model, counts
        self.compiler = bool(shutil.which(os.environ.get("CXX", "g++")) or shutil.which("clang++"))
        self.baseline = float(problem.landscape.losses(problem.centre[None])[0])
        self.own, self.prepared = loaders(x)
        drawn = [float(mean_squares(model(part), part)) for part, _ in self.prepared.batches[BURN_IN:]]
        self.batch_baseline = float(np.mean(drawn))
        self.ours = {
            c: Best(problem.landscape, problem.centre, c, 300 if c > 20 else STEPS, max(1, 4 // c)) for c in counts
        }  # fmt: skip
        self.general = {c: Best(general.landscape, general.centre, c, 100 if c > 20 else 300) for c in counts}
        self.chains = coefficients(langevin(problem.landscape, problem.centre, 400, BURN_IN, DRAWS, 2).losses, self.baseline)
        through = coefficients(langevin(general.landscape, general.centre, 100, BURN_IN, DRAWS, 3).losses, self.baseline)
        print(f"  λ̂ = {self.chains.mean():.3f} ± {self.chains.std() / 20:.3f} (400 chains), general torch path "
              f"{through.mean():.3f}, z {self.z(through):+.1f} {verdict(abs(self.z(through)) < 3)}")  # fmt: skip

    def z(self, chains: np.ndarray) -> float:
        """Difference of λ̂ over its standard error, with the spread of our own chains."""
        spread = self.chains.std(ddof=1) * math.sqrt(1 / len(chains) + 1 / len(self.chains))
        return float((chains.mean() - self.chains.mean()) / spread)

    def again(self, count: int) -> None:
        """Ours at so many chains, once more."""
        self.ours[count].again()
        self.general[count].again()

    def measured(self, count: int, together: bool, skip: int, base: float, run: Callable[[], np.ndarray]) -> Measured | None:
        """A peer; together: a step of it moves all `count` chains."""
        CLOCK.begin(skip, lambda: self.again(count))
        try:
            theirs = coefficients(run(), base)
        except Exception as error:
            print(f"    not measured: {type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:200]}")
            return None
        return Measured(CLOCK.best * 1e6 / (count if together else 1), self.z(theirs))

    def devinterp(self) -> dict[str, Measured | None]:
        """One chain after the other: what 4 chains take serves for any number."""
        names, peer = ("devinterp as used", "devinterp, prepared batches"), installed("devinterp")
        if peer is None:
            return dict.fromkeys(names)
        count = self.counts[1] if self.counts[1] <= 4 else 1
        given = (self.own, self.baseline), (self.prepared, self.batch_baseline)
        return {
            name: self.measured(
                count, False, 2 * BLOCK, base, lambda loader=loader: devinterp(peer, self.model, loader, self.baseline, count)
            )
            for name, (loader, base) in zip(names, given, strict=True)
        }  # fmt: skip

    def canonical(self, count: int) -> dict[str, Measured | None]:
        """With torch.compile and without; its own move is compiled in both where there is a compiler."""
        found: dict[str, Measured | None] = {"canonical-interp compiled": None, "canonical-interp, compile=False": None}
        peer = installed("canonical_interp")
        # its first pass, over all batches for the loss at w*, and two blocks in which its move is compiled are not timed
        skip = STEPS + 2 * BLOCK
        for name, compiled in zip(found, (True, False), strict=True):
            if peer is None or (compiled and not self.compiler):
                continue
            torch.compiler.set_stance("default" if self.compiler else "force_eager")
            found[name] = self.measured(
                count, True, skip, self.batch_baseline,
                lambda compiled=compiled: canonical(peer, self.model, self.prepared, count, compiled),
            )  # fmt: skip
            torch.compiler.set_stance("default")
            self.compiler &= found[name] is not None
        return found

    def show(self, count: int, peers: dict[str, Measured | None]) -> None:
        """The table at so many chains."""
        mine, general = self.ours[count].value, self.general[count].value
        print(f"  {count} chain{'s' * (count > 1)}")
        print(f"    {'ours':34s} {mine:9.2f} µs{'':18s}(goal ≤ 7) {verdict(mine <= 7)}")
        limits = [found.microseconds for name, found in peers.items() if found and name.startswith("canonical")]
        aim = f"(goal ≤ {min(limits):.2f}, canonical-interp) {verdict(general <= min(limits))}" if limits else ""
        print(f"    {'ours, general torch path':34s} {general:9.2f} µs{'':18s}{aim}")
        for name, found in peers.items():
            if found is None:
                print(f"    {name:34s} not measured")
                continue
            ratio = found.microseconds / mine
            goal = {"devinterp as used": 150.0, "canonical-interp compiled": GOALS[count]}.get(name)
            aim = "" if goal is None else f"(goal {goal:g}) {verdict(ratio >= goal)}"
            print(f"    {name:34s} {found.microseconds:9.2f} µs   ratio {ratio:6.1f}   {aim:16s} z {found.z:+.1f} "
                  f"{verdict(abs(found.z) < 3)}")  # fmt: skip


def superposition(model: Autoencoder, x: torch.Tensor, quick: bool) -> None:
    """(a) The autoencoder at 1, 4, 20 and 100 chains."""
    system = Superposition(model, x, (1, 20) if quick else tuple(GOALS))
    slow = system.devinterp()
    rows = {count: system.canonical(count) for count in system.counts}
    for count in system.counts:
        for _ in range(5):
            system.again(count)
        system.show(count, {**slow, **rows[count]})


def linear_network(quick: bool) -> None:
    """(b) A 10-10-10-10 linear network against the core's float64 matrix product of 1024³."""
    system = deep_linear((10, 10, 10, 10), 5, examples=EXAMPLES)
    problem = read(system.model, system.loss, system.data)
    work = Best(problem.landscape, problem.centre, 4, 300)
    a = np.random.default_rng(0).normal(size=(1024, 1024))
    rate = 0.0
    for _ in range(3 if quick else 8):
        for _ in range(3):
            work.again()
        start = CPU()
        a @ a
        rate = max(rate, 2 * 1024**3 / (CPU() - start))
    flop = 2 * BATCH * 100 * (3 + 3 + 2)  # forwards, gradients of the weights, and of the two hidden layers
    share = flop / (work.value * 1e-6) / rate
    print(f"  {work.value:.2f} µs a chain-step, {share:.2f} of the core's float64 matrix product ({rate / 1e9:.1f} GFLOP/s)")


@dataclasses.dataclass(frozen=True)
class TimedSGLD(sb.llc.SGLD):
    """SGLD that notes the seconds of every run."""

    def sample(self, posterior: Posterior, start: np.ndarray, **options: Any) -> Chains:
        """See SGLD."""
        began = CPU()
        chains = super().sample(posterior, start, **options)
        RUNS.append(CPU() - began)
        return chains


def checkpoints_at_once(model: Autoencoder, x: torch.Tensor, checkpoints: list[dict[str, torch.Tensor]], quick: bool) -> None:
    """(c) 100 checkpoints × 4 chains × 1,200 steps."""
    loss = sb.llc.losses.squared_error(target=0, scale=1)
    sampler = TimedSGLD(step_size=STEP_SIZE, batch_size=BATCH)
    options: dict[str, Any] = {"sampler": sampler, "chains": 4, "draws": DRAWS, "burn_in": BURN_IN, "localization": LOCALIZATION}
    sb.llc.estimate_many(model, checkpoints[:2], loss, (x,), **options)
    sampling, whole, results = math.inf, math.inf, []
    for _ in range(1 if quick else 3):
        RUNS.clear()
        start = CPU()
        results = sb.llc.estimate_many(model, checkpoints, loss, (x,), **options)
        sampling, whole = min(sampling, RUNS[0]), min(whole, CPU() - start)
    found = [result.status for result in results]
    print(f"  sampling {sampling:.2f} s (goal 3) {verdict(sampling <= 3)}, with the verdicts {whole:.2f} s (goal 5) "
          f"{verdict(whole <= 5)}; " + ", ".join(f"{found.count(each)} {each}" for each in sorted(set(found))))  # fmt: skip


def one_temperature(quick: bool) -> None:
    """(d) The corrected estimate of a 10-10-10-10 linear network of rank 5 at nβ = 10⁴, to one per cent."""
    system = deep_linear((10, 10, 10, 10), 5)
    options: dict[str, Any] = {"method": "reference", "inverse_temperature": 1e4}
    sb.llc.estimate(system.model, system.loss, system.data, chains=2, draws=20, burn_in=20, **options)
    seconds, best = math.inf, None
    for _ in range(1 if quick else 3):
        start = CPU()
        best = sb.llc.estimate(system.model, system.loss, system.data, chains=24, draws=225, burn_in=60, **options)
        seconds = min(seconds, CPU() - start)
    assert best is not None
    half, error = (best.high - best.low) / 2 / best.value, best.standard_error / best.value
    print(f"  24 chains, 225 draws after 60: λ̂ = {best.value:.2f}, half interval {half:.2%}, standard error {error:.2%} "
          f"(goal 1 %) {verdict(half <= 0.01)}; {seconds:.2f} s (goal 5) {verdict(seconds <= 5)}; {best.status}")  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1 and 20 chains, fewer repeats")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warnings.filterwarnings("ignore")  # of the peers
    logging.disable(logging.WARNING)
    began = time.perf_counter()
    model, x, checkpoints = trained()
    print(f"(a) superposition autoencoder, {EXAMPLES:,} rows, batch {BATCH}, {STEPS:,} steps: µs a chain-step, one core")
    superposition(model, x, quick)
    print(f"(b) 10-10-10-10 linear network, {EXAMPLES:,} rows, batch {BATCH}, Langevin dynamics, one core")
    linear_network(quick)
    print(f"(c) {len(checkpoints)} checkpoints × 4 chains × {STEPS:,} steps of (a), one core")
    checkpoints_at_once(model, x, checkpoints, quick)
    print("(d) method='reference', 10-10-10-10 linear network of rank 5 at nβ = 10⁴, one core")
    one_temperature(quick)
    print(f"whole benchmark: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    import learning_coefficients  # by its name, so that the peers' pickles find the loaders and their clock

    learning_coefficients.main()
