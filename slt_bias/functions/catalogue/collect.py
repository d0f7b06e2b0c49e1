"""The catalogue put together: the members of every family, each once, with the smallest formulas known for them."""

from __future__ import annotations

import functools
import itertools

import numpy as np

from slt_bias.errors import InputError
from slt_bias.functions.catalogue import automata, counts, gates, normal_forms, numbers, strings, words
from slt_bias.functions.catalogue.division import Divisions
from slt_bias.functions.catalogue.expansion import expansions
from slt_bias.functions.catalogue.expression import Expression, leaves
from slt_bias.functions.catalogue.gate_sets import leaves_and_or, write
from slt_bias.functions.catalogue.reference import Member, Reference
from slt_bias.functions.inputs import InputSet, as_inputs

LEAST, MOST = 3, 10
FAMILIES = (gates, counts, words, strings, normal_forms, automata, numbers)
SEARCHED = 8  # inputs up to which expansion and division are tried also where a member has a formula of its own


def reference_functions(inputs: int | InputSet) -> tuple[Reference, ...]:
    """The catalogue for n binary inputs, 3 ≤ n ≤ 10, in a fixed order.

    inputs : n, or a hypercube; a function sees the bits whether they are coded 0, 1 or −1, 1.

    The tables differ from each other and from each other's negations, but for the two constants. A formula is the
    smallest of the family's own, the best expansion of one input after another (`expansion`) and the best division of the
    inputs from either end (`division`); its number of leaves is an upper bound on the formula size (at n = 4 at most 2 above
    the exact one, and equal to it for four functions in five). The first call for an n searches (2 s at n = 7, under a
    minute at n = 10), later ones return what it found.

    Raises InputError for rows of data, a grid, or another number of inputs.
    """
    points = as_inputs(inputs)
    if points.kind != "hypercube":
        raise InputError(f"the reference functions are functions of bits, and {points.spec} has none: give a number of inputs.")
    if not LEAST <= points.features <= MOST:
        raise InputError(f"inputs = {points.features}: the reference functions are made for {LEAST} to {MOST} inputs.")
    return _catalogue(points.features)


@functools.cache
def _catalogue(n: int) -> tuple[Reference, ...]:
    members = _distinct(n)
    and_or, all_gates = _smallest(members, n, False), _smallest(members, n, True)
    # A formula over all gates with few XORs inside each other can also be the smallest once written over AND and OR.
    and_or = [
        write(two, False) if leaves_and_or(two) < leaves(one) else one for one, two in zip(and_or, all_gates, strict=True)
    ]
    return tuple(
        Reference(
            name=member.name,
            family=member.family,
            table=_text(member.values),
            description=member.description,
            formula_and_or=one,
            formula_all_gates=two if leaves(two) <= leaves(one) else one,
            loop_program=member.loop_program,
            steps=member.steps,
        )
        for member, one, two in zip(members, and_or, all_gates, strict=True)
    )


def _distinct(n: int) -> list[Member]:
    """The first member of each pair of a table and its negation; both constants."""
    bits = (np.arange(2**n)[:, None] >> np.arange(n - 1, -1, -1)) & 1 == 1
    found: dict[str, Member] = {}
    for member in itertools.chain.from_iterable(family.members(n, bits) for family in FAMILIES):
        table, negation = _text(member.values), _text(~member.values)
        if table not in found and (negation not in found or member.family == "constant"):
            found[table] = member
    return list(found.values())


def _smallest(members: list[Member], n: int, all_gates: bool) -> list[Expression]:
    """The formula of each member with the fewest leaves, over one set of gates."""
    choices = [[write(formula, all_gates) for formula in member.formulas] for member in members]
    open_members = [row for row, member in enumerate(members) if not member.formulas or n <= SEARCHED]
    tables = np.stack([members[row].values for row in open_members])
    for row, formula in zip(open_members, expansions(tables, n, all_gates), strict=True):
        choices[row].append(formula)
    divisions, forward, backward = Divisions(all_gates), tuple(range(n)), tuple(reversed(range(n)))
    for row in open_members:
        mirrored = members[row].values.reshape((2,) * n).transpose().ravel()
        for values, names in ((members[row].values, forward), (mirrored, backward)):
            choices[row].append(write(divisions.formula(int(_text(values), 2), names), all_gates))
    return [min(formulas, key=leaves) for formulas in choices]


def _text(values: np.ndarray) -> str:
    return (values.astype(np.uint8) + ord("0")).tobytes().decode("ascii")
