"""`sample`: draw parameters, evaluate, count. Blocks of the random stream go to threads or processes; the counts are exact."""

from __future__ import annotations

import itertools
import operator
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import InputError, SamplingInterrupted
from slt_bias.prior import blocks
from slt_bias.prior.counts import FunctionCounts
from slt_bias.prior.devices import resolve_device
from slt_bias.prior.drawing import Drawer, drawers, packed
from slt_bias.prior.resuming import device_of, load_checkpoint, whole_blocks
from slt_bias.prior.tally import Tally
from slt_bias.progress import Progress
from slt_bias.provenance import collect

if TYPE_CHECKING:
    from slt_bias.maps.base import Map
    from slt_bias.prior.device_tally import DeviceTally

CHECKPOINT_SECONDS = 30.0


def sample(
    map: Map | str,
    samples: int = 1_000_000,
    seed: int = 0,
    device: str = "auto",
    workers: int | None = None,
    progress: bool = False,
    checkpoint: str | Path | None = None,
) -> FunctionCounts:
    """Draw `samples` parameter settings of a map and count the functions that they compute.

    map : a map or its spec. workers : threads (compiled maps) or processes (torch maps), by default one a core; the
    result does not depend on it. device : "cpu", a GPU such as "cuda:0", or "auto" (see `slt_bias.prior.devices`): the
    same law, other bits.
    progress : rate and time left on stderr. checkpoint : a Parquet file, written every 30 seconds and at Ctrl-C; where
    it exists already, its draws are not drawn again. Equal arguments give equal bits.
    Raises InputError or SpecError for arguments that do not fit, ResultError for a checkpoint of something else,
    SamplingInterrupted (a KeyboardInterrupt that holds the counts so far) after Ctrl-C.
    """
    if isinstance(map, str):
        from slt_bias.maps.registry import parse

        map = parse(map)
    if not hasattr(map, "draw_functions"):
        raise InputError(f"{map!r} is no map: give a map or a spec such as mlp; sb.maps.from_module makes one of a torch module.")
    samples = _whole("samples", samples, 1, 2**62)
    seed = _whole("seed", seed, 0, 2**128)
    workers = _whole("workers", workers if workers is not None else available_cores(), 1, 1024)
    path = None if checkpoint is None else Path(checkpoint)
    if device == "auto" and path is not None and path.exists():
        device = device_of(path)  # the bits of what is there
    device = resolve_device(device, map, samples)
    provenance = _provenance(map, seed, device)
    old = load_checkpoint(path, map, seed, samples, provenance)
    if old is not None and old.samples == samples:
        return old
    with drawers(map, seed, device, min(workers, -(-samples // map.block))) as hands:
        draw = hands[0].draw
        start = None if old is None else whole_blocks(old, seed, map.block, lambda *block: packed(map, draw([block])))
        run = _Run(map, samples, seed, provenance, start, path, _tally(map, device))
        run.go(hands, progress)
    counts = run.counts()
    if path is not None:
        counts.save(path)
    return counts


def available_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Run:
    """One call of `sample`: the blocks still to do, the tally, and what is said and saved meanwhile."""

    def __init__(
        self,
        map: Map,
        samples: int,
        seed: int,
        provenance: dict,
        start: FunctionCounts | None,
        path: Path | None,
        tally: Tally | DeviceTally,
    ) -> None:
        self.map, self.samples, self.seed, self.provenance, self.path = map, samples, seed, provenance, path
        self.tally = tally
        self.done = np.empty((0, 3), np.int64)
        if start is not None:
            self.tally.add(start.functions.packed, start.count)
            self.done = start.blocks[seed]
        self.finished: list[tuple[int, int, int]] = []
        self.drawn = int(self.done[:, 2].sum())
        self.todo = blocks.missing(samples, map.block, self.done)
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.error: BaseException | None = None

    def go(self, hands: list[Drawer], progress: bool) -> None:
        """Run until all blocks are done, an error comes up or Ctrl-C."""
        label = f"sampling {self.map.spec[:60]}"
        if getattr(self.map, "slow", None):
            label += f" ({self.map.slow})"  # type: ignore[attr-defined]
        threads = [threading.Thread(target=self._work, args=(hand,), daemon=True) for hand in hands]
        saved = time.monotonic()
        try:
            with Progress(label, self.samples, progress, done=self.drawn) as bar:
                for thread in threads:
                    thread.start()
                while any(thread.is_alive() for thread in threads):
                    for thread in threads:
                        thread.join(0.05)
                    bar.update(self.drawn)
                    if self.path is not None and time.monotonic() - saved > CHECKPOINT_SECONDS:
                        self.counts().save(self.path)
                        saved = time.monotonic()
                bar.update(self.drawn)
        except KeyboardInterrupt:
            self._interrupted(threads)
        finally:
            self.stop.set()
        if self.error is not None:
            if self.path is not None and self.drawn > 0:
                self.counts().save(self.path)  # the finished blocks outlive an error in a later one
            raise self.error

    def _work(self, hand: Drawer) -> None:
        try:
            while not self.stop.is_set():
                with self.lock:
                    group = list(itertools.islice(self.todo, hand.at_once))
                if not group:
                    return
                drawn = hand.draw(group)
                with self.lock:
                    self.tally.add(drawn)
                    self.finished += [(block, block + 1, count) for block, count in group]
                    self.drawn += sum(count for _, count in group)
                    if len(self.finished) > 1000:
                        self._join()
        except BaseException as error:  # shown in the main thread
            self.error = error
            self.stop.set()

    def _join(self) -> None:
        self.done = blocks.record([*self.done.tolist(), *self.finished], self.map.block)
        self.finished = []

    def _interrupted(self, threads: list[threading.Thread]) -> None:
        """First Ctrl-C: finish the blocks in hand, save, say how to go on. A second one ends at once."""
        self.stop.set()
        for thread in threads:
            thread.join()
        if self.drawn == 0:
            raise KeyboardInterrupt from None
        counts = self.counts()
        how = f"{counts.samples:,} of {self.samples:,} draws are kept"
        if self.path is not None:
            counts.save(self.path)
            how += f" in {self.path}; the same call goes on from there"
        else:
            how += " in this exception's `counts`; a `checkpoint` would make the same call go on from there"
        raise SamplingInterrupted(counts, how) from None

    def counts(self) -> FunctionCounts:
        """What has been counted up to now."""
        with self.lock:
            self._join()
            functions, count = self.tally.sorted()
            return FunctionCounts(functions, count, self.drawn, self.map.spec, {self.seed: self.done}, self.provenance)


def _tally(map: Map, device: str) -> Tally | DeviceTally:
    if device == "cpu":
        return Tally(map.inputs.count)
    from slt_bias.prior.device_tally import DeviceTally

    return DeviceTally(map.inputs.count, device)


def _provenance(map: Map, seed: int, device: str) -> dict[str, str]:
    given = ",".join(f"{key}={value}" for key, value in map.law.items) if map.law is not None else "by its own code"
    law = getattr(map, "law_text", None) or given
    backend = "compiled" if map.compiled else "torch"
    if device != "cpu":
        from slt_bias.maps import device as on_device

        backend = on_device.backend(map)
    about = {"law": law, "inputs": map.inputs.spec, "rule": "a function is 1 where the output is > 0; an output of 0 gives 0"}
    return about | {"seed": str(seed), "block": str(map.block)} | collect(device, backend)


def _whole(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1e6 is what people type
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or number < low:
        raise InputError(f"{name} = {value!r}: give a whole number, at least {low}.")
    if number > high:
        raise InputError(f"{name} = {number}: give a whole number between {low} and {high:.4g}.")
    return number
