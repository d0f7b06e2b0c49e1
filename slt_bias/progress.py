"""Progress on stderr: a bar with rate and time left on a terminal, a plain line every 30 seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

PATIENCE = 30.0  # seconds between plain lines


class Progress:
    """Counts `total` steps under a label, `done` of them before; `enabled=False` says nothing."""

    def __init__(self, label: str, total: int, enabled: bool = True, done: int = 0) -> None:
        self.label, self.total, self.done = label, total, done
        self._before = done  # done in an earlier run: no part of the rate
        self._enabled = enabled
        self._terminal = enabled and sys.stderr.isatty()
        self._start = self._said = time.monotonic()

    def __enter__(self) -> Progress:
        if self._terminal:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task(self.label, total=self.total, rate="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._terminal:
            self._bar.stop()
        if self._enabled and kind is None and time.monotonic() - self._start > 2:
            _say(f"{self.label}: {self.done:,} in {time.monotonic() - self._start:.1f} s ({self._rate()})")

    def update(self, done: int) -> None:
        """Say how much is done in all."""
        self.done = done
        now = time.monotonic()
        if self._terminal:
            self._bar.update(self._task, completed=done, rate=self._rate())
        elif self._enabled and now - self._said >= PATIENCE:
            self._said = now
            left = (now - self._start) * (self.total - done) / max(done - self._before, 1)
            _say(f"{self.label}: {done:,} of {self.total:,} ({self._rate()}, {left:.0f} s left)")

    def _rate(self) -> str:
        return f"{(self.done - self._before) / max(time.monotonic() - self._start, 1e-9):,.0f} a second"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
