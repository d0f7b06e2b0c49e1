"""Counts of a map in a folder: drawn, taken up after an interruption, or found complete."""

from __future__ import annotations

import os
from pathlib import Path

from slt_bias import prior
from slt_bias.errors import ResultError
from slt_bias.maps.base import FamilyMember
from slt_bias.prior import FunctionCounts
from slt_bias.workflows.naming import file_name


def count_functions(
    map: FamilyMember, folder: Path, samples: int, seed: int, workers: int | None, device: str, progress: bool
) -> tuple[FunctionCounts, Path]:
    """The counts of `samples` draws and the file that holds them, folder/NAME.parquet.

    While it draws, folder/NAME.partial.parquet is the checkpoint, which the same call takes up. A complete file of the
    same draws is used as it is; one of other draws is replaced when the new ones are complete.
    Raises ResultError for a checkpoint of other draws: it may be the work of hours, so it is not thrown away.
    """
    complete, partial = folder / f"{file_name(map)}.parquet", folder / f"{file_name(map)}.partial.parquet"

    def sample(checkpoint: Path) -> FunctionCounts:
        return prior.sample(
            map, samples=samples, seed=seed, workers=workers, device=device, progress=progress, checkpoint=checkpoint
        )

    if _holds(complete, samples):
        try:
            return sample(complete), complete  # draws nothing where seed, versions and device agree
        except ResultError:
            pass
    try:
        counts = sample(partial)
    except ResultError as error:
        if not partial.exists():
            raise
        reason = str(error).rstrip(".")
        raise ResultError(f"{reason}. Repeat the command that began it, choose another --out, or delete that file.") from None
    os.replace(partial, complete)
    return counts, complete


def _holds(path: Path, samples: int) -> bool:
    if not path.exists():
        return False
    try:
        return FunctionCounts.load(path).samples == samples
    except ResultError:
        return False
