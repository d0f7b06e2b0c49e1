"""Writing files so that what was there stays readable: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from slt_bias.errors import ResultError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends without an error.

    The old file stays as it was after a kill, a full disk or an exception. Raises ResultError that names the path.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise ResultError(_reason(path, error)) from None
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise ResultError(_reason(path, error)) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write a text file, whole or not at all. Raises ResultError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def check_writable(folder: Path) -> Path:
    """Make a folder and try to write into it, before any work is spent. Raises ResultError that names it."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place) and not place.is_dir():
            raise ResultError(f"{place}: exists and is no folder; choose another one with --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ResultError(_reason(folder, error)) from None
    return folder


def _reason(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"{path}: the disk is full; nothing was changed there. Free some space and run again."
    return f"{path}: cannot be written ({error.strerror or error}); choose another folder with --out or mend its permissions."


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
