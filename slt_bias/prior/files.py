"""FunctionCounts as Parquet: columns `function` (packed bits, fixed size) and `count` (int64); the rest as metadata."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slt_bias.errors import ResultError
from slt_bias.files import replacing
from slt_bias.functions.tables import Functions

if TYPE_CHECKING:
    from slt_bias.prior.counts import FunctionCounts

SCHEMA = 1
KEY = b"slt_bias"


def write(counts: FunctionCounts, path: Path) -> Path:
    """Write counts whole or not at all. Raises ResultError."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    width = counts.functions.packed.shape[1]
    packed = np.ascontiguousarray(counts.functions.packed)
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(packed), [None, pa.py_buffer(packed)])
    about = {
        "schema": SCHEMA,
        "kind": "function counts",
        "spec": counts.spec,
        "samples": counts.samples,
        "points": counts.points,
        "blocks": {str(seed): rows.tolist() for seed, rows in counts.blocks.items()},
        "provenance": dict(counts.provenance),
        "checksum": _checksum(packed, counts.count),
    }
    table = pa.table({"function": column, "count": pa.array(counts.count)})
    table = table.replace_schema_metadata({KEY: json.dumps(about, sort_keys=True).encode()})
    with replacing(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
    return path


def read(path: Path) -> FunctionCounts:
    """Read counts and check them. Raises ResultError that says what is wrong with the file."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from slt_bias.prior.counts import FunctionCounts

    if not path.is_file():
        raise ResultError(f"{path}: no such file.")
    try:
        table = parquet.read_table(path)
        about = json.loads((table.schema.metadata or {})[KEY])
        if about["schema"] != SCHEMA or about["kind"] != "function counts":
            raise ResultError(f"{path}: is schema {about['schema']} of {about['kind']}; need {SCHEMA} of function counts.")
        column = table["function"].combine_chunks()
        width = column.type.byte_width
        data = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * width :][: len(column) * width]
        packed, count = data.reshape(len(column), width).copy(), table["count"].to_numpy().astype(np.int64)
        if _checksum(packed, count) != about["checksum"]:
            raise ResultError(f"{path}: the checksum does not fit: the file is damaged. Delete it and sample again.")
        blocks = {int(seed): np.array(rows, np.int64).reshape(-1, 3) for seed, rows in about["blocks"].items()}
        return FunctionCounts(
            Functions(packed, about["points"]), count, about["samples"], about["spec"], blocks, about["provenance"]
        )
    except (OSError, pa.ArrowException, KeyError, ValueError, AttributeError, TypeError) as error:
        raise ResultError(f"{path}: is no readable file of function counts ({type(error).__name__}). Sample again.") from None


def _checksum(packed: np.ndarray, count: np.ndarray) -> str:
    digest = hashlib.blake2b(packed.tobytes(), digest_size=16)
    digest.update(count.astype("<i8").tobytes())
    return digest.hexdigest()
