"""A documented catalogue of about 150 simple functions of n binary inputs, to compare maps on.

    constant 2 · projection 7 · gate 19 · parity 11 · majority 6 · threshold 10 · symmetric 6 · multiplexer 5 · comparison 7
    palindrome 4 · addition 6 · multiplication 3 · interval 8 · periodic 8 · normal form 12 · loop program 42

are its families and their sizes at n = 7, for which it is made: 156 functions. It works for 3 ≤ n ≤ 10, where it has 61, 116,
134, 148, 156, 161, 168 and 173. A function that comes up twice at some n, or is the negation of an earlier one, stands once,
under the first name; of the constants both are kept.

Each carries a formula over AND, OR and negated inputs and one over all gates of two inputs; their numbers of leaves are upper
bounds on the formula sizes, which nobody knows beyond 4 inputs (at most 4: `slt_bias.complexity.formula` is exact). Functions
best described by a loop carry the program of that loop, its length in bits and its number of rounds, the recurrence:
elementary cellular automata, feedback registers, iterated modular arithmetic, primality, Collatz, Euclid, patterns in the bits.
"""

from __future__ import annotations

from slt_bias.functions.catalogue.collect import reference_functions
from slt_bias.functions.catalogue.reference import Reference

__all__ = ["Reference", "reference_functions"]
