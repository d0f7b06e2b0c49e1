"""Options that several commands share, and readers of their text."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds give equal draws.")]


def whole_number(text: str) -> int:
    """A whole number from 1, as people type it: 1000000, 1_000_000, 1e6."""
    try:
        number = float(text)
        whole = int(text) if text.replace("_", "").isdecimal() else int(number)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"`{text}` is no whole number; write 1000000, 1_000_000 or 1e6.") from None
    if whole != number or whole < 1:
        raise typer.BadParameter(f"`{text}`: give a whole number, at least 1.")
    return whole
