"""A certified upper bound on K(f): the shortest of several prefix codes, with the encoder and the decoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slt_bias.complexity.code.family import as_text
from slt_bias.complexity.code.reader import Reader
from slt_bias.complexity.code.shortest import FAMILIES, choose, decode_table, encode_as, lengths, selectors
from slt_bias.complexity.estimator import estimator
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.functions import Functions, parse

__all__ = ["code", "decode", "encode", "families", "family_lengths", "winner"]


@estimator("shortest of several prefix codes that a decoder reads back: a certified upper bound on K", "bits")
def code(functions: Functions) -> np.ndarray:
    """Bits of the shortest code of each function, float64 (count,): exactly the length of `encode(f)`.

    K(f | points) ≤ code(f) + the fixed length of the decoder (`decode`). A code is a selector of 2 to 6 bits and then
    one of: the table itself; context-tree weighting by an arithmetic coder (Willems, Shtarkov & Tjalkens 1995); number
    of ones and rank (Cover 1973); number of changes and rank; a repeated pattern; a shift register (Massey 1969); a
    counter modulo m; a cellular automaton; and, on 2ⁿ points, a symmetric function, a threshold function with small
    weights, algebraic and disjunctive normal form, a formula, a function of fewer inputs. `families` lists them.

    All parameters are paid for, numbers of unknown size by Elias 1975; no code is the beginning of another's, the
    number of points being known to both sides. Never more than points + 2 bits; tables of up to 4 points stand by
    themselves. No points give 0.
    """
    return lengths(functions).astype(np.float64)


def encode(functions: str | Sequence[str] | np.ndarray | Functions, family: str | None = None) -> str | list[str]:
    """The code of a function as a string of 0 and 1; of several functions, a list.

    family : one of `families(points)` instead of the shortest. Raises InputError for what is no function or where that
    family has no code for it, SpecError for an unknown family.
    """
    batch = parse(functions)
    known = selectors(batch.points)
    if family is None:
        chosen = [list(known)[number] for number in choose(batch).families]
    else:
        _check_family(family, batch.points)
        missing = np.flatnonzero(family_lengths(batch, family) == np.inf)
        if len(missing):
            raise InputError(f"family `{family}` has no code for function {missing[0]}.")
        chosen = [family] * len(batch)
    codes = [encode_as(table, name) for table, name in zip(batch.values(), chosen, strict=True)]
    return codes[0] if isinstance(functions, str) else codes


def decode(bits: str, points: int) -> str:
    """The function, a string of 0 and 1, whose code the bits are. Raises InputError where they are no code of one function."""
    if not isinstance(bits, str) or bits.strip("01"):
        raise InputError("a code is a string of 0 and 1.")
    if points < 0:
        raise InputError(f"points = {points}: give a whole number, 0 or larger.")
    reader = Reader(bits)
    table = decode_table(reader, points)
    if reader.position != len(bits):
        raise InputError(f"the code of a function ends after {reader.position} bits, and {len(bits)} are given.")
    return as_text(table)


def winner(functions: str | Sequence[str] | np.ndarray | Functions) -> str | list[str]:
    """The family of the shortest code of a function; of several, a list. Ties go to the earlier of `families(points)`."""
    batch = parse(functions)
    names = list(selectors(batch.points))
    won = [names[number] for number in choose(batch).families]
    return won[0] if isinstance(functions, str) else won


def families(points: int) -> dict[str, str]:
    """The families of codes for functions on that many points, each with its selector and what its code lists."""
    return {name: f"{selector or '(no selector)'} {FAMILIES[name].meaning}" for name, selector in selectors(points).items()}


def family_lengths(functions: str | Sequence[str] | np.ndarray | Functions, family: str) -> np.ndarray:
    """Bits of the codes of one family with its selector, float64 (count,); inf where it has none. Raises SpecError."""
    batch = parse(functions)
    _check_family(family, batch.points)
    bits = len(selectors(batch.points)[family]) + FAMILIES[family].lengths(batch)
    return np.where(bits > 2 * batch.points + 2**20, np.inf, bits.astype(np.float64))


def _check_family(family: str, points: int) -> None:
    if family not in selectors(points):
        raise SpecError(f"no family of codes on {points} points is named `{family}`.{nearest(family, selectors(points))}")
