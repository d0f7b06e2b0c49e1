"""Orbits of Boolean functions under permutation and negation of inputs and negation of the output.

Where P is invariant under such a group, it is the same for all functions of an orbit. The whole group on n inputs,
with 2·n!·2ⁿ elements, is that of the NPN classes (Golomb 1959, IRE Trans. Inf. Theory 5, 176; Slepian 1953): 4, 14, 222
of them for n = 2, 3, 4.

The canonical form of f is the member g of its orbit whose Walsh coefficients

    Ŵ(S) = Σ_x (−1)^(g(x) + Σ_{i∈S} x_i)      (x_i ∈ {0, 1})

are lexicographically greatest in the order ∅, {0}, {1}, {0,1}, {2}, {0,2}, {1,2}, {0,1,2}, {3}, …: fewest ones first, then
the input of the greatest first-order coefficient in front, ties broken by coefficients of higher order. A
coefficient of a set needs the places of its inputs only, so the search gives places to inputs one after another, keeps
what agrees with the best beginning, and tries one of inputs that f does not tell apart: exact, and short for symmetric
functions too. The elements found are those that take f to its form, as many as fix f, and the size of the orbit is the
group's divided by that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.functions.parsing import parse
from slt_bias.functions.tables import Functions

Group = frozenset[str]

NAMES = {
    "permute-inputs": "any permutation of the inputs",
    "negate-inputs": "the negation of any of the inputs, each by itself",
    "negate-all-inputs": "the negation of all inputs at once",
    "negate-output": "the negation of the output",
}
"""What a map's `symmetries` can hold. "negate-inputs" includes "negate-all-inputs" and stands alone."""

PERMUTATIONS: Group = frozenset({"permute-inputs"})
NPN: Group = frozenset({"permute-inputs", "negate-inputs", "negate-output"})

LARGEST_SEARCH = 8  # inputs
LARGEST_TABLE = 4  # inputs for which all functions are classified at once
LARGEST_ORBIT = 2**21  # members that `orbit` lists


def group(symmetries: Iterable[str]) -> Group:
    """The names as a frozenset, "negate-all-inputs" left out where "negate-inputs" includes it. Raises SpecError."""
    if isinstance(symmetries, str):
        raise SpecError(f"symmetries = {symmetries!r}: give a set of names, such as {{'permute-inputs'}}.")
    wanted = frozenset(symmetries)
    for name in sorted(map(str, wanted - set(NAMES))):
        raise SpecError(f"no symmetry is named `{name}`.{nearest(name, NAMES)}")
    return wanted - {"negate-all-inputs"} if "negate-inputs" in wanted else wanted


def usable(symmetries: Iterable[str], inputs: int | InputSet) -> Group:
    """Those of the symmetries under which orbits can be formed: all on a hypercube of at most 8 inputs, else the output's."""
    where = as_inputs(inputs)
    everything = where.kind == "hypercube" and where.features <= LARGEST_SEARCH
    return group(symmetries) if everything else group(symmetries) & {"negate-output"}


def group_order(inputs: int | InputSet, symmetries: Iterable[str]) -> int:
    """The number of elements of the group. Raises InputError, SpecError."""
    where, wanted = _checked(inputs, symmetries)
    n = where.features
    order = math.factorial(n) if "permute-inputs" in wanted else 1
    order *= 2**n if "negate-inputs" in wanted else 2 if "negate-all-inputs" in wanted else 1
    return order * (2 if "negate-output" in wanted else 1)


def canonical(
    functions: str | Sequence[str] | np.ndarray | Functions, inputs: int | InputSet, symmetries: Iterable[str]
) -> tuple[Functions, np.ndarray]:
    """(forms, sizes): the canonical form of each function's orbit, and how many members the orbit has, int64 (count,).

    Two functions have the same form exactly where they lie in one orbit; the form (see the module) is a member of it.
    inputs : a hypercube of at most 8 inputs; under nothing but the negation of the output, any input set. There the form
        is the one with fewer ones and, where both have half, with a 0 on the first point.
    Raises InputError for functions that do not fit or inputs that have no such symmetry, SpecError for unknown names.
    """
    where, wanted = _checked(inputs, symmetries)
    batch = parse(functions, where)
    if wanted <= {"negate-output"}:
        return _by_ones(batch, wanted)
    if where.features > LARGEST_TABLE:
        return _searched(batch.packed, where.features, wanted)
    forms, sizes = _all_forms(where.features, wanted)
    number = _numbers(batch)
    return _tables(forms[number], batch.points), sizes[number]


def classes(inputs: int, symmetries: Iterable[str]) -> tuple[Functions, np.ndarray]:
    """(representatives, sizes): the canonical forms of all orbits on 2ⁿ points, n ≤ 4, in lexicographic order, and their sizes.

    222 under the whole group at n = 4, 3,984 under permutation, 1,992 with negation of the output. Raises InputError, SpecError.
    """
    where = as_inputs(inputs)
    if where.kind != "hypercube" or where.features > LARGEST_TABLE:
        raise InputError(f"classes: {where.spec}: all functions are classified for at most {LARGEST_TABLE} binary inputs.")
    forms, sizes = canonical(_tables(np.arange(2**where.count), where.count), where, symmetries)
    number, first = np.unique(_numbers(forms), return_index=True)
    return _tables(number, where.count), sizes[first]


def orbit(function: str | Functions, inputs: int | InputSet, symmetries: Iterable[str]) -> Functions:
    """All members of one function's orbit, each once, in lexicographic order of truth tables.

    Raises InputError for an orbit of more than 2²¹ members, and as `canonical`.
    """
    where, wanted = _checked(inputs, symmetries)
    asked = parse(function, where)
    if len(asked) != 1:
        raise InputError(f"asked for the orbits of {len(asked)} functions; orbit takes one.")
    size = int(canonical(asked, where, wanted)[1][0])
    if size > LARGEST_ORBIT:
        raise InputError(f"the orbit has {size:,} members, more than the {LARGEST_ORBIT:,} listed: take a smaller group.")
    members, owner = orbits(asked, where, wanted)
    return Functions(_distinct(members.packed, owner)[0], where.count)


def orbits(functions: Functions, inputs: int | InputSet, symmetries: Iterable[str]) -> tuple[Functions, np.ndarray]:
    """(members, owner): the members of the orbits of several functions, and int64 (members,), whose orbit each belongs to.

    Ordered by owner; each member once an orbit. Takes about 200 bytes a member: keep the sum of the orbits' sizes (of
    `canonical`) within memory. Raises as `canonical`.
    """
    where, wanted = _checked(inputs, symmetries)
    batch = parse(functions, where)
    free = canonical(batch, where, wanted)[1] == group_order(where, wanted)  # all images differ: nothing to sort
    packed, owner = [], []
    for rows, distinct in ((np.flatnonzero(free), False), (np.flatnonzero(~free), True)):
        images, row = _images(batch.packed[rows], where, wanted, distinct)
        packed.append(images)
        owner.append(rows[row])
    owners = np.concatenate(owner)
    order = np.argsort(owners, kind="stable")
    return Functions(np.concatenate(packed)[order], where.count), owners[order]


def _checked(inputs: int | InputSet, symmetries: Iterable[str]) -> tuple[InputSet, Group]:
    where, wanted = as_inputs(inputs), group(symmetries)
    if wanted <= {"negate-output"}:
        return where, wanted
    if where.kind != "hypercube":
        raise InputError(f"{where.spec} has no binary inputs to permute or negate: only negate-output has orbits there.")
    if where.features > LARGEST_SEARCH:
        raise InputError(f"orbits of {where.features} inputs are not computed: at most {LARGEST_SEARCH}, or negate-output alone.")
    return where, wanted


def _by_ones(batch: Functions, wanted: Group) -> tuple[Functions, np.ndarray]:
    if not wanted:
        return batch, np.ones(len(batch), np.int64)
    twice = 2 * batch.ones()
    negated = (twice > batch.points) | ((twice == batch.points) & (batch.packed[:, 0] >= 128))
    packed = batch.packed.copy()
    packed[negated] = batch[negated].complement().packed
    return Functions(packed, batch.points), np.full(len(batch), 2, np.int64)


def _searched(packed: np.ndarray, n: int, wanted: Group) -> tuple[Functions, np.ndarray]:
    """As `canonical`, by the search alone."""
    from slt_bias.functions._symmetry_kernel import canonical_rows

    out = np.empty_like(packed)
    automorphisms = np.empty(len(packed), np.int64)
    flags = [name in wanted for name in ("permute-inputs", "negate-inputs", "negate-all-inputs", "negate-output")]
    canonical_rows(np.ascontiguousarray(packed), n, *flags, out, automorphisms)  # type: ignore[call-arg]
    return Functions(out, 2**n), group_order(n, wanted) // automorphisms


@cache
def _all_forms(n: int, wanted: Group) -> tuple[np.ndarray, np.ndarray]:
    """(forms, sizes) of all 2^(2ⁿ) functions as numbers: uint16 and int64; orbits by closure under generators."""
    from slt_bias.functions._symmetry_kernel import classes_of_all

    points = 2**n
    generators = [_exchange(n, v, v + 1) for v in range(n - 1)] if "permute-inputs" in wanted else []
    generators += [_negation(n, [v]) for v in range(n)] if "negate-inputs" in wanted else []
    generators += [_negation(n, range(n))] if "negate-all-inputs" in wanted else []
    sources = np.array(generators, np.int64).reshape(-1, points)
    label, first = np.full(2**points, -1), np.empty(2**points, np.int64)
    number = classes_of_all(sources, "negate-output" in wanted, points, label, first)
    forms = _numbers(_searched(_tables(first[:number], points).packed, n, wanted)[0])
    return forms.astype(np.uint16)[label], np.bincount(label)[label]


def _numbers(functions: Functions) -> np.ndarray:
    """Tables of at most 16 points as numbers, the first point highest: int64 (count,)."""
    wide = np.zeros((len(functions), 2), np.int64)
    wide[:, : functions.packed.shape[1]] = functions.packed
    return (wide[:, 0] << 8 | wide[:, 1]) >> (16 - functions.points)


def _tables(numbers: np.ndarray, points: int) -> Functions:
    """The reverse of `_numbers`."""
    wide = (numbers.astype(np.int64) << (16 - points)).astype(">u2").view(np.uint8).reshape(-1, 2)
    return Functions(np.ascontiguousarray(wide[:, : -(-points // 8)]), points)


def _exchange(n: int, v: int, w: int) -> np.ndarray:
    """int64 (2ⁿ,): at each point the point with inputs v and w exchanged."""
    place = np.arange(2**n)
    first, second = n - 1 - v, n - 1 - w
    differ = (place >> first ^ place >> second) & 1
    return place ^ (differ << first | differ << second)


def _negation(n: int, negated: Iterable[int]) -> np.ndarray:
    """int64 (2ⁿ,): at each point the point with some inputs negated."""
    return np.arange(2**n) ^ sum(1 << (n - 1 - v) for v in negated)


def _images(packed: np.ndarray, where: InputSet, wanted: Group, distinct: bool) -> tuple[np.ndarray, np.ndarray]:
    """(images, row): the images of each row under all elements of the group, by row; with `distinct` each once a row."""
    from slt_bias.functions._symmetry_kernel import move_rows

    n, rows = where.features, len(packed)
    steps: list[list[np.ndarray]] = []  # at each step the rows so far and their images under these
    if "permute-inputs" in wanted:  # S_{k+1} is the union of (j k)·S_k over j ≤ k
        steps += [[_exchange(n, j, k) for j in range(k)] for k in range(1, n)]
    if "negate-inputs" in wanted:
        steps += [[_negation(n, [v])] for v in range(n)]
    if "negate-all-inputs" in wanted:
        steps += [[_negation(n, range(n))]]
    if "negate-output" in wanted:
        steps += [[]]
    owner = np.arange(rows)
    for sources in steps:
        out = np.empty((max(len(sources), 1) + 1, *packed.shape), np.uint8)
        out[0] = packed
        for image, source in zip(out[1:], sources, strict=False):
            move_rows(packed, source, image)
        if not sources:
            out[1] = Functions(packed, where.count).complement().packed
        packed, owner = out.reshape(-1, packed.shape[1]), np.tile(owner, len(out))
        if distinct:
            packed, owner = _distinct(packed, owner)
    if not distinct and rows:  # a row's images lie `rows` apart
        packed = packed.reshape(-1, rows, packed.shape[1]).swapaxes(0, 1).reshape(-1, packed.shape[1])
        owner = np.sort(owner, kind="stable")
    return packed, owner


def _distinct(packed: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that differ, by owner and then lexicographically."""
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    words = padded.view(">u8").astype(np.uint64)
    order = np.lexsort((*words.T[::-1], owner))
    words, owner = words[order], owner[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (owner[1:] != owner[:-1]) | (words[1:] != words[:-1]).any(axis=1)
    return packed[order[fresh]], owner[fresh]
