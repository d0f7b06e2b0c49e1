"""Going on from a checkpoint: does it fit, and what of it is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import ResultError
from slt_bias.functions.tables import Functions
from slt_bias.prior.counts import FunctionCounts
from slt_bias.prior.tally import Tally

if TYPE_CHECKING:
    from slt_bias.maps.base import Map

MUST_AGREE = ("slt_bias", "numpy", "numba", "torch", "device", "instruction_set", "backend")  # for the same bits


def load_checkpoint(path: Path | None, map: Map, seed: int, samples: int, provenance: dict[str, str]) -> FunctionCounts | None:
    """The counts of a checkpoint, or None where there is none. Raises ResultError where it holds anything else."""
    if path is None or not path.exists():
        return None
    old = FunctionCounts.load(path)
    if old.spec != map.spec or set(old.blocks) != {seed}:
        raise ResultError(f"{path}: holds `{old.spec}`, seed {sorted(old.blocks)}; not `{map.spec}` with seed {seed}.")
    before = {name: old.provenance.get(name) for name in MUST_AGREE}
    changes = [f"{name} {then} → {provenance[name]}" for name, then in before.items() if then != provenance[name]]
    if changes:
        raise ResultError(f"{path}: was drawn with {', '.join(changes)}; the bits would not agree. Use another checkpoint file.")
    if old.samples > samples:
        raise ResultError(f"{path}: holds {old.samples:,} draws already, more than the {samples:,} asked for.")
    return old


def device_of(path: Path) -> str:
    """The device that drew a checkpoint. Raises ResultError where it cannot be read."""
    return str(FunctionCounts.load(path).provenance.get("device", "cpu"))


def whole_blocks(old: FunctionCounts, seed: int, block: int, draw: Callable[[int, int], np.ndarray]) -> FunctionCounts:
    """The counts less a last block that is not whole: its draws are drawn again, by `draw`, and taken out.

    Raises ResultError where a function to be taken out is not there.
    """
    record = old.blocks[seed]
    is_whole = record[:, 2] == (record[:, 1] - record[:, 0]) * block
    if is_whole.all():
        return old
    tally = Tally(old.points)
    tally.add(old.functions.packed, old.count)
    for first, _, draws in record[~is_whole].tolist():
        packed = draw(first, draws)
        tally.add(packed, np.full(len(packed), -1, np.int64))
    functions, count = tally.sorted()
    samples = int(record[is_whole, 2].sum())
    if (count < 0).any() or count.sum() != samples:
        raise ResultError("the checkpoint's last draws cannot be drawn again to the same bits: delete it and sample anew.")
    kept = count > 0
    return replace(
        old,
        functions=Functions(functions.packed[kept], old.points),
        count=count[kept],
        samples=samples,
        blocks={seed: record[is_whole]},
    )
