"""A formula rewritten over one of two sets of gates, with negations at the inputs only, where they are free.

AND and OR: L(¬f) = L(f) (De Morgan), a ⊕ b = (a ∧ ¬b) ∨ (¬a ∧ b) takes both parts twice.
All gates of two inputs: ⊕ is one gate, and negations vanish in the gates.
"""

from __future__ import annotations

from slt_bias.functions.catalogue.expression import And, Constant, Expression, If, Input, Not, Or, Xor, leaves, parts


def write(expression: Expression, all_gates: bool, negated: bool = False) -> Expression:
    """The same function (or its negation) over AND, OR and, with `all_gates`, XOR; NOT stands at inputs only.

    A multiplexer takes its condition twice, (c ∧ t) ∨ (¬c ∧ e); over all gates it takes the smallest of its three parts
    twice instead: e ⊕ (c ∧ (t ⊕ e)) = t ⊕ (¬c ∧ (t ⊕ e)).
    """
    match expression:
        case Constant() | Input():
            return ~expression if negated else expression
        case Not(of):
            return write(of, all_gates, not negated)
        case And(left, right) if negated:
            return write(left, all_gates, True) | write(right, all_gates, True)
        case And(left, right):
            return write(left, all_gates) & write(right, all_gates)
        case Or(left, right) if negated:
            return write(left, all_gates, True) & write(right, all_gates, True)
        case Or(left, right):
            return write(left, all_gates) | write(right, all_gates)
        case Xor(left, right) if all_gates:
            return _xor(write(left, True, negated), write(right, True))
        case Xor(left, right):
            return (write(left, False) & write(right, False, not negated)) | (
                write(left, False, True) & write(right, False, negated)
            )
        case If(condition, then, otherwise):
            return _multiplexer(condition, then, otherwise, all_gates, negated)
    raise TypeError(f"{type(expression).__name__} is no kind of expression.")


def leaves_and_or(expression: Expression) -> int:
    """The leaves of `write(expression, False)`, counted without writing it: an XOR in an XOR doubles them every time."""
    below = sum(map(leaves_and_or, parts(expression)))
    if isinstance(expression, If):
        below += leaves_and_or(expression.condition)
    return isinstance(expression, Input) + (2 * below if isinstance(expression, Xor) else below)


def _xor(left: Expression, right: Expression) -> Expression:
    """Constants may have come up below, and their negation goes down to the inputs again."""
    if isinstance(left, Constant):
        return write(right, True, left.value)
    return write(left, True, right.value) if isinstance(right, Constant) else left ^ right


def _multiplexer(
    condition: Expression, then: Expression, otherwise: Expression, all_gates: bool, negated: bool
) -> Expression:
    chosen, rejected = write(condition, all_gates), write(condition, all_gates, True)
    one, zero = write(then, all_gates, negated), write(otherwise, all_gates, negated)
    twice = leaves(chosen)
    if all_gates and leaves(one) < twice and leaves(one) <= leaves(zero):
        return _xor(one, rejected & _xor(one, zero))
    if all_gates and leaves(zero) < twice:
        return _xor(zero, chosen & _xor(one, zero))
    return (chosen & one) | (rejected & zero)
