"""Counts of a map in a folder: drawn, taken up after an interruption, extended, or found complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from slt_bias import prior
from slt_bias.errors import ResultError
from slt_bias.files import replacing
from slt_bias.maps.base import FamilyMember
from slt_bias.prior import FunctionCounts
from slt_bias.workflows.naming import file_name


def count_functions(
    map: FamilyMember, folder: Path, samples: int, seed: int, workers: int | None, device: str, progress: bool
) -> tuple[FunctionCounts, Path]:
    """The counts of `samples` draws and the file that holds them, folder/NAME-seedSEED.parquet.

    No draws are lost: a complete file of as many draws is used as it is, one of fewer is extended, and beside one of more
    the counts go to folder/NAME-seedSEED-SAMPLES.parquet. While it draws, FILE.partial.parquet is the checkpoint, which the
    same call takes up. A file that cannot be read is replaced.
    Raises ResultError for draws of other versions or another device, or a checkpoint of more draws: they may be the work
    of hours, so they are not thrown away.
    """
    complete = folder / f"{file_name(map)}-seed{seed}.parquet"
    held = _held(complete)
    if held > samples:
        complete = complete.with_name(f"{complete.stem}-{samples}.parquet")
        held = _held(complete)
    partial = complete.with_name(f"{complete.stem}.partial.parquet")
    checkpoint = complete if held == samples else partial
    if 0 < held < samples and not partial.exists():
        with replacing(partial) as temporary:
            shutil.copyfile(complete, temporary)
    try:
        counts = prior.sample(
            map, samples=samples, seed=seed, workers=workers, device=device, progress=progress, checkpoint=checkpoint
        )
    except ResultError as error:
        if not checkpoint.exists():
            raise
        reason = str(error).rstrip(".")
        if checkpoint == partial and _held(partial) == held:  # nothing but a copy
            partial.unlink()
            reason = reason.replace(str(partial), str(complete))
        raise ResultError(f"{reason}. Repeat the command that began it, choose another --out, or delete that file.") from None
    if checkpoint == partial:
        os.replace(partial, complete)
    return counts, complete


def _held(path: Path) -> int:
    """How many draws a file holds; 0 where it is missing or cannot be read."""
    try:
        return FunctionCounts.load(path).samples
    except ResultError:
        return 0
