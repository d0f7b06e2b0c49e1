"""Formulas as small immutable trees over the inputs x0, x1, …, written with &, |, ^, ~ and evaluated on all 2ⁿ points.

The size of a formula is its number of leaves, that is, of occurrences of inputs; a constant has none.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


class Expression:
    """A formula. The operators &, |, ^ and ~ make a larger one, and drop constants on the way."""

    def __and__(self, other: Expression) -> Expression:
        if isinstance(self, Constant):
            return other if self.value else self
        return other & self if isinstance(other, Constant) else And(self, other)

    def __or__(self, other: Expression) -> Expression:
        if isinstance(self, Constant):
            return self if self.value else other
        return other | self if isinstance(other, Constant) else Or(self, other)

    def __xor__(self, other: Expression) -> Expression:
        if isinstance(self, Constant):
            return ~other if self.value else other
        return other ^ self if isinstance(other, Constant) else Xor(self, other)

    def __invert__(self) -> Expression:
        if isinstance(self, Constant):
            return Constant(not self.value)
        return self.of if isinstance(self, Not) else Not(self)

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, repr=False)
class Constant(Expression):
    """0 or 1 everywhere."""

    value: bool

    def __str__(self) -> str:
        return str(int(self.value))


@dataclass(frozen=True, repr=False)
class Input(Expression):
    """One of the inputs; the first, 0, is the most significant."""

    index: int

    def __str__(self) -> str:
        return f"x{self.index}"


@dataclass(frozen=True, repr=False)
class Not(Expression):
    """The negation, no gate of its own: it is pushed down to the inputs before sizes are counted."""

    of: Expression

    def __str__(self) -> str:
        return f"~{_inside(self.of)}"


@dataclass(frozen=True, repr=False)
class And(Expression):
    """1 where both are 1."""

    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{_inside(self.left, And)} & {_inside(self.right, And)}"


@dataclass(frozen=True, repr=False)
class Or(Expression):
    """1 where at least one is 1."""

    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{_inside(self.left, Or)} | {_inside(self.right, Or)}"


@dataclass(frozen=True, repr=False)
class Xor(Expression):
    """1 where the two differ."""

    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{_inside(self.left, Xor)} ^ {_inside(self.right, Xor)}"


@dataclass(frozen=True, repr=False)
class If(Expression):
    """A multiplexer: `then` where the condition is 1, `otherwise` where it is 0. `gate_sets.write` makes gates of it."""

    condition: Expression
    then: Expression
    otherwise: Expression

    def __str__(self) -> str:
        return f"({self.condition} ? {self.then} : {self.otherwise})"


def _inside(part: Expression, same: type[Expression] | None = None) -> str:
    """Parentheses around another gate."""
    bare = isinstance(part, Constant | Input | Not | If) or (same is not None and isinstance(part, same))
    return str(part) if bare else f"({part})"


def evaluate(expression: Expression, inputs: int) -> np.ndarray:
    """bool (2**inputs,): the value at every point, in lexicographic order with the first input most significant."""
    match expression:
        case Constant(value):
            return np.full(2**inputs, value)
        case Input(index):
            return (np.arange(2**inputs) >> (inputs - 1 - index)) & 1 == 1
        case Not(of):
            return ~evaluate(of, inputs)
        case And(left, right):
            return evaluate(left, inputs) & evaluate(right, inputs)
        case Or(left, right):
            return evaluate(left, inputs) | evaluate(right, inputs)
        case Xor(left, right):
            return evaluate(left, inputs) ^ evaluate(right, inputs)
        case If(condition, then, otherwise):
            return np.where(evaluate(condition, inputs), evaluate(then, inputs), evaluate(otherwise, inputs))
    raise TypeError(f"{type(expression).__name__} is no kind of expression.")


def parts(expression: Expression) -> tuple[Expression, ...]:
    """The formulas directly below the top gate."""
    match expression:
        case Not(of):
            return (of,)
        case And(left, right) | Or(left, right) | Xor(left, right):
            return left, right
        case If(condition, then, otherwise):
            return condition, then, otherwise
    return ()


def leaves(expression: Expression) -> int:
    """The number of occurrences of inputs; 0 for a constant."""
    return isinstance(expression, Input) + sum(map(leaves, parts(expression)))


def depth(expression: Expression) -> int:
    """The number of gates on the longest path from the output to an input; negations are no gates."""
    gate = not isinstance(expression, Constant | Input | Not)
    return gate + max(map(depth, parts(expression)), default=0)


def all_of(expressions: Sequence[Expression]) -> Expression:
    """The AND of all; 1 where there is none."""
    return functools.reduce(operator.and_, expressions, Constant(True))


def any_of(expressions: Sequence[Expression]) -> Expression:
    """The OR of all; 0 where there is none."""
    return functools.reduce(operator.or_, expressions, Constant(False))


def odd_of(expressions: Sequence[Expression]) -> Expression:
    """The XOR of all as a balanced tree: over AND and OR it has about k² leaves where a chain has 2^k."""
    if len(expressions) < 2:
        return expressions[0] if expressions else Constant(False)
    half = len(expressions) // 2
    return odd_of(expressions[:half]) ^ odd_of(expressions[half:])
