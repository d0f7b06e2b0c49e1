"""`transducer`: random finite-state transducers (Mealy 1955), after Dingle, Camargo & Louis 2018.

    s_0 = 0;   y_t = emit[s_{t−1}, x_t],   s_t = next[s_{t−1}, x_t]

In that paper (and in Dingle, Pérez & Louis 2020) one transducer is the map: a random input string gives an output string
of the same length. `machine=K` is that: the machine is fixed, the tape of one bit a point is drawn, and the string
written is the truth table. With `machine=each` (the default) the machine itself is the parameter: it reads the bits
of a point, and the function's value is the last bit written, f(x) = y_n.
"""

from __future__ import annotations

import numpy as np

from slt_bias import streams
from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.discrete import DiscreteMember, bits_of
from slt_bias.maps.options import Option, check_size, integer, spec_text


def machine_number(text: str) -> int | None:
    """`each` is None; else a whole number."""
    return None if text == "each" else integer(text)


class Transducer(DiscreteMember):
    """Machines with `states` states that read and write bits, starting in state 0.

    machine : None ("each" in a spec) for a new machine at every draw; a whole number ≥ 0 for the fixed machine of that
        number, drawn from the same law, which writes the truth table from a random tape.
    Law: next[s, b] is uniform on the states and emit[s, b] a fair bit, all independent; states that cannot be reached
    are not excluded (the authors of 2018 draw machines whose states all can be). With a fixed machine: the bits of the
    tape are fair and independent, one for each point in order. A genotype is next (states × 2), then emit (states × 2);
    or the tape.

    With machine=each P is invariant under negation of the output, and of all inputs at once (it exchanges the columns of
    both tables), not under permutation of inputs; with a fixed machine under nothing.
    Raises InputError for inputs that are no hypercube (machine=each), SpecError for options that do not fit.
    """

    name = "transducer"
    summary = "random finite-state transducers that read the bits in order, or one fixed machine on a random tape"
    options = (
        Option("states", integer, "number of states", "5"),
        Option("machine", machine_number, "each: a new machine a draw; K: the fixed machine number K, on a random tape", "each"),
    )

    def __init__(self, inputs: int | InputSet = 7, states: int = 5, machine: int | None = None) -> None:
        self.inputs = bits_of(self.name, inputs) if machine is None else as_inputs(inputs)
        check_size("states", states, 1, 1024)
        if machine is not None and (isinstance(machine, bool) or not isinstance(machine, int) or machine < 0):
            raise SpecError(f"machine={machine}: give each, or a whole number, 0 or larger.")
        self.states, self.machine = states, machine
        self.spec = spec_text(self.name, self.inputs.spec, {"states": states, "machine": "each" if machine is None else machine})
        self.next = self.emit = np.zeros((states, 2), np.uint16)
        if machine is None:
            self.bounds = np.repeat([states, 2], 2 * states)
            self.law_text = "every transition uniform among the states, every bit written by it fair"
            self.symmetries = frozenset({"negate-all-inputs", "negate-output"})
        else:
            self.next = streams.integers(machine, "transducer", 0, (states, 2), states).astype(np.uint16)
            self.emit = streams.integers(machine, "transducer", 1, (states, 2), 2).astype(np.uint16)
            self.bounds = np.full(self.inputs.count, 2)
            self.law_text = f"the tape that transducer number {machine} reads: fair bits, one a point"

    def words(self, genotypes: np.ndarray) -> np.ndarray:
        """Truth tables of genotypes, uint64 (count, ⌈points/64⌉)."""
        from slt_bias.maps._transducer_kernel import read_points, read_tapes

        out = np.zeros((len(genotypes), -(-self.inputs.count // 64)), np.uint64)
        if self.machine is None:
            read_points(genotypes, self.states, self.inputs.features, out)
        else:
            read_tapes(genotypes, self.next, self.emit, out)
        return out
