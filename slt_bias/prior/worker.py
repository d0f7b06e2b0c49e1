"""Worker processes for torch maps: they rebuild the map from its spec, and never import the caller's `__main__`.

One line of JSON says what to build; then each line `block count` is answered by the packed functions of these draws.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING

import numpy as np

from slt_bias.errors import SltBiasError

if TYPE_CHECKING:
    from slt_bias.functions.inputs import InputSet
    from slt_bias.maps.base import Map

TRIES = 3
HEAD = struct.Struct("<?q")  # is it an error, and how many bytes follow
BOOT = "from slt_bias.prior.worker import serve; serve()"


class WorkerMap:
    """Draws a map's functions in a process of its own; a process that dies is started again and its block redone."""

    def __init__(self, map: Map, seed: int) -> None:
        rows = None
        if map.inputs.kind == "rows":
            buffer = io.BytesIO()
            np.save(buffer, map.inputs.points)
            rows = buffer.getvalue()
        size = 0 if rows is None else len(rows)
        self._header = json.dumps({"spec": map.spec, "seed": seed, "rows": size})
        self._rows = rows
        self._width = -(-map.inputs.count // 8)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)

    def draw(self, block: int, count: int) -> np.ndarray:
        """The functions of the first `count` draws of a block. Raises SltBiasError after three dead processes."""
        for _ in range(TRIES):
            process = self._running()
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(f"{block} {count}\n".encode())
                process.stdin.flush()
                head = process.stdout.read(HEAD.size)
                if len(head) == HEAD.size:
                    is_error, size = HEAD.unpack(head)
                    data = process.stdout.read(size)
                    if is_error and len(data) == size:
                        raise SltBiasError(data.decode())
                    if len(data) == count * self._width:
                        return np.frombuffer(data, np.uint8).reshape(count, self._width)
            except OSError:
                pass
            self._end()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it left no message"
        raise SltBiasError(f"a worker process died {TRIES} times on block {block}: {last}")

    def close(self) -> None:
        """End the process and drop its log."""
        self._end()
        self._log.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                assert process.stdin is not None and process.stdout is not None
                process.stdin.close()
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
            self._process = subprocess.Popen(
                [sys.executable, "-c", BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment,
                start_new_session=True,
            )  # fmt: skip
            assert self._process.stdin is not None
            self._process.stdin.write(self._header.encode() + b"\n" + (self._rows or b""))
            self._process.stdin.flush()
        return self._process


def rebuild(spec: str, rows: InputSet | None) -> Map:
    """The map of a spec, rows of data given beside it. Raises SltBiasError where text cannot name the map."""
    from slt_bias.maps.registry import parse

    if rows is not None:
        spec = spec.replace(f"{rows.spec},", "").replace(rows.spec, "")
    return parse(spec, rows)


def can_rebuild(map: Map) -> bool:
    """True where a process of its own gets the same map from its spec: not for a class or a factory typed in a notebook."""
    try:
        return rebuild(map.spec, map.inputs if map.inputs.kind == "rows" else None) == map
    except SltBiasError:
        return False


def serve() -> None:
    """The loop of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a user's module prints must not mix with the answers
    import torch

    from slt_bias.functions.inputs import from_rows

    torch.set_num_threads(1)
    header = json.loads(sys.stdin.buffer.readline())
    inputs = None
    if header["rows"]:
        inputs = from_rows(np.load(io.BytesIO(sys.stdin.buffer.read(header["rows"])), allow_pickle=False))
    map = rebuild(header["spec"], inputs)
    while line := sys.stdin.buffer.readline():
        block, count = (int(word) for word in line.split())
        try:
            is_error, data = False, map.draw_functions(header["seed"], block, count).tobytes()
        except SltBiasError as error:  # the user's to mend: the parent raises it, and no process is started again
            is_error, data = True, str(error).encode()
        answers.write(HEAD.pack(is_error, len(data)) + data)
        answers.flush()

