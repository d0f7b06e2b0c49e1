"""Options that several commands share, and readers of their text."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds give equal draws.")]


LARGEST = 2**62


def whole_number(text: str) -> int:
    """A whole number from 1, as people type it: 1000000, 1_000_000, 1e6."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise typer.BadParameter(f"`{text}` is no whole number; write 1000000, 1_000_000 or 1e6.")
    if not 1 <= number <= LARGEST or number % 1:
        raise typer.BadParameter(f"`{text}`: give a whole number, at least 1 and at most {LARGEST:.1e}.")
    return int(number)
