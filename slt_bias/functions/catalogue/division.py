"""A formula for a table that a machine with few states can read: divide the inputs in two parts, and conquer both.

Cut the inputs x0 … x(n−1) after the first u of them. Every value of the first part leaves a function of the second, its
residual; where there are only a few distinct residuals R₁, R₂, …, with Cᵢ the function of the first part that says its
residual is Rᵢ,
    f = OR_i Cᵢ ∧ Rᵢ = AND_i (¬Cᵢ ∨ Rᵢ) = R_j ⊕ XOR_{i≠j} Cᵢ ∧ (Rᵢ ⊕ R_j),
and where R₁ ≤ R₂ ≤ … the sums C_{≥i} = Cᵢ ∨ Cᵢ₊₁ ∨ … may stand for Cᵢ:
    f = OR_i C_{≥i} ∧ Rᵢ = AND_i (C_{>i} ∨ Rᵢ).
Functions of the number of ones have at most u + 1 residuals and get thresholds as their C_{≥i} (Wegener 1987, The Complexity
of Boolean Functions, ch. 8); remainders of the binary number modulo m have at most m. Every cut and every form is tried,
and the same in both parts. One cut after the first input is the expansion of Shannon 1949.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from typing import NamedTuple

from slt_bias.functions.catalogue.expression import Constant, Expression, Input, all_of, any_of, odd_of

MOST_RESIDUALS = 6


class Form(NamedTuple):
    """A cut after `left` inputs, and terms (table of the first part, of the second), joined by "or", "and" or "xor"."""

    joined: str
    left: int
    terms: tuple[tuple[int, int], ...]


class Divisions:
    """Smallest formulas by division over one set of gates; what was found for the parts is remembered.

    A table of n inputs is the number whose binary digits are its outputs, the first point most significant.
    """

    def __init__(self, all_gates: bool) -> None:
        self.all_gates = all_gates
        self.found: dict[tuple[int, int], tuple[int, Form]] = {}

    def formula(self, table: int, names: tuple[int, ...]) -> Expression:
        """The formula of a table whose inputs, in order, are those of these indices; negations may stand at gates."""
        inputs = len(names)
        full = _full(inputs)
        if table in (0, full):
            return Constant(table > 0)
        if table > full // 2:  # the same as its negation, which is 0 at the first point
            return ~self.formula(full ^ table, names)
        if inputs == 1:
            return Input(names[0])
        form = self._best(table, inputs)[1]
        first, rest = names[: form.left], names[form.left :]
        pairs = [(self.formula(one, first), self.formula(two, rest)) for one, two in form.terms]
        if form.joined == "and":
            return all_of([one | two for one, two in pairs])
        terms = [one & two for one, two in pairs]
        return odd_of(terms) if form.joined == "xor" else any_of(terms)

    def _best(self, table: int, inputs: int) -> tuple[int, Form]:
        """The fewest leaves and how they are reached, for a table that is not constant, of 2 or more inputs."""
        table = min(table, _full(inputs) ^ table)
        if (inputs, table) not in self.found:
            forms = (form for left in range(1, inputs) for form in self._forms(table, left, inputs - left))
            sized = ((self._size(form, inputs), form) for form in forms)
            self.found[inputs, table] = min(sized, key=operator.itemgetter(0))
        return self.found[inputs, table]

    def _leaves(self, table: int, inputs: int) -> int:
        if table in (0, _full(inputs)):
            return 0
        return 1 if inputs == 1 else self._best(table, inputs)[0]

    def _size(self, form: Form, inputs: int) -> int:
        """Leaves of a form; a term with a part that is 0 drops out of an OR and an XOR, one that is 1 out of an AND."""
        rest = inputs - form.left
        out_left, out_rest = (_full(form.left), _full(rest)) if form.joined == "and" else (0, 0)
        return sum(
            self._leaves(one, form.left) + self._leaves(two, rest)
            for one, two in form.terms
            if one != out_left and two != out_rest
        )

    def _forms(self, table: int, left: int, rest: int) -> Iterator[Form]:
        """Every way to write a table after a cut, if it has few residuals there."""
        width, all_left = 2**rest, _full(left)
        classes: dict[int, int] = {}  # residual: the first part's table that says when
        for value in range(2**left):
            residual = (table >> (width * (2**left - 1 - value))) & _full(rest)
            classes[residual] = classes.get(residual, 0) | 1 << (2**left - 1 - value)
        usual = min(2**left, 2**width)  # of a table without structure
        if left > 1 and not len(classes) < min(usual, MOST_RESIDUALS + 1):
            return
        yield Form("or", left, tuple((when, residual) for residual, when in classes.items()))
        yield Form("and", left, tuple((all_left ^ when, residual) for residual, when in classes.items()))
        chain = sorted(classes, key=int.bit_count)
        if all(small & large == small for small, large in itertools.pairwise(chain)):
            above = [sum(classes[other] for other in chain[place:]) for place in range(len(chain) + 1)]
            yield Form("or", left, tuple(zip(above[:-1], chain, strict=True)))
            yield Form("and", left, tuple(zip(above[1:], chain, strict=True)))
        for base in classes if self.all_gates else ():
            changes = tuple((when, residual ^ base) for residual, when in classes.items() if residual != base)
            yield Form("xor", left, ((all_left, base), *changes))


def _full(inputs: int) -> int:
    """The table that is 1 everywhere."""
    return (1 << 2**inputs) - 1
