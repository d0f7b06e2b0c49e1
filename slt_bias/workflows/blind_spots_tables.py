"""The table of blind spots of one map in a folder: measured, or found there from an earlier call with the same settings."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from slt_bias.compare.blind_spots import blind_spots
from slt_bias.errors import SpecError
from slt_bias.files import replacing
from slt_bias.maps.base import FamilyMember
from slt_bias.prior import closed_form
from slt_bias.prior.resuming import MUST_AGREE
from slt_bias.provenance import collect
from slt_bias.workflows.counting import count_functions
from slt_bias.workflows.naming import file_name
from slt_bias.workflows.phases import say

SCHEMA = 1
KIND = "blind spots"
KEY = b"slt_bias"


def measured_table(
    map: FamilyMember,
    label: str,
    reference: pd.DataFrame,
    settings: dict[str, Any],
    folder: Path,
    workers: int | None,
    progress: bool,
) -> tuple[pd.DataFrame, Path]:
    """The table of `compare.blind_spots` with the other columns of the reference, and the file that holds it.

    settings : seed, samples, relative_error, least_log2_probability, budget_seconds. The table lies in folder/tables, under a
    name that depends on them, on the functions and on the versions; where all agree, it is taken from there, and one of other
    settings is never lost. Without a budget of seconds the draws are counted by way of folder/counts, so that an interrupted
    call goes on.
    """
    about = {
        "schema": SCHEMA,
        "kind": KIND,
        "spec": map.spec,
        "settings": settings,
        "functions": reference["function"].tolist(),
        "made_with": {name: value for name, value in collect("cpu", "").items() if name in MUST_AGREE},
    }
    digest = hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=4).hexdigest()
    path = folder / "tables" / f"{file_name(map)}-seed{settings['seed']}-{digest}.parquet"
    held = _read(path, about)
    if held is not None:
        say(f"{label}: taken from {path}", progress)
        return held, path
    say(f"{label}: {len(reference)} functions …", progress)
    options = dict(settings)
    samples, seed = options.pop("samples"), options.pop("seed")
    counts = None
    if settings["budget_seconds"] is None and not _has_closed_form(map):
        counts, _ = count_functions(map, folder / "counts", samples, seed, workers, "cpu", progress)
    table = blind_spots(map, reference, seed=seed, samples=samples, counts=counts, workers=workers, progress=progress, **options)
    more = [name for name in reference if name not in table or name == "function"]
    attrs = table.attrs
    table = table.merge(reference[more], on="function", how="left", validate="one_to_one")
    table.attrs = attrs
    _write(path, table, about)
    return table, path


def _has_closed_form(map: FamilyMember) -> bool:
    """Whether P of every function is known, so that nothing need be drawn."""
    try:
        closed_form(map, "0" * map.inputs.count)
    except SpecError:
        return False
    return True


def _write(path: Path, table: pd.DataFrame, about: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    whole = about | {"attrs": table.attrs}
    plain = table.copy()
    plain.attrs = {}
    columns = pa.Table.from_pandas(plain, preserve_index=False)
    metadata = dict(columns.schema.metadata or {}) | {KEY: json.dumps(whole, sort_keys=True).encode()}
    with replacing(path) as temporary:
        parquet.write_table(columns.replace_schema_metadata(metadata), temporary, compression="zstd")


def _read(path: Path, about: dict[str, Any]) -> pd.DataFrame | None:
    """The table of a file that was made as `about` says; None where it is missing, damaged or made otherwise."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    if not path.is_file():
        return None
    try:
        columns = parquet.read_table(path)
        found = json.loads((columns.schema.metadata or {})[KEY])
        attrs = found.pop("attrs")
        if found != json.loads(json.dumps(about)):
            return None
        table = columns.to_pandas()
    except (OSError, pa.ArrowException, KeyError, ValueError, AttributeError, TypeError):
        return None
    table.attrs = attrs
    return table
