"""`circuit`: random Boolean circuits (Shannon 1949 counted them; straight-line programs, Knuth 2011, section 7.1.2).

g_1, …, g_n = the inputs;   g_{n+k} = op_k(g_{a_k}, g_{b_k}),  a_k, b_k < n + k;   f = g_{n+gates}
"""

from __future__ import annotations

import numpy as np

from slt_bias.functions.inputs import InputSet
from slt_bias.maps.discrete import LARGEST_BOUND, DiscreteMember, bits_of, input_words
from slt_bias.maps.options import Option, check_choice, check_size, integer, spec_text, word

AND, OR, NOT_FIRST = 0b1000, 0b1110, 0b0011
BASES = {"and-or-not": (AND, OR, NOT_FIRST), "all16": tuple(range(16))}


class Circuit(DiscreteMember):
    """Circuits of `gates` gates with two inputs each.

    basis : "and-or-not": AND, OR, and NOT of the first input; "all16": every function of two bits, where bit 2a + b of an
        operation's number is its value at (a, b).
    Law: each gate's operation is uniform in the basis, and each of its two inputs uniform among the inputs and all
    earlier gates, independently (the two may be equal); the last gate is the output. A genotype holds (operation, first,
    second) for each gate; sources are numbered with the inputs first.

    P is invariant under permutation of inputs. With all16 it is under negation of inputs and of the output too; with
    and-or-not only under both together, since that exchanges AND and OR (de Morgan).
    Raises InputError for inputs that are no hypercube, SpecError for options that do not fit.
    """

    name = "circuit"
    summary = "random Boolean circuits of so many gates; the last gate is the output"
    options = (
        Option("gates", integer, "number of gates", "16"),
        Option("basis", word, "and-or-not, or all16 functions of two bits", "and-or-not"),
    )

    def __init__(self, inputs: int | InputSet = 7, gates: int = 16, basis: str = "and-or-not") -> None:
        self.inputs = bits_of(self.name, inputs)
        check_size("gates", gates, 1, LARGEST_BOUND - self.inputs.features)
        check_choice("basis", basis, tuple(BASES))
        self.gates, self.basis = gates, basis
        self.spec = spec_text(self.name, self.inputs.spec, {"gates": gates, "basis": basis})
        sources = self.inputs.features + np.arange(gates)
        self.bounds = np.stack([np.full(gates, len(BASES[basis])), sources, sources], axis=1).ravel()
        self._operations = np.array(BASES[basis], np.int64)
        self._inputs = input_words(self.inputs)
        self.law_text = f"every gate uniform in the basis {basis}, its inputs uniform among the inputs and earlier gates"
        both = {"negate-inputs", "negate-output"} if basis == "all16" else set()
        self.symmetries = frozenset({"permute-inputs"} | both)

    def words(self, genotypes: np.ndarray) -> np.ndarray:
        """Truth tables of genotypes, uint64 (count, ⌈points/64⌉)."""
        from slt_bias.maps._circuit_kernel import evaluate

        out = np.empty((len(genotypes), self._inputs.shape[1]), np.uint64)
        evaluate(genotypes, self._operations, self._inputs, out)
        return out
