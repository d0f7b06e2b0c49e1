"""Families whose parameters are independent whole numbers: what trees, circuits, transducers and layered machines share.

A genotype is a row of components; component k is uniform on 0 … bounds[k] − 1, independent of the others. Drawing takes
32 random bits times the bound and keeps the high part (Lemire 2019): probabilities are exact to a relative bound·2⁻³²,
and exact where the bound is a power of two.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import PRIOR, FamilyMember

LARGEST_BOUND = 2**16
MOST_NUMBERS = 2**23  # of a block's genotypes, 16 MB


class DiscreteMember(FamilyMember):
    """Drawing and proposing for a family of whole numbers; subclasses set `bounds` and implement `words`.

    bounds : int64 (components,), each between 1 and 2¹⁶.
    """

    compiled = True
    law = None
    bounds: np.ndarray

    @property
    def components(self) -> int:
        """How many whole numbers make one parameter draw."""
        return len(self.bounds)

    @property
    def block(self) -> int:
        """As for every map, and so few that a block's genotypes take at most 16 MB (or it is 16 draws)."""
        return min(super().block, 2 ** max(4, (MOST_NUMBERS // self.components).bit_length() - 1))

    @abstractmethod
    def words(self, genotypes: np.ndarray) -> np.ndarray:
        """Truth tables of genotypes, uint64 (count, ⌈points/64⌉): the first point is the highest bit of the first word."""

    def draw(self, seed: int, block: int, count: int, purpose: streams.Purpose = PRIOR) -> np.ndarray:
        """The genotypes of the first `count` draws of a block, uint16 (count, components)."""
        from slt_bias.maps._discrete_kernel import draw_rows

        genotypes = np.empty((count, self.components), np.uint16)
        draw_rows(streams.state("integers", seed, [purpose, self.spec], block), self.bounds, genotypes)
        return genotypes

    def propose(self, genotypes: np.ndarray, seed: int, purpose: streams.Purpose, block: int) -> np.ndarray:
        """New genotypes, uint16 (count, components): in each, one component chosen uniformly is drawn anew from its law.

        The proposal is symmetric and leaves the map's law invariant; a component may come out as it was.
        """
        from slt_bias.maps._discrete_kernel import redraw_one

        proposed = np.array(genotypes, np.uint16, order="C")
        redraw_one(streams.state("integers", seed, [purpose, self.spec], block), self.bounds, proposed)
        return proposed

    def functions(self, genotypes: np.ndarray) -> Functions:
        """The functions of given genotypes, (count, components).

        Raises InputError for another shape, or numbers outside 0 … bounds − 1.
        """
        rows = np.asarray(genotypes)
        if rows.ndim != 2 or rows.shape[1] != self.components or rows.dtype.kind not in "iu":
            raise InputError(f"genotypes of `{self.spec}` are whole numbers of shape (count, {self.components}).")
        if ((rows < 0) | (rows >= self.bounds)).any():
            raise InputError(f"genotypes of `{self.spec}`: a component lies outside 0 … its bound − 1 (see `bounds`).")
        return Functions(self._packed(np.ascontiguousarray(rows, np.uint16)), self.inputs.count)

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The functions of the first `count` draws of a block, packed: uint8 (count, ⌈points/8⌉); always on the CPU."""
        return self._packed(self.draw(seed, block, count))

    def _packed(self, genotypes: np.ndarray) -> np.ndarray:
        points = self.inputs.count
        size = -(-points // 8)
        packed = self.words(genotypes).astype(">u8").view(np.uint8)[:, :size].copy()
        packed[:, -1] &= 0xFF << (-points % 8) & 0xFF
        return packed


def bits_of(family: str, inputs: int | InputSet) -> InputSet:
    """A hypercube. Raises InputError for any other input set: a discrete map reads bits."""
    found = as_inputs(inputs)
    if found.kind != "hypercube":
        raise InputError(f"{family} reads bits and cannot take {found!r}: give a number of binary inputs.")
    return found


def input_words(inputs: InputSet) -> np.ndarray:
    """The truth table of each input itself, uint64 (features, ⌈points/64⌉), in the order of `words`."""
    packed = np.packbits((inputs.points > 0).T, axis=1)
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(">u8").astype(np.uint64)
