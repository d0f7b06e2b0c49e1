"""What commands print: results on standard output, everything else on standard error, never a colour code."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from slt_bias.workflows.plain import plain


class OutputError(Exception):
    """Standard output takes no more: a full disk, or a reader that has left."""


def show(text: str) -> None:
    """A result. Raises OutputError."""
    try:
        typer.echo(text)
    except OSError as error:
        raise OutputError(closed(error)) from error


def closed(error: OSError) -> str:
    """What to say of a standard output that failed, nothing where its reader has left; later output goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # else Python complains once more at its exit
        os.close(nowhere)
    return "" if isinstance(error, BrokenPipeError) else f"standard output cannot be written ({error.strerror or error})."


def say(text: str) -> None:
    """A message."""
    with contextlib.suppress(OSError):
        typer.echo(text, err=True)


@contextlib.contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Around work that may run a user's code: what it prints is a message, not a result."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def fail(reason: str) -> None:
    """An error, on one line."""
    say(f"error: {' '.join(reason.split())}")


def show_json(summary: dict[str, Any]) -> None:
    """A summary as one JSON object; what is no finite number becomes null, for JSON has no word for it."""
    show(json.dumps(plain(summary), ensure_ascii=False, indent=2, allow_nan=False))


LONGEST = 80


def show_table(rows: Sequence[dict[str, Any]], longest: dict[str, int] | None = None) -> None:
    """Aligned columns under their names; texts longer than `longest` of their column (80) are cut."""
    if not rows:
        return
    names = list(rows[0])
    cells = [names, *([_cell(row[name], (longest or {}).get(name, LONGEST)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    numeric = [all(not isinstance(row[name], str) for row in rows) for name in names]
    for line in cells:
        padded = [
            text.rjust(width) if right else text.ljust(width) for text, width, right in zip(line, widths, numeric, strict=True)
        ]
        show("  ".join(padded).rstrip())


def _cell(value: Any, most: int) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
