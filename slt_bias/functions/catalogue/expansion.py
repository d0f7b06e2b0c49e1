"""A formula for any table: the smallest one that expands one input after another, the best input in every branch.

With f₀ and f₁ the function at xᵢ = 0 and 1, and d = f₀ ⊕ f₁, a function is one of
    f₀                        where f₀ = f₁,
    f₀ ∨ (xᵢ ∧ f₁)            where f₀ ≤ f₁,
    f₁ ∨ (¬xᵢ ∧ f₀)           where f₁ ≤ f₀,
    (xᵢ ∧ f₁) ∨ (¬xᵢ ∧ f₀)    (Shannon 1949),
    f₀ ⊕ (xᵢ ∧ d), f₁ ⊕ (¬xᵢ ∧ d)    with all gates (Reed 1954, Davio).
All functions that such expansions meet make an array of one axis an input, with the digits 0, 1 (the input is set), d and
* (it is free): 3ⁿ of them over AND and OR, 4ⁿ over all gates. The fewest leaves of each follow from those of its parts,
so the minimum over all orders of expansion is exact; it is an upper bound on the formula size of the function.
"""

from __future__ import annotations

import itertools

import numpy as np

from slt_bias.functions.catalogue.expression import Constant, Expression, Input

MOST_BYTES = 2**27  # of the arrays of one batch of functions
UNREACHABLE = 2**13
Place = tuple[int | slice, ...]


def expansions(tables: np.ndarray, inputs: int, all_gates: bool) -> list[Expression]:
    """One formula for each row of bool (count, 2**inputs), over AND and OR, or all gates; inputs may be negated."""
    digits = 4 if all_gates else 3
    batch = max(1, MOST_BYTES // (6 * digits**inputs))
    formulas: list[Expression] = []
    for start in range(0, len(tables), batch):
        search = _Search(tables[start : start + batch], inputs, all_gates)
        formulas += [search.formula(row) for row in range(len(tables[start : start + batch]))]
    return formulas


class _Search:
    """The sizes of all functions that expansions of some tables meet.

    values : uint8 (count, 2 or 3, …): the outputs where every input is set to 0, 1 or d.
    sizes : int16 (count, 3 or 4, …), digits in the order 0, 1, d, *: leaves of the smallest expansion.
    rises, falls : uint16, bit i: f₀ ≤ f₁, f₁ ≤ f₀ in the free input i.
    """

    def __init__(self, tables: np.ndarray, inputs: int, all_gates: bool) -> None:
        self.inputs, self.all_gates, self.free = inputs, all_gates, 3 if all_gates else 2
        self.values = tables.reshape((-1, *(2,) * inputs)).astype(np.uint8)
        for axis in range(1, inputs + 1) if all_gates else ():
            zero, one = np.split(self.values, 2, axis=axis)
            self.values = np.concatenate([zero, one, zero ^ one], axis=axis)
        shape = (len(tables), *(self.free + 1,) * inputs)
        self.sizes = np.zeros(shape, np.int16)
        self.rises, self.falls = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
        for count in range(1, inputs + 1):
            for chosen in itertools.combinations(range(inputs), count):
                self._solve(chosen)

    def _solve(self, chosen: tuple[int, ...]) -> None:
        """The functions whose free inputs are `chosen`, from those with one free input less."""
        place: list[int | slice] = [slice(None), *(self.free if i in chosen else slice(self.free) for i in range(self.inputs))]

        def at(index: int, digit: int) -> Place:
            return (*place[: index + 1], digit, *place[index + 2 :])

        here, first = tuple(place), chosen[0]
        if len(chosen) == 1:
            zero, one = self.values[at(first, 0)], self.values[at(first, 1)]
            self.rises[here], self.falls[here] = (zero <= one) << first, (zero >= one) << first
        else:
            for flags in (self.rises, self.falls):
                own = flags[at(chosen[1], 0)] & flags[at(chosen[1], 1)] & np.uint16(1 << first)
                flags[here] = flags[at(first, 0)] & flags[at(first, 1)] | own
        self.sizes[here] = UNREACHABLE
        for index in chosen:
            for candidate in self._candidates(index, here, at(index, 0), at(index, 1), at(index, 2)):
                np.minimum(self.sizes[here], candidate, out=self.sizes[here], casting="unsafe")

    def _candidates(self, index: int, here: Place, zero: Place, one: Place, change: Place) -> list[np.ndarray]:
        """Leaves of the forms of the module's list, in that order."""
        rises, falls = (self.rises[here] >> index) & 1 == 1, (self.falls[here] >> index) & 1 == 1
        low, both = self.sizes[zero], self.sizes[zero] + self.sizes[one]
        forms = [
            np.where(rises & falls, low, UNREACHABLE),
            np.where(rises, both + 1, UNREACHABLE),
            np.where(falls, both + 1, UNREACHABLE),
            both + 2,
        ]
        if self.all_gates:
            forms += [low + self.sizes[change] + 1, self.sizes[one] + self.sizes[change] + 1]
        return forms

    def formula(self, row: int) -> Expression:
        """The smallest expansion of one of the tables."""
        return self._formula((row, *(self.free,) * self.inputs))

    def _formula(self, here: tuple[int, ...]) -> Expression:
        chosen = [index for index in range(self.inputs) if here[index + 1] == self.free]
        if not chosen:
            return Constant(bool(self.values[here]))
        for index in chosen:
            zero, one, change = ((*here[: index + 1], digit, *here[index + 2 :]) for digit in range(3))
            sizes = [int(size) for size in self._candidates(index, here, zero, one, change)]
            if min(sizes) == self.sizes[here]:
                break
        x = Input(index)
        match sizes.index(min(sizes)):
            case 0:
                return self._formula(zero)
            case 1:
                return self._formula(zero) | (x & self._formula(one))
            case 2:
                return self._formula(one) | (~x & self._formula(zero))
            case 3:
                return (x & self._formula(one)) | (~x & self._formula(zero))
            case 4:
                return self._formula(zero) ^ (x & self._formula(change))
        return self._formula(one) ^ (~x & self._formula(change))
