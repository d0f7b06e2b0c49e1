"""Context-tree weighting: the code length of the best mixture over all tree sources."""

from __future__ import annotations

import numpy as np

from slt_bias.complexity import _ctw_kernel as kernel
from slt_bias.complexity.estimator import estimator
from slt_bias.complexity.words import first_point_lowest
from slt_bias.functions import Functions

DEPTH = 8


@estimator(f"context-tree weighting of the truth table, depth {DEPTH}: a code length", "bits")
def ctw(functions: Functions) -> np.ndarray:
    """−log₂ P_w(f) of each function, float64 (count,), in bits: the ideal code length of context-tree weighting, depth 8.

    P_w = P_e at depth D, else ½ P_e + ½ P_w(child 0) P_w(child 1), at the root over the whole table; a node's P_e is
    the probability of the bits that followed its context, by the estimator (ones + ½)/(seen + 1) of Krichevsky &
    Trofimov 1981 (Willems, Shtarkov & Tjalkens 1995). The context is the D points before, taken as 0 before the first.
    At 128 points: 4.3 bits for the constant 0, about 130 for a random table. An arithmetic coder makes it whole bits,
    2 more at most (`code`, family `ctw`). No points give 0.
    """
    return lengths(functions)[0]


def lengths(functions: Functions, depth: int = DEPTH) -> tuple[np.ndarray, np.ndarray]:
    """−log₂ P_w, float64 (count,), and the bits of the arithmetic code, int64 (count,), at any depth."""
    ideal, bits = np.empty(len(functions)), np.empty(len(functions), np.int64)
    kernel.code_lengths(first_point_lowest(functions.packed), functions.points, depth, ideal, bits)
    return np.abs(ideal), bits
