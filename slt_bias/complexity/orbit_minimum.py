"""The least complexity over the orbit of a function: what does not depend on how its inputs happen to be ordered.

    min over π of K(f ∘ π),   π a permutation of the inputs (or an element of a larger group)

C_LZ (Dingle, Camargo & Louis 2018) reads a truth table as a string and so depends on the order of the inputs, while P of
a network does not: on 7 inputs x₀ ⊕ x₁ scores 28 and x₂ ⊕ x₅ 49. An upper bound on K(f) it stays, up to the log₂ n! bits
that name the permutation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from slt_bias.complexity.registry import compute
from slt_bias.functions import Functions, InputSet, parse
from slt_bias.functions.symmetry import PERMUTATIONS, canonical, orbits

MEMBERS_AT_ONCE = 2**18


def minimum(
    functions: str | Sequence[str] | np.ndarray | Functions,
    inputs: int | InputSet,
    name: str = "lz",
    symmetries: Iterable[str] = PERMUTATIONS,
) -> np.ndarray:
    """The least value of an estimator over each function's orbit, float64 (count,), in the estimator's unit.

    functions : as `sb.functions.parse` takes them. inputs : a hypercube of at most 8 inputs. name : one of
    `sb.complexity.names()`. symmetries : names of `slt_bias.functions.symmetry.NAMES`.
    Every orbit is measured once, each member once: 5,040 strings for most functions of 7 inputs under permutation, one
    for a symmetric function. Raises InputError, SpecError.
    """
    wanted = frozenset(symmetries)
    forms, sizes = canonical(parse(functions, inputs), inputs, wanted)
    _, first, orbit = np.unique(forms.packed, axis=0, return_index=True, return_inverse=True)
    least = np.empty(len(first))
    batch = np.cumsum(sizes[first]) // MEMBERS_AT_ONCE
    for rows in np.split(np.arange(len(first)), np.flatnonzero(np.diff(batch)) + 1):
        members, owner = orbits(forms[first[rows]], inputs, wanted)
        starts = np.searchsorted(owner, np.arange(len(rows)))
        least[rows] = np.minimum.reduceat(compute(members, name), starts)
    return least[orbit.reshape(-1)]
