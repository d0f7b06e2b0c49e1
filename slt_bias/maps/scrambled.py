"""`scrambled`: another map, followed by a fixed random bijection of the truth tables.

    P_scrambled(f) = P_inner(σ⁻¹(f))

The same Zipf curve to the bit (it counts the same draws), but the functions that it prefers are arbitrary: a map with as
strong a bias and no bias towards simplicity. σ follows from a short key, so that the description of the whole map is
hardly longer than the inner map's: its true K(M) is small, though no compressor sees any order in what it prefers.

σ is a Feistel network (Luby & Rackoff 1988): the table is cut into two halves, and in each of 12 rounds one half is
xored with a keyed mixture of the other. Every round undoes itself, so σ is a bijection for any number of points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slt_bias import streams
from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet
from slt_bias.functions.tables import Functions
from slt_bias.maps.base import FamilyMember
from slt_bias.maps.options import Option, bracketed, integer

if TYPE_CHECKING:
    from slt_bias.maps.law import Law

ROUNDS = 12
DEFAULT = "mlp"


class Scrambled(FamilyMember):
    """Any map, its truth tables permuted by the key's bijection.

    map : a map, or its spec (in a spec: in brackets, `scrambled:map=[mlp:hidden=40x40,bias=false],key=3`).
    key : a whole number ≥ 0; every key is another bijection.
    inputs : for a spec that names none.

    Law: the inner map's, and the very same draws; P has no symmetry. It can be counted, and nothing else: for the
    probability of one function ask the inner map for P of `unscramble(function)`, which is exactly the same number.
    Raises SpecError or InputError.
    """

    name = "scrambled"
    summary = "another map followed by a fixed random bijection of the truth tables: the same Zipf curve, no simplicity"
    options = (
        Option("map", bracketed, "the other map, in brackets where it has options", DEFAULT),
        Option("key", integer, "chooses the bijection", "0"),
    )
    wraps = True

    def __init__(self, map: FamilyMember | str = DEFAULT, key: int = 0, inputs: int | InputSet | None = None) -> None:
        from slt_bias.functions.inputs import as_inputs
        from slt_bias.maps.registry import parse

        given = None if inputs is None else as_inputs(inputs)
        if isinstance(map, str):
            map = parse(map, given)
        elif given is not None:
            raise SpecError("scrambled: the map has its inputs already; leave out inputs.")
        if isinstance(key, bool) or not isinstance(key, int) or key < 0:
            raise SpecError(f"key={key}: give a whole number, 0 or larger.")
        self.map, self.key = map, key
        self.inputs: InputSet = map.inputs
        self.law: Law | None = map.law
        self.compiled = map.compiled
        self.importable = getattr(map, "importable", True)
        self.slow = getattr(map, "slow", None)
        self.spec = f"{self.name}:map=[{map.spec}],key={key}"
        inner = map.law_text or (", ".join(f"{name}={value}" for name, value in map.law.items) if map.law else "by its own code")
        self.law_text = f"of the inner map: {inner}; then a fixed bijection of the truth tables (key {key})"
        self._keys = streams.integers(key, "scrambled", 0, (ROUNDS, 2)).astype(np.uint64) @ np.array([2**32, 1], np.uint64)

    @property
    def block(self) -> int:
        """The inner map's."""
        return self.map.block

    def draw_functions(self, seed: int, block: int, count: int, device: str = "cpu") -> np.ndarray:
        """The inner map's draws, scrambled; packed: uint8 (count, ⌈points/8⌉)."""
        return self._permuted(self.map.draw_functions(seed, block, count, device), forward=True)

    def scramble(self, functions: Functions) -> Functions:
        """σ of each function."""
        return Functions(self._permuted(functions.packed, forward=True), functions.points)

    def unscramble(self, functions: Functions) -> Functions:
        """σ⁻¹ of each function: `unscramble(scramble(f)) == f`."""
        return Functions(self._permuted(functions.packed, forward=False), functions.points)

    def _permuted(self, packed: np.ndarray, forward: bool) -> np.ndarray:
        from slt_bias.maps._feistel_kernel import rounds

        points = self.inputs.count
        bits = np.unpackbits(packed, axis=1, count=points)
        left, right = _words(bits[:, : points // 2]), _words(bits[:, points // 2 :])
        rounds(left, right, points // 2, points - points // 2, self._keys, forward)
        bits = np.concatenate([_bits(left, points // 2), _bits(right, points - points // 2)], axis=1)
        return np.packbits(bits, axis=1)


def _words(bits: np.ndarray) -> np.ndarray:
    """Bits (count, size) as uint64 (count, ⌈size/64⌉), the last word filled up with zeros."""
    packed = np.packbits(bits, axis=1)
    padded = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(">u8").astype(np.uint64)


def _bits(words: np.ndarray, size: int) -> np.ndarray:
    return np.unpackbits(words.astype(">u8").view(np.uint8), axis=1, count=size) if size else np.empty((len(words), 0), np.uint8)
