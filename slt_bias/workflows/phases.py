"""A line on stderr at the start of each phase that has no bar of its own."""

from __future__ import annotations

import sys


def say(phase: str, progress: bool) -> None:
    """Name the phase, where progress is wanted."""
    if progress:
        sys.stderr.write(f"{phase}\n")
        sys.stderr.flush()
