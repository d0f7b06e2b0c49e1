"""Two samples on one list of functions, and the random halving that lets one half choose what the other half tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.functions import Functions, same_points
from slt_bias.functions.inputs import points_name
from slt_bias.prior import FunctionCounts
from slt_bias.prior.blocks import overlap


@dataclass(frozen=True)
class Paired:
    """Counts of the same functions in two samples, int64 (functions,) each; functions in the order of their tables."""

    functions: Functions
    a: np.ndarray
    b: np.ndarray


def pair(counts_a: FunctionCounts, counts_b: FunctionCounts) -> Paired:
    """Outer join on packed keys. Raises InputError where the two maps do not have the same points."""
    if counts_a.points != counts_b.points:
        raise InputError(f"functions of {counts_a.points} and of {counts_b.points} points cannot be compared.")
    if not same_points(counts_a.spec, counts_b.spec):
        first, second = points_name(counts_a.spec), points_name(counts_b.spec)
        raise InputError(f"functions on inputs={first} and on inputs={second} cannot be compared: give both maps the same.")
    width = counts_a.functions.packed.shape[1]
    packed = np.ascontiguousarray(np.concatenate([counts_a.functions.packed, counts_b.functions.packed]))
    keys = packed.view(f"S{width}").ravel()  # equal widths: dropped trailing zero bytes make no two keys equal
    _, first_place, place = np.unique(keys, return_index=True, return_inverse=True)
    a, b = np.zeros(len(first_place), np.int64), np.zeros(len(first_place), np.int64)
    a[place[: counts_a.distinct]] = counts_a.count
    b[place[counts_a.distinct :]] = counts_b.count
    return Paired(Functions(packed[first_place], counts_a.points), a, b)


def halve(count: np.ndarray, purpose: list[streams.Purpose]) -> tuple[np.ndarray, np.ndarray]:
    """A fair coin for every draw: two independent samples of the same law, given their sizes. Same purpose, same halves."""
    generator = np.random.Generator(np.random.PCG64(streams.key("halves", 0, purpose, 0)))
    first = generator.binomial(count, 0.5)
    return first, count - first


def share_draws(counts_a: FunctionCounts, counts_b: FunctionCounts) -> bool:
    """True where both hold a block of the same stream, so that they are not independent."""
    if counts_a.spec != counts_b.spec:
        return False
    seeds = counts_a.blocks.keys() & counts_b.blocks.keys()
    return any(overlap(counts_a.blocks[seed], counts_b.blocks[seed]) is not None for seed in seeds)
