"""What a catalogued function is: its definition (`Member`) and what a comparison needs of it (`Reference`)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from slt_bias.functions.catalogue.expression import Expression, depth, leaves


@dataclass(frozen=True, eq=False)
class Member:
    """A definition: the outputs computed without any formula, and formulas to choose from.

    values : bool (2**n,), lexicographic points. formulas : none where only the general expansion gives one.
    """

    name: str
    family: str
    description: str
    values: np.ndarray
    formulas: tuple[Expression, ...] = ()
    loop_program: str | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Reference:
    """A simple function with a name, for comparison with other functions and between maps.

    name : unique and short enough for a label. family : such as "gate", "parity", "loop program".
    table : string of 0 and 1, lexicographic points, first input most significant. description : what it computes.
    formula_and_or, formula_all_gates : the catalogue's own formula over AND and OR, and over all gates of two inputs
        (AND, OR, XOR); negated inputs are free in both.
    loop_program : Python text that defines f(x, n), the output at the inputs read as a binary number x, for functions
        best described by a loop; else None. steps : the most rounds of its loop over all x; else None.
    """

    name: str
    family: str
    table: str
    description: str
    formula_and_or: Expression = field(repr=False)
    formula_all_gates: Expression = field(repr=False)
    loop_program: str | None = field(default=None, repr=False)
    steps: int | None = None

    @property
    def leaves_and_or(self) -> int:
        """Leaves of the catalogue's formula over AND, OR and negated inputs: an upper bound on the smallest."""
        return leaves(self.formula_and_or)

    @property
    def leaves_all_gates(self) -> int:
        """Leaves of the catalogue's formula over all two-input gates: an upper bound on the smallest."""
        return leaves(self.formula_all_gates)

    @property
    def depth(self) -> int:
        """Gates on the longest path of `formula_all_gates`, which was chosen for few leaves and not for little depth."""
        return depth(self.formula_all_gates)

    @property
    def loop_bits(self) -> float | None:
        """The loop program's length in bits, compressed: an upper bound on K up to the constant of its interpreter.

        The interpreter knows Python and deflate; see `deflated_bits`. Every such program pays some 200 bits for `def`
        and `return`, so compare these numbers with each other and not with leaves or certified bits.
        """
        return None if self.loop_program is None else deflated_bits(self.loop_program)


def deflated_bits(text: str) -> float:
    """Length in bits of a text after deflate without header: the measure of `slt_bias.maps.programs`."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return 8.0 * len(compressor.compress(text.encode()) + compressor.flush())
