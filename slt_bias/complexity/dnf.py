"""Disjunctive normal form: an or of ands of literals, few of them, found greedily among the prime implicants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slt_bias.complexity import _dnf_kernel as kernel
from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import first_point_lowest, inputs_of, is_hypercube
from slt_bias.errors import InputError
from slt_bias.functions import Functions, parse

LARGEST = 10
BLOCK = 2**18  # points of functions at a time


class Cover(NamedTuple):
    """Terms of several functions: those of function k are first[k] … first[k + 1] − 1.

    free : int64, the inputs that a term leaves free, as bits, the last input lowest. base : int64, the point of the
    term whose free inputs are 0.
    """

    first: np.ndarray
    free: np.ndarray
    base: np.ndarray


class DisjunctiveForm(NamedTuple):
    """Terms and literals: floats for one function, float64 (count,) for several."""

    terms: float | np.ndarray
    literals: float | np.ndarray


def dnf(functions: str | Sequence[str] | np.ndarray | Functions) -> DisjunctiveForm:
    """Both numbers of a greedy cover, `.terms` and `.literals`; the least are `dnf_exact_terms` and `dnf_exact_literals`."""
    return DisjunctiveForm(dnf_terms(functions), dnf_literals(functions))


def of_at_most_ten(points: int) -> bool:
    """Whether that many points are a hypercube's of at most 10 inputs."""
    return is_hypercube(points) and points <= 2**LARGEST


@estimator(
    "terms of a small disjunctive normal form, found greedily, up to 10 inputs (`dnf_exact_terms` is the least)",
    "terms",
    reaches=of_at_most_ten,
)
def dnf_terms(functions: Functions) -> np.ndarray:
    """Terms of a greedy cover of the ones by prime implicants, float64 (count,): an upper bound on `dnf_exact_terms`.

    Prime implicants as by Quine 1952 and McCluskey 1956, on all points at once; then the prime that covers most of
    what is left, fewest literals first (Chvátal 1979: at most 1 + ln 2ⁿ times the least), and terms that the others
    cover are dropped. 0 for the constant 0, 1 for the constant 1, 2ⁿ⁻¹ for parity. Raises InputError for more than 10
    inputs or points that are no hypercube's.
    """
    return np.diff(greedy_covers(functions, "dnf_terms").first).astype(np.float64)


@estimator(
    "literals of a small disjunctive normal form, found greedily, up to 10 inputs (`dnf_exact_literals` is the least)",
    "literals",
    reaches=of_at_most_ten,
)
def dnf_literals(functions: Functions) -> np.ndarray:
    """Literals of the cover of `dnf_terms`, float64 (count,): an upper bound on `dnf_exact_literals`.

    0 for both constants, n·2ⁿ⁻¹ for parity. Raises InputError for more than 10 inputs or points that are no hypercube's.
    """
    inputs = inputs_of(functions, "dnf_literals")
    cover = greedy_covers(functions, "dnf_literals")
    literals = np.concatenate([[0], np.cumsum(inputs - np.bitwise_count(cover.free).astype(np.int64))])
    return np.diff(literals[cover.first]).astype(np.float64)


def greedy_dnf(function: str | Functions) -> list[str]:
    """The terms of a greedy cover of one function as text, first input first: `1-0` is x₁ ∧ ¬x₃; none for the constant 0.

    Raises InputError for several functions or more than 10 inputs.
    """
    one = a_single(function, "greedy_dnf")
    cover = greedy_covers(one, "greedy_dnf")
    return as_text(cover.free, cover.base, inputs_of(one, "greedy_dnf"))


def prime_implicants(function: str | Functions) -> list[str]:
    """All prime implicants of one function as text, as in `greedy_dnf` (Quine 1952). Raises InputError likewise."""
    one = a_single(function, "prime_implicants")
    return as_text(*primes(one, "prime_implicants"), inputs_of(one, "prime_implicants"))


def greedy_covers(functions: Functions, name: str) -> Cover:
    """A greedy cover of each function. Raises InputError, in the name of the caller."""
    inputs = inputs_of(functions, name)
    refuse_large(inputs, name)
    tables = first_point_lowest(functions.packed)
    costs = np.arange(inputs + 1)
    rows = max(1, BLOCK // functions.points)
    parts = []
    for start in range(0, len(tables), rows):
        block = tables[start : start + rows]
        first = np.empty(len(block) + 1, np.int64)
        room = len(block) * functions.points  # every term of an irredundant cover has a point of its own
        free, base = np.empty(room, np.int64), np.empty(room, np.int64)
        end = kernel.covers(block, inputs, costs, first, free, base)
        parts.append((first, free[:end].copy(), base[:end].copy()))
    offsets = np.concatenate([[0], np.cumsum([first[-1] for first, _, _ in parts])]).astype(np.int64)
    starts = [first[:-1] + offset for (first, _, _), offset in zip(parts, offsets, strict=False)]
    empty = np.zeros(0, np.int64)
    return Cover(
        np.concatenate([*starts, offsets[-1:]]),
        np.concatenate([free for _, free, _ in parts] or [empty]),
        np.concatenate([base for _, _, base in parts] or [empty]),
    )


def primes(function: Functions, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(free, base) of all prime implicants of one function, int64."""
    inputs = inputs_of(function, name)
    refuse_large(inputs, name)
    table = first_point_lowest(function.packed)[0]
    free, base = np.empty(3**inputs, np.int64), np.empty(3**inputs, np.int64)
    count = kernel.prime_implicants(table, inputs, np.empty((1 << inputs, len(table)), np.uint64), free, base)
    return free[:count], base[:count]


def refuse_large(inputs: int, name: str, largest: int = LARGEST) -> None:
    """Raise InputError beyond the largest number of inputs."""
    if inputs > largest:
        raise InputError(f"{name}: functions of {inputs} inputs have too many prime implicants; it goes up to {largest}.")


def a_single(function: str | Functions, name: str) -> Functions:
    """One function, parsed. Raises InputError for several."""
    one = parse(function)
    if len(one) != 1:
        raise InputError(f"{name} takes one function, not {len(one)}.")
    return one


def as_text(free: np.ndarray, base: np.ndarray, inputs: int) -> list[str]:
    """Terms as text, a character an input: 0, 1, or - where the input is free."""
    bits = range(inputs - 1, -1, -1)
    return ["".join("-" if f >> bit & 1 else str(b >> bit & 1) for bit in bits) for f, b in zip(free, base, strict=True)]
