"""Counted functions as Parquet: columns `function` (packed bits, fixed size) and `count` (int64); the rest as metadata."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from slt_bias.errors import ResultError
from slt_bias.files import replacing
from slt_bias.functions.tables import Functions

SCHEMA = 1
KIND = "function counts"
KEY = b"slt_bias"


def write(path: Path, functions: Functions, count: np.ndarray, about: dict[str, Any]) -> Path:
    """Write functions, their counts and what is to be known about them, whole or not at all. Raises ResultError."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    packed = np.ascontiguousarray(functions.packed)
    column = pa.FixedSizeBinaryArray.from_buffers(pa.binary(packed.shape[1]), len(packed), [None, pa.py_buffer(packed)])
    whole = {"schema": SCHEMA, "kind": KIND, "points": functions.points, "checksum": _checksum(packed, count)} | about
    table = pa.table({"function": column, "count": pa.array(count)})
    table = table.replace_schema_metadata({KEY: json.dumps(whole, sort_keys=True).encode()})
    with replacing(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
    return path


def read(path: Path) -> tuple[Functions, np.ndarray, dict[str, Any]]:
    """(functions, count, about) of a file. Raises ResultError that says what is wrong with it."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    if not path.is_file():
        raise ResultError(f"{path}: no such file.")
    try:
        table = parquet.read_table(path)
        about = json.loads((table.schema.metadata or {})[KEY])
        if (about["schema"], about["kind"]) != (SCHEMA, KIND):
            raise ResultError(f"{path}: is schema {about['schema']} of {about['kind']}; need {SCHEMA} of {KIND}.")
        column = table["function"].combine_chunks()
        width = column.type.byte_width
        data = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * width :][: len(column) * width]
        packed, count = data.reshape(len(column), width).copy(), table["count"].to_numpy().astype(np.int64)
        if _checksum(packed, count) != about["checksum"]:
            raise ResultError(f"{path}: the checksum does not fit: the file is damaged. Delete it and sample again.")
        return Functions(packed, about["points"]), count, about
    except (OSError, pa.ArrowException, KeyError, ValueError, AttributeError, TypeError) as error:
        raise ResultError(f"{path}: is no readable file of {KIND} ({type(error).__name__}). Sample again.") from None


def _checksum(packed: np.ndarray, count: np.ndarray) -> str:
    digest = hashlib.blake2b(packed.tobytes(), digest_size=16)
    digest.update(count.astype("<i8").tobytes())
    return digest.hexdigest()
