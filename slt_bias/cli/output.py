"""What commands print: results on standard output, everything else on standard error, never a colour code."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import typer

from slt_bias.workflows.plain import plain


def show(text: str) -> None:
    """A result."""
    typer.echo(text)


def say(text: str) -> None:
    """A message."""
    typer.echo(text, err=True)


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
