"""Options of a map family: how their text is read, written and listed; one table serves parser, spec and `maps`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from slt_bias.errors import SpecError, nearest
from slt_bias.maps.law import DISTRIBUTIONS, PRESETS

LARGE = 1e6


@dataclass(frozen=True)
class Option:
    """One option of a family: its name, a reader of its text, what it means, and its default as text."""

    name: str
    read: Callable[[str], Any]
    meaning: str
    default: str


def integer(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise SpecError(f"`{text}` is no whole number.") from None


def real(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise SpecError(f"`{text}` is no number.") from None


def boolean(text: str) -> bool:
    """true or false."""
    if text not in ("true", "false"):
        raise SpecError(f"`{text}` is neither true nor false.")
    return text == "true"


def sizes(text: str) -> tuple[int, ...]:
    """Whole numbers with x between them, `40x40`; an empty text is no number at all."""
    return tuple(integer(part) for part in text.split("x")) if text else ()


def word(text: str) -> str:
    """A word; the family checks it."""
    return text


def write(value: object) -> str:
    """A value as spec text; readers turn it back into the same value."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "x".join(str(item) for item in value)
    return _write_float(value) if isinstance(value, float) else str(value)


def _write_float(value: float) -> str:
    """The shortest digits that read back as the same float; from a million up in powers of ten where that is shorter."""
    text = repr(float(value))
    if not LARGE <= abs(value) < float("inf"):
        return text
    return min(text, np.format_float_scientific(value, trim="-", exp_digits=1).replace("e+", "e"), key=len)


def bracketed(text: str) -> str:
    """The spec of another map, in brackets where it has commas of its own: `[mlp:hidden=40x40,bias=false]`."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def split(text: str) -> list[str]:
    """The options of a spec: at commas outside brackets. Raises SpecError for brackets that do not match."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if depth < 0:
            break
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    if depth:
        raise SpecError(f"`{text}`: brackets do not match.")
    return [part for part in parts if part]


def check_choice(option: str, value: str, valid: tuple[str, ...]) -> None:
    """Raises SpecError with the nearest valid word."""
    if value not in valid:
        raise SpecError(f"{option}={value} is unknown.{nearest(str(value), valid)}")


def check_size(option: str, value: int, low: int, high: int) -> None:
    """Raises SpecError where a size is no whole number between low and high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{option}={value}: give a whole number between {low} and {high}.")


LAW_OPTIONS = (
    Option("law", word, f"distribution of the parameters: {' or '.join(DISTRIBUTIONS)}", "normal"),
    Option("weight_std", real, "a weight's standard deviation is weight_std/√fan_in", "1"),
    Option("bias_std", real, "a bias's standard deviation", "1"),
    Option("bias", boolean, "false is the same as bias_std=0", "true"),
    Option("preset", word, f"a published law instead: {' or '.join(PRESETS)}", ""),
)


def spec_text(name: str, inputs: str, options: dict[str, object], law: tuple[tuple[str, str], ...] = ()) -> str:
    """The canonical text of a map: every option written out, inputs first, law last."""
    items = [inputs, *(f"{key}={write(value)}" for key, value in options.items()), *(f"{key}={value}" for key, value in law)]
    return f"{name}:{','.join(items)}"
