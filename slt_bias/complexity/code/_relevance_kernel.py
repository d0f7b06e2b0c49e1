"""Compiled search for the inputs that truth tables depend on."""

# mypy: allow-untyped-defs
from __future__ import annotations

from slt_bias._compiled import compiled
from slt_bias.complexity import _bits_kernel as bits

jit = compiled(error_model="numpy")


@jit
def relevant_inputs(tables, inputs, out):
    """The inputs of each table that matter, as bits, the last input lowest; int64 (count,) into out."""
    for row in range(len(tables)):
        out[row] = bits.relevant(tables[row], inputs)
